r"""One model, four faces: a score, a prediction of the noise, a denoiser, and a velocity say the same thing.

With :math:`x_t = \alpha x_0 + \sigma z`, the posterior means of what was mixed are affine in the score (Tweedie),

.. math:: \hat x_0 = \frac{x + \sigma^2 s}{\alpha}, \qquad \hat\varepsilon = -\sigma s, \qquad
   \hat v = f x - \tfrac12 g^2 s = \alpha' \hat x_0 + \sigma' \hat\varepsilon

and a network may learn whichever it learns best. The velocity is the probability flow, ``process.flow(score)``.
Every function takes a callable of (x, t) and returns one; x (B, \*D), t a float or (B,), the result (B, \*D). The
callable must not modify x; one that does, or returns another shape, raises a ValueError, and so does a division by no
noise where the times are on the CPU.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course.processes import Process
from course.tensors import check_real, evaluate, everywhere, expand, per_example, positive, returned_as
from course.types import Field, Score, Time


def score_from_noise(noise: Field, process: Process) -> Score:
    r"""s = −ε̂ / σ (Ho et al., 2020); σ(t) > 0."""

    def score(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        return -evaluate("noise", noise, x, t) / expand(_not_zero(process.sigma(t)), x)

    return score


def score_from_denoiser(denoiser: Field, process: Process) -> Score:
    r"""s = (α x̂₀ − x) / σ², Tweedie's formula read backwards; σ(t) > 0."""

    def score(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        alpha, sigma = process.kernel(t)
        return (expand(alpha, x) * evaluate("denoiser", denoiser, x, t) - x) / expand(_not_zero(sigma) ** 2, x)

    return score


def score_from_velocity(velocity: Field, process: Process) -> Score:
    r"""s = 2 (f x − v̂) / g² (Lipman et al., 2023); g(t) > 0."""

    def score(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        difference = process.drift(x, t) - evaluate("velocity", velocity, x, t)
        return difference / expand(0.5 * _not_zero(process.diffusion(t)) ** 2, x)

    return score


def noise_from_score(score: Score, process: Process) -> Field:
    r"""ε̂ = −σ s, the posterior mean of the noise."""

    def noise(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        return -expand(process.sigma(t), x) * evaluate("score", score, x, t)

    return noise


def denoiser_from_score(score: Score, process: Process) -> Field:
    r"""x̂₀ = (x + σ² s) / α, the posterior mean of the data, by Tweedie's formula."""

    def denoiser(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        alpha, sigma = process.kernel(t)
        return (x + expand(sigma**2, x) * evaluate("score", score, x, t)) / expand(alpha, x)

    return denoiser


def _not_zero(amount: Time) -> Time:
    if not everywhere(amount > 0):
        raise ValueError("A score divides by the noise, and there is none at this time; ask at a later one.")
    return amount


class Preconditioned(nn.Module):
    r"""A denoiser around a network whose inputs and targets have unit variance at every noise level.

    .. math:: D(x, \sigma) = c_\text{skip} x + c_\text{out} F(c_\text{in} x, c_\text{noise}),
    .. math:: c_\text{skip} = \frac{\sigma_d^2}{\sigma^2 + \sigma_d^2}, \quad
       c_\text{out} = \frac{\sigma \sigma_d}{\sqrt{\sigma^2 + \sigma_d^2}}, \quad
       c_\text{in} = \frac{1}{\sqrt{\sigma^2 + \sigma_d^2}}, \quad c_\text{noise} = \tfrac14 \log \sigma

    Args:
        network: F(x, t, labels), or F(x, t, \*given) of whatever is given, such as a caption's tokens and their mask.
        sigma_data: σ_d, the standard deviation of the data.

    Shape: x (B, \*D), σ > 0 a float or (B,), labels (B,) or None → (B, \*D), an estimate of x₀ where x = x₀ + σz.

    Source: Karras et al. (2022), table 1 and section 5.
    """

    def __init__(self, network: Callable[..., Tensor], sigma_data: float = 0.5):
        super().__init__()
        positive(sigma_data=sigma_data)
        self.network, self.sigma_data = network, sigma_data

    def forward(self, x: Tensor, sigma: Time, labels: Tensor | None = None, *more: Tensor) -> Tensor:
        level = _noise_level(sigma, x)
        given = () if labels is None else (labels, *more)
        norm = (level**2 + self.sigma_data**2).sqrt()
        skip, out = self.sigma_data**2 / norm**2, level * self.sigma_data / norm
        answer = returned_as(x, self.network(x / expand(norm, x), 0.25 * level.log(), *given), "network")
        return torch.addcmul(expand(skip, x) * x, expand(out, x), answer)


class NoiseConditionalScore(nn.Module):
    r"""A score at every noise level around one network: s(x, σ) = F(x / √(1 + σ²), ¼ log σ) / σ.

    Args:
        network: F(x, t), whose inputs and targets have a variance of about one at every σ.

    Shape: x (B, \*D), σ > 0 a float or (B,) → (B, \*D).

    Source: Song and Ermon (2020), technique 3.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, sigma: Time) -> Tensor:
        level = _noise_level(sigma, x)
        answer = self.network(x / expand((1 + level**2).sqrt(), x), 0.25 * level.log())
        return returned_as(x, answer, "network") / expand(level, x)


def _noise_level(sigma: Time, x: Tensor) -> Tensor:
    if not everywhere(sigma > 0) or (not isinstance(sigma, Tensor) and math.isinf(sigma)):
        least = sigma.min().item() if isinstance(sigma, Tensor) else sigma
        raise ValueError(f"A noise level is positive and finite; got {least}.")
    return per_example(sigma, x)
