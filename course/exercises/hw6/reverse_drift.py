"""6.6, the drift of the process that runs backwards in time: f − g² s."""

import torch

from course import processes
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import NOT_EXPANDED, TIMES_AS_TENSORS, drift_cases, variance
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)
from course.tensors import expand


def reverse_drift(x, t, drift, diffusion, score):
    return drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x = variance(2.0) ** 0.5 * torch.randn(8000, 1, generator=generator)
    for i in range(200):
        t = 2.0 - i / 100
        drift = function(x, t, lambda x, t: -0.5 * x, lambda t: 1.0, lambda x, t: -x / variance(t))
        x = x - 0.01 * drift + 0.1 * torch.randn(x.shape, generator=generator)
    return (
        f"run backwards, 8,000 points of variance {variance(2.0):.2f} end with {x.var():.2f}; the data's variance is 4."
    )


exercise = Exercise(answer=reverse_drift, cases=drift_cases, counted=("drift", "score"), remark=remark)
exercise.right(processes.reverse_drift)
exercise.right(
    "expand(diffusion(t), x) ** 2 → torch.as_tensor(diffusion(t), dtype=x.dtype, device=x.device)"
    ".reshape(-1, *[1] * (x.ndim - 1)).square()"
)
exercise.right(
    "drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t) → "
    "-(expand(diffusion(t), x) * (expand(diffusion(t), x) * score(x, t))) + drift(x, t)"
)
exercise.mistake(
    TIMES_AS_TENSORS,
    OTHER_TIME.format("drift"),
    credit=0.5,
)
exercise.mistake(
    "drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t) → "
    "drift(x, t).sub_(expand(diffusion(t), x) ** 2 * score(x, t))",
    IN_PLACE.format("drift"),
)
exercise.mistake(
    "expand(diffusion(t), x) → diffusion(t)",
    "expand(diffusion(t), x) → diffusion(t)[:, None]",
    "expand(diffusion(t), x) ** 2 * score(x, t) → score(x, t) * diffusion(t) ** 2",
    NOT_EXPANDED,
)
exercise.mistake(
    "expand(diffusion(t), x) ** 2 → expand(diffusion(t), x)",
    "the score is multiplied by g: it takes g².",
)
exercise.mistake(
    "expand(diffusion(t), x) ** 2 → 0.5 * expand(diffusion(t), x) ** 2",
    "½ g² belongs to the probability flow, which has no noise; the reverse SDE takes all of g².",
)
exercise.mistake(
    "score(x, t) → -score(x, t)",
    "the score's sign is wrong: steps run backwards in time, so −g² s leads towards the data.",
)
exercise.mistake(
    """drift(x, t) → -drift(x, t)
       score(x, t) → -score(x, t)""",
    "everything is negated: that is the drift for a clock that runs backwards; ours keeps its time, and s − t < 0.",
)
exercise.mistake("drift(x, t) → 0", "drift(x, t) → 0 * drift(x, t)", "the forward drift f is missing: f − g² s.")
exercise.mistake(
    "drift(x, t) → -drift(x, t)",
    "the forward drift is negated: f keeps its sign, since the step s − t is negative already.",
)


@exercise.mistake("each example has its own time: you use one time for all of them.")
def one_time_for_all(x, t, drift, diffusion, score):
    t = t if isinstance(t, float) else t.mean().expand(len(x))
    return drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)
