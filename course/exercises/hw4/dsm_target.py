"""4.2, the target of denoising score matching: −z/σ, the score of N(x₀, σ²I) at x₀ + σ z."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import GUARDED, ONE_LEVEL, TRAILING, levels, small_levels
from course.tensors import expand


def dsm_target(noise, sigma):
    return -noise / expand(sigma, noise)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        return Case({"noise": draw.normal(b, *shape), "sigma": levels(draw, b)}, no_grad=no_grad)

    small = Case({"noise": draw.normal(6, 5), "sigma": small_levels(draw, 6)})
    return [case(6, 3), case(5, 2, 4, 3, no_grad=True), case(7, 3, 4), small]


def remark(function) -> str:
    found = function(torch.tensor([[1.5]]), torch.tensor([0.5])).item()
    return f"x lies 0.75 to the right of x₀ under noise σ = 0.5, and the target there is {found:g}: back to the left."


exercise = Exercise(answer=dsm_target, cases=cases, remark=remark)
exercise.right(matching.dsm_target)
exercise.right("-noise / expand(sigma, noise) → -(expand(sigma, noise) * noise) / expand(sigma, noise) ** 2")


@exercise.right
def by_autograd(noise, sigma):
    with torch.enable_grad():
        x = (expand(sigma, noise) * noise).detach().requires_grad_()
        log_p = (-x.square().flatten(1).sum(1) / (2 * sigma**2)).sum()
        return torch.autograd.grad(log_p, x)[0]


exercise.mistake(
    "-noise / expand(sigma, noise) → noise / sigma.reshape(-1, *[1] * (noise.ndim - 1))",
    "the sign is wrong: the score points from x back to x₀, against the noise, so it is −z/σ.",
)
exercise.mistake(
    "expand(sigma, noise) → expand(sigma, noise) ** 2", "that divides by σ²: −(x − x₀)/σ² with x − x₀ = σz leaves −z/σ."
)
exercise.mistake(
    "-noise / expand(sigma, noise) → -noise",
    "that is −z, not yet divided by σ: the score of N(x₀, σ²I) at x₀ + σz is −z/σ.",
)
exercise.mistake(
    "-noise / expand(sigma, noise) → -noise * expand(sigma, noise)",
    "that multiplies by σ; the narrower the Gaussian, the steeper its log-density: divide by σ.",
)
exercise.mistake("expand(sigma, noise) → expand(sigma, noise) + 1e-8", GUARDED, credit=0.5)
exercise.mistake("expand(sigma, noise) → sigma.mean()", ONE_LEVEL)
exercise.mistake(
    "expand(sigma, noise) → sigma",
    "`noise / sigma` lines up sigma's B numbers with the last axis of noise: use expand(sigma, noise).",
)
exercise.mistake("expand(sigma, noise) → sigma[:, None]", TRAILING.format("sigma"))
