r"""Noise processes: data turn into noise as time goes from 0 to 1, and everything follows from two functions.

.. math:: x_t = \alpha(t) \, x_0 + \sigma(t) \, z
   \qquad\Longleftrightarrow\qquad
   \mathrm d x = f(t) \, x \, \mathrm d t + g(t) \, \mathrm d w,
   \quad f = \frac{\alpha'}{\alpha}, \quad g^2 = (\sigma^2)' - 2 f \sigma^2

A process is α and σ with their rates, written in closed form. Every coefficient takes a Python float and returns one,
at no cost beside a network, or takes shape (B,) and returns shape (B,).

Source: Song et al. (2021), and Karras et al. (2022) for the view from α and σ.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from course.tensors import check_real, evaluate, everywhere, expand, randn_like, shaped_as
from course.types import Field, Score, Time

T = TypeVar("T", float, Tensor, Time)


def _exp(a: T) -> T:
    return a.exp() if isinstance(a, Tensor) else math.exp(a)


def _check_time(t: Time, end: float, last: float = math.inf) -> None:
    """Raise a ValueError unless 0 ≤ t ≤ last. Tensors on a GPU are trusted: to look would be to wait."""
    if isinstance(t, Tensor):
        if not everywhere((t >= 0) & (t <= last)):
            raise ValueError(f"Time goes from 0 to {end:g}; got times from {t.min():g} to {t.max():g}.")
    elif not 0 <= t <= last:
        raise ValueError(f"Time goes from 0 to {end:g}; at {t:g} there is no noise level.")


def reverse_drift(x: Tensor, t: Time, drift: Field, diffusion: Callable[[Time], Time], score: Score) -> Tensor:
    r"""Drift of the time-reversed diffusion, whose diffusion is the same.

    .. math:: \bar f(x, t) = f(x, t) - g(t)^2 \, \nabla_x \log p_t(x)

    Args:
        x: states, shape (B, \*D).
        t: time, a float or shape (B,).
        drift: f(x, t).
        diffusion: g(t), which answers a float with a float and (B,) with (B,).
        score: ∇ log p_t.

    Returns:
        Shape (B, \*D).

    Source: Anderson (1982); Song et al. (2021), eq. 6.
    """
    check_real(x=x)
    f, s = evaluate("drift", drift, x, t), evaluate("score", score, x, t)
    return f - expand(diffusion(t) ** 2, x) * s


def probability_flow(x: Tensor, t: Time, drift: Field, diffusion: Callable[[Time], Time], score: Score) -> Tensor:
    r"""Right-hand side of the probability-flow ODE, whose solutions have the law of the SDE at every time.

    .. math:: f(x, t) - \tfrac12 g(t)^2 \, \nabla_x \log p_t(x)

    Shapes are those of ``reverse_drift``.

    Source: Song et al. (2021), eq. 13.
    """
    check_real(x=x)
    f, s = evaluate("drift", drift, x, t), evaluate("score", score, x, t)
    return f - expand(0.5 * diffusion(t) ** 2, x) * s


class Process(ABC):
    """α(t), σ(t) and their rates, which a subclass gives, and what follows from them.

    Attributes:
        end: the largest time, where the data have (almost) gone.
    """

    end: float = 1.0

    @abstractmethod
    def alpha(self, t: T) -> T:
        """α(t), what is left of the data."""

    @abstractmethod
    def sigma(self, t: T) -> T:
        """σ(t), the standard deviation of the noise."""

    @abstractmethod
    def decay(self, t: T) -> T:
        """f(t) = α′/α."""

    @abstractmethod
    def variance_rate(self, t: T) -> T:
        """(σ²)′."""

    def kernel(self, t: T) -> tuple[T, T]:
        """α(t) and σ(t)."""
        return self.alpha(t), self.sigma(t)

    def rates(self, t: T) -> tuple[T, T]:
        """α′(t) = f α and σ′(t) = (σ²)′ / 2σ, by which the velocity of one path is α′x₀ + σ′z."""
        if not everywhere((sigma := self.sigma(t)) > 0):
            raise ValueError("Noise has no finite rate where there is none; ask at a later time.")
        return self.decay(t) * self.alpha(t), self.variance_rate(t) / (2 * sigma)

    def diffusion(self, t: T) -> T:
        """g(t) = √((σ²)′ − 2 f σ²)."""
        squared = self.variance_rate(t) - 2 * self.decay(t) * self.sigma(t) ** 2
        if not isinstance(squared, Tensor) and squared < 0:
            raise ValueError(f"Time goes from 0 to {self.end:g}; at {t:g} there is no diffusion.")
        return squared**0.5

    def drift(self, x: Tensor, t: Time) -> Tensor:
        """f(t) x; x (B, *D), t a float or (B,) → (B, *D)."""
        check_real(x=x)
        return expand(self.decay(t), x) * x

    def perturb(self, x0: Tensor, t: Time, noise: Tensor) -> Tensor:
        """α(t) x₀ + σ(t) z; x₀ and z (B, *D), t a float or (B,) → (B, *D)."""
        shaped_as(x0, noise=noise)
        return expand(self.alpha(t), x0) * x0 + expand(self.sigma(t), x0) * noise

    def prior(self, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Where sampling starts: N(0, σ(end)² I) with the shape, dtype and device of a tensor."""
        check_real(like=like)
        return self.sigma(self.end) * randn_like(like, generator)

    def reverse(self, score: Score) -> Field:
        """Drift of the process run backwards, with the same diffusion: ``reverse_drift`` as a Field."""
        return lambda x, t: reverse_drift(x, t, self.drift, self.diffusion, score)

    def flow(self, score: Score) -> Field:
        """The ODE whose solutions have the same law at every time: ``probability_flow`` as a Field."""
        return lambda x, t: probability_flow(x, t, self.drift, self.diffusion, score)


class VE(Process):
    """Variance exploding: α = 1, σ = σ_min (σ_max/σ_min)^t."""

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 50.0):
        if not 0 < sigma_min < sigma_max < math.inf:
            raise ValueError(f"Noise grows from sigma_min > 0 to sigma_max; got {sigma_min} and {sigma_max}.")
        self.sigma_min, self.sigma_max = sigma_min, sigma_max
        self._rate = math.log(sigma_max / sigma_min)

    def alpha(self, t: T) -> T:
        return 0 * t + 1

    def sigma(self, t: T) -> T:
        _check_time(t, self.end)
        return self.sigma_min * _exp(self._rate * t)

    def decay(self, t: T) -> T:
        return 0 * t

    def variance_rate(self, t: T) -> T:
        return 2 * self._rate * self.sigma(t) ** 2


class VP(Process):
    """Variance preserving: α = exp(−½ ∫β), σ² = 1 − α², with β(t) = β_min + t (β_max − β_min)."""

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0):
        if not 0 < beta_min <= beta_max < math.inf:
            raise ValueError(f"Noise comes at rates from beta_min > 0 to beta_max; got {beta_min} and {beta_max}.")
        self.beta_min, self.beta_max = beta_min, beta_max

    def beta(self, t: T) -> T:
        """β(t), the rate at which noise comes in."""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def _log_alpha(self, t: T) -> T:
        return -0.25 * t**2 * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min

    def alpha(self, t: T) -> T:
        return _exp(self._log_alpha(t))

    def time_at(self, alpha: T) -> T:
        """The time t at which α(t) = α, for α in (0, 1]: the root of a quadratic, written to keep its digits near 0."""
        if not isinstance(alpha, Tensor) and not 0 < alpha <= 1:
            raise ValueError(f"What is left of the data, alpha, is above 0 and at most 1; got {alpha}.")
        rate, slope = 0.5 * self.beta_min, 0.25 * (self.beta_max - self.beta_min)
        c = -(alpha.log() if isinstance(alpha, Tensor) else math.log(alpha))
        return 2 * c / (rate + (rate**2 + 4 * slope * c) ** 0.5)

    def sigma(self, t: T) -> T:
        twice = 2 * self._log_alpha(t)  # expm1 keeps the digits of 1 − α² near t = 0
        _check_time(t, self.end)
        return (-torch.expm1(twice)).sqrt() if isinstance(twice, Tensor) else math.sqrt(-math.expm1(twice))

    def decay(self, t: T) -> T:
        return -0.5 * self.beta(t)

    def variance_rate(self, t: T) -> T:
        return self.beta(t) * self.alpha(t) ** 2


class SubVP(VP):
    """Less noise than VP at every time: α as in VP, σ = 1 − α²."""

    def sigma(self, t: T) -> T:
        return super().sigma(t) ** 2

    def variance_rate(self, t: T) -> T:
        return 2 * self.sigma(t) * self.beta(t) * self.alpha(t) ** 2


class EDM(Process):
    """Time is the noise itself: α = 1, σ = t, from 0 to σ_max (Karras et al., 2022)."""

    def __init__(self, sigma_max: float = 80.0):
        if not 0 < sigma_max < math.inf:
            raise ValueError(f"sigma_max is positive and finite; got {sigma_max}.")
        self.end = sigma_max

    def rates(self, t: T) -> tuple[T, T]:
        return 0 * t, 0 * t + 1

    def alpha(self, t: T) -> T:
        return 0 * t + 1

    def sigma(self, t: T) -> T:
        _check_time(t, self.end)
        return t

    def decay(self, t: T) -> T:
        return 0 * t

    def variance_rate(self, t: T) -> T:
        return 2 * t


class Straight(Process):
    """The straight path of flow matching: α = 1 − t, σ = t (Lipman et al., 2023).

    Its SDE has no end: f and g grow without bound as t → 1, so sampling starts a little before.
    """

    end = 0.999

    def rates(self, t: T) -> tuple[T, T]:
        return 0 * t - 1, 0 * t + 1

    def alpha(self, t: T) -> T:
        return 1 - t

    def sigma(self, t: T) -> T:
        _check_time(t, 1.0, last=1.0)
        return t

    def decay(self, t: T) -> T:
        if not isinstance(t, Tensor) and t == 1:
            raise ValueError(f"The straight path's drift has no value at t = 1; start at {self.end}.")
        return -1 / (1 - t)

    def variance_rate(self, t: T) -> T:
        return 2 * t
