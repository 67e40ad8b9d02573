r"""Steps that remember: the linear part of the flow is solved exactly, and what a network predicts is extrapolated.

In :math:`\lambda = \log(\alpha / \sigma)`, the probability flow is linear in x but for one term. With the denoiser,

.. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \sigma_s \int_{\lambda_t}^{\lambda_s} \hat x_0(\lambda) \,
   e^\lambda \, \mathrm d\lambda

so one evaluation of the network a step is enough for any order. A Step of this module is for one walk at a time; a step
that does not go on where the last one ended, or turns back, starts anew, with order 1, and so does one to zero noise. A
step from a time to itself does nothing.
"""

import math
from collections import deque
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from course.processes import Process
from course.sampling.diffusion import amounts
from course.tensors import check_real, evaluate, whole
from course.types import Score, Step


def dpm_solver(process: Process, score: Score) -> Step:
    r"""DPM-Solver++(2M): the exact solution where x̂₀ is a straight line in λ = log(α/σ); order 2, one call a step.

    .. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \alpha_s (1 - e^{-h}) \, \bigl(\hat x_0 + \tfrac{h}{2 h'}
       (\hat x_0 - \hat x_0')\bigr), \qquad h = \lambda_s - \lambda_t

    x̂₀′ and h′ are those of the step before, which this Step remembers: it is for one walk at a time. A step that does
    not go on where the last one ended, the first of a walk above all, one that turns back, and one to zero noise, are
    of first order. A step from a time to itself does nothing.

    Source: Lu et al. (2022), algorithm 2.
    """
    ended: float | None = None
    before, alpha_before, h_before = torch.empty(0), 1.0, 0.0

    def step(x: Tensor, t: float, s: float) -> Tensor:
        nonlocal ended, before, alpha_before, h_before
        check_real(x=x)
        alpha, sigma, alpha_s, sigma_s = amounts(process.kernel, t, s)
        if t == s:
            return x
        clean = torch.add(x, evaluate("score", score, x, t), alpha=sigma**2)  # α x̂₀: scalars are cheaper than tensors
        h = math.log(alpha_s * sigma / (sigma_s * alpha)) if sigma_s else math.inf
        goes_on = t == ended and before.shape == x.shape and sigma_s > 0 and h * h_before > 0
        gain, slope = -alpha_s * math.expm1(-h), 0.5 * h / h_before if goes_on else 0.0
        x = (sigma_s / sigma * x).add_(clean, alpha=gain * (1 + slope) / alpha)
        if goes_on:
            x.add_(before, alpha=-gain * slope / alpha_before)
        ended, before, alpha_before, h_before = s, clean, alpha, h
        return x

    return step


class Prediction(NamedTuple):
    r"""A quantity q by which the flow is :math:`x_s / c_s = x_t / c_t + \int q \, w(\lambda) \, \mathrm d\lambda`."""

    scale: Callable[[float, float], float]
    """(α, σ) ↦ c"""
    weight: Callable[[float], float]
    """λ ↦ w"""
    mix: Callable[[float, float], tuple[float, float]]
    """(α, σ) ↦ (a, b), where q = a x + b s(x, t)"""


CLEAN_PREDICTION = Prediction(lambda a, s: s, math.exp, lambda a, s: (1 / a, s * s / a))
NOISE_PREDICTION = Prediction(lambda a, s: a, lambda l: -math.exp(-l), lambda a, s: (0.0, -s))
VELOCITY_PREDICTION = Prediction(
    lambda a, s: a + s, lambda l: -0.25 / math.cosh(l / 2) ** 2, lambda a, s: (-1 / a, -s - s * s / a)
)


def adams(
    process: Process, score: Score, order: int = 3, corrected: bool = True, prediction: Prediction = VELOCITY_PREDICTION
) -> Step:
    r"""Adams' method for the exponential integral: a prediction q is the polynomial in λ through its last values.

    .. math:: \frac{x_s}{c_s} = \frac{x_t}{c_t} + \sum_i q_i \int_{\lambda_t}^{\lambda_s} \ell_i(\lambda) \,
       w(\lambda) \, \mathrm d\lambda, \qquad
       \begin{array}{l|lll} & q & c & w \\ \hline \text{CLEAN} & \hat x_0 & \sigma & e^\lambda \\
       \text{NOISE} & \hat\varepsilon & \alpha & -e^{-\lambda} \\
       \text{VELOCITY} & \hat\varepsilon - \hat x_0 & \alpha + \sigma & -e^\lambda / (1 + e^\lambda)^2 \end{array}

    with Lagrange's polynomials ℓ_i. Corrected, every evaluation is used twice: it also repeats the step that led to it,
    now interpolating instead of extrapolating, which gains an order and costs no evaluation: what the repetition
    changes is a sum of the same q_i, so that the whole step is one linear combination. With few evaluations,
    extrapolate less: near ten of them order 2 of the noise, uncorrected, is better than all the others, and Euler's
    ``ddim`` better than a high order.

    Args:
        process: gives α and σ.
        score: s(x, t).
        order: how many evaluations are extrapolated from; 1, uncorrected, is DDIM whatever the prediction.
        corrected: repeat each step with what it found.
        prediction: what is extrapolated: ``CLEAN_PREDICTION``, ``NOISE_PREDICTION`` or ``VELOCITY_PREDICTION``.

    Returns:
        A Step. Its first steps have few evaluations to go on, so that the end point converges with order 2, and 3 when
        corrected, whatever the order; what higher orders gain on the way there is shown by `python -m benchmarks ring`.

    Raises:
        ValueError: if the order is less than 1 or more than 8: polynomials of higher degree extrapolate noise.

    Source: Zhang and Chen (2023), Zhao et al. (2023), and Xue et al. (2023) without noise.
    """
    if whole("order", order, 1) > 8:
        raise ValueError(f"Expected an order from 1 to 8; got {order}.")
    if not isinstance(prediction, Prediction):
        raise TypeError(f"Expected a Prediction, such as CLEAN_PREDICTION; got {prediction!r}.")
    began, ended = math.nan, math.nan
    known: deque[tuple[float, Tensor]] = deque(maxlen=order + corrected)  # (λ, q), the latest first

    def step(x: Tensor, t: float, s: float) -> Tensor:
        nonlocal began, ended
        check_real(x=x)
        alpha, sigma, alpha_s, sigma_s = amounts(process.kernel, t, s)
        if t == s:
            return x
        if t != ended or (s > t) != (ended > began) or known[0][1].shape != x.shape:
            known.clear()
        here = evaluate("score", score, x, t)
        if sigma_s == 0:
            return torch.add(x, here, alpha=sigma**2) * (alpha_s / alpha)
        of_x, of_score = prediction.mix(alpha, sigma)
        known.appendleft((math.log(alpha / sigma), torch.add(of_score * here, x, alpha=of_x)))
        scale, scale_s = prediction.scale(alpha, sigma), prediction.scale(alpha_s, sigma_s)
        nodes = tuple(at for at, _ in known)
        weights = _weights(nodes, math.log(alpha_s / sigma_s), order, corrected, prediction)
        x = scale_s / scale * x
        for weight, (_, value) in zip(weights, known):
            x.add_(value, alpha=scale_s * weight)
        began, ended = t, s
        return x

    return step


@lru_cache(4096)
def _weights(
    nodes: tuple[float, ...], end: float, order: int, corrected: bool, prediction: Prediction
) -> tuple[float, ...]:
    """Of the predictions at the nodes, the latest first, in a step from there to the end."""
    integrals = _integrals(nodes[:order], nodes[0], end, prediction)
    if corrected and len(nodes) > 1:  # add what the last step is with the latest prediction, less what it was without
        again = _integrals(nodes, nodes[1], nodes[0], prediction)
        was = (0.0, *_integrals(nodes[1:], nodes[1], nodes[0], prediction))
        integrals = tuple(i + a - w for i, a, w in zip_longest(integrals, again, was, fillvalue=0.0))
    return integrals


def _integrals(nodes: tuple[float, ...], a: float, b: float, prediction: Prediction) -> tuple[float, ...]:
    """∫ₐᵇ ℓ_i(λ) w(λ) dλ for Lagrange's polynomials on the nodes, by Gauss's quadrature."""
    points, shares = _quadrature(16)
    at = [a + (b - a) * u for u in points]
    kernel = [(b - a) * share * prediction.weight(q) for share, q in zip(shares, at)]
    basis = [
        [math.prod((q - other) / (node - other) for other in nodes if other != node) for q in at] for node in nodes
    ]
    return tuple(math.fsum(k * value for k, value in zip(kernel, values)) for values in basis)


@cache
def _quadrature(n: int) -> tuple[list[float], list[float]]:
    """Points and weights of Gauss and Legendre on [0, 1]."""
    from numpy.polynomial.legendre import leggauss

    points, weights = leggauss(n)
    return (0.5 + 0.5 * points).tolist(), (0.5 * weights).tolist()
