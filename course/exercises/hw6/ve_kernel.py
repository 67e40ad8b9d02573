"""6.1, the kernel of the variance-exploding process: α = 1 and σ = σ_min (σ_max/σ_min)^t."""

import math

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import ve_range
from course.processes import VE


def ve_kernel(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * (sigma_max / sigma_min) ** t


def cases(draw: CaseRng) -> list[Case]:
    return [
        Case({"t": draw.uniform(5), **ve_range(draw)}),
        Case({"t": draw.uniform(8), **ve_range(draw)}, no_grad=True),
        Case({"t": 1e-3 * draw.uniform(6), **ve_range(draw, 1e-4)}, magnitude=1e-3),  # nothing is to be clamped
    ]


def remark(function) -> str:
    sigma = function(torch.tensor([0.0, 0.5, 1.0]), 0.01, 50.0)[1].tolist()
    return f"from 0.01 to 50, half-way in time σ is {sigma[1]:.2f}: the geometric mean of both ends."


exercise = Exercise(answer=ve_kernel, cases=cases, remark=remark, results=("alpha", "sigma"))


@exercise.right
def of_the_process(t, sigma_min, sigma_max):
    return VE(sigma_min, sigma_max).kernel(t)


@exercise.right
def by_logarithms(t, sigma_min, sigma_max):
    return torch.ones_like(t), torch.exp((1 - t) * math.log(sigma_min) + t * math.log(sigma_max))


exercise.right("""torch.ones_like(t) → t.new_ones(t.shape)
                  sigma_min * (sigma_max / sigma_min) ** t → sigma_min ** (1 - t) * sigma_max**t""")
exercise.mistake(
    "sigma_min * (sigma_max / sigma_min) ** t → sigma_min + t * (sigma_max - sigma_min)",
    "σ grows by equal amounts: let it grow by equal factors, σ_min (σ_max/σ_min)^t.",
)
exercise.mistake(
    "sigma_min * (sigma_max / sigma_min) ** t → sigma_min**2 * (sigma_max / sigma_min) ** (2 * t)",
    "that is the variance; return the standard deviation σ.",
)
exercise.mistake(
    "sigma_min * (sigma_max / sigma_min) ** t → sigma_max * (sigma_min / sigma_max) ** t",
    "time runs the other way: t = 0 is data, with σ_min, and t = 1 is noise, with σ_max.",
)
exercise.mistake(
    "torch.ones_like(t) → 1 / (1 + (sigma_min * (sigma_max / sigma_min) ** t) ** 2).sqrt()",
    "the data do not shrink in this process: α = 1 at every time.",
)
exercise.mistake(
    "sigma_min * (sigma_max / sigma_min) ** t → sigma_min * ((sigma_max / sigma_min) ** (2 * t) - 1).sqrt()",
    "that is the noise added since t = 0; σ(t) is all the noise at time t, with the σ_min that is there at t = 0.",
)
exercise.mistake(
    "torch.ones_like(t), sigma_min * (sigma_max / sigma_min) ** t → "
    "sigma_min * (sigma_max / sigma_min) ** t, torch.ones_like(t)",
    "the results are in the wrong order: return α first, then σ.",
)
