"""6.14, log p(x) along the probability flow: the prior where it ends, and the integral of the exact divergence."""

import math
from itertools import pairwise

import torch
from torch import Tensor

from course import likelihood
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw6.divergence import divergence
from course.exercises.hw6.shared import field


def log_likelihood(x, field, times, prior_log_prob):
    axes = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    exact = lambda x, t: sum(divergence(field, x, t, axis.expand_as(x)).detach() for axis in axes)
    gained = torch.zeros_like(x[:, 0])
    for t, s in pairwise(times.tolist()):
        here = field(x, t)
        ahead = x + (s - t) * here
        gained = gained + (s - t) / 2 * (exact(x, t) + exact(ahead, s))
        x = (x + (s - t) / 2 * (here + field(ahead, s))).detach()
    return prior_log_prob(x) + gained


def cases(draw: CaseRng) -> list[Case]:
    """Unequal steps; a prior that is not a standard Gaussian and whose log-density is large."""

    def case(n: int, offset: float, no_grad: bool, b: int, d: int) -> Case:
        times = draw.number(0.05, 0.1) + draw.uniform(n, low=0.05, high=0.25).cumsum(0)
        prior = {"centre": draw.normal(d), "precision": draw.precision(d), "offset": torch.tensor(offset).double()}
        arguments = {"x": draw.normal(b, d), "field": field(draw, d), "times": times}
        return Case({**arguments, "prior_log_prob": FunctionSpec("quadratic_log_prob", prior)}, no_grad, magnitude=30)

    return [case(4, 2.0, False, 5, 3), case(6, -3.0, True, 3, 4)]


def remark(function) -> str:
    """x₀ ~ N(1, 4) in the plane under dx = −½ x dt + dw: the flow is linear."""

    def moments(t: float) -> tuple[float, float]:
        return math.exp(-t / 2), 1 + 3 * math.exp(-t)

    def flow(x: Tensor, t: float) -> Tensor:
        mean, var = moments(float(t))
        return -0.5 * x + 0.5 * (x - mean) / var

    def log_prob(x: Tensor, t: float) -> Tensor:
        mean, var = moments(t)
        return -((x - mean) ** 2).sum(1) / (2 * var) - math.log(2 * math.pi * var)

    x = torch.tensor([[2.0, -1.0]])
    found = function(x, flow, torch.linspace(0, 2, 17), lambda x: log_prob(x, 2.0)).item()
    return f"a Gaussian in the plane, 16 steps: log p = {found:.4f} nats, exactly {log_prob(x, 0.0).item():.4f}."


# how often the field is called is left open: the divergence may share its evaluation with the state, or repeat it
exercise = Exercise(answer=log_likelihood, cases=cases, counted=("prior_log_prob",), remark=remark)


@exercise.right
def of_the_library(x, field, times, prior_log_prob):  # without its own option
    return likelihood.log_likelihood(x, field, times, prior_log_prob)


@exercise.right
def by_functional_jacobian(x, field, times, prior_log_prob):
    def trace(x, t):
        jacobian = torch.autograd.functional.jacobian(lambda y: field(y, t).sum(0), x.detach())
        return jacobian.diagonal(dim1=0, dim2=2).sum(-1)

    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for t, s in pairwise(times):  # times stay tensors
        with torch.enable_grad():
            here, before = field(x, t), trace(x, t)
            ahead = x + (s - t) * here
            total = total + (s - t) * (before + trace(ahead, s)) / 2
            x = (x + (s - t) * (here + field(ahead, s)) / 2).detach()
    return prior_log_prob(x) + total


@exercise.right
def augmented_state(x, field, times, prior_log_prob):
    """Heun's method for (x, log-density) at once."""

    def both(x, t):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = field(x, t)
            grads = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
        return v.detach(), sum(grads)

    integral = 0
    for t, s in pairwise(times.tolist()):
        v, div = both(x, t)
        w, end = both(x + (s - t) * v, s)
        x, integral = x + (s - t) / 2 * (v + w), integral + (s - t) / 2 * (div + end)
    return prior_log_prob(x) + integral


exercise.right("""axis.expand_as(x) → torch.zeros_like(x).index_fill(1, axis, 1)
                  torch.eye(x.shape[1], dtype=x.dtype, device=x.device) → torch.arange(x.shape[1], device=x.device)""")
exercise.right(
    "torch.eye(x.shape[1], dtype=x.dtype, device=x.device) → torch.eye(x.shape[1], device=x.device)",
    "zeros and ones are exact in float32",
)
exercise.right(
    "torch.eye(x.shape[1], dtype=x.dtype, device=x.device) → torch.eye(x.shape[1], dtype=x.dtype)",
    "fails where there is a GPU",
)
exercise.right(
    "gained + (s - t) / 2 * (exact(x, t) + exact(ahead, s)) → "
    "gained.add_((s - t) / 2 * (exact(x, t) + exact(ahead, s)))",
    "`gained` is the function's own",
)
exercise.right(
    "(x + (s - t) / 2 * (here + field(ahead, s))).detach() → x + (s - t) / 2 * (here + field(ahead, s))",
    "a graph is neither asked for nor forbidden",
)
exercise.right(
    "divergence(field, x, t, axis.expand_as(x)).detach() → divergence(field, x, t, axis.expand_as(x))",
    "a graph is neither asked for nor forbidden",
)
exercise.right("x[:, 0] → x[:, -1]", "only zeros of that shape are made")
exercise.right("x[:, 0] → x[:, 1]", "only zeros of that shape are made")


@exercise.mistake(
    "the change of volume is missing: that is the prior's log-density alone, where the flow has carried x."
)
def volume_missing(x, field, times, prior_log_prob):
    for i in range(len(times) - 1):  # it stands alone in sample submissions, so without `pairwise`
        t, s = times[i].item(), times[i + 1].item()
        here = field(x, t)
        x = x + (s - t) / 2 * (here + field(x + (s - t) * here, s))
    return prior_log_prob(x)


exercise.mistake(
    "times.tolist() → times[:, None]",
    "a time is handed to the field as a tensor of shape (1,): hand on a float, such as times[i].item(), or one "
    "for each example.",
    credit=0.5,
)
exercise.mistake(
    "prior_log_prob(x) + gained → prior_log_prob(x) - gained",
    "the divergence's sign is wrong: log p(x) is log prior(x_T) plus the integral.",
)
exercise.mistake(
    "prior_log_prob(x) + gained → gained",
    "the prior's log-density is missing: log p(x) = log prior(x_T) + the integral.",
)
exercise.mistake(
    """gained = torch.zeros_like(x[:, 0]) → gained = prior_log_prob(x)
       prior_log_prob(x) + gained → gained""",
    "the prior is asked about the data: it belongs to where the flow has carried them, x_T.",
)
exercise.mistake(
    "(s - t) / 2 * (exact(x, t) + exact(ahead, s)) → (s - t) * exact(x, t)",
    "the divergence is taken at the start of each step only: average it with the one at the end, as Heun's fields.",
)
exercise.mistake(
    "x + (s - t) / 2 * (here + field(ahead, s)) → ahead",
    "the state moves by Euler's step: go on with Heun's, the average of the fields at both ends.",
)
exercise.mistake(
    "exact(ahead, s) → exact(x, s)",
    "the divergence at the end of the step is at Euler's prediction, not at x again.",
)
exercise.mistake(
    "exact(ahead, s) → exact(x + (s - t) / 2 * (here + field(ahead, s)), s)",
    "the divergence at the end of the step is at the corrected state: Heun evaluates state and divergence at Euler's "
    "prediction.",
    credit=0.5,
)
exercise.mistake(
    "(s - t) / 2 * (exact(x, t) + exact(ahead, s)) → (s - t) * (exact(x, t) + exact(ahead, s))",
    "the two divergences are added: take their average, as of the fields.",
)
exercise.mistake(
    "(s - t) / 2 * (exact(x, t) + exact(ahead, s)) → (exact(x, t) + exact(ahead, s)) / 2",
    "the divergence is not multiplied by the length of the step, s − t.",
)
exercise.mistake(
    "sum(divergence(field, x, t, axis.expand_as(x)).detach() for axis in axes) → "
    "divergence(field, x, t, torch.ones_like(x)).detach()",
    "that adds up all entries of the Jacobian: the divergence is the sum of its diagonal.",
)
exercise.mistake(
    "times.tolist() → times.flip(0).tolist()",
    "the flow runs from noise to data here: follow the times as they are, from data to noise.",
)
exercise.mistake(
    "times.tolist() → torch.linspace(times[0].item(), times[-1].item(), len(times), dtype=times.dtype).tolist()",
    "the steps are taken to be equally long: step from each of the times to the next.",
)


@exercise.mistake(
    "under torch.no_grad() no graph is built, and the divergence needs one: wrap its gradient in torch.enable_grad()."
)
def not_under_no_grad(x, field, times, prior_log_prob):
    def trace(x, t):
        x = x.detach().requires_grad_()
        v = field(x, t)
        return sum(torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1]))

    gained = 0
    for t, s in pairwise(times.tolist()):
        here = field(x, t)
        ahead = x + (s - t) * here
        gained = gained + (s - t) / 2 * (trace(x, t) + trace(ahead, s))
        x = x + (s - t) / 2 * (here + field(ahead, s))
    return prior_log_prob(x) + gained
