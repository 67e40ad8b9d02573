"""hw3: the trace of a score's Jacobian."""

import torch
from torch import Tensor

from course import matching
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw3 import draws
from course.exercises.hw3.draws import case, linear_score, network_score, partial_score


def _cases(draw: Draw) -> list[Case]:
    return [
        case(draw, network_score(draw, 3), 5, 3),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True),
        case(draw, partial_score(draw, 5), 4, 5),
        case(draw, linear_score(draw, 6), 7, 6),
    ]


def _remark(function) -> str:
    found = function(draws.plain_score, torch.randn(3, 5, generator=torch.Generator().manual_seed(0))).tolist()
    return f"for −x, the score of N(0, I), in 5 dimensions it is {found[0]:g} at every x: minus D."


# how often the score is called is left open: once, D times and once an example are all good ways
jacobian_trace = Exercise("jacobian_trace", 16, matching.jacobian_trace, _cases, remark=_remark)


def evaluate(score, x: Tensor) -> tuple[Tensor, Tensor]:
    """A copy of x that asks for gradients, and the score there."""
    y = x.detach().requires_grad_()
    return y, score(y)


def jacobian(score, x: Tensor) -> Tensor:
    """∂s_i/∂x_j, shape (B, D, D), for the misconceptions."""
    with torch.enable_grad():
        y, s = evaluate(score, x)
        rows = [torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0] for i in range(x.shape[1])]
        return torch.stack(rows, 1)


def diagonal_by_grad(s: Tensor, y: Tensor, **options: bool) -> Tensor:
    """The trace, with other options of ``autograd.grad`` than it takes."""
    rows = [torch.autograd.grad(s[:, i].sum(), y, **options)[0][:, i] for i in range(y.shape[1])]  # type: ignore[call-overload]
    return torch.stack(rows).sum(0)


@jacobian_trace.misconception(
    "that adds up all D² entries of the Jacobian, since the gradient of s.sum() mixes every ∂s_i/∂x_j: take one output "
    "s_i at a time, and of its gradient entry i."
)
def all_entries(score, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        gradient = torch.autograd.grad(score(x).sum(), x, create_graph=True)[0]
    return gradient.sum(1)


@jacobian_trace.misconception(draws.KEEPS_NO_GRAPH)
def trace_without_graph(score, x):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return diagonal_by_grad(s, y, retain_graph=True)


@jacobian_trace.misconception(draws.GRAPH_FREED)
def trace_frees_the_graph(score, x):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return diagonal_by_grad(s, y)


@jacobian_trace.misconception(draws.NOT_UNDER_NO_GRAD)
def trace_not_under_no_grad(score, x):
    y, s = evaluate(score, x)
    return diagonal_by_grad(s, y, create_graph=True)


@jacobian_trace.misconception(draws.X_DOES_NOT_ASK)
def trace_of_x_that_does_not_ask(score, x):
    with torch.enable_grad():
        return diagonal_by_grad(score(x), x, create_graph=True)


@jacobian_trace.misconception(draws.CALLERS_X)
def trace_switches_on_callers_x(score, x):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        return diagonal_by_grad(s, x, create_graph=True)


@jacobian_trace.misconception(draws.BACKWARD)
def trace_by_backward(score, x):
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    with torch.enable_grad():
        for i in range(x.shape[1]):
            y, s = evaluate(score, x)
            s[:, i].sum().backward()
            total = total + y.grad[:, i]  # type: ignore[index]
    return total


@jacobian_trace.misconception("that is one number for the whole batch: give each example its own trace, shape (B,).")
def one_for_the_batch(score, x):
    return matching.jacobian_trace(score, x).sum()


@jacobian_trace.misconception("averaging s_i over the batch divides every gradient by B: differentiate s[:, i].sum().")
def batch_mean_differentiated(score, x):
    return matching.jacobian_trace(score, x) / len(x)


@jacobian_trace.misconception("a trace is the sum of the diagonal; you divide it by D.")
def mean_of_diagonal(score, x):
    return matching.jacobian_trace(score, x) / x.shape[1]


@jacobian_trace.misconception("that is the diagonal of the Jacobian, shape (B, D): add it up over D.")
def diagonal_not_summed(score, x):
    return jacobian(score, x).diagonal(dim1=1, dim2=2)


@jacobian_trace.misconception("that is the determinant: the trace is the sum of the diagonal.")
def determinant(score, x):
    return torch.linalg.det(jacobian(score, x))


@jacobian_trace.misconception(
    "you add up the gradient of the first output, ∂s_1/∂x_j: entry i of the diagonal is ∂s_i/∂x_i, both indices move."
)
def first_output_only(score, x):
    return jacobian(score, x)[:, 0].sum(1)


@jacobian_trace.misconception("the sum stops one short: the diagonal has D entries, i = 0, …, D − 1.")
def one_short(score, x):
    return jacobian(score, x).diagonal(dim1=1, dim2=2)[:, :-1].sum(1)
