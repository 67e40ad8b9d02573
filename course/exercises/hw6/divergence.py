"""6.13, Hutchinson's estimate of the divergence of a field with a probe that is handed in: uᵀ(∂field/∂x)u."""

from typing import Any

import torch
from torch import Tensor

from course import likelihood
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import field
from course.exercises.mistakes import OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def divergence(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        pulled = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)[0]
        return (pulled * probe).sum(1)


def cases(draw: CaseRng) -> list[Case]:
    """Jacobians that are not symmetric; gradients reach the field; time is a float or one number per example."""

    def case(t: float | Tensor, no_grad: bool, b: int, d: int, **how: Any) -> Case:
        arguments = {"field": field(draw, d, **how), "x": draw.normal(b, d), "t": t, "probe": draw.normal(b, d)}
        return Case(arguments, no_grad, () if no_grad else ("field",), magnitude=10)

    once = {"kind": "OncePassedField", "again": torch.zeros(()).double()}

    return [
        case(draw.number(0.2, 0.9), False, 5, 3),
        case(draw.uniform(6, low=0.1, high=0.9), False, 6, 4),
        case(draw.number(0.2, 0.9), True, 4, 3),
        case(draw.number(0.2, 0.9), False, 3, 5, **once),  # the last: only who has the right number gets here
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    probe = torch.randn(4000, 2, generator=generator)
    found = function(lambda x, t: t * x @ matrix.T, torch.zeros(4000, 2), 2.0, probe).detach()
    error = found.std() / len(found) ** 0.5
    return f"4,000 probes of the field 2Ax average to {found.mean():.2f} ± {error:.2f}; its divergence, 2 tr A, is 3."


exercise = Exercise(answer=divergence, cases=cases, counted=("field",), remark=remark)
exercise.right(likelihood.divergence)
GRADIENT = "torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)"


@exercise.right
def twice_backward(field, x, t, probe):
    """The Jacobian on the other side: (∂field/∂x) v, as the derivative of a vector-Jacobian product in its vector."""
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        out = field(y, t)
        vector = torch.zeros_like(out, requires_grad=True)
        (pulled,) = torch.autograd.grad(out, y, vector, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, vector, probe, create_graph=True)
        return (pushed * probe).sum(dim=-1)


exercise.right(f"""{GRADIENT} → torch.autograd.grad(field(x, t), x, grad_outputs=probe, create_graph=True)
                   (pulled * probe).sum(1) → torch.einsum("bi,bi->b", pulled, probe)""")
exercise.right(f"{GRADIENT}[0] → {GRADIENT}[-1]", "the tuple has one entry")
exercise.right("pulled * probe → pulled.mul_(probe)", "`pulled` is the function's own")
exercise.mistake(
    "(pulled * probe).sum(1) → pulled",
    "the second product with the probe is missing: vᵀ(∂field/∂x)v is one number an example.",
)
exercise.mistake(
    "field(x, t) * probe → field(x, t)",
    "the probe meets the Jacobian once only: differentiate field · v, not the sum of the field.",
)
exercise.mistake(
    """field(x, t) * probe → field(x, t)
       pulled * probe → pulled""",
    "that adds up all entries of the Jacobian: bring in the probe on both sides, vᵀ(∂field/∂x)v.",
)


@exercise.mistake("that is the exact divergence, with D passes: one pass with the probe estimates it.")
def exact_trace(field, x, t, probe):
    with torch.enable_grad():
        x, total = x.detach().requires_grad_(), 0
        for i in range(x.shape[1]):
            total = total + torch.autograd.grad(field(x, t)[:, i].sum(), x, create_graph=True)[0][:, i]
        return total


@exercise.mistake(
    "the number is right, but D passes went through the field to build its whole Jacobian: one is enough, the gradient "
    "of field · v.",
    credit=0.5,
)
def whole_jacobian(field, x, t, probe):
    with torch.enable_grad():
        jacobian = torch.autograd.functional.jacobian(lambda y: field(y, t).sum(0), x, create_graph=True)
    return torch.einsum("bi,ibj,bj->b", probe, jacobian, probe)


exercise.mistake("field(x, t) → field(x, as_tensor(t, x))", OTHER_TIME.format("field"), credit=0.5)
exercise.mistake(
    "(pulled * probe).sum(1) → (pulled * probe).sum()",
    "the sum runs over the batch too: each example has its own divergence, shape (B,).",
)
exercise.mistake(
    "(pulled * probe).sum(1) → (pulled * probe).mean(1)",
    "you average over the dimensions: a trace is a sum over them.",
)
exercise.mistake(
    "x = x.detach().requires_grad_() → x, probe = x.detach().requires_grad_(), probe / probe.norm(dim=1, keepdim=True)",
    "the probe is scaled to length one: its length matters, since E[vvᵀ] = I makes the estimate right on average.",
)
exercise.mistake(
    "x = x.detach().requires_grad_() → x, probe = x.detach().requires_grad_(), torch.randn_like(x)",
    "a probe is handed in: use it, and draw none yourself.",
)
exercise.mistake(
    f"{GRADIENT} → torch.autograd.grad((field(x, t) * probe).sum(), x)",
    "nobody can train through it: the result must carry its graph to the field's parameters (create_graph=True).",
)


@exercise.mistake(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def not_under_no_grad(field, x, t, probe):
    x = x.detach().requires_grad_()
    return (torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)[0] * probe).sum(1)


exercise.mistake(
    "x.detach().requires_grad_() → x.requires_grad_()",
    "x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().",
)
