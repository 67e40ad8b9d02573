"""What hw3's cases and remarks are made of, and the sentences about automatic differentiation that its pages share."""

import torch
from torch import Tensor

from course.exercises.case import Case, CaseRng, FunctionSpec

KEEPS_NO_GRAPH = (
    "no gradient of the trace reaches the score's parameters, so a loss made of it could not train the score: pass "
    "create_graph=True to torch.autograd.grad."
)
GRAPH_FREED = (
    "the first derivative frees the graph that the next one needs: pass create_graph=True to torch.autograd.grad, "
    "which keeps it and makes the result differentiable."
)
NOT_UNDER_NO_GRAD = (
    "under torch.no_grad() there is no graph to differentiate, and this must work there too: compute inside "
    "`with torch.enable_grad():`."
)
CALLERS_X = "x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().requires_grad_()."
X_DOES_NOT_ASK = "x does not ask for gradients: differentiate with respect to x.detach().requires_grad_()."
BACKWARD = (
    "`.backward()` adds to the gradients of the score's parameters, in the middle of somebody's training: use "
    "torch.autograd.grad with respect to x alone."
)
NO_TRACE_GRADIENT = (
    "the trace carries no gradient to the score's parameters, so training would see ½‖s‖² alone and shrink the score "
    "to zero: compute it with create_graph=True, and detach nothing."
)
NO_SQUARE_GRADIENT = (
    "½‖s‖² carries no gradient to the score's parameters, so training would see the trace alone, which has no lower "
    "bound: leave out `.detach()` and `no_grad` there."
)


LEFT_AS_IT_IS = "torch.enable_grad() → torch.set_grad_enabled(torch.is_grad_enabled())"
"""The patch that does what a function without ``enable_grad`` does."""


def network_score(draw: CaseRng, d: int, hidden: int = 8, kind: str = "NetworkScore", **more: Tensor) -> FunctionSpec:
    """A score that is not the gradient of anything, as a learned one: its Jacobian is not symmetric."""
    tensors = {"win": draw.normal(d, hidden) / d**0.5, "bias": draw.normal(hidden), "wout": draw.normal(hidden, d) / 2}
    return FunctionSpec(kind, {**tensors, **more})


def gaussian_score(draw: CaseRng, d: int) -> FunctionSpec:
    """Of a Gaussian with a mean that is not zero and a covariance that is not diagonal."""
    return FunctionSpec("LinearScore", {"centre": draw.normal(d), "precision": draw.precision(d)})


def linear_score(draw: CaseRng, d: int) -> FunctionSpec:
    """Linear, with a Jacobian that is neither symmetric nor of one sign."""
    return FunctionSpec("LinearScore", {"centre": draw.normal(d), "precision": draw.normal(d, d)})


def partial_score(draw: CaseRng, d: int, hidden: int = 8) -> FunctionSpec:
    """Its first coordinate is constant, and none depends on the last of x."""
    tensors = {
        "level": draw.normal(),
        "win": draw.normal(d - 1, hidden),
        "bias": draw.normal(hidden),
        "wout": draw.normal(hidden, d - 1),
    }
    return FunctionSpec("hw3.PartialScore", tensors)


def case(draw: CaseRng, score: FunctionSpec, b: int, d: int, no_grad: bool = False, probe: bool = False) -> Case:
    """B points for a score, neither centred nor of unit variance, and a probe whose entries are not ±1."""
    arguments: dict = {"score": score, "x": 2 * draw.normal(b, d) + 1}
    if probe:
        arguments["probe"] = draw.normal(b, d)
    return Case(arguments, no_grad=no_grad, gradients=() if no_grad else ("score",), magnitude=50)


def loss_cases(draw: CaseRng, probe: bool) -> list[Case]:
    """Cases of a loss that is made of a trace; near the middle of a Gaussian it is negative."""
    gaussian = gaussian_score(draw, 4)
    middle = case(draw, gaussian, 6, 4, probe=probe)
    middle.arguments["x"] = gaussian.tensors["centre"] + 0.1 * draw.normal(6, 4)
    return [
        case(draw, network_score(draw, 3), 5, 3, probe=probe),
        case(draw, linear_score(draw, 6), 7, 6, probe=probe),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True, probe=probe),
        middle,
    ]


def plain_score(x: Tensor) -> Tensor:
    """Of N(0, I)."""
    return -x


def zero_score(x: Tensor) -> Tensor:
    """A score that has learned nothing."""
    return torch.zeros_like(x)
