"""6.3, drift and diffusion of the variance-exploding process: f = 0 and g = √(dσ²/dt)."""

import math

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import sde_cases, ve_range
from course.processes import VE


def ve_sde(x, t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return torch.zeros_like(x), sigma * math.sqrt(2 * math.log(sigma_max / sigma_min))


def cases(draw: CaseRng) -> list[Case]:
    return sde_cases(draw, ve_range)


def remark(function) -> str:
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    grown = torch.trapezoid(function(torch.zeros(2001, 1).double(), t, 0.1, 5.0)[1] ** 2, t).item()
    return f"∫g² from 0 to 1 is {grown:.3f}, what the variance grows by: 5² − 0.1² = {25 - 0.01:.3f}."


exercise = Exercise(answer=ve_sde, cases=cases, remark=remark, results=("drift", "diffusion"))


@exercise.right
def of_the_process(x, t, sigma_min, sigma_max):
    process = VE(sigma_min, sigma_max)
    return process.drift(x, t), process.diffusion(t)


@exercise.right
def logarithms_of_squares(x, t, sigma_min, sigma_max):
    rate = math.log(sigma_max**2 / sigma_min**2)
    return 0 * x, sigma_min * rate**0.5 * torch.exp(rate * t / 2)


exercise.right(
    "sigma * math.sqrt(2 * math.log(sigma_max / sigma_min)) → "
    "(2 * math.log(sigma_max / sigma_min) * sigma.square()).sqrt()"
)
exercise.right(
    "sigma * math.sqrt(2 * math.log(sigma_max / sigma_min)) → "
    "sigma.mul_(math.sqrt(2 * math.log(sigma_max / sigma_min)))",
    "`sigma` is the function's own",
)
exercise.mistake(
    "sigma * math.sqrt(2 * math.log(sigma_max / sigma_min)) → sigma",
    "g is not the noise that is there but the rate at which it comes in: g = √(dσ²/dt).",
)
exercise.mistake(
    "math.sqrt(2 * math.log(sigma_max / sigma_min)) → math.log(sigma_max / sigma_min)",
    "that is dσ/dt; variances add up in time, so g² = dσ²/dt.",
)
exercise.mistake(
    "2 * math.log(sigma_max / sigma_min) → math.log(sigma_max / sigma_min)",
    "the 2 is missing: dσ²/dt = 2 σ² log(σ_max/σ_min).",
)
exercise.mistake(
    "sigma * math.sqrt(2 * math.log(sigma_max / sigma_min)) → sigma**2 * 2 * math.log(sigma_max / sigma_min)",
    "that is g²; return its root, g.",
)
exercise.mistake(
    "torch.zeros_like(x) → -(sigma**2 * math.log(sigma_max / sigma_min)).reshape(-1, *[1] * (x.ndim - 1)) * x",
    "this process does not pull data anywhere: α = 1, so the drift is zero.",
)
