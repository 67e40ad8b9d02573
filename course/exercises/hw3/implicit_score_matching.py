"""3.3, Hyvärinen's loss: half the squared norm of the score plus the trace of its Jacobian, averaged over data."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3 import shared
from course.exercises.hw3.jacobian_trace import jacobian_trace, vmapped_jacobian


def implicit_score_matching(score, x):
    return (0.5 * score(x).square().sum(1) + jacobian_trace(score, x)).mean()


def cases(draw: CaseRng) -> list[Case]:
    return shared.loss_cases(draw, probe=False)


def remark(function) -> str:
    found = function(shared.plain_score, torch.randn(100_000, 3, generator=torch.Generator().manual_seed(0))).item()
    return f"the true score of N(0, I) in 3 dimensions has the loss {found:.3f}; theory −D/2 = −1.5, and none is lower."


# how often the score is called is left open: who uses jacobian_trace evaluates it again
exercise = Exercise(answer=implicit_score_matching, cases=cases, remark=remark)
exercise.right(matching.implicit_score_matching)


@exercise.right
def from_the_trace(score, x):
    return 0.5 * score(x).pow(2).sum() / len(x) + vmapped_jacobian(score, x).mean()


@exercise.right
def coordinate_by_coordinate(score, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        s, loss = score(y), torch.zeros((), dtype=x.dtype, device=x.device)
        for i, column in enumerate(s.unbind(1)):
            slope = torch.autograd.grad(column.sum(), y, create_graph=True)[0][:, i]
            loss = loss + (0.5 * column**2 + slope).mean()
    return loss


trace = "jacobian_trace(score, x)"
norms = "score(x).square().sum(1)"
each = f"(0.5 * {norms} + {trace})"


exercise.mistake(
    f"{each}.mean() → {each}.mean().clamp(min=0)",
    "the loss is cut off at zero, but a good score's is negative: it is half a squared distance less a constant.",
)


@exercise.mistake(
    "the second term adds up all D² entries of the Jacobian, the gradient of s.sum(): the trace is its diagonal only."
)
def all_entries_for_trace(score, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        entries = torch.autograd.grad(s.sum(), x, create_graph=True)[0].sum(1)
        return (0.5 * s.square().sum(1) + entries).mean()


exercise.mistake(
    f"0.5 * {norms} → {norms}",
    "the factor ½ of ‖s‖² is missing: with it gone, the best score is half too short.",
)
exercise.mistake(
    f"{trace} → 0.5 * {trace}",
    "the ½ belongs to ‖s‖² alone: the trace keeps its full weight.",
)
exercise.mistake(
    f"{each} → ({norms} + 2 * {trace})",
    "that is ‖s‖² + 2 tr ∇s, twice the loss asked for: halve it.",
)
exercise.mistake(
    f"{each} → (0.5 * {norms} - {trace})",
    "the trace has the wrong sign: integration by parts turns −E s·∇log p into +E tr ∇s, so add it.",
)
exercise.mistake(
    f"{each} → (0.5 * {norms})",
    "the trace is missing: ½‖s‖² alone is least for a score that is zero everywhere.",
)
exercise.mistake(
    f"{each}.mean() → {each}.sum()",
    "you sum over the batch: take its mean, or the loss grows with the batch.",
)
exercise.mistake(
    f"{norms} → score(x).square().mean(1)",
    "‖s‖² sums over the coordinates: you average over them, which divides by D.",
)
exercise.mistake(
    f"{each}.mean() → {each}.mean() / x.shape[1]",
    "the loss is a sum over coordinates: you average both terms over them.",
)
exercise.mistake(
    f"{norms} → score(x).norm(dim=1)",
    "the norm is not squared: it is ½‖s‖², without a root.",
)
exercise.mistake(f"{trace} → {trace}.detach()", shared.NO_TRACE_GRADIENT)
exercise.mistake("score(x) → score(x).detach()", shared.NO_SQUARE_GRADIENT)


@exercise.mistake(shared.GRAPH_FREED)
def implicit_frees_the_graph(score, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        trace = sum(torch.autograd.grad(s[:, i].sum(), x)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean()


@exercise.mistake(shared.NOT_UNDER_NO_GRAD)
def implicit_not_under_no_grad(score, x):
    x = x.detach().requires_grad_()
    s = score(x)
    trace = sum(torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))
    return (0.5 * s.square().sum(1) + trace).mean()


@exercise.mistake(shared.CALLERS_X)
def implicit_switches_on_callers_x(score, x):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        trace = sum(torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean()


exercise.mistake(
    f"{each}.mean() → {each}",
    "that is one loss an example: take the mean over the batch, shape ().",
)
