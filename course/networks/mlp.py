"""A multilayer perceptron: the network for everything two-dimensional."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn


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
        self.squeeze, self.scale = squeeze, scale

    def forward(self, x: Tensor) -> Tensor:
        out = self.layers(self.scale * x)
        return out.squeeze(-1) if self.squeeze else out
