"""hw6: the stochastic differential equations of the two processes."""

import math

import torch
from torch import Tensor

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw6.kernels import log_alpha, preserving, ve_range, vp_range
from course.processes import VE, VP
from course.tensors import expand

# -- ve_sde ------------------------------------------------------------------------------------------------------------


def _ve_sde(x: Tensor, t: Tensor, sigma_min: float, sigma_max: float) -> tuple[Tensor, Tensor]:
    r"""The stochastic differential equation of the variance-exploding process.

    .. math:: f(x, t) = 0, \qquad g(t) = \sqrt{\frac{\mathrm d \sigma^2}{\mathrm d t}}
       = \sigma(t) \sqrt{2 \log (\sigma_{\max} / \sigma_{\min})}

    Args:
        x: states, shape (B, \*D).
        t: times, shape (B,).
        sigma_min, sigma_max: the noise at t = 0 and t = 1.

    Returns:
        The drift f, shape (B, \*D), and the diffusion g, shape (B,).

    Source: Song et al. (2021), eq. 9 and appendix C.
    """
    process = VE(sigma_min, sigma_max)
    return process.drift(x, t), process.diffusion(t)


def _states(draw: Draw, ranges) -> list[Case]:
    return [
        Case({"x": 2 * draw.normal(5, 3), "t": draw.uniform(5, low=0.05), **ranges(draw)}),
        Case({"x": 2 * draw.normal(7, 2, 4), "t": draw.uniform(7, low=0.05), **ranges(draw)}, no_grad=True),
        # neither a time nor a coefficient is to be clamped
        Case({"x": 2 * draw.normal(6, 4), "t": 1e-3 * draw.uniform(6), **ranges(draw, 1e-4)}, magnitude=1e-3),
    ]


def _ve_sde_remark(function) -> str:
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    grown = torch.trapezoid(function(torch.zeros(2001, 1).double(), t, 0.1, 5.0)[1] ** 2, t).item()
    return f"∫g² from 0 to 1 is {grown:.3f}, what the variance grows by: 5² − 0.1² = {25 - 0.01:.3f}."


ve_sde = Exercise(
    "ve_sde", 5, _ve_sde, lambda draw: _states(draw, ve_range), remark=_ve_sde_remark, results=("drift", "diffusion")
)


def _exploding(x, t, sigma_min, sigma_max, factor):
    return torch.zeros_like(x), factor * sigma_min * (sigma_max / sigma_min) ** t


@ve_sde.misconception("g is not the noise that is there but the rate at which it comes in: g = √(dσ²/dt).")
def sigma_for_g(x, t, sigma_min, sigma_max):
    return torch.zeros_like(x), sigma_min * (sigma_max / sigma_min) ** t


@ve_sde.misconception("that is dσ/dt; variances add up in time, so g² = dσ²/dt.")
def rate_of_sigma(x, t, sigma_min, sigma_max):
    return _exploding(x, t, sigma_min, sigma_max, math.log(sigma_max / sigma_min))


@ve_sde.misconception("the 2 is missing: dσ²/dt = 2 σ² log(σ_max/σ_min).")
def two_missing(x, t, sigma_min, sigma_max):
    return _exploding(x, t, sigma_min, sigma_max, math.log(sigma_max / sigma_min) ** 0.5)


@ve_sde.misconception("that is g²; return its root, g.")
def g_squared_of_ve(x, t, sigma_min, sigma_max):
    drift, g = _exploding(x, t, sigma_min, sigma_max, (2 * math.log(sigma_max / sigma_min)) ** 0.5)
    return drift, g**2


@ve_sde.misconception("this process does not pull data anywhere: α = 1, so the drift is zero.")
def ve_with_drift(x, t, sigma_min, sigma_max):
    g = _exploding(x, t, sigma_min, sigma_max, (2 * math.log(sigma_max / sigma_min)) ** 0.5)[1]
    return -0.5 * expand(g**2, x) * x, g


# -- vp_sde ------------------------------------------------------------------------------------------------------------


def _vp_sde(x: Tensor, t: Tensor, beta_min: float, beta_max: float) -> tuple[Tensor, Tensor]:
    r"""The stochastic differential equation of the variance-preserving process.

    .. math:: f(x, t) = -\tfrac12 \beta(t) \, x, \qquad g(t) = \sqrt{\beta(t)}, \qquad
       \beta(t) = \beta_{\min} + t (\beta_{\max} - \beta_{\min})

    Args:
        x: states, shape (B, \*D).
        t: times, shape (B,).
        beta_min, beta_max: the rate at t = 0 and t = 1.

    Returns:
        The drift f, shape (B, \*D), and the diffusion g, shape (B,).

    Source: Song et al. (2021), eq. 11.
    """
    process = VP(beta_min, beta_max)
    return process.drift(x, t), process.diffusion(t)


def _vp_sde_remark(function) -> str:
    f, g = (a.item() for a in function(torch.tensor([[1.0]]), torch.tensor([0.5]), 0.1, 20.0))
    return (
        f"at x = 1, t = ½: f = {f:.3f}, g² = {g**2:.3f}. A variance of 1 stays 1: 2 f + g² = {abs(2 * f + g**2):.0f}."
    )


vp_sde = Exercise(
    "vp_sde", 6, _vp_sde, lambda draw: _states(draw, vp_range), remark=_vp_sde_remark, results=("drift", "diffusion")
)


@vp_sde.misconception("the drift's ½ is missing: f = −½ β x, or the variance does not stay one.")
def half_in_drift_missing(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -beta.reshape(-1, *[1] * (x.ndim - 1)) * x, beta.sqrt()


@vp_sde.misconception("that is g² = β; the diffusion is its root, g = √β.")
def beta_for_root(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, beta


@vp_sde.misconception("the drift points away from zero: data shrink, f = −½ β x.")
def data_blow_up(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return 0.5 * expand(beta, x) * x, beta.sqrt()


@vp_sde.misconception("β reaches β_max at t = 1: β(t) = β_min + t (β_max − β_min).")
def beta_too_steep(x, t, beta_min, beta_max):
    beta = beta_min + t * beta_max
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@vp_sde.misconception("g is not the noise σ that is there but the rate √β at which it comes in.")
def sigma_for_root_beta(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, preserving(log_alpha(t, beta_min, beta_max))[1]


_NOT_EXPANDED = (
    "β has one value per example, shape (B,), and x has further axes: give β trailing axes, expand(beta, x)."
)


@vp_sde.misconception(_NOT_EXPANDED)
def beta_not_expanded(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * beta * x, beta.sqrt()


@vp_sde.misconception(_NOT_EXPANDED)
def x_times_beta_not_expanded(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * x * beta, beta.sqrt()


@vp_sde.misconception(_NOT_EXPANDED)
def beta_with_one_axis(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * beta[:, None] * x, beta.sqrt()
