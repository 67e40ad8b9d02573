"""2.3, one step of Langevin dynamics: x + ε score(x) + √(2ε) noise."""

import math

import torch

from course import langevin
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw2.shared import network_score, standard_score
from course.exercises.mistakes import IN_PLACE


def langevin_step(x, score, step_size, noise):
    return x + step_size * score(x) + math.sqrt(2 * step_size) * noise


def cases(draw: CaseRng) -> list[Case]:
    def case(step_size: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        score = network_score(draw, torch.Size(shape).numel())
        arguments = {"x": 2 * draw.normal(b, *shape), "score": score, "step_size": step_size}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad)

    return [case(draw.number(0.02, 0.1), 6, 3), case(draw.number(0.3, 0.6), 5, 2, 3, 4, no_grad=True)]


def remark(function) -> str:
    generator, x = torch.Generator().manual_seed(0), torch.randn(100_000, 1, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for _ in range(40):
            x = function(x, standard_score, 0.05, torch.randn(x.shape, generator=generator))
    measured, theory = x.var().item(), 1 / 0.975
    return (
        f"100,000 chains on a standard Gaussian, ε = 0.05: variance {measured:.3f}; theory 1/(1 − ε/2) = {theory:.3f}."
    )


exercise = Exercise(answer=langevin_step, cases=cases, counted=("score",), remark=remark)
exercise.right(langevin.langevin_step)


@exercise.right
@torch.no_grad()
def without_graph(x, score, step_size, noise):
    return torch.add(x, score(x), alpha=step_size).add_(noise, alpha=math.sqrt(2.0 * step_size))


exercise.right("math.sqrt(2 * step_size) → (2 * step_size) ** 0.5")
exercise.mistake(
    "math.sqrt(2 * step_size) → math.sqrt(step_size)",
    "your noise is scaled by √ε, so chains settle at half the variance: Langevin needs √(2ε).",
)
exercise.mistake(
    "math.sqrt(2 * step_size) → 2 * step_size",
    "your noise is scaled by 2ε: its standard deviation is √(2ε), the root of that.",
)
exercise.mistake(
    "math.sqrt(2 * step_size) → 2 * math.sqrt(step_size)",
    "your noise is scaled by 2√ε: the 2 belongs under the root, √(2ε).",
)
exercise.mistake(
    "math.sqrt(2 * step_size) → step_size",
    "your noise is scaled by ε like the drift: its standard deviation is √(2ε).",
)
exercise.mistake(
    "step_size * score(x) → step_size / 2 * score(x)",
    "the drift is halved but the noise is not: our convention is ε·score with √(2ε)·noise.",
)
exercise.mistake(
    """step_size * score(x) → step_size / 2 * score(x)
       math.sqrt(2 * step_size) → math.sqrt(step_size)""",
    "this is the other textbook convention, ε/2 with √ε (a correct step of half our size): ours is ε with √(2ε).",
)
exercise.mistake(
    "x + step_size * score(x) → x - step_size * score(x)",
    "you walk down the score, away from the modes: add ε·score(x), do not subtract it.",
)
exercise.mistake(
    "x + step_size * score(x) + math.sqrt(2 * step_size) * noise → x + step_size * score(x)",
    "there is no noise in your step, so every chain ends on a peak: add √(2ε)·noise.",
)
exercise.mistake(
    "x + step_size * score(x) → step_size * score(x)",
    "the step multiplies only the score: x itself stays, and you add ε·score(x) to it.",
)
exercise.mistake(
    "noise → torch.randn_like(x)",
    "you draw noise of your own: use the `noise` that is handed in, or nothing is reproducible.",
)


@exercise.mistake("x is changed in place (`+=`), and the caller still needs it: return a new tensor.")
def in_place(x, score, step_size, noise):
    x += step_size * score(x) + (2 * step_size) ** 0.5 * noise
    return x


@exercise.mistake(IN_PLACE.format("score"))
def adds_to_the_score(x, score, step_size, noise):
    s = score(x)
    s *= step_size
    s += x + (2 * step_size) ** 0.5 * noise
    return s
