r"""Likelihood along the probability flow: what the flow does to volume is the divergence of its field.

.. math:: \log p_0(x_0) = \log p_T(x_T) + \int_0^T \nabla \cdot v(x_t, t) \, \mathrm dt

Source: Chen et al. (2018); Song et al. (2021), eq. 39.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor

from course.matching import hutchinson_trace, value_and_trace
from course.tensors import check_real, positive, returned_one_each, whole
from course.types import Field, LogDensity


def divergence(field: Field, x: Tensor, t: float, probe: Tensor) -> Tensor:
    r"""Hutchinson's estimate of ∇·v, vᵀ(∂field/∂x)v, with one backward pass; its mean over probes is exact.

    Args:
        field: (x, t) → (B, \*D), example by example.
        x: shape (B, \*D).
        t: a float or (B,), handed on.
        probe: v with E[vvᵀ] = I, shape (B, \*D).

    Returns:
        Shape (B,).
    """
    return hutchinson_trace(lambda x: field(x, t), x, probe)


def log_likelihood(
    x: Tensor, field: Field, times: Iterable[float], prior_log_prob: LogDensity, probe: Tensor | None = None
) -> Tensor:
    r"""log p(x) in nats, by Heun's method for the state and for the integral of the divergence.

    Args:
        x: data, shape (B, \*D).
        field: the probability flow, ``process.flow(score)``; evaluated, and its divergence with it, twice a step; three
            times more in the first step, to hold its derivatives against its differences (``value_and_trace``).
        times: ascending, from data to noise.
        prior_log_prob: log density at the last time, (B, \*D) → (B,).
        probe: shape (B, \*D); with it the divergence is Hutchinson's estimate, unbiased and D times cheaper, the same
            probe all along. Exact where None.

    Returns:
        Shape (B,), without a graph.

    Raises:
        ValueError: if the times do not ascend, a shape does not fit, or the field returns no graph that leads to x, or
            one that tells only a part of how it depends on x.
    """
    times = [float(t) for t in times]
    check_real(x=x)
    if len(times) < 2 or not all(t < s for t, s in pairwise(times)):
        raise ValueError(f"Times ascend from data to noise, two or more; got {times[:3]} … {times[-1:]}.")

    def at(x: Tensor, t: float, checked: bool = False) -> tuple[Tensor, Tensor]:
        return value_and_trace(lambda x: field(x, t), x, probe, differentiable=False, checked=checked)

    gained = x.new_zeros(len(x))
    with torch.no_grad():
        for t, s in pairwise(times):
            here, spread = at(x, t)
            there, spread_there = at(x + (s - t) * here, s, checked=s == times[1])
            gained = gained + (s - t) / 2 * (spread + spread_there)
            x = x + (s - t) / 2 * (here + there)
        return returned_one_each(x, prior_log_prob(x), "prior_log_prob") + gained


def bits_per_dimension(log_prob: Tensor, d: int, bin_width: float = 2 / 255) -> Tensor:
    r"""−(log p(x) / D + log width) / log 2: the bits that a code needs for a dimension cut into bins.

    Args:
        log_prob: in nats, shape (B,).
        d: D.
        bin_width: of a pixel's value; 2/255 for 256 grey values in [−1, 1].

    Returns:
        Shape (B,).

    Source: Theis, van den Oord and Bethge (2016).
    """
    whole("d", d, 1)
    positive(bin_width=bin_width)
    check_real(log_prob=log_prob)
    return -(log_prob / d + torch.tensor(bin_width).log().to(log_prob)) / torch.tensor(2.0).log().to(log_prob)
