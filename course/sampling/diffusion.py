r"""Steps that know the process, and mix the two estimates that a score gives,

.. math:: \hat x_0 = \frac{x + \sigma_t^2 \, s(x, t)}{\alpha_t}, \qquad \hat\varepsilon = -\sigma_t \, s(x, t),

at new amounts. Sampling walks from large times to small ones, s < t.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course.processes import Process
from course.tensors import check_number, check_real, evaluate, randn_like, returned_as
from course.types import Score, Step


def ddim_step(x: Tensor, t: float, s: float, score: Score, kernel: Callable[[float], tuple[float, float]]) -> Tensor:
    r"""DDIM without noise: keep both estimates, change the noise level.

    .. math:: x_s = \alpha_s \hat x_0 + \sigma_s \hat\varepsilon

    Args:
        x: x_t, shape (B, \*D).
        t, s: from and to, floats, with σ_t > 0.
        score: s(x, t).
        kernel: t ↦ (α, σ), such as ``process.kernel``.

    Source: Song, Meng and Ermon (2021), eq. 13, for any α and σ.
    """
    return _ddim_step(x, t, s, score, kernel, 0.0, None)


def ddim(process: Process, score: Score, eta: float = 0.0, generator: torch.Generator | None = None) -> Step:
    r"""DDIM: keep the two estimates, change the noise level; deterministic at η = 0, DDPM's ancestral step at η = 1.

    .. math:: x_s = \alpha_s \hat x_0 + \sqrt{\sigma_s^2 - \tau^2} \, \hat\varepsilon + \tau z,
       \qquad \tau^2 = \eta^2 \sigma_s^2 \Bigl(1 - \frac{\alpha_t^2 \sigma_s^2}{\alpha_s^2 \sigma_t^2}\Bigr)

    Source: Song, Meng and Ermon (2021), eq. 12 and 16, for any α and σ.
    """
    check_number(eta=eta)
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is between 0 (no noise) and 1 (the ancestral step); got {eta}.")

    return lambda x, t, s: _ddim_step(x, t, s, score, process.kernel, eta, generator)


def _ddim_step(
    x: Tensor,
    t: float,
    s: float,
    score: Score,
    kernel: Callable[[float], tuple[float, float]],
    eta: float,
    generator: torch.Generator | None,
) -> Tensor:
    check_real(x=x)
    alpha, sigma, alpha_s, sigma_s = amounts(kernel, t, s)
    fresh = eta * sigma_s * max(0.0, 1 - (alpha * sigma_s / (alpha_s * sigma)) ** 2) ** 0.5
    kept = (sigma_s**2 - fresh**2) ** 0.5
    # α_s x̂₀ + κ ε̂ with x̂₀ = (x + σ² s) / α and ε̂ = −σ s, gathered by x and s: scalars are cheaper than tensors
    of_x = alpha_s / alpha
    of_score = of_x * sigma**2 - kept * sigma
    x = (of_x * x).add_(evaluate("score", score, x, t), alpha=of_score)
    return x + fresh * randn_like(x, generator) if fresh else x


def amounts(kernel: Callable[[float], tuple[float, float]], t: float, s: float) -> tuple[float, float, float, float]:
    """α and σ at t, and at s, if a step can be taken from one to the other.

    Raises:
        ValueError: if there is no noise at t to estimate, or nothing left of the data at t or s.
        TypeError: if t or s is not a number.
    """
    if not (t.__class__ is s.__class__ is float):
        check_number(t=t, s=s)
    (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    if not (sigma > 0 and alpha > 0 and alpha_s > 0):
        raise ValueError(
            f"A step from t to s needs σ(t), α(t) and α(s) above 0; at t = {t:g} and s = {s:g} they are "
            f"{sigma:.3g}, {alpha:.3g} and {alpha_s:.3g}."
        )
    return alpha, sigma, alpha_s, sigma_s


def edm_step(
    score: Score,
    churn: float = 0.0,
    noise_scale: float = 1.0,
    generator: torch.Generator | None = None,
    between: tuple[float, float] = (0.0, math.inf),
) -> Step:
    r"""Karras et al.'s stochastic sampler, where time is the noise (``EDM``): add noise, then take a Heun step down.

    .. math:: \hat t = (1 + \gamma) \, t, \qquad \hat x = x + S \sqrt{\hat t^2 - t^2} \, z, \qquad
       x_s = \mathrm{Heun}(\hat x, \hat t, s) \text{ along } \mathrm d x / \mathrm d t = -t \, s(x, t)

    Args:
        score: s(x, σ).
        churn: γ ≥ 0, at most √2 − 1 in the paper, which takes S_churn over the number of steps.
        noise_scale: S, slightly above one to make up for what a network's denoiser removes too much.
        generator: draws z.
        between: the noise levels, S_tmin and S_tmax, at which noise is added; elsewhere γ = 0.

    Returns:
        A Step; to σ = 0 it is Euler's, onto the estimate of x₀.

    Raises:
        ValueError: if γ is negative or infinite.

    Source: Karras et al. (2022), algorithm 2.
    """
    check_number(churn=churn, noise_scale=noise_scale)
    if not 0 <= churn < math.inf:
        raise ValueError(f"churn adds noise, so it is zero or positive, and finite; got {churn}.")

    def step(x: Tensor, t: float, s: float) -> Tensor:
        check_real(x=x)
        check_number(t=t, s=s)
        gamma = churn if between[0] <= t <= between[1] else 0.0
        t_hat = t + gamma * t
        x_hat = x + noise_scale * (t_hat**2 - t**2) ** 0.5 * randn_like(x, generator) if gamma else x
        d = -t_hat * evaluate("score", score, x_hat, t_hat)  # (x̂ − D(x̂, t̂)) / t̂
        x_next = x_hat + (s - t_hat) * d
        if s == 0:
            return x_next
        d_next = -s * returned_as(x, score(x_next, s), "score")
        return x_hat + (s - t_hat) / 2 * (d + d_next)

    return step
