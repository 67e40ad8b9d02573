"""hw6: what a flow does to volume."""

from typing import Any

import torch
from torch import Tensor

from course import likelihood
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import field
from course.exercises.mistakes import OTHER_TIME, as_tensor

# -- divergence --------------------------------------------------------------------------------------------------------


def _divergence_cases(draw: Draw) -> list[Case]:
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


def _divergence_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    probe = torch.randn(4000, 2, generator=generator)
    found = function(lambda x, t: t * x @ matrix.T, torch.zeros(4000, 2), 2.0, probe).detach()
    error = found.std() / len(found) ** 0.5
    return f"4,000 probes of the field 2Ax average to {found.mean():.2f} ± {error:.2f}; its divergence, 2 tr A, is 3."


divergence = Exercise(
    "divergence", 5, likelihood.divergence, _divergence_cases, counted=("field",), remark=_divergence_remark
)


def pull_back(field, x, t, probe, create_graph=True):
    """(∂field/∂x)ᵀ probe."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=create_graph)[0]


@divergence.misconception("the second product with the probe is missing: vᵀ(∂field/∂x)v is one number an example.")
def second_product_missing(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)[0]


@divergence.misconception("the probe meets the Jacobian once only: differentiate field · v, not the sum of the field.")
def first_product_missing(field, x, t, probe):
    return (pull_back(field, x, t, torch.ones_like(probe)) * probe).sum(1)


@divergence.misconception("that adds up all entries of the Jacobian: bring in the probe on both sides, vᵀ(∂field/∂x)v.")
def sum_of_all_entries(field, x, t, probe):
    return pull_back(field, x, t, torch.ones_like(probe)).sum(1)


@divergence.misconception("that is the exact divergence, with D passes: one pass with the probe estimates it.")
def exact_trace(field, x, t, probe):
    unit = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    return sum(pull_back(field, x, t, e.expand_as(x))[:, i] for i, e in enumerate(unit))


@divergence.misconception(
    "the number is right, but D passes went through the field to build its whole Jacobian: one is enough, the gradient "
    "of field · v.",
    credit=0.5,
)
def whole_jacobian(field, x, t, probe):
    with torch.enable_grad():
        jacobian = torch.autograd.functional.jacobian(lambda y: field(y, t).sum(0), x, create_graph=True)
    return torch.einsum("bi,ibj,bj->b", probe, jacobian, probe)


@divergence.misconception(OTHER_TIME.format("field"), credit=0.5)
def divergence_with_time_as_a_tensor(field, x, t, probe):
    return likelihood.divergence(field, x, as_tensor(t, x), probe)


@divergence.misconception("the sum runs over the batch too: each example has its own divergence, shape (B,).")
def summed_over_the_batch(field, x, t, probe):
    return (pull_back(field, x, t, probe) * probe).sum()


@divergence.misconception("you average over the dimensions: a trace is a sum over them.")
def averaged_over_dimensions(field, x, t, probe):
    return (pull_back(field, x, t, probe) * probe).mean(1)


@divergence.misconception(
    "the probe is scaled to length one: its length matters, since E[vvᵀ] = I makes the estimate right on average."
)
def probe_normalized(field, x, t, probe):
    probe = probe / probe.norm(dim=1, keepdim=True)
    return (pull_back(field, x, t, probe) * probe).sum(1)


@divergence.misconception("a probe is handed in: use it, and draw none yourself.")
def probe_redrawn(field, x, t, probe):
    probe = torch.randn_like(x)
    return (pull_back(field, x, t, probe) * probe).sum(1)


@divergence.misconception(
    "nobody can train through it: the result must carry its graph to the field's parameters (create_graph=True)."
)
def graph_dropped(field, x, t, probe):
    return (pull_back(field, x, t, probe, create_graph=False) * probe).sum(1)


@divergence.misconception(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def divergence_not_under_no_grad(field, x, t, probe):
    x = x.detach().requires_grad_()
    return (torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)[0] * probe).sum(1)


@divergence.misconception("x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().")
def divergence_switches_on_callers_x(field, x, t, probe):
    with torch.enable_grad():
        x.requires_grad_()
        return (torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)[0] * probe).sum(1)
