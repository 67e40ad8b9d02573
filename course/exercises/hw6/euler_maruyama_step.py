"""6.5, one step of an SDE in either direction of time: the drift takes s − t, the noise g √|s − t|."""

import math

import torch

from course import sampling
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import diffusion, field
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def euler_maruyama_step(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


def cases(draw: CaseRng) -> list[Case]:
    """Forwards in time, backwards, and backwards without gradients."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int, size: float = 1.0) -> Case:
        x, noise, d = 2 * size * draw.normal(b, *shape), draw.normal(b, *shape), math.prod(shape)
        arguments = {"x": x, "t": t, "s": s, "drift": field(draw, d), "diffusion": diffusion(draw), "noise": noise}
        return Case(arguments, no_grad, magnitude=size)

    t = draw.number(0.1, 0.3)
    return [
        case(t, t + draw.number(0.2, 0.5), False, 5, 3),
        case(t + draw.number(0.3, 0.6), t, False, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, True, 6, 4),
        case(t, t + draw.number(1e-5, 2e-5), False, 3, 5, size=1e-3),  # so short that nothing can be added to it
    ]


def remark(function) -> str:
    x, generator = torch.full((20_000, 1), 3.0), torch.Generator().manual_seed(0)
    for i in range(50):
        noise = torch.randn(x.shape, generator=generator)
        x = function(x, i / 50, (i + 1) / 50, lambda x, t: -x, lambda t: 1.0, noise)
    mean, var = 3 * math.exp(-1), (1 - math.exp(-2)) / 2
    return (
        f"dx = −x dt + dw from x = 3 has at t = 1 mean {x.mean():.2f} and variance {x.var():.2f}; "
        f"theory: {mean:.2f} and {var:.2f}."
    )


exercise = Exercise(answer=euler_maruyama_step, cases=cases, counted=("drift",), remark=remark)
exercise.right(sampling.euler_maruyama_step)


@exercise.right
@torch.no_grad()
def without_graph(x, t, s, drift, diffusion, noise):
    moved = torch.add(x, drift(x, t), alpha=s - t)
    return moved.add_(noise, alpha=diffusion(t) * max(s - t, t - s) ** 0.5)


exercise.right(
    "x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise → "
    "x + diffusion(t) * math.sqrt(abs(s - t)) * noise + drift(x, t) * (s - t)"
)
exercise.mistake(
    """drift(x, t) → drift(x, as_tensor(t, x))
       diffusion(t) → diffusion(as_tensor(t, x)[:1])""",
    OTHER_TIME.format("drift"),
    credit=0.5,
)
exercise.mistake("(s - t) * drift(x, t) → drift(x, t).mul_(s - t)", IN_PLACE.format("drift"))
exercise.mistake(
    "abs(s - t) ** 0.5 → (s - t)",
    "the noise is scaled by s − t: variances add up in time, so its scale is g √|s − t|.",
)
exercise.mistake(
    "abs(s - t) ** 0.5 → abs(s - t)",
    "the noise is scaled by |s − t|: variances add up in time, so its scale is g √|s − t|.",
)
exercise.mistake(
    "abs(s - t) ** 0.5 → math.sqrt(s - t)",
    "abs(s - t) ** 0.5 → (s - t) ** 0.5",
    "abs(s - t) ** 0.5 → torch.tensor(s - t).to(x).sqrt()",
    "backwards in time s − t is negative and has no real root: the noise's scale is g √|s − t|.",
)
exercise.mistake(
    "(s - t) * drift(x, t) → abs(s - t) * drift(x, t)",
    "the drift's step must carry its sign: backwards in time s − t is negative; only the noise takes |s − t|.",
)
exercise.mistake(
    "(s - t) * drift(x, t) → (t - s) * drift(x, t)",
    "the step is t − s, the wrong way: from t to s it is s − t.",
)
exercise.mistake(
    "abs(s - t) ** 0.5 → (2 * abs(s - t)) ** 0.5",
    "√2 is Langevin's; here the diffusion g holds every factor: g √|s − t|.",
)
exercise.mistake(
    "diffusion(t) → diffusion(t) ** 2",
    "the noise is scaled by g²: g is a standard deviation already, do not square it.",
)
exercise.mistake(
    "(s - t) * drift(x, t) → drift(x, t)",
    "the drift is not multiplied by the length of the step, s − t.",
)
exercise.mistake(
    "x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise → x + (s - t) * drift(x, t)",
    "the noise is missing: that is Euler's step for an ODE.",
)
exercise.mistake(
    """drift(x, t) → drift(x, s)
       diffusion(t) → diffusion(s)""",
    "drift and diffusion are those of the start, t; you evaluate at the end of the step, s.",
)
exercise.mistake(
    "x + (s - t) * drift(x, t) → (s - t) * drift(x, t)",
    "x itself is missing: the step adds to where the state is.",
)
