"""3.1, half the mean squared distance between a score and the true one."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3.shared import gaussian_score, network_score, plain_score, zero_score


def fisher_divergence(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        d = torch.Size(shape).numel()
        scores = {"score": network_score(draw, d), "true_score": gaussian_score(draw, d)}
        arguments = {**scores, "x": 2 * draw.normal(b, *shape) + 1}
        return Case(arguments, no_grad=no_grad, gradients=() if no_grad else ("score",), magnitude=50)

    return [case(6, 3), case(5, 2, 3, 4), case(9, 4, no_grad=True)]


def remark(function) -> str:
    x = torch.randn(100_000, 4, generator=torch.Generator().manual_seed(0))
    found = function(zero_score, plain_score, x).item()
    return f"a score that is zero everywhere, on N(0, I) in 4 dimensions: {found:.3f}; theory D/2 = 2."


exercise = Exercise(answer=fisher_divergence, cases=cases, counted=("score", "true_score"), remark=remark)
exercise.right(matching.fisher_divergence)


@exercise.right
def squares_expanded(score, true_score, x):
    s, t = score(x).reshape(len(x), -1), true_score(x).detach().reshape(len(x), -1)
    return ((s * s).sum(1) / 2 - (s * t).sum(1) + (t * t).sum(1) / 2).mean()


@exercise.right
def norm_of_rows(score, true_score, x):
    with torch.no_grad():
        target = true_score(x)
    return 0.5 * torch.linalg.vector_norm((score(x) - target).flatten(1), dim=1).pow(2).mean()


error = "(score(x) - true_score(x))"
squares = f"{error}.flatten(1).square().sum(1)"

exercise.right(f"0.5 * {squares}.mean() → ({error} ** 2).sum() / (2 * len(x))")
exercise.mistake(
    f"0.5 * {squares}.mean() → {squares}.mean()",
    "your loss is twice the one asked for: the definition starts with a factor ½.",
)
exercise.mistake(
    f"{squares}.mean() → {error}.square().mean()",
    "you average over the coordinates too, which divides by D: a squared norm sums over all of D; only the batch is "
    "averaged over.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.sum()",
    "you sum over the batch: take its mean, or the loss grows with the number of points.",
)
exercise.mistake(
    f"{squares} → {error}.flatten(1).norm(dim=1)",
    "the norm is not squared: it is ½‖s − ∇log p‖², without a root.",
)
exercise.mistake(
    f"{squares} → {error}.square().sum(-1)",
    "the norm sums over every dimension but the batch: with several trailing dimensions, the last axis is not enough.",
)
exercise.mistake(
    f"{squares} → (score(x).flatten(1).square().sum(1) - true_score(x).flatten(1).square().sum(1))",
    "you compare lengths, ‖s‖² − ‖∇log p‖²: subtract the two vectors first, then square the norm.",
)
exercise.mistake(
    "score(x) - true_score(x) → score(x) + true_score(x)",
    "the two scores are added: the error is their difference.",
)
exercise.mistake(
    f"{squares}.mean() → {error}.mean(0).square().sum()",
    "the errors are averaged over the batch before they are squared, so opposite errors cancel: square first.",
)
exercise.mistake(
    f"{squares} → ({error} * {error}).flatten(1).sum(1)",
    "you evaluate both scores twice to square their difference: keep the difference and square it.",
    credit=0.5,
)


@exercise.mistake(
    "your function changes in place (`-=`) what `score` returned, which may be x itself: make a new tensor."
)
def subtracted_in_place(score, true_score, x):
    error = score(x)
    error -= true_score(x)
    return 0.5 * error.flatten(1).square().sum(1).mean()


exercise.mistake(
    f"{error} → {error}.detach()",
    "no gradient reaches the score's parameters, so the loss could not train it: leave out `no_grad`, `.detach()` and "
    "`.item()`.",
)
