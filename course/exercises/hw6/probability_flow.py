"""6.7, the right-hand side of the ODE whose solutions have the law of the SDE at every time: f − ½ g² s."""

from dataclasses import replace

import torch

from course import processes
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import NOT_EXPANDED, TIMES_AS_TENSORS, drift_cases, variance
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)
from course.tensors import expand


def probability_flow(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


def remark(function) -> str:
    x = torch.full((1, 1), 10.0, dtype=torch.float64)
    for i in range(1000):
        t = i / 500
        x = x + 0.002 * function(x, t, lambda x, t: -0.5 * x, lambda t: 1.0, lambda x, t: -x / variance(t))
    kept = (variance(2.0) / 4) ** 0.5
    return f"a point flows from 10 to {x.item():.2f}, as the width of the law shrinks to {kept:.1%} of what it was."


def cases(draw: CaseRng) -> list[Case]:
    """Those of a drift, one of them with derivatives in x: a likelihood asks for them."""
    first, *others = drift_cases(draw)
    return [replace(first, gradients=("x",)), *others]


exercise = Exercise(answer=probability_flow, cases=cases, counted=("drift", "score"), remark=remark)
exercise.right(processes.probability_flow)


@exercise.right
def average_of_both_drifts(x, t, drift, diffusion, score):
    """Half-way between the forward drift and the reverse one."""
    f = drift(x, t)
    return 0.5 * (f + (f - expand(diffusion(t) ** 2, x) * score(x, t)))


exercise.right(
    "drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t) → "
    "(2 * drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)) / 2"
)
exercise.mistake(
    "score(x, t) → score(x, t).detach()",
    "the flow is cut off from its score's graph, so no likelihood can be computed along it: leave out `.detach()`.",
)
exercise.mistake(
    TIMES_AS_TENSORS,
    OTHER_TIME.format("drift"),
    credit=0.5,
)
exercise.mistake(
    "drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t) → "
    "drift(x, t).sub_(0.5 * expand(diffusion(t), x) ** 2 * score(x, t))",
    IN_PLACE.format("drift"),
)
exercise.mistake(
    "expand(diffusion(t), x) → diffusion(t)",
    "expand(diffusion(t), x) → diffusion(t)[:, None]",
    "0.5 * expand(diffusion(t), x) ** 2 * score(x, t) → 0.5 * score(x, t) * diffusion(t) ** 2",
    NOT_EXPANDED,
)
exercise.mistake(
    "0.5 * expand(diffusion(t), x) ** 2 → expand(diffusion(t), x) ** 2",
    "all of g² belongs to the reverse SDE; without noise, half of it does the same: ½ g².",
)
exercise.mistake(
    "expand(diffusion(t), x) ** 2 → expand(diffusion(t), x)",
    "the score is multiplied by ½ g: it takes ½ g².",
)
exercise.mistake(
    "0.5 * expand(diffusion(t), x) ** 2 → (0.5 * expand(diffusion(t), x)) ** 2",
    "g is halved before it is squared, which makes ¼ g²: it takes ½ g².",
)
exercise.mistake(
    "score(x, t) → -score(x, t)",
    "the score's sign is wrong: probability flows from where it is dense, f − ½ g² s.",
)
exercise.mistake("drift(x, t) → 0.5 * drift(x, t)", "the drift is halved too: only g² is.")
exercise.mistake("drift(x, t) → 0", "drift(x, t) → 0 * drift(x, t)", "the forward drift f is missing: f − ½ g² s.")
exercise.mistake(
    """drift(x, t) → -drift(x, t)
       score(x, t) → -score(x, t)""",
    "everything is negated: one field serves both directions, the step s − t brings the sign.",
)
