"""3.5, score matching along random directions, in the form that projects only the Jacobian."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3 import shared
from course.exercises.hw3.hutchinson_trace import hutchinson_trace, probe_as_output_gradient
from course.exercises.hw3.implicit_score_matching import implicit_score_matching


def sliced_score_matching(score, x, probe):
    return (0.5 * score(x).square().sum(1) + hutchinson_trace(score, x, probe)).mean()


def cases(draw: CaseRng) -> list[Case]:
    return shared.loss_cases(draw, probe=True)


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, probe = torch.randn(2, 200_000, 3, generator=generator)
    found = function(shared.plain_score, x, probe).item()
    return f"the true score of N(0, I) in 3 dimensions has the loss {found:.3f}; theory −D/2 = −1.5, as for implicit."


# how often the score is called is left open: who uses hutchinson_trace evaluates it again
exercise = Exercise(answer=sliced_score_matching, cases=cases, remark=remark)
exercise.right(matching.sliced_score_matching)


@exercise.right
def with_forward_mode(score, x, probe):
    s, along, *_ = torch.func.jvp(score, (x,), (probe,))
    return (s.square() / 2 + along * probe).sum() / len(x)


@exercise.right
def two_evaluations(score, x, probe):
    return 0.5 * score(x).pow(2).sum(1).mean() + probe_as_output_gradient(score, x, probe).mean()


trace = "hutchinson_trace(score, x, probe)"
norms = "score(x).square().sum(1)"
each = f"(0.5 * {norms} + {trace})"


@exercise.mistake(
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


exercise.mistake(
    f"0.5 * {norms} → {norms}",
    "the factor ½ of ‖s‖² is missing: with it gone, the best score is half too short.",
)
exercise.mistake(
    f"{trace} → 0.5 * {trace}",
    "the ½ belongs to ‖s‖² alone: vᵀ∇s v keeps its full weight.",
)
exercise.mistake(
    f"{each} → (0.5 * {norms} - {trace})",
    "vᵀ∇s v has the wrong sign: it stands for the trace, so add it.",
)
exercise.mistake(
    f"{each} → ({norms} + 2 * {trace})",
    "that is ‖s‖² + 2 vᵀ∇s v, twice the loss asked for: halve it.",
)


@exercise.mistake(
    "the probe is multiplied only once: the second term is vᵀ∇s v, so multiply the gradient of v·s by v again."
)
def probe_on_one_side_too(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        gradient = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + gradient.sum(1)).mean()


@exercise.mistake("that is the implicit loss with the exact trace: use the probe, and one pass instead of D.")
def exact_trace_instead(score, x, probe):
    return implicit_score_matching(score, x)


exercise.mistake(
    f"{each}.mean() → {each}.sum()",
    "you sum over the batch: take its mean, or the loss grows with the batch.",
)
exercise.mistake(
    f"{norms} → score(x).square().mean(1)",
    "‖s‖² sums over the coordinates: you average over them, which divides by D.",
)
exercise.mistake(
    "probe → torch.randn_like(x)",
    "you draw a probe of your own: use the `probe` that is handed in, or nothing is reproducible.",
)
exercise.mistake(f"{trace} → {trace}.detach()", shared.NO_TRACE_GRADIENT)
exercise.mistake("score(x) → score(x).detach()", shared.NO_SQUARE_GRADIENT)


@exercise.mistake(shared.GRAPH_FREED)
def sliced_frees_the_graph(score, x, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        gradient = torch.autograd.grad((s * probe).sum(), x)[0]
        return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


@exercise.mistake(shared.NOT_UNDER_NO_GRAD)
def sliced_not_under_no_grad(score, x, probe):
    x = x.detach().requires_grad_()
    s = score(x)
    gradient = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
    return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


@exercise.mistake(shared.CALLERS_X)
def sliced_switches_on_callers_x(score, x, probe):
    with torch.enable_grad():
        s = score(x.requires_grad_())
        gradient = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (gradient * probe).sum(1)).mean()


exercise.mistake(
    f"{each}.mean() → {each}",
    "that is one loss an example: take the mean over the batch, shape ().",
)
