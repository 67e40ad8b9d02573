"""hw6: solvers of ordinary differential equations."""

import math

import torch

from course import sampling
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import field
from course.exercises.mistakes import IN_PLACE, OTHER_TIME

# -- heun_step ---------------------------------------------------------------------------------------------------------


def _solver_cases(draw: Draw) -> list[Case]:
    """Both directions of time, along a field that changes a lot in one step."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int) -> Case:
        return Case({"x": 2 * draw.normal(b, *shape), "t": t, "s": s, "field": field(draw, math.prod(shape))}, no_grad)

    t = draw.number(0.1, 0.3)
    return [
        case(t + draw.number(0.3, 0.6), t, False, 5, 3),
        case(t, t + draw.number(0.3, 0.6), False, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, True, 6, 4),
    ]


def _order(function) -> tuple[float, float]:
    """Errors at t = 1 of x′ = −2 t x from 1, whose solution is exp(−t²), in 8 and in 16 steps."""

    def error(n: int) -> float:
        x = torch.ones(1, 1, dtype=torch.float64)
        for i in range(n):
            x = function(x, i / n, (i + 1) / n, lambda x, t: -2 * t * x)
        return abs(x.item() - math.exp(-1))

    return error(8), error(16)


def _order_remark(theory: int):
    def remark(function) -> str:
        coarse, fine = _order(function)
        return (
            f"steps half as long have an error {coarse / fine:.1f} times smaller; order {theory} promises {2**theory}."
        )

    return remark


heun_step = Exercise("heun_step", 7, sampling.heun_step, _solver_cases, counted=("field",), remark=_order_remark(2))


@heun_step.misconception(
    "you evaluate `field` three times, Heun's method needs two: keep the field at the start, and use it twice.",
    credit=0.5,
)
def field_called_three_times(x, t, s, field):
    ahead = x + (s - t) * field(x, t)
    return x + (s - t) / 2 * (field(x, t) + field(ahead, s))


@heun_step.misconception(IN_PLACE.format("field"))
def heun_in_place(x, t, s, field):
    v = field(x, t)
    ahead = x + (s - t) * v
    v += field(ahead, s)
    return x + (s - t) / 2 * v


@heun_step.misconception(OTHER_TIME.format("field"), credit=0.5)
def heun_with_time_as_a_tensor(x, t, s, field):
    t, s = torch.tensor(t, dtype=x.dtype, device=x.device), torch.tensor(s, dtype=x.dtype, device=x.device)
    return sampling.heun_step(x, t, s, field)


@heun_step.misconception("the second field is at the end of the step: time s, not t.")
def stale_time(x, t, s, field):
    here = field(x, t)
    return x + (s - t) / 2 * (here + field(x + (s - t) * here, t))


@heun_step.misconception("the second field is where Euler's step arrives, x + (s − t) field(x, t), not at x.")
def stale_state(x, t, s, field):
    return x + (s - t) / 2 * (field(x, t) + field(x, s))


@heun_step.misconception("that is Euler's step: go on to the field at its end, and average the two.")
def euler_only(x, t, s, field):
    return x + (s - t) * field(x, t)


@heun_step.misconception("the two fields are added: take their average.")
def sum_for_average(x, t, s, field):
    here = field(x, t)
    return x + (s - t) * (here + field(x + (s - t) * here, s))


@heun_step.misconception("the average starts from Euler's prediction: it should start from x again.")
def goes_on_from_prediction(x, t, s, field):
    here = field(x, t)
    ahead = x + (s - t) * here
    return ahead + (s - t) / 2 * (here + field(ahead, s))


@heun_step.misconception("that is the midpoint method, of the same order; Heun averages the fields at both ends.")
def midpoint(x, t, s, field):
    h = s - t
    return x + h * field(x + h / 2 * field(x, t), t + h / 2)


@heun_step.misconception("only the field at the end is used: average it with the one at the start.")
def end_only(x, t, s, field):
    return x + (s - t) * field(x + (s - t) * field(x, t), s)


@heun_step.misconception("the step is |s − t|: backwards in time it is negative, s − t.")
def heun_always_forwards(x, t, s, field):
    h, here = abs(s - t), field(x, t)
    return x + h / 2 * (here + field(x + h * here, s))


@heun_step.misconception("the step is t − s, the wrong way: from t to s it is s − t.")
def heun_the_wrong_way(x, t, s, field):
    h, here = t - s, field(x, t)
    return x + h / 2 * (here + field(x + h * here, s))


# -- rk4_step ----------------------------------------------------------------------------------------------------------

rk4_step = Exercise("rk4_step", 6, sampling.rk4_step, _solver_cases, counted=("field",), remark=_order_remark(4))


@rk4_step.misconception(
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


@rk4_step.misconception(IN_PLACE.format("field"))
def rk4_in_place(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    a += 2 * b
    a += 2 * c
    a += d
    return x + h / 6 * a


@rk4_step.misconception(OTHER_TIME.format("field"), credit=0.5)
def rk4_with_time_as_a_tensor(x, t, s, field):
    t, s = torch.tensor(t, dtype=x.dtype, device=x.device), torch.tensor(s, dtype=x.dtype, device=x.device)
    return sampling.rk4_step(x, t, s, field)


def _runge_kutta(x, t, s, field, weights=(1, 2, 2, 1), middle=0.5, times=(0, 0.5, 0.5, 1), last=1.0):
    h = s - t
    a = field(x, t + times[0] * h)
    b = field(x + middle * h * a, t + times[1] * h)
    c = field(x + middle * h * b, t + times[2] * h)
    d = field(x + last * h * c, t + times[3] * h)
    return x + h / sum(weights) * sum(w * k for w, k in zip(weights, (a, b, c, d)))


@rk4_step.misconception("the weights are equal: the two in the middle count twice, (a + 2b + 2c + d)/6.")
def equal_weights(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 4 * (a + b + c + d)


@rk4_step.misconception("the third field follows the second, b: you use the first one, a, again.")
def third_from_first(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * a, t + h / 2)
    return x + h / 6 * (a + 2 * b + 2 * c + field(x + h * c, s))


@rk4_step.misconception("the fields in the middle are at the middle of the step, t + h/2.")
def middle_at_start(x, t, s, field):
    return _runge_kutta(x, t, s, field, times=(0, 0, 0, 1))


@rk4_step.misconception("all four fields are taken at time t: they are at t, twice t + h/2, and s.")
def all_at_start(x, t, s, field):
    return _runge_kutta(x, t, s, field, times=(0, 0, 0, 0))


@rk4_step.misconception("the fields in the middle are half a step ahead, x + h/2 · a and x + h/2 · b.")
def whole_steps_to_the_middle(x, t, s, field):
    return _runge_kutta(x, t, s, field, middle=1.0)


@rk4_step.misconception("the last field is a whole step ahead, x + h c, at time s.")
def half_step_to_the_end(x, t, s, field):
    return _runge_kutta(x, t, s, field, last=0.5)


@rk4_step.misconception("the last field is at the end of the step, time s.")
def last_in_the_middle(x, t, s, field):
    return _runge_kutta(x, t, s, field, times=(0, 0.5, 0.5, 0.5))


@rk4_step.misconception("the weights are 1, 2, 2, 1 over their sum, 6.")
def weights_do_not_add_up(x, t, s, field):
    return x + 6 / 4 * (_runge_kutta(x, t, s, field) - x)


@rk4_step.misconception("that is the 3/8 rule, another method of order 4; the classical one has weights 1, 2, 2, 1.")
def three_eighths(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 3 * a, t + h / 3)
    c = field(x + h * (b - a / 3), t + 2 * h / 3)
    d = field(x + h * (a - b + c), s)
    return x + h / 8 * (a + 3 * b + 3 * c + d)


@rk4_step.misconception("the step is |s − t|: backwards in time it is negative, s − t.")
def rk4_always_forwards(x, t, s, field):
    h = abs(s - t)
    a = field(x, t)
    b = field(x + h / 2 * a, (t + s) / 2)
    c = field(x + h / 2 * b, (t + s) / 2)
    return x + h / 6 * (a + 2 * b + 2 * c + field(x + h * c, s))
