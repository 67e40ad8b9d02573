"""hw6: the likelihood that a flow gives."""

import math
from itertools import pairwise

import torch
from torch import Tensor

from course import likelihood
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import field
from course.exercises.hw6.volume import pull_back
from course.types import Field, LogDensity

# -- log_likelihood ----------------------------------------------------------------------------------------------------


def _log_likelihood(x: Tensor, field: Field, times: Tensor, prior_log_prob: LogDensity) -> Tensor:
    r"""log p(x) in nats along the probability flow, by Heun's method for the state and for the divergence.

    .. math:: \log p_0(x_0) = \log p_T(x_T) + \int_0^T \nabla \cdot v(x_t, t) \, \mathrm dt

    Args:
        x: data, shape (B, D).
        field: the flow v(x, t), (B, D) → (B, D).
        times: ascending from data to noise, shape (N,).
        prior_log_prob: log density at the last time, (B, D) → (B,).

    Returns:
        Shape (B,).

    Source: Chen et al. (2018); Song et al. (2021), eq. 39.
    """
    return likelihood.log_likelihood(x, field, times, prior_log_prob)


def _likelihood_cases(draw: Draw) -> list[Case]:
    """Unequal steps; a prior that is not a standard Gaussian and whose log-density is large."""

    def case(n: int, offset: float, no_grad: bool, b: int, d: int) -> Case:
        times = draw.number(0.05, 0.1) + draw.uniform(n, low=0.05, high=0.25).cumsum(0)
        prior = {"centre": draw.normal(d), "precision": draw.precision(d), "offset": torch.tensor(offset).double()}
        arguments = {"x": draw.normal(b, d), "field": field(draw, d), "times": times}
        return Case({**arguments, "prior_log_prob": Given("quadratic_log_prob", prior)}, no_grad, magnitude=30)

    return [case(4, 2.0, False, 5, 3), case(6, -3.0, True, 3, 4)]


def _likelihood_remark(function) -> str:
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
log_likelihood = Exercise(
    "log_likelihood",
    9,
    _log_likelihood,
    _likelihood_cases,
    counted=("prior_log_prob",),
    remark=_likelihood_remark,
)


def _trace(field, x, t):
    """Σ_i ∂v_i/∂x_i."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = field(x, t)
        rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
    return torch.stack(rows).sum(0)


def _heun(x, field, times, gain):
    """x_T and Σ gain(x, ahead, arrived, t, s)."""
    total, times = 0.0, times.tolist()
    with torch.no_grad():
        for t, s in pairwise(times):
            here = field(x, t)
            ahead = x + (s - t) * here
            arrived = x + (s - t) / 2 * (here + field(ahead, s))
            total = total + gain(x, ahead, arrived, t, s)
            x = arrived
    return x, total


def _average(field):
    return lambda x, ahead, _, t, s: (s - t) / 2 * (_trace(field, x, t) + _trace(field, ahead, s))


@log_likelihood.misconception(
    "the change of volume is missing: that is the prior's log-density alone, where the flow has carried x."
)
def volume_missing(x, field, times, prior_log_prob):
    for i in range(len(times) - 1):  # it stands alone in sample submissions, so without `pairwise`
        t, s = times[i].item(), times[i + 1].item()
        here = field(x, t)
        x = x + (s - t) / 2 * (here + field(x + (s - t) * here, s))
    return prior_log_prob(x)


@log_likelihood.misconception(
    "a time is handed to the field as a tensor of shape (1,): hand on a float, such as times[i].item(), or one "
    "for each example.",
    credit=0.5,
)
def times_of_shape_one(x, field, times, prior_log_prob):
    return _log_likelihood(x, lambda y, t: field(y, torch.as_tensor(t).reshape(1).to(y)), times, prior_log_prob)


@log_likelihood.misconception("the divergence's sign is wrong: log p(x) is log prior(x_T) plus the integral.")
def divergence_subtracted(x, field, times, prior_log_prob):
    x, total = _heun(x, field, times, _average(field))
    return prior_log_prob(x) - total


@log_likelihood.misconception("the prior's log-density is missing: log p(x) = log prior(x_T) + the integral.")
def prior_missing(x, field, times, prior_log_prob):
    return _heun(x, field, times, _average(field))[1]


@log_likelihood.misconception("the prior is asked about the data: it belongs to where the flow has carried them, x_T.")
def prior_at_the_data(x, field, times, prior_log_prob):
    return prior_log_prob(x) + _heun(x, field, times, _average(field))[1]


@log_likelihood.misconception(
    "the divergence is taken at the start of each step only: average it with the one at the end, as Heun's fields."
)
def divergence_by_euler(x, field, times, prior_log_prob):
    x, total = _heun(x, field, times, lambda x, _, __, t, s: (s - t) * _trace(field, x, t))
    return prior_log_prob(x) + total


@log_likelihood.misconception(
    "the state moves by Euler's step: go on with Heun's, the average of the fields at both ends."
)
def state_by_euler(x, field, times, prior_log_prob):
    total = 0.0
    for t, s in pairwise(times.tolist()):
        ahead = x + (s - t) * field(x, t)
        total = total + (s - t) / 2 * (_trace(field, x, t) + _trace(field, ahead, s))
        x = ahead
    return prior_log_prob(x) + total


@log_likelihood.misconception("the divergence at the end of the step is at Euler's prediction, not at x again.")
def divergence_of_a_stale_state(x, field, times, prior_log_prob):
    x, total = _heun(x, field, times, lambda x, _, __, t, s: (s - t) / 2 * (_trace(field, x, t) + _trace(field, x, s)))
    return prior_log_prob(x) + total


@log_likelihood.misconception(
    "the divergence at the end of the step is at the corrected state: Heun evaluates state and divergence at Euler's "
    "prediction.",
    credit=0.5,
)
def divergence_where_heun_arrives(x, field, times, prior_log_prob):
    def gain(x, _, arrived, t, s):
        return (s - t) / 2 * (_trace(field, x, t) + _trace(field, arrived, s))

    x, total = _heun(x, field, times, gain)
    return prior_log_prob(x) + total


@log_likelihood.misconception("the two divergences are added: take their average, as of the fields.")
def divergences_added(x, field, times, prior_log_prob):
    x, total = _heun(x, field, times, _average(field))
    return prior_log_prob(x) + 2 * total


@log_likelihood.misconception("the divergence is not multiplied by the length of the step, s − t.")
def divergence_without_step(x, field, times, prior_log_prob):
    average = _average(field)
    x, total = _heun(x, field, times, lambda *a: average(*a) / (a[-1] - a[-2]))
    return prior_log_prob(x) + total


@log_likelihood.misconception("that adds up all entries of the Jacobian: the divergence is the sum of its diagonal.")
def all_entries_of_the_jacobian(x, field, times, prior_log_prob):
    def everything(x, t):
        return pull_back(field, x, t, torch.ones_like(x), create_graph=False).sum(1)

    x, total = _heun(x, field, times, lambda x, ahead, _, t, s: (s - t) / 2 * (everything(x, t) + everything(ahead, s)))
    return prior_log_prob(x) + total


@log_likelihood.misconception(
    "the flow runs from noise to data here: follow the times as they are, from data to noise."
)
def from_noise_to_data(x, field, times, prior_log_prob):
    x, total = _heun(x, field, times.flip(0), _average(field))
    return prior_log_prob(x) + total


@log_likelihood.misconception("the steps are taken to be equally long: step from each of the times to the next.")
def equal_steps(x, field, times, prior_log_prob):
    times = torch.linspace(times[0].item(), times[-1].item(), len(times), dtype=times.dtype, device=times.device)
    x, total = _heun(x, field, times, _average(field))
    return prior_log_prob(x) + total


@log_likelihood.misconception(
    "under torch.no_grad() no graph is built, and the divergence needs one: wrap its gradient in torch.enable_grad()."
)
def likelihood_not_under_no_grad(x, field, times, prior_log_prob):
    y = x.detach().requires_grad_()
    torch.autograd.grad(field(y, times[0].item()).sum(), y)
    return _log_likelihood(x, field, times, prior_log_prob)
