"""6.4, drift and diffusion of the variance-preserving process: f = −½ β x and g = √β."""

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import sde_cases, vp_range
from course.processes import VP
from course.tensors import expand


def vp_sde(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, beta.sqrt()


def cases(draw: CaseRng) -> list[Case]:
    return sde_cases(draw, vp_range)


def remark(function) -> str:
    f, g = (a.item() for a in function(torch.tensor([[1.0]]), torch.tensor([0.5]), 0.1, 20.0))
    return (
        f"at x = 1, t = ½: f = {f:.3f}, g² = {g**2:.3f}. A variance of 1 stays 1: 2 f + g² = {abs(2 * f + g**2):.0f}."
    )


exercise = Exercise(answer=vp_sde, cases=cases, remark=remark, results=("drift", "diffusion"))


@exercise.right
def of_the_process(x, t, beta_min, beta_max):
    process = VP(beta_min, beta_max)
    return process.drift(x, t), process.diffusion(t)


@exercise.right
def from_the_diffusion(x, t, beta_min, beta_max):
    g = torch.sqrt(torch.lerp(torch.full_like(t, beta_min), torch.full_like(t, beta_max), t))
    return torch.einsum("b,b...->b...", -0.5 * g * g, x), g


exercise.right("""beta_min + t * (beta_max - beta_min) → (1 - t) * beta_min + t * beta_max
                  -0.5 * expand(beta, x) * x → -x * expand(beta, x) / 2""")
exercise.mistake(
    "-0.5 * expand(beta, x) * x → -beta.reshape(-1, *[1] * (x.ndim - 1)) * x",
    "the drift's ½ is missing: f = −½ β x, or the variance does not stay one.",
)
exercise.mistake("beta.sqrt() → beta", "that is g² = β; the diffusion is its root, g = √β.")
exercise.mistake("-0.5 → 0.5", "the drift points away from zero: data shrink, f = −½ β x.")
exercise.mistake("beta_max - beta_min → beta_max", "β reaches β_max at t = 1: β(t) = β_min + t (β_max − β_min).")
exercise.mistake(
    "beta.sqrt() → (-torch.expm1(-beta_min * t - 0.5 * (beta_max - beta_min) * t**2)).sqrt()",
    "g is not the noise σ that is there but the rate √β at which it comes in.",
)
exercise.mistake(
    "expand(beta, x) → beta",
    "-0.5 * expand(beta, x) * x → -0.5 * x * beta",
    "expand(beta, x) → beta[:, None]",
    "β has one value per example, shape (B,), and x has further axes: give β trailing axes, expand(beta, x).",
)
