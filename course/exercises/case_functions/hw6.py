"""Functions of time that hw6 hands over: fields, diffusion coefficients and kernels that change a lot with time.

Time is a Python float, a 0-d tensor, or shape (B,), one per example; ``Diffusion`` and ``Kernel`` answer in kind.
"""

import math

import torch
from torch import Tensor

from course.exercises.case_functions.common import GivenModule, count_passes


class Field(GivenModule):
    """tanh(x win + bias + t rate) wout − (½ + t) x: a drift, a score or a velocity whose Jacobian is not symmetric."""

    win: Tensor
    bias: Tensor
    rate: Tensor
    wout: Tensor

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
        flat, time = x.flatten(1), t[:, None] if isinstance(t, Tensor) and t.ndim else t
        bent = torch.tanh(flat @ self.win + self.bias + time * self.rate) @ self.wout
        return (bent - (0.5 + time) * flat).reshape(x.shape)


class OncePassedField(Field):
    """Counts in ``again`` how often a backward pass went through the same evaluation for a second, third, … time."""

    again: Tensor

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
        return count_passes(super().forward(x, t), self.again)


class Diffusion(GivenModule):
    """g(t) = base exp(rate t)."""

    base: Tensor
    rate: Tensor

    def forward(self, t: float | Tensor) -> float | Tensor:
        if isinstance(t, Tensor):
            return self.base * torch.exp(self.rate * t)
        return self.base.item() * math.exp(self.rate.item() * t)


class Kernel(GivenModule):
    """α(t) = exp(−decay t) and σ(t) = least + growth t: neither variance preserving nor exploding."""

    decay: Tensor
    least: Tensor
    growth: Tensor

    def forward(self, t: float | Tensor) -> tuple[float | Tensor, float | Tensor]:
        if isinstance(t, Tensor):
            return torch.exp(-self.decay * t), self.least + self.growth * t
        return math.exp(-self.decay.item() * t), self.least.item() + self.growth.item() * t
