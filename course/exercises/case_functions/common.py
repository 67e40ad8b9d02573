"""Energies, log-densities and scores that several assignments hand over.

Each works example by example on x of shape (B, *D) and is an ``nn.Module``, so that its parameters can be found and
differentiated. Parameters carry a gradient already, as they do in the middle of training: to add to it, or to wipe
it, is a mistake.
"""

import torch
from torch import Tensor, nn


class GivenModule(nn.Module):
    def __init__(self, **tensors: Tensor):
        super().__init__()
        for name, value in tensors.items():
            parameter = nn.Parameter(value)
            parameter.grad = torch.full_like(value, 0.5)
            self.register_parameter(name, parameter)


class QuadraticEnergy(GivenModule):
    """E(x) = ½ (x − centre)ᵀ precision (x − centre) + offset; precision (d, d) with d the number of entries of x."""

    centre: Tensor
    precision: Tensor
    offset: Tensor

    def forward(self, x: Tensor) -> Tensor:
        r = x.flatten(1) - self.centre
        return 0.5 * ((r @ self.precision) * r).sum(1) + self.offset


class NetworkEnergy(GivenModule):
    """E(x) = offset + ½ ‖x‖² + tanh(x win + bias) wout, a small network."""

    win: Tensor
    bias: Tensor
    wout: Tensor
    offset: Tensor

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return self.offset + 0.5 * flat.square().sum(1) + torch.tanh(flat @ self.win + self.bias) @ self.wout


class Minus(GivenModule):
    """log p = −E for an energy above, up to a constant."""

    def __init__(self, energy: GivenModule):
        super().__init__()
        self.energy = energy

    def forward(self, x: Tensor) -> Tensor:
        return -self.energy(x)


def quadratic_log_prob(**tensors: Tensor) -> nn.Module:
    """log p up to a constant of a Gaussian."""
    return Minus(QuadraticEnergy(**tensors))


def count_passes(result: Tensor, again: Tensor) -> Tensor:
    """Add to ``again`` each time that a backward pass goes through a result for a second, third, … time.

    Many gradients in one pass, as in ``torch.func.jacrev``, are as many passes.
    """
    passes, axes = 0, _batch_axes(result)

    def count(gradient: Tensor) -> None:
        nonlocal passes
        passes += 1 if _batch_axes(gradient) == axes else 2
        if passes > 1:
            with torch.no_grad():
                again.add_(1)

    if result.requires_grad:
        result.register_hook(count)
    return result


def _batch_axes(t: Tensor) -> int:
    """How many axes ``vmap`` hides."""
    functorch, axes = torch._C._functorch, 0
    while functorch.is_functorch_wrapped_tensor(t):
        axes += functorch.is_batchedtensor(t)
        t = functorch.get_unwrapped(t)
    return axes


class LinearScore(GivenModule):
    """The score of a Gaussian, precision (centre − x)."""

    centre: Tensor
    precision: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return ((self.centre - x.flatten(1)) @ self.precision).reshape(x.shape)


class NetworkScore(GivenModule):
    """−x + tanh(x win + bias) wout: not the gradient of anything, as a learned score."""

    win: Tensor
    bias: Tensor
    wout: Tensor

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return (torch.tanh(flat @ self.win + self.bias) @ self.wout - flat).reshape(x.shape)
