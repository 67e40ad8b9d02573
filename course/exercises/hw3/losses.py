"""hw3: score matching without the truth, implicit and sliced."""

import torch

from course import matching
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw3 import draws
from course.exercises.hw3.draws import case, linear_score, network_score
from course.exercises.hw3.jacobian import diagonal_by_grad, evaluate


def _cases(draw: Draw, probe: bool) -> list[Case]:
    return [
        case(draw, network_score(draw, 3), 5, 3, probe=probe),
        case(draw, linear_score(draw, 6), 7, 6, probe=probe),
        case(draw, network_score(draw, 4), 6, 4, no_grad=True, probe=probe),
    ]


def _half_square(score, x):
    return 0.5 * score(x).square().sum(1)


# -- implicit_score_matching -------------------------------------------------------------------------------------------


def _implicit_remark(function) -> str:
    found = function(draws.plain_score, torch.randn(100_000, 3, generator=torch.Generator().manual_seed(0))).item()
    return f"the true score of N(0, I) in 3 dimensions has the loss {found:.3f}; theory −D/2 = −1.5, and none is lower."


# how often the score is called is left open here and below: who uses the functions above evaluates it again
implicit_score_matching = Exercise(
    "implicit_score_matching",
    16,
    matching.implicit_score_matching,
    lambda draw: _cases(draw, probe=False),
    remark=_implicit_remark,
)


@implicit_score_matching.misconception(
    "the second term adds up all D² entries of the Jacobian, the gradient of s.sum(): the trace is its diagonal only."
)
def all_entries_for_trace(score, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        entries = torch.autograd.grad(s.sum(), x, create_graph=True)[0].sum(1)
        return (0.5 * s.square().sum(1) + entries).mean()


@implicit_score_matching.misconception(
    "the factor ½ of ‖s‖² is missing: with it gone, the best score is half too short."
)
def half_of_square_missing(score, x):
    return (score(x).square().sum(1) + matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception("the ½ belongs to ‖s‖² alone: the trace keeps its full weight.")
def trace_halved(score, x):
    return (_half_square(score, x) + 0.5 * matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception("that is ‖s‖² + 2 tr ∇s, twice the loss asked for: halve it.")
def twice_the_loss(score, x):
    return 2 * matching.implicit_score_matching(score, x)


@implicit_score_matching.misconception(
    "the trace has the wrong sign: integration by parts turns −E s·∇log p into +E tr ∇s, so add it."
)
def trace_subtracted(score, x):
    return (_half_square(score, x) - matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception(
    "the trace is missing: ½‖s‖² alone is least for a score that is zero everywhere."
)
def trace_missing(score, x):
    return _half_square(score, x).mean()


@implicit_score_matching.misconception("you sum over the batch: take its mean, or the loss grows with the batch.")
def sum_over_batch(score, x):
    return (_half_square(score, x) + matching.jacobian_trace(score, x)).sum()


@implicit_score_matching.misconception("‖s‖² sums over the coordinates: you average over them, which divides by D.")
def square_averaged(score, x):
    return (0.5 * score(x).square().mean(1) + matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception("the loss is a sum over coordinates: you average both terms over them.")
def everything_averaged(score, x):
    return matching.implicit_score_matching(score, x) / x.shape[1]


@implicit_score_matching.misconception("the norm is not squared: it is ½‖s‖², without a root.")
def norm_not_squared(score, x):
    return (0.5 * score(x).norm(dim=1) + matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception(draws.NO_TRACE_GRADIENT)
def trace_without_gradient(score, x):
    return (_half_square(score, x) + matching.jacobian_trace(score, x).detach()).mean()


@implicit_score_matching.misconception(draws.NO_SQUARE_GRADIENT)
def square_without_gradient(score, x):
    return (_half_square(score, x).detach() + matching.jacobian_trace(score, x)).mean()


@implicit_score_matching.misconception(draws.GRAPH_FREED)
def implicit_frees_the_graph(score, x):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        return (0.5 * s.square().sum(1) + diagonal_by_grad(s, y)).mean()


@implicit_score_matching.misconception(draws.NOT_UNDER_NO_GRAD)
def implicit_not_under_no_grad(score, x):
    y, s = evaluate(score, x)
    return (0.5 * s.square().sum(1) + diagonal_by_grad(s, y, create_graph=True)).mean()


@implicit_score_matching.misconception(draws.CALLERS_X)
def implicit_switches_on_callers_x(score, x):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        return (0.5 * s.square().sum(1) + diagonal_by_grad(s, x, create_graph=True)).mean()


@implicit_score_matching.misconception("that is one loss an example: take the mean over the batch, shape ().")
def not_averaged(score, x):
    return _half_square(score, x) + matching.jacobian_trace(score, x)


# -- sliced_score_matching ---------------------------------------------------------------------------------------------


def _sliced_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, probe = torch.randn(2, 200_000, 3, generator=generator)
    found = function(draws.plain_score, x, probe).item()
    return f"the true score of N(0, I) in 3 dimensions has the loss {found:.3f}; theory −D/2 = −1.5, as for implicit."


sliced_score_matching = Exercise(
    "sliced_score_matching",
    14,
    matching.sliced_score_matching,
    lambda draw: _cases(draw, probe=True),
    remark=_sliced_remark,
)


@sliced_score_matching.misconception(
    "that is the first form of sliced score matching, with ½(v·s)²: right on average over probes, but noisier; ½‖s‖² "
    "needs no probe.",
    credit=0.5,
)
def square_projected_too(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        along = (score(x) * probe).sum(1)
        gradient = torch.autograd.grad(along.sum(), x, create_graph=True)[0]
        return (0.5 * along.square() + (gradient * probe).sum(1)).mean()


@sliced_score_matching.misconception("the factor ½ of ‖s‖² is missing: with it gone, the best score is half too short.")
def half_of_square_missing_too(score, x, probe):
    return (score(x).square().sum(1) + matching.hutchinson_trace(score, x, probe)).mean()


@sliced_score_matching.misconception("the ½ belongs to ‖s‖² alone: vᵀ∇s v keeps its full weight.")
def projection_halved(score, x, probe):
    return (_half_square(score, x) + 0.5 * matching.hutchinson_trace(score, x, probe)).mean()


@sliced_score_matching.misconception("vᵀ∇s v has the wrong sign: it stands for the trace, so add it.")
def projection_subtracted(score, x, probe):
    return (_half_square(score, x) - matching.hutchinson_trace(score, x, probe)).mean()


@sliced_score_matching.misconception("that is ‖s‖² + 2 vᵀ∇s v, twice the loss asked for: halve it.")
def twice_the_sliced_loss(score, x, probe):
    return 2 * matching.sliced_score_matching(score, x, probe)


@sliced_score_matching.misconception(
    "the probe is multiplied only once: the second term is vᵀ∇s v, so multiply the gradient of v·s by v again."
)
def probe_on_one_side_too(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        gradient = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + gradient.sum(1)).mean()


@sliced_score_matching.misconception(
    "that is the implicit loss with the exact trace: use the probe, and one pass instead of D."
)
def exact_trace_instead(score, x, probe):
    return matching.implicit_score_matching(score, x)


@sliced_score_matching.misconception("you sum over the batch: take its mean, or the loss grows with the batch.")
def sliced_sum_over_batch(score, x, probe):
    return matching.sliced_score_matching(score, x, probe) * len(x)


@sliced_score_matching.misconception("‖s‖² sums over the coordinates: you average over them, which divides by D.")
def sliced_square_averaged(score, x, probe):
    return (0.5 * score(x).square().mean(1) + matching.hutchinson_trace(score, x, probe)).mean()


@sliced_score_matching.misconception(
    "you draw a probe of your own: use the `probe` that is handed in, or nothing is reproducible."
)
def sliced_probe_redrawn(score, x, probe):
    return matching.sliced_score_matching(score, x, torch.randn_like(x))


@sliced_score_matching.misconception(draws.NO_TRACE_GRADIENT)
def projection_without_gradient(score, x, probe):
    return (_half_square(score, x) + matching.hutchinson_trace(score, x, probe).detach()).mean()


@sliced_score_matching.misconception(draws.NO_SQUARE_GRADIENT)
def sliced_square_without_gradient(score, x, probe):
    return (_half_square(score, x).detach() + matching.hutchinson_trace(score, x, probe)).mean()


@sliced_score_matching.misconception(draws.GRAPH_FREED)
def sliced_frees_the_graph(score, x, probe):
    with torch.enable_grad():
        y, s = evaluate(score, x)
        gradient = torch.autograd.grad((s * probe).sum(), y)[0]
        return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


@sliced_score_matching.misconception(draws.NOT_UNDER_NO_GRAD)
def sliced_not_under_no_grad(score, x, probe):
    y, s = evaluate(score, x)
    gradient = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
    return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


@sliced_score_matching.misconception(draws.CALLERS_X)
def sliced_switches_on_callers_x(score, x, probe):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        gradient = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


@sliced_score_matching.misconception("that is one loss an example: take the mean over the batch, shape ().")
def sliced_not_averaged(score, x, probe):
    return _half_square(score, x) + matching.hutchinson_trace(score, x, probe)
