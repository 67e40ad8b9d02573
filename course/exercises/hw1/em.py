"""hw1: one step of expectation–maximization."""

import torch

from course.densities import GaussianMixture
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw1 import answers
from course.exercises.hw1.mixtures import _log_parts, _shares, magnitude, mixture, points


def _case(draw: Draw, n: int, k: int, d: int, no_grad: bool = False) -> Case:
    """Data of one mixture, and a step that starts from another."""
    made, start = mixture(draw, k, d), mixture(draw, k, d)
    start["means"] = made["means"] + 0.5 * draw.normal(k, d)
    x = points(draw, n, made)
    return Case({"x": x, **start}, no_grad=no_grad, magnitude=magnitude(x, start))


def _extreme_case(
    draw: Draw, n: int, k: int, d: int, high: float = 1.5, shrink: float = 1.0, apart: float = 0.5
) -> Case:
    """Every density at every point is zero, or infinite, to a computer; yet each component has points of its own.

    Unless they are not far ``apart``: then the densities at one point differ by a few powers of ten.
    """
    made = mixture(draw, k, d, low=0.9, high=high, apart=apart)
    x = points(draw, n, made)
    start = {**made, "means": made["means"] + 0.6 * apart * draw.normal(k, d), "stds": made["stds"] * shrink}
    return Case({"x": x, **start}, magnitude=magnitude(x, start))


def _tiny_case(draw: Draw, n: int, k: int, d: int) -> Case:
    """Nothing can be added to a variance, nor to what one component has of the points: less than a point in all."""
    made = mixture(draw, k, d, low=1e-4, high=2e-4)
    x = points(draw, n, made)
    weights = made["weights"] * torch.tensor([1e-8] + [1.0] * (k - 1)).double()
    start = {"weights": weights / weights.sum(), "means": made["means"] + 5e-5 * draw.normal(k, d)}
    start["stds"] = made["stds"]
    return Case({"x": x, **start}, magnitude=magnitude(x, start))


def _em_cases(draw: Draw) -> list[Case]:
    return [
        _case(draw, 41, 3, 4),
        _case(draw, 53, 5, 3, no_grad=True),
        _extreme_case(draw, 37, 2, 6, high=0.95, shrink=0.02),
        _extreme_case(draw, 29, 2, 801),
        _extreme_case(draw, 31, 3, 2402, high=0.91, apart=0.02),
        _tiny_case(draw, 43, 4, 5),
    ]


def _climb_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    truth = GaussianMixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.5, 0.0], [1.5, 1.0]]), torch.tensor([0.4, 0.8]))
    x = truth.sample(1000, generator)
    parts = torch.full((2,), 0.5), torch.tensor([[-0.1, 0.0], [0.1, 0.0]]), torch.ones(2)
    before = GaussianMixture(*parts).log_prob(x).mean().item()
    for _ in range(40):
        parts = function(x, *parts)
    after, true = GaussianMixture(*parts).log_prob(x).mean().item(), truth.log_prob(x).mean().item()
    return (
        f"forty of your steps raise the mean log-likelihood of 1,000 points from {before:.2f} to {after:.3f}; the "
        f"mixture that made them has {true:.3f}. A little less than yours: why?"
    )


_RESULTS = ("weights", "means", "stds")

em_step = Exercise("em_step", 16, answers.em_step, _em_cases, remark=_climb_remark, results=_RESULTS)


def _joint(x, weights, means, stds):
    return weights.log() + _log_parts(x, means, stds)


def _update(r, x, around=None, dims=None):
    """The M-step from responsibilities (N, K), for the misconceptions below."""
    count = r.sum(0)
    means = r.mT @ x / count[:, None]
    square = (x[:, None] - (means if around is None else around)).square().sum(2)
    variance = (r * square).sum(0) / ((dims or x.shape[1]) * count)
    return count / len(x), means, variance.sqrt()


def _responsibilities(x, weights, means, stds):
    return _joint(x, weights, means, stds).softmax(1)


@em_step.misconception(
    "your responsibilities are 0/0 where every density is 0 or inf: take a softmax of log w + log N instead.",
    credit=0.5,
)
def responsibilities_underflow(x, weights, means, stds):
    d = x.shape[1]
    square = (x[:, None] - means).square().sum(2)
    joint = weights * torch.exp(-square / (2 * stds**2)) / stds**d
    r = joint / joint.sum(1, keepdim=True)
    count = r.sum(0)
    new = r.mT @ x / count[:, None]
    variance = (r * (x[:, None] - new).square().sum(2)).sum(0) / (d * count)
    return count / len(x), new, variance.sqrt()


@em_step.misconception(
    "exp overflows all the same, since what you take out is not the largest term of each point: take that, or use "
    "softmax.",
    credit=0.5,
)
def smallest_term_taken_out(x, weights, means, stds):
    logs = _joint(x, weights, means, stds)
    return _update(_shares(logs, logs.amin(1, keepdim=True)), x)


@em_step.misconception(
    "the responsibilities are 0/0, since you take out one term for all points: take out each point's largest, or use "
    "softmax.",
    credit=0.5,
)
def one_term_for_all_points(x, weights, means, stds):
    logs = _joint(x, weights, means, stds)
    return _update(_shares(logs, logs.max()), x)


@em_step.misconception(
    "N_k is kept from being small: a component may have less than one point in all, so divide by N_k as it is.",
    credit=0.5,
)
def count_clamped(x, weights, means, stds):
    r = _responsibilities(x, weights, means, stds)
    count = r.sum(0).clamp(min=1.0)
    new = r.mT @ x / count[:, None]
    variance = (r * (x[:, None] - new).square().sum(2)).sum(0) / (x.shape[1] * count)
    return r.mean(0), new, variance.sqrt()


@em_step.misconception(
    "the variance is kept from being small: data may be as narrow as you like, so add nothing to it and clamp nothing.",
    credit=0.5,
)
def variance_clamped(x, weights, means, stds):
    w, m, s = answers.em_step(x, weights, means, stds)
    return w, m, s.square().clamp(min=1e-6).sqrt()


@em_step.misconception(
    "the responsibilities are normalized over the points: for each point, those of the K components add to 1."
)
def normalized_over_points(x, weights, means, stds):
    return _update(_joint(x, weights, means, stds).softmax(0), x)


@em_step.misconception(
    "each point goes to its most likely component alone: EM shares it out by responsibilities (yours is hard EM, "
    "a relative of k-means)."
)
def hard_assignment(x, weights, means, stds):
    winner = _joint(x, weights, means, stds).argmax(1)
    return _update(torch.nn.functional.one_hot(winner, len(weights)).to(x.dtype), x)


@em_step.misconception(
    "the variance misses the factor D: ‖x − m‖² adds up D coordinates, each with variance s², so divide by D N_k."
)
def dimension_forgotten(x, weights, means, stds):
    return _update(_responsibilities(x, weights, means, stds), x, dims=1)


@em_step.misconception("the variance is taken around the old means: use the means that this step has just found.")
def around_old_means(x, weights, means, stds):
    return _update(_responsibilities(x, weights, means, stds), x, around=means)


@em_step.misconception("you return variances: `stds` are standard deviations, so take the square root.")
def variances_returned(x, weights, means, stds):
    w, m, s = answers.em_step(x, weights, means, stds)
    return w, m, s**2


@em_step.misconception("the new stds average distances: average their squares, and take the root last.")
def mean_distance(x, weights, means, stds):
    r = _responsibilities(x, weights, means, stds)
    w, m, _ = _update(r, x)
    return w, m, (r * (x[:, None] - m).norm(dim=2)).sum(0) / (x.shape[1] ** 0.5 * r.sum(0))


@em_step.misconception("the new weights are sums over the data: divide by N, so that they add to 1.")
def weights_not_divided(x, weights, means, stds):
    w, m, s = answers.em_step(x, weights, means, stds)
    return w * len(x), m, s


@em_step.misconception("the weights stay as they were: the new w_k is the mean responsibility of component k.")
def weights_kept(x, weights, means, stds):
    return weights.clone(), *answers.em_step(x, weights, means, stds)[1:]


@em_step.misconception("the sum of r x is divided by N: divide by N_k, the sum of component k's responsibilities.")
def means_over_all_points(x, weights, means, stds):
    r = _responsibilities(x, weights, means, stds)
    new = r.mT @ x / len(x)
    square = (x[:, None] - new).square().sum(2)
    return r.mean(0), new, ((r * square).sum(0) / (x.shape[1] * r.sum(0))).sqrt()


@em_step.misconception("the variance is divided by N: divide by D N_k, N_k the sum of component k's responsibilities.")
def variance_over_all_points(x, weights, means, stds):
    r = _responsibilities(x, weights, means, stds)
    w, m, s = _update(r, x)
    return w, m, s * w.sqrt()


@em_step.misconception("all components get one width: each has its own, from its own responsibilities.")
def one_width_for_all(x, weights, means, stds):
    w, m, s = answers.em_step(x, weights, means, stds)
    return w, m, (w * s**2).sum().sqrt().expand(len(w)).clone()


@em_step.misconception("the responsibilities leave out the weights: they are shares of w_k N(x; m_k, s_k² I).")
def weights_not_in_shares(x, weights, means, stds):
    return _update(_log_parts(x, means, stds).softmax(1), x)


@em_step.misconception(
    "the responsibilities leave out −D log s: a wide component is lower, which is part of its density."
)
def widths_not_in_shares(x, weights, means, stds):
    return _update((_joint(x, weights, means, stds) + x.shape[1] * stds.log()).softmax(1), x)


@em_step.misconception("the responsibilities have log s once: in D dimensions a Gaussian's constant has D log s.")
def width_once_in_shares(x, weights, means, stds):
    return _update((_joint(x, weights, means, stds) + (x.shape[1] - 1) * stds.log()).softmax(1), x)


@em_step.misconception("the responsibilities use `stds` as if they were variances: the exponent has 2s².")
def stds_for_variances(x, weights, means, stds):
    return _update(_joint(x, weights, means, stds.sqrt()).softmax(1), x)


@em_step.misconception("each coordinate gets its own width: one component has one, the mean over coordinates.")
def width_for_each_coordinate(x, weights, means, stds):
    r = _responsibilities(x, weights, means, stds)
    w, m, _ = _update(r, x)
    return w, m, ((r[..., None] * (x[:, None] - m).square()).sum(0) / r.sum(0)[:, None]).sqrt()


@em_step.misconception("the old parameters are overwritten: return new tensors, the caller still needs its own.")
def in_place(x, weights, means, stds):
    w, m, s = answers.em_step(x, weights, means, stds)
    return weights.copy_(w), means.copy_(m), stds.copy_(s)
