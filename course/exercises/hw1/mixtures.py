"""hw1: mixtures of Gaussians, their log-density and their score."""

import math

import torch

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw1 import answers

_WEIGHTS, _MEANS, _STDS = torch.tensor([0.3, 0.7]), torch.tensor([[-1.0, 0.5], [1.0, 0.0]]), torch.tensor([0.4, 0.8])


def mixture(draw: Draw, k: int, d: int, low: float = 0.6, high: float = 1.5, apart: float = 0.5) -> dict:
    """Components that overlap, each with its own weight and its own width, no two of them alike.

    Far ``apart``, the first has a weight so small that nothing can be added to it.
    """
    weights = draw.uniform(k, low=0.3, high=1.5)
    weights[0] *= 1e-4 if apart > 10 else 1
    stds = torch.linspace(low, high, k, dtype=torch.float64)[draw.permutation(k)]
    return {
        "weights": weights / weights.sum(),
        "means": (low + high) * apart * draw.normal(k, d) + min(0.5, high),
        "stds": stds,
    }


def points(draw: Draw, n: int, parts: dict, away: float = 1.0) -> torch.Tensor:
    """n points around the components in turn; ``away`` times as far from them as a sample would be."""
    k, d = parts["means"].shape
    index = torch.arange(n) % k
    return parts["means"][index] + away * parts["stds"][index, None] * draw.normal(n, d)


def magnitude(x: torch.Tensor, parts: dict) -> float:
    """What distances by a matrix product meet: the largest square over the smallest variance."""
    square = max(x.square().sum(1).max().item(), parts["means"].square().sum(1).max().item())
    return square / parts["stds"].min().item() ** 2


def _case(draw: Draw, b: int, k: int, d: int, away: float = 1.0, no_grad: bool = False, **how: float) -> Case:
    parts = mixture(draw, k, d, **how)
    x = points(draw, b, parts, away)
    return Case({"x": x, **parts}, no_grad=no_grad, magnitude=magnitude(x, parts))


# -- mixture_log_prob --------------------------------------------------------------------------------------------------


def _log_prob_cases(draw: Draw) -> list[Case]:
    return [
        _case(draw, 7, 4, 3),
        _case(draw, 6, 5, 4, no_grad=True),
        _case(draw, 8, 3, 5, away=2000.0),
        _case(draw, 5, 2, 611, low=0.04, high=0.042),
        _case(draw, 9, 6, 4, low=1e-4, high=3e-4, apart=30.0),  # nothing can be added to weights and stds
    ]


def _integral_remark(function) -> str:
    axis = torch.linspace(-6, 6, 61)
    grid = torch.cartesian_prod(axis, axis)
    total = function(grid, _WEIGHTS, _MEANS, _STDS).exp().sum().item() / 25
    return f"your density of two Gaussians in the plane integrates to {total:.4f}."


mixture_log_prob = Exercise("mixture_log_prob", 12, answers.mixture_log_prob, _log_prob_cases, remark=_integral_remark)


def _log_parts(x, means, stds, square=2, constant=True):
    """log N(x; m_k, s_k² I), shape (B, K), for the misconceptions below."""
    d = x.shape[1]
    exponent = -(x[:, None] - means).square().sum(2) / (2 * stds**square)
    return exponent - d * stds.log() - (d / 2 * math.log(2 * math.pi) if constant else 0)


_OVERFLOWS = "exp has become 0 or inf before the logarithm could undo it: keep logarithms and sum with torch.logsumexp."


@mixture_log_prob.misconception(_OVERFLOWS, credit=0.5)
def logarithms_undone(x, weights, means, stds):
    return torch.log((weights * torch.exp(_log_parts(x, means, stds))).sum(1))


@mixture_log_prob.misconception(_OVERFLOWS, credit=0.5)
def sum_underflows(x, weights, means, stds):
    d = x.shape[1]
    square = (x[:, None] - means).square().sum(2)
    densities = torch.exp(-square / (2 * stds**2)) / (2 * math.pi * stds**2) ** (d / 2)
    return torch.log((weights * densities).sum(1))


@mixture_log_prob.misconception(
    "exp overflows all the same, since what you take out is not the largest term of each point: take that, or use "
    "torch.logsumexp.",
    credit=0.5,
)
def smallest_term_taken_out(x, weights, means, stds):
    logs = weights.log() + _log_parts(x, means, stds)
    least = logs.amin(1, keepdim=True)
    return least[:, 0] + (logs - least).exp().sum(1).log()


@mixture_log_prob.misconception(
    "exp has become 0, since you take out one term for all points: take out each point's largest, or use "
    "torch.logsumexp.",
    credit=0.5,
)
def one_term_for_all_points(x, weights, means, stds):
    logs = weights.log() + _log_parts(x, means, stds)
    return logs.max() + (logs - logs.max()).exp().sum(1).log()


@mixture_log_prob.misconception(
    "you average the logarithms, Σ w log N: a mixture averages densities, log Σ w N, so the weights go inside the sum."
)
def weights_outside(x, weights, means, stds):
    d = x.shape[1]
    square = (x[:, None] - means).square().sum(2)
    logs = -square / (2 * stds**2) - d * torch.log(stds) - d / 2 * math.log(2 * math.pi)
    return (weights * logs).sum(1)


@mixture_log_prob.misconception("the weights are left out: add log w to each component's log-density.")
def weights_left_out(x, weights, means, stds):
    return torch.logsumexp(_log_parts(x, means, stds), 1)


@mixture_log_prob.misconception("you add w to a logarithm: add log w, since log(w N) = log w + log N.")
def weights_not_logged(x, weights, means, stds):
    return torch.logsumexp(weights + _log_parts(x, means, stds), 1)


@mixture_log_prob.misconception("you multiply the logarithms by the weights inside the sum: log(w N) = log w + log N.")
def weights_times_logs(x, weights, means, stds):
    return torch.logsumexp(weights * _log_parts(x, means, stds), 1)


@mixture_log_prob.misconception("all components count the same in your sum: use the given weights, not 1/K.")
def equal_weights(x, weights, means, stds):
    return torch.logsumexp(_log_parts(x, means, stds), 1) - math.log(len(weights))


@mixture_log_prob.misconception("the weights are probabilities already: take their log, not their log_softmax.")
def weights_softmaxed(x, weights, means, stds):
    return torch.logsumexp(weights.log_softmax(0) + _log_parts(x, means, stds), 1)


@mixture_log_prob.misconception("you sum over the points: sum over the components, so that B numbers are left.")
def summed_over_points(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds), 0)


@mixture_log_prob.misconception("only the largest component counts in yours: sum over all of them.")
def largest_only(x, weights, means, stds):
    return (weights.log() + _log_parts(x, means, stds)).amax(1)


@mixture_log_prob.misconception("log s and ½ log 2π are there once, but each of the D dimensions brings its own.")
def constants_once(x, weights, means, stds):
    exponent = -(x[:, None] - means).square().sum(2) / (2 * stds**2)
    return torch.logsumexp(weights.log() + exponent - stds.log() - 0.5 * math.log(2 * math.pi), 1)


@mixture_log_prob.misconception("log s is there once for each component: in D dimensions it is D log s.")
def std_once(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds) + (x.shape[1] - 1) * stds.log(), 1)


@mixture_log_prob.misconception("(2π)^(1/2) belongs to one dimension: in D dimensions it is (2π)^(D/2).")
def two_pi_once(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds, constant=False), 1) - 0.5 * math.log(2 * math.pi)


@mixture_log_prob.misconception("2π is in none of your terms: subtract D/2 · log 2π.")
def no_two_pi(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds, constant=False), 1)


@mixture_log_prob.misconception(
    "the components' own constants −D log s are missing: a wide component is lower than a narrow one."
)
def widths_left_out(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds) + x.shape[1] * stds.log(), 1)


@mixture_log_prob.misconception("squares are divided by 2s: `stds` are standard deviations, and the exponent has 2s².")
def stds_not_squared(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds, square=1), 1)


@mixture_log_prob.misconception("you use `stds` as if they were variances: the exponent has s², the constant D log s.")
def stds_for_variances(x, weights, means, stds):
    return torch.logsumexp(weights.log() + _log_parts(x, means, stds.sqrt()), 1)


# -- mixture_score -----------------------------------------------------------------------------------------------------


def _score_cases(draw: Draw) -> list[Case]:
    return [
        _case(draw, 7, 4, 3),
        _case(draw, 6, 5, 4, no_grad=True),
        _case(draw, 8, 2, 5, away=2000.0, no_grad=True),
        _case(draw, 5, 3, 611, low=0.04, high=0.042),
        _case(draw, 9, 4, 3, low=1e-4, high=3e-4),  # nothing can be added to stds
        _case(draw, 8, 5, 4, low=1e-5, high=1.0),  # the pull of a narrow component is huge, and its share is zero
    ]


def _stein_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    index = (torch.rand(20_000, generator=generator) < 0.7).long()
    x = _MEANS[index] + _STDS[index, None] * torch.randn(20_000, 2, generator=generator)
    found = (x * function(x, _WEIGHTS, _MEANS, _STDS)).sum(1).mean().item()
    return f"the mean of x · score(x) over 20,000 samples in the plane: {found:.2f}; for any density it is −D = −2."


mixture_score = Exercise("mixture_score", 10, answers.mixture_score, _score_cases, remark=_stein_remark)


def _pull(r, x, means, stds, square=2):
    """Σ_k r_k (m_k − x)/s_k², for the misconceptions below."""
    return ((r / stds**square)[..., None] * (means - x[:, None])).sum(1)


@mixture_score.misconception(
    "each component pulls with its weight wherever x is: it should pull with its responsibility, the share of p(x) "
    "that it has at x."
)
def weights_for_responsibilities(x, weights, means, stds):
    return ((weights / stds**2)[:, None] * (means - x[:, None])).sum(1)


@mixture_score.misconception(
    "the densities vanish or overflow and leave 0/0: a softmax of log w + log N gives the same shares and never does.",
    credit=0.5,
)
def shares_underflow(x, weights, means, stds):
    d = x.shape[1]
    square = (x[:, None] - means).square().sum(2)
    joint = weights * torch.exp(-square / (2 * stds**2)) / (2 * math.pi * stds**2) ** (d / 2)
    r = joint / joint.sum(1, keepdim=True)
    return ((r / stds**2)[..., None] * (means - x[:, None])).sum(1)


def _shares(logs, taken_out):
    parts = (logs - taken_out).exp()
    return parts / parts.sum(1, keepdim=True)


@mixture_score.misconception(
    "exp overflows all the same, since what you take out is not the largest term of each point: take that, or use "
    "softmax.",
    credit=0.5,
)
def smallest_term_taken_out_of_shares(x, weights, means, stds):
    logs = weights.log() + _log_parts(x, means, stds)
    return _pull(_shares(logs, logs.amin(1, keepdim=True)), x, means, stds)


@mixture_score.misconception(
    "the shares are 0/0, since you take out one term for all points: take out each point's largest, or use softmax.",
    credit=0.5,
)
def one_term_for_all_shares(x, weights, means, stds):
    logs = weights.log() + _log_parts(x, means, stds)
    return _pull(_shares(logs, logs.max()), x, means, stds)


@mixture_score.misconception(
    "a share is kept from being zero, and a narrow component that is far away pulls all the same: leave shares as they "
    "are.",
    credit=0.5,
)
def shares_clamped(x, weights, means, stds):
    r = (weights.log() + _log_parts(x, means, stds)).softmax(1)
    return _pull(r.clamp(min=1e-8), x, means, stds)


@mixture_score.misconception("the sign is wrong: each component pulls x towards its mean, along m − x.")
def pushes_away(x, weights, means, stds):
    return -answers.mixture_score(x, weights, means, stds)


@mixture_score.misconception("the softmax runs over the points: at each point the shares of the K components add to 1.")
def softmax_over_points(x, weights, means, stds):
    return _pull((weights.log() + _log_parts(x, means, stds)).softmax(0), x, means, stds)


@mixture_score.misconception("pulls are divided by s: a Gaussian's score is (m − x)/s².")
def pull_over_std(x, weights, means, stds):
    return _pull((weights.log() + _log_parts(x, means, stds)).softmax(1), x, means, stds, square=1)


@mixture_score.misconception("pulls are not divided by s²: a narrow component pulls harder than a wide one.")
def pull_without_variance(x, weights, means, stds):
    return _pull((weights.log() + _log_parts(x, means, stds)).softmax(1), x, means, stds, square=0)


@mixture_score.misconception(
    "the shares leave out −D log s, so wide components get too much: use each component's whole log-density."
)
def shares_without_widths(x, weights, means, stds):
    r = (weights.log() + _log_parts(x, means, stds) + x.shape[1] * stds.log()).softmax(1)
    return _pull(r, x, means, stds)


@mixture_score.misconception("the shares have log s once: in D dimensions a Gaussian's constant has D log s.")
def shares_with_width_once(x, weights, means, stds):
    r = (weights.log() + _log_parts(x, means, stds) + (x.shape[1] - 1) * stds.log()).softmax(1)
    return _pull(r, x, means, stds)


@mixture_score.misconception("the shares leave out the weights: they are the softmax of log w + log N.")
def shares_without_weights(x, weights, means, stds):
    return _pull(_log_parts(x, means, stds).softmax(1), x, means, stds)


@mixture_score.misconception("the shares take the softmax of w + log N: it is log w + log N.")
def shares_with_plain_weights(x, weights, means, stds):
    return _pull((weights + _log_parts(x, means, stds)).softmax(1), x, means, stds)


@mixture_score.misconception("that is the gradient of p: the score is the gradient of log p, so divide by p(x).")
def gradient_of_density(x, weights, means, stds):
    return _pull((weights.log() + _log_parts(x, means, stds)).exp(), x, means, stds)


@mixture_score.misconception("only the most likely component pulls in yours: all pull, each with its share.")
def winner_takes_all(x, weights, means, stds):
    winner = (weights.log() + _log_parts(x, means, stds)).argmax(1)
    return (means[winner] - x) / stds[winner, None] ** 2


@mixture_score.misconception(
    "autograd finds no graph under torch.no_grad(), where samplers run: write the closed form, which needs none."
)
def by_autograd(x, weights, means, stds):
    x = x.detach().requires_grad_()
    log_p = answers.mixture_log_prob(x, weights, means, stds).sum()
    return torch.autograd.grad(log_p, x)[0]
