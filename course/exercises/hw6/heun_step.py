"""6.8, one step of an ODE by Heun's method: the average of the fields at its start and where Euler's step arrives."""

import torch

from course import sampling
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import order_remark, solver_cases
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def heun_step(x, t, s, field):
    here = field(x, t)
    there = field(x + (s - t) * here, s)
    return x + (s - t) / 2 * (here + there)


exercise = Exercise(answer=heun_step, cases=solver_cases, counted=("field",), remark=order_remark(2))
exercise.right(sampling.heun_step)


@exercise.right
def correction_of_euler(x, t, s, field):
    with torch.no_grad():
        h, here = s - t, field(x, t)
        ahead = torch.add(x, here, alpha=h)
        return ahead + 0.5 * h * (field(ahead, s) - here)


exercise.right("x + (s - t) / 2 * (here + there) → (x + (x + (s - t) * here) + (s - t) * there) / 2")
exercise.mistake(
    "here + there → field(x, t) + there",
    "you evaluate `field` three times, Heun's method needs two: keep the field at the start, and use it twice.",
    credit=0.5,
)
exercise.mistake("here + there → here.add_(there)", IN_PLACE.format("field"))
exercise.mistake(
    """field(x, t) → field(x, as_tensor(t, x))
       field(x + (s - t) * here, s) → field(x + (s - t) * here, as_tensor(s, x))""",
    OTHER_TIME.format("field"),
    credit=0.5,
)
exercise.mistake(
    "field(x + (s - t) * here, s) → field(x + (s - t) * here, t)",
    "the second field is at the end of the step: time s, not t.",
)
exercise.mistake(
    "x + (s - t) * here → x",
    "the second field is where Euler's step arrives, x + (s − t) field(x, t), not at x.",
)
exercise.mistake(
    """there = field(x + (s - t) * here, s) →
       (s - t) / 2 * (here + there) → (s - t) * here""",
    "that is Euler's step: go on to the field at its end, and average the two.",
)
exercise.mistake("(s - t) / 2 → s - t", "the two fields are added: take their average.")
exercise.mistake(
    "x + (s - t) / 2 * (here + there) → x + (s - t) * here + (s - t) / 2 * (here + there)",
    "the average starts from Euler's prediction: it should start from x again.",
)
exercise.mistake(
    """field(x + (s - t) * here, s) → field(x + (s - t) / 2 * here, (t + s) / 2)
       (s - t) / 2 * (here + there) → (s - t) * there""",
    "that is the midpoint method, of the same order; Heun averages the fields at both ends.",
)
exercise.mistake(
    "(s - t) / 2 * (here + there) → (s - t) * there",
    "only the field at the end is used: average it with the one at the start.",
)
exercise.mistake(
    """(s - t) * here → abs(s - t) * here
       (s - t) / 2 → abs(s - t) / 2""",
    "the step is |s − t|: backwards in time it is negative, s − t.",
)
exercise.mistake(
    """(s - t) * here → (t - s) * here
       (s - t) / 2 → (t - s) / 2""",
    "the step is t − s, the wrong way: from t to s it is s − t.",
)
