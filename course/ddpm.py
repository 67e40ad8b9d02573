r"""DDPM's chain: noise comes in n discrete steps, and a network that predicts it walks them back.

.. math:: x_i = \sqrt{1 - \beta_i} \, x_{i-1} + \sqrt{\beta_i} \, z, \qquad
   \bar\alpha_i = \prod_{j \le i} (1 - \beta_j), \qquad x_i = \sqrt{\bar\alpha_i} \, x_0 + \sqrt{1 - \bar\alpha_i} \, z

It is VP in discrete time: with β_i = β(i/n)/n and n large, α(t)² → ᾱ. For any n, ``VP.time_at`` finds the time at which
VP has mixed data and noise exactly as step i has, so that one network serves the chain and the SDE.

Source: Ho, Jain and Abbeel (2020).
"""

import torch
from torch import Tensor

from course.tensors import check_real, evaluate, expand, randn_like, shaped_as, whole
from course.types import Field, Step


def ddpm_schedule(beta_min: float = 1e-4, beta_max: float = 0.02, n: int = 1000) -> tuple[Tensor, Tensor]:
    r"""β_0 … β_{n−1}, equally spaced with both ends included, and ᾱ_i = ∏_{j≤i} (1 − β_j); shapes (n,) and (n,).

    Raises:
        ValueError: if β is not between 0 and 1, or n < 1.
    """
    if not (0 < beta_min <= beta_max < 1 and whole("n", n) >= 1):
        raise ValueError(f"0 < beta_min <= beta_max < 1 and n >= 1 are needed; got {beta_min}, {beta_max} and {n}.")
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, (1 - betas).cumprod(0)


def ddpm_perturb(x0: Tensor, alpha_bar: Tensor, noise: Tensor) -> Tensor:
    r"""√ᾱ x₀ + √(1 − ᾱ) z, all steps of the chain at once; x₀ and z (B, \*D), ᾱ (B,) → (B, \*D)."""
    check_real(x0=x0, alpha_bar=alpha_bar)
    shaped_as(x0, noise=noise)
    return expand(alpha_bar.sqrt(), x0) * x0 + expand((1 - alpha_bar).sqrt(), x0) * noise


def ddpm_step(x: Tensor, eps: Tensor, betas: Tensor, i: int, noise: Tensor) -> Tensor:
    r"""The ancestral step from x_i to x_{i−1}, with the variance of the exact posterior; none at i = 0.

    .. math:: x_{i-1} = \frac{1}{\sqrt{1 - \beta_i}}
       \Bigl(x_i - \frac{\beta_i}{\sqrt{1 - \bar\alpha_i}} \hat\varepsilon\Bigr) + \sqrt{\tilde\beta_i} \, z,
       \qquad \tilde\beta_i = \beta_i \frac{1 - \bar\alpha_{i-1}}{1 - \bar\alpha_i}

    Args:
        x: x_i, shape (B, \*D).
        eps: ε̂(x_i, i), the predicted noise, shape (B, \*D).
        betas: shape (n,).
        i: the index of x, from n − 1 to 0.
        noise: z ~ N(0, I), of x's shape.

    Returns:
        Shape (B, \*D).

    Raises:
        ValueError: if there is no such index, or a β is not between 0 and 1.

    Source: Ho et al. (2020), algorithm 2 and eq. 7.
    """
    check_real(x=x, betas=betas)
    shaped_as(x, eps=eps, noise=noise)
    if not 0 <= whole("i", i, -len(betas)) < len(betas):
        raise ValueError(f"The chain's indices go from 0 to {len(betas) - 1}; got {i}.")
    left = _noise_left(betas)
    return _step_back(x, eps, betas[i].item(), left[i + 1], left[i], noise)


def ancestral(noise: Field, betas: Tensor, generator: torch.Generator | None = None) -> Step:
    r"""``ddpm_step`` with fresh noise, as a Step: ``walk(ancestral(noise, betas), x, range(n, -1, -1))``.

    Time counts how often noise has come in: n at the start, 0 for data. The state at time i is x_{i−1} of the chain.

    Args:
        noise: ε̂(x, i), told the chain's index i, from n − 1 to 0.
        betas: shape (n,).
        generator: draws z.

    Raises:
        ValueError: if a β is not between 0 and 1; by the Step, if it is to go anywhere but one back from a time that
            the chain has.
    """
    left = _noise_left(betas)
    rates = betas.tolist()

    def step(x: Tensor, t: float, s: float) -> Tensor:
        if s != t - 1 or t not in range(1, len(rates) + 1):
            raise ValueError(f"The chain goes from {len(rates)} to 0, one step at a time; got {t:g} to {s:g}.")
        i = int(s)
        check_real(x=x)
        predicted = evaluate("noise", noise, x, i)
        return _step_back(x, predicted, rates[i], left[i + 1], left[i], randn_like(x, generator))

    return step


def _noise_left(betas: Tensor) -> list[float]:
    """1 − ᾱ after no step, one, ..., n; a ValueError if a β is not between 0 and 1."""
    check_real(betas=betas)
    if betas.ndim != 1 or not ((betas > 0) & (betas < 1)).all():
        raise ValueError(f"Expected betas between 0 and 1, shape (n,); got {betas.flatten()[:5].tolist()} …")
    return [0.0, *(1 - (1 - betas.cpu().double()).cumprod(0)).tolist()]


def _step_back(x: Tensor, eps: Tensor, beta: float, left: float, before: float, noise: Tensor) -> Tensor:
    mean = (x - beta / left**0.5 * eps) / (1 - beta) ** 0.5
    return mean + (beta * before / left) ** 0.5 * noise
