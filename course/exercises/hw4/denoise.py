"""4.4, the mean of the clean data given the noisy, by Tweedie's formula: x + σ² s(x, σ)."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import ONE_LEVEL, SMALL, TRAILING, levels, network, small_levels
from course.exercises.mistakes import IN_PLACE
from course.tensors import expand


def denoise(score, x, sigma):
    return x + expand(sigma, x) ** 2 * score(x, sigma)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        score = network(draw, torch.Size(shape).numel())
        return Case({"score": score, "x": 3 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b)}, no_grad=no_grad)

    # a step of σ² is no smaller than x
    small = {"score": network(draw, 4), "x": SMALL**2 * draw.normal(5, 4), "sigma": small_levels(draw, 5)}
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), Case(small, magnitude=10 * SMALL**2)]


def remark(function) -> str:
    found = function(lambda x, sigma: -x / 2, torch.tensor([[3.0]]), torch.ones(1)).item()
    return f"data N(0, 1) under noise σ = 1, seen at 3: the best guess of the clean value is {found:g}, half-way to 0."


exercise = Exercise(answer=denoise, cases=cases, counted=("score",), remark=remark)
exercise.right(matching.denoise)

STEP = "expand(sigma, x) ** 2 * score(x, sigma)"

exercise.right(f"x + {STEP} → torch.addcmul(x, expand(sigma, x) * expand(sigma, x), score(x, sigma)).detach()")
exercise.right(f"x + {STEP} → x - expand(sigma, x) * (-expand(sigma, x) * score(x, sigma))")
exercise.mistake(f"{STEP} → score(x, sigma).mul_(expand(sigma, x) ** 2)", IN_PLACE.format("score"))
exercise.mistake(
    "expand(sigma, x) ** 2 → sigma.reshape(-1, *[1] * (x.ndim - 1))",
    "the step is σ·s: Tweedie's formula has σ², the variance of the noise.",
)
exercise.mistake(
    f"x + {STEP} → x - {STEP}",
    "you walk down the score, away from the data: the posterior mean is x + σ² s, not minus.",
)
exercise.mistake(
    f"x + {STEP} → {STEP}", "that is the step σ² s alone: the posterior mean starts from x, so it is x + σ² s."
)
exercise.mistake(f"{STEP} → score(x, sigma)", "σ² is missing: the score's unit is 1/x, and only σ² s is a step in x.")
exercise.mistake(f"{STEP} → 0.5 * {STEP}", "the step is halved: Tweedie's formula is x + σ² s, without ½.")
exercise.mistake("expand(sigma, x) ** 2 → sigma.square().mean()", ONE_LEVEL)
exercise.mistake(
    "score(x, sigma) → score(x, sigma**2)",
    "the score is called with σ²: its second argument is the noise level σ itself, one for each example.",
)
exercise.mistake(
    "score(x, sigma) → score(x, expand(sigma, x))",
    "a score is called with sigma of shape (B,), as it was given; the trailing axes are for x only.",
)
exercise.mistake(
    "expand(sigma, x) → sigma",
    "`sigma**2 * s` lines up sigma's B numbers with the last axis of x: give it trailing axes, expand(sigma, x).",
)
exercise.mistake("expand(sigma, x) → sigma[:, None]", TRAILING.format("sigma"))
