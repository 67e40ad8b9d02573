"""Functions of time that hw7 hands over: a classifier of noisy data, a score, a step, and a noise kernel."""

import math

import torch
from torch import Tensor

from course.exercises.case_functions.common import GivenModule


def _column(t: float | Tensor) -> float | Tensor:
    """A time for each example as a column; a number as it is."""
    return t.reshape(-1, 1) if isinstance(t, Tensor) and t.ndim else t


class Classifier(GivenModule):
    """Logits tanh(x win + bias + t time) wout + offset of shape (B, K), x of shape (B, *D)."""

    win: Tensor
    bias: Tensor
    time: Tensor
    wout: Tensor
    offset: Tensor

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
        hidden = torch.tanh(x.flatten(1) @ self.win + self.bias + _column(t) * self.time)
        return hidden @ self.wout + self.offset


class Field(GivenModule):
    """−x + tanh(x win + bias + t time) wout: a vector at each point and time, as a learned score."""

    win: Tensor
    bias: Tensor
    time: Tensor
    wout: Tensor

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
        flat = x.flatten(1)
        hidden = torch.tanh(flat @ self.win + self.bias + _column(t) * self.time)
        return (hidden @ self.wout - flat).reshape(x.shape)


class Step(GivenModule):
    """x + (s − t) (x/2 + tanh(x win + t bias) wout) + s/3: some step from time t to time s."""

    win: Tensor
    bias: Tensor
    wout: Tensor

    def forward(self, x: Tensor, t: float, s: float) -> Tensor:
        flat = x.flatten(1)
        moved = flat + (s - t) * (flat / 2 + torch.tanh(flat @ self.win + t * self.bias) @ self.wout) + s / 3
        return moved.reshape(x.shape)


class Kernel(GivenModule):
    """α = exp(−decay t) and σ = growth t (1 + t), floats for a float and (B,) for (B,)."""

    decay: Tensor
    growth: Tensor

    def forward(self, t: float | Tensor) -> tuple[float | Tensor, float | Tensor]:
        decay, growth = self.decay.item(), self.growth.item()
        alpha = torch.exp(-decay * t) if isinstance(t, Tensor) else math.exp(-decay * t)
        return alpha, growth * t * (1 + t)
