"""3.4, an estimate of the trace from one pass along a probe: vᵀ ∇s(x) v."""

from typing import Any

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3 import shared
from course.exercises.hw3.jacobian_trace import jacobian_trace
from course.exercises.hw3.shared import case, linear_score, network_score, partial_score


def hutchinson_trace(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((score(x) * probe).sum(), x, create_graph=True)
        return (row * probe).sum(1)


def cases(draw: CaseRng) -> list[Case]:
    once = network_score(draw, 7, kind="hw3.OncePassedScore", again=torch.zeros(()).double())
    return [
        case(draw, network_score(draw, 3), 5, 3, probe=True),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True, probe=True),
        case(draw, partial_score(draw, 5), 4, 5, probe=True),
        case(draw, linear_score(draw, 6), 7, 6, probe=True),
        case(draw, once, 3, 7, probe=True),  # the last: only who has the right number gets here
    ]


def remark(function) -> str:
    x, d = torch.zeros(20_000, 20), 20
    found = function(shared.plain_score, x, torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    return (
        f"20,000 Gaussian probes of −x in 20 dimensions: mean {found.mean():.2f}, exactly −20; standard deviation "
        f"{found.std():.2f}, theory √(2D) = {(2 * d) ** 0.5:.2f}."
    )


exercise = Exercise(answer=hutchinson_trace, cases=cases, counted=("score",), remark=remark)
exercise.right(matching.hutchinson_trace)


@exercise.right
def forward_mode(score, x, probe):
    return (probe * torch.func.jvp(score, (x,), (probe,))[1]).sum(1)


@exercise.right
def dual_numbers(score, x, probe):
    with torch.autograd.forward_ad.dual_level():
        dual = score(torch.autograd.forward_ad.make_dual(x, probe))
        return torch.einsum("bd,bd->b", torch.autograd.forward_ad.unpack_dual(dual).tangent, probe)


@exercise.right
def vector_jacobian_product(score, x, probe):
    pull: Any = torch.func.vjp(score, x)[1]
    return (pull(probe)[0] * probe).sum(-1)


@exercise.right
def probe_as_output_gradient(score, x, probe):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        (row,) = torch.autograd.grad(score(y), y, grad_outputs=probe, create_graph=True)
    return torch.linalg.vecdot(row, probe)


@exercise.right
def derivative_of_the_projection(score, x, probe):
    with torch.enable_grad():
        return (torch.autograd.functional.jvp(score, x.detach(), probe, create_graph=True)[1] * probe).sum(1)


leaf = "x.detach().requires_grad_()"
gradient = "torch.autograd.grad((score(x) * probe).sum(), x, create_graph=True)"

exercise.right(
    "row * probe → row.mul_(probe)",
    "`row` is the function's own, and its graph does not need its old value",
)
exercise.mistake(
    "row * probe → row",
    "the probe is multiplied only once, so this adds up the entries of vᵀ∇s: multiply the gradient by the probe again "
    "before you sum.",
)
exercise.mistake(
    "score(x) * probe → score(x)",
    "the probe is missing inside the derivative: differentiate v·s, not the sum of s, then multiply by v.",
)
exercise.mistake(
    """score(x) * probe → score(x)
       row * probe → row * probe**2""",
    "the gradient of s.sum() times v² mixes all D² entries of the Jacobian: differentiate v·s, then multiply by v.",
)
exercise.mistake(
    "row * probe → row.square()",
    "that is ‖vᵀ∇s‖²: multiply the gradient of v·s by the probe, not by itself.",
)


@exercise.mistake(
    "that is the exact trace, for which the probe is not needed: asked for is vᵀ∇s v with the probe that is given."
)
def exact_instead(score, x, probe):
    return jacobian_trace(score, x)


@exercise.mistake(
    "the number is right, but D passes went through the score to build its whole Jacobian: one is enough, the gradient "
    "of v·s.",
    credit=0.5,
)
def whole_jacobian(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        rows = [torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0] for i in range(x.shape[1])]
        return torch.einsum("bi,bij,bj->b", probe, torch.stack(rows, 1), probe)


exercise.mistake(
    f"x = {leaf} → x, probe = {leaf}, torch.randn_like(x)",
    "you draw a probe of your own: use the `probe` that is handed in, or nothing is reproducible.",
)
exercise.mistake(
    f"x = {leaf} → x, probe = {leaf}, probe.sign()",
    "only the sign of the probe is used: its entries need not be ±1.",
)
exercise.mistake(
    f"x = {leaf} → x, probe = {leaf}, probe / probe.norm(dim=1, keepdim=True)",
    "you scale the probe to a unit vector: take it as it is, or the mean is not the trace.",
)
exercise.mistake(
    f"x = {leaf} → x, probe = {leaf}, probe / probe.norm(dim=1, keepdim=True) * x.shape[1] ** 0.5",
    "you scale the probe to length √D: take it as it is; its length is right on average.",
)
exercise.mistake(f"{gradient} → torch.autograd.grad((score(x) * probe).sum(), x)", shared.KEEPS_NO_GRAPH)
exercise.mistake(shared.LEFT_AS_IT_IS, shared.NOT_UNDER_NO_GRAD)
exercise.mistake(f"x = {leaf} →", shared.X_DOES_NOT_ASK)
exercise.mistake(f"{leaf} → x.requires_grad_()", shared.CALLERS_X)
exercise.mistake(
    f"""(row,) = {gradient} → (score(x) * probe).sum().backward()
        row * probe → x.grad * probe""",
    shared.BACKWARD,
)
exercise.mistake(
    "(row * probe).sum(1) → (row * probe).mean(1)",
    "you average over D: vᵀ∇s v is a sum over the coordinates.",
)
exercise.mistake(
    "(score(x) * probe).sum() → (score(x) * probe).sum(1).mean()",
    "averaging v·s over the batch divides every gradient by B: differentiate its sum.",
)
exercise.mistake(
    "(row * probe).sum(1) → (row * probe).sum(1).mean()",
    "that is one number for the whole batch: give each example its own, shape (B,).",
)
