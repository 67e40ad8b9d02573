"""A multilayer perceptron: the network for everything two-dimensional."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Sequential):
    """Linear layers with a smooth activation between them, (B, d_in) → (B, d_out), or (B,) when ``squeeze`` is set.

    The activation is smooth because scores are derivatives: an energy made of ReLUs has a score that jumps.

    Args:
        d_in: input dimension.
        hidden: width of each hidden layer.
        d_out: output dimension.
        activation: makes the module that follows each hidden layer.
        squeeze: drop the last axis, for an energy; needs d_out = 1.

    Parameters: Σ (fan-in + 1) · fan-out; 2 → 128 → 128 → 1 has 17,025.
    """

    def __init__(
        self,
        d_in: int,
        hidden: Sequence[int],
        d_out: int,
        activation: Callable[[], nn.Module] = nn.SiLU,
        squeeze: bool = False,
    ):
        if squeeze and d_out != 1:
            raise ValueError(f"Only a single output can be squeezed; got d_out = {d_out}.")
        widths = [d_in, *hidden]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), activation()]
        super().__init__(*layers, nn.Linear(widths[-1], d_out))
        self.squeeze = squeeze

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        return out.squeeze(-1) if self.squeeze else out
