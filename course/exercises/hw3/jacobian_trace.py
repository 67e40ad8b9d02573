"""3.2, the trace of a score's Jacobian, exactly, also under no_grad."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3 import shared
from course.exercises.hw3.shared import case, linear_score, network_score, partial_score


def jacobian_trace(score, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s, trace = score(x), 0
        for i in range(x.shape[1]):
            trace = trace + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
        return trace


def cases(draw: CaseRng) -> list[Case]:
    return [
        case(draw, network_score(draw, 3), 5, 3),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True),
        case(draw, partial_score(draw, 5), 4, 5),
        case(draw, linear_score(draw, 6), 7, 6),
    ]


def remark(function) -> str:
    found = function(shared.plain_score, torch.randn(3, 5, generator=torch.Generator().manual_seed(0))).tolist()
    return f"for −x, the score of N(0, I), in 5 dimensions it is {found[0]:g} at every x: minus D."


# how often the score is called is left open: once, D times and once an example are all good ways
exercise = Exercise(answer=jacobian_trace, cases=cases, remark=remark)
exercise.right(matching.jacobian_trace)


def one(score):
    """The score of a single example, (D,) → (D,)."""
    return lambda row: score(row[None])[0]


@exercise.right
def vmapped_jacobian(score, x):
    return torch.func.vmap(torch.func.jacrev(one(score)))(x).diagonal(dim1=-2, dim2=-1).sum(-1)


@exercise.right
def forward_mode_along_axes(score, x):
    total = torch.zeros_like(x[:, 0])
    for axis in torch.eye(x.shape[1], dtype=x.dtype, device=x.device):
        along = torch.func.jvp(score, (x,), (axis.expand_as(x).contiguous(),))[1]
        total = total + along @ axis
    return total


@exercise.right
def example_by_example(score, x):
    with torch.enable_grad():
        whole = [torch.autograd.functional.jacobian(one(score), row, create_graph=True) for row in x]
        return torch.stack([j.trace() for j in whole])


@exercise.right
def with_masks(score, x):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        s, total = score(y), 0
        for mask in torch.eye(x.shape[1], dtype=x.dtype, device=x.device):
            total = total + (torch.autograd.grad(s, y, mask.expand_as(s), create_graph=True)[0] * mask).sum(1)
    return total


gradient = "torch.autograd.grad(s[:, i].sum(), x, create_graph=True)"

exercise.right(f"{gradient}[0] → {gradient}[-1]", "the tuple has one entry")
exercise.mistake(
    "s[:, i].sum() → s.sum()",
    "that adds up all D² entries of the Jacobian, since the gradient of s.sum() mixes every ∂s_i/∂x_j: take one output "
    "s_i at a time, and of its gradient entry i.",
)
exercise.mistake(f"{gradient} → torch.autograd.grad(s[:, i].sum(), x, retain_graph=True)", shared.KEEPS_NO_GRAPH)
exercise.mistake(f"{gradient} → torch.autograd.grad(s[:, i].sum(), x)", shared.GRAPH_FREED)
exercise.mistake(shared.LEFT_AS_IT_IS, shared.NOT_UNDER_NO_GRAD)
exercise.mistake("x = x.detach().requires_grad_() →", shared.X_DOES_NOT_ASK)
exercise.mistake("x.detach().requires_grad_() → x.requires_grad_()", shared.CALLERS_X)


@exercise.mistake(shared.BACKWARD)
def trace_by_backward(score, x):
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    with torch.enable_grad():
        for i in range(x.shape[1]):
            y = x.detach().requires_grad_()
            score(y)[:, i].sum().backward()
            total = total + y.grad[:, i]
    return total


exercise.mistake(
    "return trace → return trace.sum()",
    "that is one number for the whole batch: give each example its own trace, shape (B,).",
)
exercise.mistake(
    "s[:, i].sum() → s[:, i].mean()",
    "averaging s_i over the batch divides every gradient by B: differentiate s[:, i].sum().",
)
exercise.mistake(
    "return trace → return trace / x.shape[1]",
    "a trace is the sum of the diagonal; you divide it by D.",
)
exercise.mistake(
    f"""s, trace = score(x), 0 → s, trace = score(x), []
        trace + {gradient}[0][:, i] → [*trace, {gradient}[0][:, i]]
        return trace → return torch.stack(trace, 1)""",
    "that is the diagonal of the Jacobian, shape (B, D): add it up over D.",
)
exercise.mistake(
    f"""s, trace = score(x), 0 → s, trace = score(x), []
        trace + {gradient}[0][:, i] → [*trace, {gradient}[0]]
        return trace → return torch.linalg.det(torch.stack(trace, 1))""",
    "that is the determinant: the trace is the sum of the diagonal.",
)
exercise.mistake(
    "s[:, i].sum() → s[:, 0].sum()",
    "you add up the gradient of the first output, ∂s_1/∂x_j: entry i of the diagonal is ∂s_i/∂x_i, both indices move.",
)
exercise.mistake(
    "x.shape[1] → x.shape[1] - 1",
    "the sum stops one short: the diagonal has D entries, i = 0, …, D − 1.",
)
