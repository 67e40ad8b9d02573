"""hw3: the trace's estimate from one pass, along a random direction."""

import torch

from course import matching
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw3 import draws
from course.exercises.hw3.draws import case, linear_score, network_score, partial_score
from course.exercises.hw3.jacobian import evaluate, jacobian


def _cases(draw: Draw) -> list[Case]:
    once = network_score(draw, 7, kind="hw3.OncePassedScore", again=torch.zeros(()).double())
    return [
        case(draw, network_score(draw, 3), 5, 3, probe=True),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True, probe=True),
        case(draw, partial_score(draw, 5), 4, 5, probe=True),
        case(draw, linear_score(draw, 6), 7, 6, probe=True),
        case(draw, once, 3, 7, probe=True),  # the last: only who has the right number gets here
    ]


def _remark(function) -> str:
    x, d = torch.zeros(20_000, 20), 20
    found = function(draws.plain_score, x, torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    return (
        f"20,000 Gaussian probes of −x in 20 dimensions: mean {found.mean():.2f}, exactly −20; standard deviation "
        f"{found.std():.2f}, theory √(2D) = {(2 * d) ** 0.5:.2f}."
    )


hutchinson_trace = Exercise(
    "hutchinson_trace", 18, matching.hutchinson_trace, _cases, counted=("score",), remark=_remark
)


@hutchinson_trace.misconception(
    "the probe is multiplied only once, so this adds up the entries of vᵀ∇s: multiply the gradient by the probe again "
    "before you sum."
)
def probe_on_one_side(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        gradient = torch.autograd.grad((score(x) * probe).sum(), x, create_graph=True)[0]
    return gradient.sum(1)


@hutchinson_trace.misconception(
    "the probe is missing inside the derivative: differentiate v·s, not the sum of s, then multiply by v."
)
def probe_outside_only(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return (torch.autograd.grad(s.sum(), y, create_graph=True)[0] * probe).sum(1)


@hutchinson_trace.misconception(
    "the gradient of s.sum() times v² mixes all D² entries of the Jacobian: differentiate v·s, then multiply by v."
)
def probe_squared_outside(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return (torch.autograd.grad(s.sum(), y, create_graph=True)[0] * probe**2).sum(1)


@hutchinson_trace.misconception("that is ‖vᵀ∇s‖²: multiply the gradient of v·s by the probe, not by itself.")
def squared_norm(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0].square().sum(1)


@hutchinson_trace.misconception(
    "that is the exact trace, for which the probe is not needed: asked for is vᵀ∇s v with the probe that is given."
)
def exact_instead(score, x, probe):
    return matching.jacobian_trace(score, x)


@hutchinson_trace.misconception(
    "the number is right, but D passes went through the score to build its whole Jacobian: one is enough, the gradient "
    "of v·s.",
    credit=0.5,
)
def whole_jacobian(score, x, probe):
    return torch.einsum("bi,bij,bj->b", probe, jacobian(score, x), probe)


@hutchinson_trace.misconception(
    "you draw a probe of your own: use the `probe` that is handed in, or nothing is reproducible."
)
def probe_redrawn(score, x, probe):
    return matching.hutchinson_trace(score, x, torch.randn_like(x))


@hutchinson_trace.misconception("only the sign of the probe is used: its entries need not be ±1.")
def signs_only(score, x, probe):
    return matching.hutchinson_trace(score, x, probe.sign())


@hutchinson_trace.misconception("you scale the probe to a unit vector: take it as it is, or the mean is not the trace.")
def unit_probe(score, x, probe):
    return matching.hutchinson_trace(score, x, probe / probe.norm(dim=1, keepdim=True))


@hutchinson_trace.misconception("you scale the probe to length √D: take it as it is; its length is right on average.")
def probe_of_length_root_d(score, x, probe):
    return matching.hutchinson_trace(score, x, probe / probe.norm(dim=1, keepdim=True) * x.shape[1] ** 0.5)


@hutchinson_trace.misconception(draws.KEEPS_NO_GRAPH)
def estimate_without_graph(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return (torch.autograd.grad((s * probe).sum(), y)[0] * probe).sum(1)


@hutchinson_trace.misconception(draws.NOT_UNDER_NO_GRAD)
def estimate_not_under_no_grad(score, x, probe):
    y, s = evaluate(score, x)
    return (torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0] * probe).sum(1)


@hutchinson_trace.misconception(draws.X_DOES_NOT_ASK)
def estimate_of_x_that_does_not_ask(score, x, probe):
    with torch.enable_grad():
        return (torch.autograd.grad((score(x) * probe).sum(), x, create_graph=True)[0] * probe).sum(1)


@hutchinson_trace.misconception(draws.CALLERS_X)
def estimate_switches_on_callers_x(score, x, probe):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        return (torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0] * probe).sum(1)


@hutchinson_trace.misconception(draws.BACKWARD)
def estimate_by_backward(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        (s * probe).sum().backward()
    return (y.grad * probe).sum(1)


@hutchinson_trace.misconception("you average over D: vᵀ∇s v is a sum over the coordinates.")
def mean_over_coordinates(score, x, probe):
    return matching.hutchinson_trace(score, x, probe) / x.shape[1]


@hutchinson_trace.misconception("averaging v·s over the batch divides every gradient by B: differentiate its sum.")
def batch_mean_differentiated(score, x, probe):
    return matching.hutchinson_trace(score, x, probe) / len(x)


@hutchinson_trace.misconception("that is one number for the whole batch: give each example its own, shape (B,).")
def mean_over_the_batch(score, x, probe):
    return matching.hutchinson_trace(score, x, probe).mean()
