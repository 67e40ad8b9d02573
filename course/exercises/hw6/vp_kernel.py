"""6.2, the kernel of the variance-preserving process: α = exp(−½ ∫β), and σ with all its digits."""

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import vp_range
from course.processes import VP


def vp_kernel(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * (beta_max - beta_min) * t**2)
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


def cases(draw: CaseRng) -> list[Case]:
    """The third case has times so small that 1 − α² is zero in every precision, and −expm1(2 log α) is not."""
    return [
        Case({"t": draw.uniform(5, low=0.05), **vp_range(draw)}),
        Case({"t": draw.uniform(8, low=0.05), **vp_range(draw)}, no_grad=True),
        Case({"t": 1e-18 * draw.uniform(6, low=1, high=9), **vp_range(draw)}, magnitude=1e-12),
    ]


def remark(function) -> str:
    alpha, sigma = (a.item() for a in function(torch.tensor([1.0]), 0.1, 20.0))
    return f"with β from 0.1 to 20, {alpha:.2%} of the data is left at t = 1, beside noise of deviation {sigma:.5f}."


exercise = Exercise(answer=vp_kernel, cases=cases, remark=remark, results=("alpha", "sigma"))


@exercise.right
def of_the_process(t, beta_min, beta_max):
    return VP(beta_min, beta_max).kernel(t)


@exercise.right
def by_hyperbolic_sine(t, beta_min, beta_max):
    half = 0.5 * t * (beta_min + 0.5 * t * (beta_max - beta_min))
    return (-half).exp(), (2 * (-half).exp() * torch.sinh(half)).sqrt()


exercise.right("""0.5 * (beta_max - beta_min) * t**2 → (beta_max - beta_min) * t.square() / 2
                  (-torch.expm1(2 * log_alpha)).sqrt() → torch.sqrt(-torch.expm1(2 * log_alpha))""")
exercise.mistake(
    "-torch.expm1(2 * log_alpha) → 1 - log_alpha.exp() ** 2",
    "near t = 0 the difference 1 − α² of two nearly equal numbers loses its digits, here all of them: compute it as "
    "−torch.expm1(2 log α).",
    credit=0.5,
)
exercise.mistake(
    "-0.5 * (beta_min * t + 0.5 * (beta_max - beta_min) * t**2) → -(beta_min * t + 0.5 * (beta_max - beta_min) * t**2)",
    "the ½ before the integral is missing: α = exp(−½ ∫β).",
)
exercise.mistake(
    "0.5 * (beta_max - beta_min) * t**2 → (beta_max - beta_min) * t**2",
    "the integral of β is β_min t + ½ (β_max − β_min) t²: the ½ of t² is missing.",
)
exercise.mistake(
    "beta_min * t + 0.5 * (beta_max - beta_min) * t**2 → beta_min + t * (beta_max - beta_min)",
    "β itself stands in the exponent: α takes its integral from 0 to t.",
)
exercise.mistake(
    "(-torch.expm1(2 * log_alpha)).sqrt() → -torch.expm1(2 * log_alpha)",
    "that is the variance 1 − α²; return its root, the standard deviation σ.",
)
exercise.mistake(
    "(-torch.expm1(2 * log_alpha)).sqrt() → 1 - log_alpha.exp()",
    "α and σ do not add to one, their squares do: σ = √(1 − α²).",
)
exercise.mistake("log_alpha.exp() → log_alpha.exp() ** 2", "that is α², the share of variance; return α.")
