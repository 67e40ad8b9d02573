"""6.9, one step of an ODE by the classical Runge–Kutta method, of order four."""

import torch

from course import sampling
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import order_remark, solver_cases
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def rk4_step(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


exercise = Exercise(answer=rk4_step, cases=solver_cases, counted=("field",), remark=order_remark(4))
exercise.right(sampling.rk4_step)


@exercise.right
def loop_over_the_tableau(x, t, s, field):
    h, k, total = s - t, torch.zeros_like(x), torch.zeros_like(x)
    for node, weight in ((0, 1), (0.5, 2), (0.5, 2), (1, 1)):
        k = field(x + node * h * k, t + node * h)
        total = total + weight * k
    return x + h * total / 6


@exercise.right
def increments(x, t, s, field):
    h, middle = s - t, 0.5 * (t + s)
    a = h * field(x, t)
    b = h * field(x + a / 2, middle)
    c = h * field(x + b / 2, middle)
    d = h * field(x + c, s)
    return x + a / 6 + b / 3 + c / 3 + d / 6


@exercise.mistake(
    "you evaluate `field` ten times, this method needs four: keep a, b and c, and do not compute them again.",
    credit=0.5,
)
def field_called_ten_times(x, t, s, field):
    h = s - t
    a = lambda: field(x, t)
    b = lambda: field(x + h / 2 * a(), t + h / 2)
    c = lambda: field(x + h / 2 * b(), t + h / 2)
    d = lambda: field(x + h * c(), s)
    return x + h / 6 * (a() + 2 * b() + 2 * c() + d())


exercise.mistake("a + 2 * b + 2 * c + d → a.add_(2 * b + 2 * c + d)", IN_PLACE.format("field"))
exercise.mistake(
    "h = s - t → h, t, s = s - t, as_tensor(t, x), as_tensor(s, x)", OTHER_TIME.format("field"), credit=0.5
)
exercise.mistake(
    "h / 6 * (a + 2 * b + 2 * c + d) → h / 4 * (a + b + c + d)",
    "the weights are equal: the two in the middle count twice, (a + 2b + 2c + d)/6.",
)
exercise.mistake(
    "x + h / 2 * b → x + h / 2 * a", "the third field follows the second, b: you use the first one, a, again."
)
exercise.mistake(
    """field(x + h / 2 * a, t + h / 2) → field(x + h / 2 * a, t)
       field(x + h / 2 * b, t + h / 2) → field(x + h / 2 * b, t)""",
    "the fields in the middle are at the middle of the step, t + h/2.",
)
exercise.mistake(
    """field(x + h / 2 * a, t + h / 2) → field(x + h / 2 * a, t)
       field(x + h / 2 * b, t + h / 2) → field(x + h / 2 * b, t)
       field(x + h * c, s) → field(x + h * c, t)""",
    "all four fields are taken at time t: they are at t, twice t + h/2, and s.",
)
exercise.mistake(
    """x + h / 2 * a → x + h * a
       x + h / 2 * b → x + h * b""",
    "the fields in the middle are half a step ahead, x + h/2 · a and x + h/2 · b.",
)
exercise.mistake("x + h * c → x + h / 2 * c", "the last field is a whole step ahead, x + h c, at time s.")
exercise.mistake(
    "field(x + h * c, s) → field(x + h * c, t + h / 2)", "the last field is at the end of the step, time s."
)
exercise.mistake("h / 6 → h / 4", "the weights are 1, 2, 2, 1 over their sum, 6.")
exercise.mistake(
    """field(x + h / 2 * a, t + h / 2) → field(x + h / 3 * a, t + h / 3)
       field(x + h / 2 * b, t + h / 2) → field(x + h * (b - a / 3), t + 2 * h / 3)
       x + h * c → x + h * (a - b + c)
       h / 6 * (a + 2 * b + 2 * c + d) → h / 8 * (a + 3 * b + 3 * c + d)""",
    "that is the 3/8 rule, another method of order 4; the classical one has weights 1, 2, 2, 1.",
)
exercise.mistake(
    "s - t → abs(s - t)",
    """s - t → abs(s - t)
       field(x + h / 2 * a, t + h / 2) → field(x + h / 2 * a, (t + s) / 2)
       field(x + h / 2 * b, t + h / 2) → field(x + h / 2 * b, (t + s) / 2)""",
    "the step is |s − t|: backwards in time it is negative, s − t.",
)
