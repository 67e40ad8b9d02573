"""4.6, Langevin's step size at each noise level: base·(σ/σ_min)²."""

import torch

from course import langevin
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def annealed_step_size(sigma, sigma_min, base):
    return base * (sigma / sigma_min) ** 2


def cases(draw: CaseRng) -> list[Case]:
    def case(*shape: int, size: float = 1.0) -> Case:
        least = size * draw.number(0.2, 0.6)
        sigma = least * draw.uniform(*shape, low=1.1, high=4.0)
        arguments = {"sigma": sigma, "sigma_min": least, "base": size * draw.number(0.01, 0.2)}
        return Case(arguments, magnitude=size)

    large = Case(
        {"sigma": draw.uniform(5, low=10.0, high=40.0), "sigma_min": 0.5, "base": draw.number(0.5, 1.0)}, magnitude=1e4
    )
    return [case(5), case(), case(2, 3), case(4, size=1e-4), large]


def remark(function) -> str:
    found = function(torch.tensor([8.0, 4.0, 2.0, 1.0]), 1.0, 0.1).tolist()
    return f"at σ = 8, 4, 2 and 1 with base 0.1: steps of {', '.join(f'{e:g}' for e in found)}."


exercise = Exercise(answer=annealed_step_size, cases=cases, remark=remark)
exercise.right(langevin.annealed_step_size)
exercise.right("base * (sigma / sigma_min) ** 2 → sigma * sigma / sigma_min**2 * base")
exercise.right("base * (sigma / sigma_min) ** 2 → base * torch.pow(sigma, 2) * sigma_min**-2")
exercise.mistake(
    "base * (sigma / sigma_min) ** 2 → (base * (sigma / sigma_min) ** 2).clamp(max=1)",
    "you bound the step, but at a large σ it may be large: what counts is its size beside σ².",
)
exercise.mistake(
    "(sigma / sigma_min) ** 2 → sigma / sigma_min",
    "the step is proportional to σ: it must be to σ², the variance at that level.",
)
exercise.mistake(
    "sigma / sigma_min → sigma_min / sigma",
    "the ratio is upside down: more noise allows larger steps, so it is (σ/σ_min)².",
)
exercise.mistake(
    "sigma / sigma_min → sigma", "that is base·σ², not divided by σ_min²: `base` is the step at the last level."
)
exercise.mistake(
    "base * (sigma / sigma_min) ** 2 → (base * sigma / sigma_min) ** 2",
    "the base is squared along with the ratio: it is base·(σ/σ_min)².",
)
exercise.mistake(
    "(sigma / sigma_min) ** 2 → torch.ones_like(sigma)", "all levels get the same step: multiply `base` by (σ/σ_min)²."
)
exercise.mistake(
    "(sigma / sigma_min) ** 2 → sigma**2 / sigma_min", "only σ is squared: it is (σ/σ_min)², both of them."
)
exercise.mistake(
    "base → 0.5 * base", "half of it is missing: in our convention, ε with √(2ε), the step is base·(σ/σ_min)²."
)
