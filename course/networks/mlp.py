"""A multilayer perceptron: the network for everything two-dimensional."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course.tensors import check_real, check_takes, per_example, whole
from course.types import Time


class MLP(nn.Module):
    """Linear layers with a smooth activation between them, (B, d_in) → (B, d_out), or (B,) when ``squeeze`` is set.

    The activation is smooth because scores are derivatives: an energy made of ReLUs has a score that jumps.

    Args:
        d_in: input dimension.
        hidden: width of each hidden layer.
        d_out: output dimension.
        activation: makes the module that follows each hidden layer.
        squeeze: drop the last axis, for an energy; needs d_out = 1.
        scale: multiplies the inputs; above one, the network starts with finer features and learns sharp modes sooner.

    Raises:
        ValueError: if more than one output is to be squeezed.

    Parameters: Σ (fan-in + 1) · fan-out; 2 → 128 → 128 → 1 has 17,025.
    """

    def __init__(
        self,
        d_in: int,
        hidden: Sequence[int],
        d_out: int,
        activation: Callable[[], nn.Module] = nn.SiLU,
        squeeze: bool = False,
        scale: float = 1.0,
    ):
        super().__init__()
        if squeeze and d_out != 1:
            raise ValueError(f"Only d_out = 1 can be squeezed; got d_out = {d_out}.")
        widths = [d_in, *hidden]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), activation()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], d_out))
        self.d_in, self.squeeze, self.scale = d_in, squeeze, scale

    def forward(self, x: Tensor) -> Tensor:
        check_real(x=x)
        if x.shape[-1] != self.d_in:
            raise ValueError(f"This MLP takes points (B, {self.d_in}); got {tuple(x.shape)}.")
        out = self.layers(self.scale * x)
        return out.squeeze(-1) if self.squeeze else out


class FourierMLP(nn.Module):
    r"""A perceptron of a point and a time, both seen as themselves and as random waves.

    .. math:: x \mapsto \mathrm{MLP}\bigl(x, \cos 2\pi W x, \sin 2\pi W x, \; \text{the same of } t\bigr),
       \qquad W_{ij} \sim \mathcal N(0, \text{scale}^2) \text{ and fixed}

    Args:
        d: dimension of the points and of the result.
        hidden: width of each hidden layer.
        waves: how many random frequencies, for the points and again for the time.
        scale: standard deviation of the frequencies, per unit of x and t.
        seed: of the frequencies.

    Shape: x (B, d), t of order one, a float or (B,) → (B, d). Parameters: those of an
    ``MLP(d + 1 + 4 · waves, hidden, d)``; 149,506 for d = 2, hidden 256, 256, 256, 16 waves.

    Source: Tancik et al. (2020).
    """

    frequencies: Tensor

    def __init__(
        self, d: int, hidden: Sequence[int] = (256, 256, 256), waves: int = 16, scale: float = 0.5, seed: int = 0
    ):
        super().__init__()
        self.d = whole("d", d, 1)
        generator = torch.Generator().manual_seed(seed)
        in_space = scale * torch.randn(d, waves, generator=generator)
        in_time = scale * torch.randn(1, waves, generator=generator)
        self.register_buffer("frequencies", torch.block_diag(in_space, in_time))
        self.layers = MLP(d + 1 + 4 * waves, hidden, d)

    def forward(self, x: Tensor, t: Time) -> Tensor:
        check_takes("This network takes points", x, self.d)
        point = torch.cat([x, per_example(t, x)[:, None]], dim=1)
        angle = 2 * math.pi * point @ self.frequencies
        return self.layers(torch.cat([point, angle.cos(), angle.sin()], dim=1))
