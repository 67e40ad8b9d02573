"""hw6: noise levels become continuous time: what is left of the data, and how much noise there is."""

import torch
from torch import Tensor

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.processes import VE, VP

# -- ve_kernel ---------------------------------------------------------------------------------------------------------


def _ve_kernel(t: Tensor, sigma_min: float, sigma_max: float) -> tuple[Tensor, Tensor]:
    r"""The variance-exploding process: data stay, noise grows by a constant factor a unit of time.

    .. math:: \alpha(t) = 1, \qquad \sigma(t) = \sigma_{\min} (\sigma_{\max} / \sigma_{\min})^t

    Args:
        t: times, shape (B,).
        sigma_min, sigma_max: the noise at t = 0 and t = 1.

    Returns:
        α and σ, each of shape (B,).

    Source: Song et al. (2021), section 3.4.
    """
    return VE(sigma_min, sigma_max).kernel(t)


def ve_range(draw: Draw, size: float = 1.0) -> dict[str, float]:
    return {"sigma_min": size * draw.number(0.05, 0.4), "sigma_max": size * draw.number(5.0, 9.0)}


def _ve_kernel_cases(draw: Draw) -> list[Case]:
    return [
        Case({"t": draw.uniform(5), **ve_range(draw)}),
        Case({"t": draw.uniform(8), **ve_range(draw)}, no_grad=True),
        Case({"t": 1e-3 * draw.uniform(6), **ve_range(draw, 1e-4)}, magnitude=1e-3),  # nothing is to be clamped
    ]


def _ve_kernel_remark(function) -> str:
    sigma = function(torch.tensor([0.0, 0.5, 1.0]), 0.01, 50.0)[1].tolist()
    return f"from 0.01 to 50, half-way in time σ is {sigma[1]:.2f}: the geometric mean of both ends."


ve_kernel = Exercise("ve_kernel", 4, _ve_kernel, _ve_kernel_cases, remark=_ve_kernel_remark, results=("alpha", "sigma"))


@ve_kernel.misconception("σ grows by equal amounts: let it grow by equal factors, σ_min (σ_max/σ_min)^t.")
def grows_linearly(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min + t * (sigma_max - sigma_min)


@ve_kernel.misconception("that is the variance; return the standard deviation σ.")
def variance_of_ve(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min**2 * (sigma_max / sigma_min) ** (2 * t)


@ve_kernel.misconception("time runs the other way: t = 0 is data, with σ_min, and t = 1 is noise, with σ_max.")
def ve_from_noise_to_data(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_max * (sigma_min / sigma_max) ** t


@ve_kernel.misconception("the data do not shrink in this process: α = 1 at every time.")
def data_shrink(t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return 1 / (1 + sigma**2).sqrt(), sigma


@ve_kernel.misconception(
    "that is the noise added since t = 0; σ(t) is all the noise at time t, with the σ_min that is there at t = 0."
)
def noise_since_the_start(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * ((sigma_max / sigma_min) ** (2 * t) - 1).sqrt()


@ve_kernel.misconception("the results are in the wrong order: return α first, then σ.")
def ve_kernel_swapped(t, sigma_min, sigma_max):
    return sigma_min * (sigma_max / sigma_min) ** t, torch.ones_like(t)


# -- vp_kernel ---------------------------------------------------------------------------------------------------------


def _vp_kernel(t: Tensor, beta_min: float, beta_max: float) -> tuple[Tensor, Tensor]:
    r"""The variance-preserving process: data shrink at the rate that noise comes in.

    .. math:: \alpha(t) = \exp\Bigl(-\tfrac12 \int_0^t \beta\Bigr), \qquad \sigma(t) = \sqrt{1 - \alpha(t)^2}, \qquad
       \beta(t) = \beta_{\min} + t (\beta_{\max} - \beta_{\min})

    Args:
        t: times, shape (B,).
        beta_min, beta_max: the rate at t = 0 and t = 1.

    Returns:
        α and σ, each of shape (B,); σ keeps its digits near t = 0.

    Source: Song et al. (2021), section 3.4.
    """
    return VP(beta_min, beta_max).kernel(t)


def vp_range(draw: Draw, size: float = 1.0) -> dict[str, float]:
    return {"beta_min": size * draw.number(0.1, 0.8), "beta_max": size * draw.number(3.0, 7.0)}


def _vp_kernel_cases(draw: Draw) -> list[Case]:
    """The third case has times so small that 1 − α² is zero in every precision, and −expm1(2 log α) is not."""
    return [
        Case({"t": draw.uniform(5, low=0.05), **vp_range(draw)}),
        Case({"t": draw.uniform(8, low=0.05), **vp_range(draw)}, no_grad=True),
        Case({"t": 1e-18 * draw.uniform(6, low=1, high=9), **vp_range(draw)}, magnitude=1e-12),
    ]


def _vp_kernel_remark(function) -> str:
    alpha, sigma = (a.item() for a in function(torch.tensor([1.0]), 0.1, 20.0))
    return f"with β from 0.1 to 20, {alpha:.2%} of the data is left at t = 1, beside noise of deviation {sigma:.5f}."


vp_kernel = Exercise("vp_kernel", 6, _vp_kernel, _vp_kernel_cases, remark=_vp_kernel_remark, results=("alpha", "sigma"))


def log_alpha(t, beta_min, beta_max):
    return -0.5 * (beta_min * t + 0.5 * (beta_max - beta_min) * t**2)


def preserving(log_alpha):
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@vp_kernel.misconception(
    "near t = 0 the difference 1 − α² of two nearly equal numbers loses its digits, here all of them: compute it as "
    "−torch.expm1(2 log α).",
    credit=0.5,
)
def digits_lost(t, beta_min, beta_max):
    alpha = torch.exp(-0.5 * (beta_min * t + 0.5 * (beta_max - beta_min) * t**2))
    return alpha, (1 - alpha**2).sqrt()


@vp_kernel.misconception("the ½ before the integral is missing: α = exp(−½ ∫β).")
def half_before_integral_missing(t, beta_min, beta_max):
    return preserving(2 * log_alpha(t, beta_min, beta_max))


@vp_kernel.misconception("the integral of β is β_min t + ½ (β_max − β_min) t²: the ½ of t² is missing.")
def half_of_square_missing(t, beta_min, beta_max):
    return preserving(-0.5 * (beta_min * t + (beta_max - beta_min) * t**2))


@vp_kernel.misconception("β itself stands in the exponent: α takes its integral from 0 to t.")
def not_integrated(t, beta_min, beta_max):
    return preserving(-0.5 * (beta_min + t * (beta_max - beta_min)))


@vp_kernel.misconception("that is the variance 1 − α²; return its root, the standard deviation σ.")
def variance_of_vp(t, beta_min, beta_max):
    alpha, sigma = preserving(log_alpha(t, beta_min, beta_max))
    return alpha, sigma**2


@vp_kernel.misconception("α and σ do not add to one, their squares do: σ = √(1 − α²).")
def shares_add_to_one(t, beta_min, beta_max):
    alpha, _ = preserving(log_alpha(t, beta_min, beta_max))
    return alpha, 1 - alpha


@vp_kernel.misconception("that is α², the share of variance; return α.")
def alpha_squared(t, beta_min, beta_max):
    alpha, sigma = preserving(log_alpha(t, beta_min, beta_max))
    return alpha**2, sigma
