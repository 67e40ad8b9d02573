r"""Steps that remember: the linear part of the flow is solved exactly, and x̂₀ extrapolated from earlier evaluations.

In :math:`\lambda = \log(\alpha / \sigma)`, with :math:`h = \lambda_s - \lambda_t`, the probability flow is

.. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \alpha_s \int_{\lambda_t}^{\lambda_s} e^{\lambda - \lambda_s} \,
   \hat x_0(\lambda) \, \mathrm d\lambda

so one evaluation of the network a step is enough for any order. A Step of this module is for one walk at a time; a step
that does not go on where the last one ended starts anew, with order 1, and so does one to zero noise.
"""

import math
from collections import deque
from functools import cache

import torch
from torch import Tensor

from course.processes import Process
from course.types import Score, Step


def dpm_solver(process: Process, score: Score) -> Step:
    r"""DPM-Solver++(2M): the exact solution where x̂₀ is a straight line in λ = log(α/σ); order 2, one call a step.

    .. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \alpha_s (1 - e^{-h}) \, \bigl(\hat x_0 + \tfrac{h}{2 h'}
       (\hat x_0 - \hat x_0')\bigr), \qquad h = \lambda_s - \lambda_t

    x̂₀′ and h′ are those of the step before, which this Step remembers: it is for one walk at a time. A step that does
    not go on where the last one ended, the first of a walk above all, and one to zero noise, are of first order.

    Source: Lu et al. (2022), algorithm 2.
    """
    ended: float | None = None
    before, h_before = torch.empty(0), 0.0

    def step(x: Tensor, t: float, s: float) -> Tensor:
        nonlocal ended, before, h_before
        (alpha, sigma), (alpha_s, sigma_s) = process.kernel(t), process.kernel(s)
        clean = torch.add(x, score(x, t), alpha=sigma**2) / alpha
        h = math.log(alpha_s / sigma_s) - math.log(alpha / sigma) if sigma_s else math.inf
        goes_on = t == ended and before.shape == x.shape and math.isfinite(h)
        guess = torch.lerp(before, clean, 1 + 0.5 * h / h_before) if goes_on else clean
        ended, before, h_before = s, clean, h
        return torch.add(sigma_s / sigma * x, guess, alpha=-alpha_s * math.expm1(-h))

    return step


def adams(process: Process, score: Score, order: int = 3, corrected: bool = True) -> Step:
    r"""Adams' method for the exponential integral: x̂₀ is the polynomial in λ through the last evaluations.

    .. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \alpha_s \sum_i c_i \, \hat x_0^{(i)}, \qquad
       c_i = \int_{\lambda_t}^{\lambda_s} e^{\lambda - \lambda_s} \, \ell_i(\lambda) \, \mathrm d\lambda

    with Lagrange's polynomials ℓ_i. Corrected, every evaluation is used twice: it also repeats the step that led to it,
    now interpolating instead of extrapolating, which gains an order and costs no evaluation. Higher orders need smaller
    steps: below about 16 evaluations Euler's ``ddim`` is better than all of them.

    Args:
        process: gives α and σ.
        score: s(x, t).
        order: how many evaluations are extrapolated from; 1 is DDIM.
        corrected: repeat each step with what it found.

    Returns:
        A Step. Its first steps have few evaluations to go on, so that the end point converges with order 2, and 3 when
        corrected, whatever the order; what higher orders gain on the way there is shown by `python -m benchmarks ring`.

    Raises:
        ValueError: if the order is less than 1.

    Source: Zhang and Chen (2023), Zhao et al. (2023), and Xue et al. (2023) without noise.
    """
    if order < 1:
        raise ValueError(f"The order is 1 or more; got {order}.")
    known: deque[tuple[float, Tensor]] = deque(maxlen=order)  # (λ, x̂₀), the latest first
    ended, start, start_t = math.nan, torch.empty(0), math.nan

    def advance(x: Tensor, t: float, s: float, known: list[tuple[float, Tensor]]) -> Tensor:
        (_, sigma), (alpha_s, sigma_s) = process.kernel(t), process.kernel(s)
        weights = _weights(tuple(where for where, _ in known), _log_snr(process, t), _log_snr(process, s))
        x = sigma_s / sigma * x
        for weight, (_, clean) in zip(weights, known):
            x = torch.add(x, clean, alpha=alpha_s * weight)
        return x

    def step(x: Tensor, t: float, s: float) -> Tensor:
        nonlocal ended, start, start_t
        alpha, sigma = process.kernel(t)
        if t != ended or start.shape != x.shape:
            known.clear()
        clean = torch.add(x, score(x, t), alpha=sigma**2) / alpha
        now = (_log_snr(process, t), clean)
        if process.sigma(s) == 0:
            return process.alpha(s) * clean
        if corrected and known:
            x = advance(start, start_t, t, [now, *known])
        known.appendleft(now)
        ended, start, start_t = s, x, t
        return advance(x, t, s, list(known))

    return step


def _log_snr(process: Process, t: float) -> float:
    alpha, sigma = process.kernel(t)
    return math.log(alpha / sigma)


@cache
def _weights(nodes: tuple[float, ...], a: float, b: float) -> tuple[float, ...]:
    """∫ₐᵇ exp(λ − b) ℓ_i(λ) dλ for Lagrange's polynomials on the nodes, by Gauss's quadrature."""
    points, shares = _quadrature(16)
    at = [a + (b - a) * u for u in points]
    kernel = [(b - a) * share * math.exp(q - b) for share, q in zip(shares, at)]
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
