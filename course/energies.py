r"""Energy-based models, :math:`p(x) = e^{-E(x)} / Z`: any function of x is a density, up to its normalizing constant.

The gradient of the log-likelihood has an exact first term and a second that needs samples of the model,

.. math:: \nabla_\theta \log p_\theta(x) = -\nabla_\theta E_\theta(x) + E_{x' \sim p_\theta} \nabla_\theta E_\theta(x'),

which contrastive divergence takes from Langevin chains.
"""

import math

import torch
from torch import Tensor

from course.tensors import check_real, check_tensor, expand, gradient, not_empty, positive, returned_one_each
from course.types import Energy


def log_partition(energy: Energy, points: Tensor, cell: float) -> Tensor:
    r"""Log of the normalizing constant by a Riemann sum on a grid.

    .. math:: \log Z = \log \int e^{-E(x)} \mathrm d x \approx \log \sum_i e^{-E(x_i)} \, v

    Args:
        energy: E, (N, D) → (N,).
        points: the grid, shape (N, D).
        cell: v, the volume of the grid's cell.

    Returns:
        A scalar, shape ().

    Raises:
        ValueError: if the volume is not positive.
    """
    not_empty(points=points)
    positive(cell=cell)
    return torch.logsumexp(-returned_one_each(points, energy(points), "energy"), 0) + math.log(cell)


def energy_score(energy: Energy, x: Tensor, differentiable: bool = False) -> Tensor:
    r"""Score of an energy-based model by automatic differentiation; Z has no part in it.

    .. math:: \nabla \log p(x) = -\nabla E(x)

    Works under ``no_grad`` and ``inference_mode``, and leaves the parameters' gradients alone.

    Args:
        energy: E, (B, *D) → (B,), each example's energy a function of that example alone.
        x: shape (B, *D).
        differentiable: keep the graph, so that losses and traces of this score can be differentiated in turn.

    Returns:
        Shape (B, *D), without a graph unless it was asked for; a derivative by x then raises a ValueError.

    Raises:
        ValueError: if the energy is not one number per example, or returns no graph that leads to x.
    """
    check_real(x=x)
    total = lambda x: returned_one_each(x, energy(x), "energy").sum()
    return -gradient(total, x, "energy", differentiable, "energy_score")


def contrastive_divergence(energy: Energy, data: Tensor, negatives: Tensor, penalty: float = 0.0) -> Tensor:
    r"""A loss whose gradient is that of the negative log-likelihood, with the model's samples given.

    .. math:: \overline{E(x^+)} - \overline{E(x^-)} + \lambda \bigl(\overline{E(x^+)^2} + \overline{E(x^-)^2}\bigr)

    The penalty keeps energies near zero: the first two terms do not change when a constant is added to E.

    Args:
        energy: E, (B, *D) → (B,), with parameters to train.
        data: x⁺, shape (B, *D).
        negatives: x⁻, samples of the model, shape (M, *D); no gradient reaches them.
        penalty: λ ≥ 0.

    Returns:
        A scalar, shape ().

    Raises:
        ValueError: if the penalty is negative, or data and negatives differ in D.

    Source: Hinton (2002); the penalty is Du and Mordatch's (2019).
    """
    if not penalty >= 0:
        raise ValueError(f"The penalty is zero or more; got {penalty}.")
    not_empty(data=data, negatives=negatives)
    if data.shape[1:] != negatives.shape[1:]:
        raise ValueError(
            f"Expected negatives like data, (M, *D); got {tuple(negatives.shape)} for {tuple(data.shape)}."
        )
    low, high = (returned_one_each(x, energy(x.detach()), "energy") for x in (data, negatives))
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


def start_negatives(buffer: Tensor, index: Tensor, fresh: Tensor, restart: Tensor) -> Tensor:
    """Where the chains of this training step start: where they stopped last time, or afresh.

    Args:
        buffer: the persistent chains, shape (N, *D); not changed.
        index: which of them continue, shape (B,), int64.
        fresh: new starting points, shape (B, *D).
        restart: which chains start afresh, shape (B,), bool.

    Returns:
        Shape (B, *D), memory of its own.

    Raises:
        ValueError: if index, fresh and restart are not for the same chains, or fresh and the buffer's chains differ.

    Source: Tieleman (2008); restarts are Du and Mordatch's (2019).
    """
    check_tensor(buffer=buffer, index=index, fresh=fresh, restart=restart)
    if index.dtype in (torch.bool, torch.uint8) or index.is_floating_point():
        raise TypeError(f"Expected index to hold whole numbers, int64, and no mask; got {index.dtype}.")
    if restart.dtype is not torch.bool:
        raise TypeError(f"Expected restart to hold True or False; got {restart.dtype}.")
    if not (index.shape == restart.shape == fresh.shape[:1] and fresh.shape[1:] == buffer.shape[1:]):
        raise ValueError(
            f"Expected index (B,), fresh (B, *D) and restart (B,) for a buffer (N, *D) of shape {tuple(buffer.shape)}; "
            f"got {tuple(index.shape)}, {tuple(fresh.shape)} and {tuple(restart.shape)}."
        )
    return torch.where(expand(restart, fresh), fresh, buffer[index])
