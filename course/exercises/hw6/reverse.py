"""hw6: time runs backwards, with noise and without."""

import math

import torch

from course import processes
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import diffusion, field
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor
from course.tensors import expand

# -- reverse_drift -----------------------------------------------------------------------------------------------------


def _field_cases(draw: Draw) -> list[Case]:
    """Time as a float and as one number per example; the drift is not the score."""

    def case(t: float | torch.Tensor, no_grad: bool, b: int, *shape: int) -> Case:
        d = math.prod(shape)
        arguments = {"x": 2 * draw.normal(b, *shape), "t": t, "drift": field(draw, d), "diffusion": diffusion(draw)}
        return Case({**arguments, "score": field(draw, d)}, no_grad)

    return [
        case(draw.number(0.2, 0.9), False, 5, 3),
        case(draw.uniform(7, low=0.1, high=0.9), False, 7, 4),
        case(draw.uniform(4, low=0.1, high=0.9), True, 4, 2, 3),
    ]


def _forward(t: float) -> float:
    """The variance at time t under dx = −½ x dt + dw of what has variance 4 at time 0."""
    return 1 + 3 * math.exp(-t)


def _reverse_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x = _forward(2.0) ** 0.5 * torch.randn(8000, 1, generator=generator)
    for i in range(200):
        t = 2.0 - i / 100
        drift = function(x, t, lambda x, t: -0.5 * x, lambda t: 1.0, lambda x, t: -x / _forward(t))
        x = x - 0.01 * drift + 0.1 * torch.randn(x.shape, generator=generator)
    return (
        f"run backwards, 8,000 points of variance {_forward(2.0):.2f} end with {x.var():.2f}; the data's variance is 4."
    )


reverse_drift = Exercise(
    "reverse_drift", 8, processes.reverse_drift, _field_cases, counted=("drift", "score"), remark=_reverse_remark
)


@reverse_drift.misconception(OTHER_TIME.format("drift"), credit=0.5)
def time_as_a_tensor(x, t, drift, diffusion, score):
    return processes.reverse_drift(x, as_tensor(t, x), drift, diffusion, score)


@reverse_drift.misconception(IN_PLACE.format("drift"))
def drift_in_place(x, t, drift, diffusion, score):
    reverse = drift(x, t)
    reverse -= expand(diffusion(t) ** 2, x) * score(x, t)
    return reverse


def _combine(x, t, drift, diffusion, score, a, b, power=2):
    """a f + b g^power s."""
    return a * drift(x, t) + b * expand(diffusion(t) ** power, x) * score(x, t)


_NOT_EXPANDED = (
    "g(t) is a float where t is one, and has shape (B,) where t has: give it x's axes in both cases, expand(g, x)."
)


@reverse_drift.misconception(_NOT_EXPANDED)
def g_not_expanded(x, t, drift, diffusion, score):
    return drift(x, t) - diffusion(t) ** 2 * score(x, t)


@reverse_drift.misconception(_NOT_EXPANDED)
def g_with_one_axis(x, t, drift, diffusion, score):
    return drift(x, t) - diffusion(t)[:, None] ** 2 * score(x, t)


@reverse_drift.misconception(_NOT_EXPANDED)
def score_times_g_not_expanded(x, t, drift, diffusion, score):
    return drift(x, t) - score(x, t) * diffusion(t) ** 2


@reverse_drift.misconception("the score is multiplied by g: it takes g².")
def g_for_its_square(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, -1, power=1)


@reverse_drift.misconception(
    "½ g² belongs to the probability flow, which has no noise; the reverse SDE takes all of g²."
)
def half_in_the_sde(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, -0.5)


@reverse_drift.misconception("the score's sign is wrong: steps run backwards in time, so −g² s leads towards the data.")
def score_added(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, 1)


@reverse_drift.misconception(
    "everything is negated: that is the drift for a clock that runs backwards; ours keeps its time, and s − t < 0."
)
def clock_turned_too(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, -1, 1)


@reverse_drift.misconception("the forward drift f is missing: f − g² s.")
def forward_drift_missing(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 0, -1)


@reverse_drift.misconception(
    "the forward drift is negated: f keeps its sign, since the step s − t is negative already."
)
def forward_drift_negated(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, -1, -1)


@reverse_drift.misconception("each example has its own time: you use one time for all of them.")
def one_time_for_all(x, t, drift, diffusion, score):
    t = t if isinstance(t, float) else t.mean().expand(len(x))
    return _combine(x, t, drift, diffusion, score, 1, -1)


# -- probability_flow --------------------------------------------------------------------------------------------------


def _flow_remark(function) -> str:
    x = torch.full((1, 1), 10.0, dtype=torch.float64)
    for i in range(1000):
        t = i / 500
        x = x + 0.002 * function(x, t, lambda x, t: -0.5 * x, lambda t: 1.0, lambda x, t: -x / _forward(t))
    kept = (_forward(2.0) / 4) ** 0.5
    return f"a point flows from 10 to {x.item():.2f}, as the width of the law shrinks to {kept:.1%} of what it was."


probability_flow = Exercise(
    "probability_flow", 7, processes.probability_flow, _field_cases, counted=("drift", "score"), remark=_flow_remark
)


@probability_flow.misconception(OTHER_TIME.format("drift"), credit=0.5)
def flow_with_time_as_a_tensor(x, t, drift, diffusion, score):
    return processes.probability_flow(x, as_tensor(t, x), drift, diffusion, score)


@probability_flow.misconception(IN_PLACE.format("drift"))
def flow_in_place(x, t, drift, diffusion, score):
    flow = drift(x, t)
    flow -= 0.5 * expand(diffusion(t) ** 2, x) * score(x, t)
    return flow


@probability_flow.misconception(_NOT_EXPANDED)
def flow_g_not_expanded(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * diffusion(t) ** 2 * score(x, t)


@probability_flow.misconception(_NOT_EXPANDED)
def flow_g_with_one_axis(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * diffusion(t)[:, None] ** 2 * score(x, t)


@probability_flow.misconception(_NOT_EXPANDED)
def flow_score_times_g_not_expanded(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * score(x, t) * diffusion(t) ** 2


@probability_flow.misconception("all of g² belongs to the reverse SDE; without noise, half of it does the same: ½ g².")
def whole_square_in_the_ode(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, -1)


@probability_flow.misconception("the score is multiplied by ½ g: it takes ½ g².")
def half_g(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, -0.5, power=1)


@probability_flow.misconception("g is halved before it is squared, which makes ¼ g²: it takes ½ g².")
def square_of_the_half(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, -0.25)


@probability_flow.misconception("the score's sign is wrong: probability flows from where it is dense, f − ½ g² s.")
def flow_score_added(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 1, 0.5)


@probability_flow.misconception("the drift is halved too: only g² is.")
def drift_halved_too(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 0.5, -0.5)


@probability_flow.misconception("the forward drift f is missing: f − ½ g² s.")
def flow_drift_missing(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, 0, -0.5)


@probability_flow.misconception(
    "everything is negated: one field serves both directions, the step s − t brings the sign."
)
def flow_negated(x, t, drift, diffusion, score):
    return _combine(x, t, drift, diffusion, score, -1, 0.5)
