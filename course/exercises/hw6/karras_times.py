"""6.11, noise levels for sampling whose ρ-th roots are equally spaced."""

import torch

from course import sampling
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def karras_times(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n) ** rho


def cases(draw: CaseRng) -> list[Case]:
    """Ranges narrow enough for an error at the small end to show beside the large one, and the paper's own."""

    def case(ratio: float, n: int, rho: float, size: float = 1.0) -> Case:
        least = size * draw.number(0.4, 2.0)
        return Case({"sigma_max": ratio * least, "sigma_min": least, "n": n, "rho": rho}, magnitude=size)

    return [
        case(draw.number(3, 6), 7, draw.number(2.5, 4)),
        case(draw.number(20, 40), 12, 7.0),
        case(draw.number(3, 6), 2, 5.0),
        case(draw.number(3, 6), 9, 3.0, 1e-6),  # nothing can be added to them, and they are not to be clamped
    ]


def remark(function) -> str:
    below = (function(80.0, 0.002, 101, 7.0) < 1).double().mean().item()
    return f"from 80 to 0.002, {below:.0%} of the levels are below 1; equally spaced levels would have 1 % there."


exercise = Exercise(answer=karras_times, cases=cases, remark=remark)
exercise.right(sampling.karras_times)
ROOTS = "torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n)"


@exercise.right
def one_by_one(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return torch.tensor([(a * (n - 1 - i) + b * i) ** rho / (n - 1) ** rho for i in range(n)])


exercise.right(
    f"{ROOTS} → sigma_max ** (1 / rho) + torch.arange(n) / (n - 1) * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))"
)
exercise.mistake(
    f"{ROOTS} → torch.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), n)",
    "the levels ascend: sampling starts with the most noise, so let them descend.",
)
exercise.mistake(
    f"{ROOTS} ** rho → torch.linspace(sigma_max, sigma_min, n)",
    "the levels themselves are equally spaced: their roots σ^(1/ρ) should be.",
)
exercise.mistake(
    f"{ROOTS} ** rho → sigma_max * (sigma_min / sigma_max) ** (torch.arange(n) / (n - 1))",
    "the ratios are equal, as in annealed Langevin: here the roots σ^(1/ρ) are equally spaced.",
)
exercise.mistake(
    f"{ROOTS} ** rho → torch.cat([{ROOTS} ** rho, torch.zeros(1)])",
    "a zero is appended: return n levels, both ends included and nothing more.",
)
exercise.mistake(
    f"{ROOTS} → sigma_max ** (1 / rho) + torch.arange(n) / n * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))",
    "the last level is not σ_min: i/(n − 1) goes from 0 to 1, i/n stops short.",
)
exercise.mistake(f"{ROOTS} ** rho → {ROOTS}", "those are the roots: raise them to the power ρ.")
exercise.mistake(
    f"{ROOTS} ** rho → torch.linspace(sigma_max**rho, sigma_min**rho, n) ** (1 / rho)",
    "the exponents are swapped: first σ^(1/ρ), in the end the power ρ.",
)
