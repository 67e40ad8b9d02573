"""7.2, Bayes' rule for scores: the score of p(x) p(y | x)^w."""

import torch
from torch import Tensor

from course import guidance
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw7.shared import a_time
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def posterior_score(score, x, t, likelihood_grad, scale):
    return score(x, t) + scale * likelihood_grad(x, t)


def field(draw: CaseRng, d: int) -> FunctionSpec:
    """A score that depends on time and is not the gradient of anything, as a learned one."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "time": draw.normal(5)}
    return FunctionSpec("hw7.Field", {**tensors, "wout": draw.normal(5, d) / 2})


def cases(draw: CaseRng) -> list[Case]:
    def case(t: float | Tensor, scale: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        d = torch.Size(shape).numel()
        arguments = {"score": field(draw, d), "x": 2 * draw.normal(b, *shape), "t": t}
        arguments |= {"likelihood_grad": field(draw, d), "scale": scale}
        return Case(arguments, no_grad=no_grad, magnitude=10)

    return [
        case(a_time(draw), draw.number(2.2, 4.0), 5, 3),
        case(a_time(draw, 4), draw.number(0.3, 0.7), 4, 2, 3, no_grad=True),
        case(a_time(draw), 0.0, 3, 4),
    ]


def remark(function) -> str:
    at = [function(lambda x, t: -x, torch.full((1, 1), v), 0.0, lambda x, t: 2 - x, 3.0).item() for v in (0.0, 1.0)]
    slope = at[0] - at[1]
    return (
        f"prior N(0, 1), y = 2 measured with unit noise, w = 3: a Gaussian of mean {at[0] / slope:.2f} and variance "
        f"{1 / slope:.2f}; Bayes' own, at w = 1, has 1 and 0.50."
    )


exercise = Exercise(answer=posterior_score, cases=cases, counted=("score", "likelihood_grad"), remark=remark)
exercise.right(guidance.posterior_score)
SUM = "score(x, t) + scale * likelihood_grad(x, t)"


@exercise.right
@torch.no_grad()
def added_with_a_factor(score, x, t, likelihood_grad, scale):
    return torch.add(score(x, t), likelihood_grad(x, t), alpha=scale)


exercise.right(f"{SUM} → likelihood_grad(x, t) * scale + score(x, t)")
exercise.mistake(f"{SUM} → score(x, t).add_(scale * likelihood_grad(x, t))", IN_PLACE.format("score"))
exercise.mistake(
    "scale * likelihood_grad(x, t) → likelihood_grad(x, t).mul_(scale)", IN_PLACE.format("likelihood_grad")
)
exercise.mistake(
    """score(x, t) → score(x, as_tensor(t, x))
       likelihood_grad(x, t) → likelihood_grad(x, as_tensor(t, x))""",
    OTHER_TIME.format("score"),
    credit=0.5,
)
exercise.mistake(
    f"{SUM} → scale * score(x, t) + likelihood_grad(x, t)",
    "the scale is on the wrong term: it multiplies the likelihood's gradient, not the score.",
)
exercise.mistake(
    "score(x, t) → scale * score(x, t)",
    "the scale multiplies both terms: leave the score of p(x) as it is.",
)
exercise.mistake(
    "scale * likelihood_grad(x, t) → likelihood_grad(x, t)",
    "the scale is not used: multiply the likelihood's gradient by it.",
)
exercise.mistake("scale → -scale", "you walk away from y: Bayes' rule adds the likelihood's gradient to the score.")
exercise.mistake("scale → 1 + scale", "the scale is off by one: at scale 1 this is Bayes' rule, at 0 the score alone.")
exercise.mistake(
    "score(x, t) → (1 - scale) * score(x, t)",
    "that is an average of two scores: Bayes' rule adds them, and the prior keeps weight 1.",
)
exercise.mistake(
    f"{SUM} → scale * likelihood_grad(x, t)",
    "the score of p(x) is missing: without it, x satisfies y but is no sample of the data.",
)
exercise.mistake(
    f"{SUM} → score(x, t) * scale * likelihood_grad(x, t)",
    "densities multiply, so their logarithms and gradients add: do not multiply the scores.",
)
exercise.mistake(
    "likelihood_grad(x, t) → likelihood_grad(x, 0 * t)",
    "both terms belong to the same noisy x at the same time: hand t to the likelihood too.",
)
