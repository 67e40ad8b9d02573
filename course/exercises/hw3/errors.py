"""hw3: how far a score is from the truth, on average and by density."""

import math

import torch
from torch import Tensor

from course import matching
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw3.draws import gaussian_score, network_score, plain_score


def zero_score(x: Tensor) -> Tensor:
    """A score that has learned nothing."""
    return torch.zeros_like(x)


# -- fisher_divergence -------------------------------------------------------------------------------------------------


def _fisher_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        d = torch.Size(shape).numel()
        scores = {"score": network_score(draw, d), "true_score": gaussian_score(draw, d)}
        arguments = {**scores, "x": 2 * draw.normal(b, *shape) + 1}
        return Case(arguments, no_grad=no_grad, gradients=() if no_grad else ("score",), magnitude=50)

    return [case(6, 3), case(5, 2, 3, 4), case(9, 4, no_grad=True)]


def _fisher_remark(function) -> str:
    x = torch.randn(100_000, 4, generator=torch.Generator().manual_seed(0))
    found = function(zero_score, plain_score, x).item()
    return f"a score that is zero everywhere, on N(0, I) in 4 dimensions: {found:.3f}; theory D/2 = 2."


fisher_divergence = Exercise(
    "fisher_divergence",
    10,
    matching.fisher_divergence,
    _fisher_cases,
    counted=("score", "true_score"),
    remark=_fisher_remark,
)


@fisher_divergence.misconception("your loss is twice the one asked for: the definition starts with a factor ½.")
def half_missing(score, true_score, x):
    return (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


@fisher_divergence.misconception(
    "you average over the coordinates too, which divides by D: a squared norm sums over all of D; only the batch is "
    "averaged over."
)
def mean_over_everything(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).square().mean()


@fisher_divergence.misconception("you sum over the batch: take its mean, or the loss grows with the number of points.")
def sum_over_batch(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).square().sum()


@fisher_divergence.misconception("the norm is not squared: it is ½‖s − ∇log p‖², without a root.")
def norm_not_squared(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).flatten(1).norm(dim=1).mean()


@fisher_divergence.misconception(
    "the norm sums over every dimension but the batch: with several trailing dimensions, the last axis is not enough."
)
def last_axis_only(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).square().sum(-1).mean()


@fisher_divergence.misconception(
    "you compare lengths, ‖s‖² − ‖∇log p‖²: subtract the two vectors first, then square the norm."
)
def difference_of_squares(score, true_score, x):
    s, t = score(x).flatten(1), true_score(x).flatten(1)
    return 0.5 * (s.square().sum(1) - t.square().sum(1)).mean()


@fisher_divergence.misconception("the two scores are added: the error is their difference.")
def scores_added(score, true_score, x):
    return 0.5 * (score(x) + true_score(x)).flatten(1).square().sum(1).mean()


@fisher_divergence.misconception(
    "the errors are averaged over the batch before they are squared, so opposite errors cancel: square first."
)
def averaged_before_squaring(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).mean(0).square().sum()


@fisher_divergence.misconception(
    "you evaluate both scores twice to square their difference: keep the difference and square it.", credit=0.5
)
def scores_evaluated_twice(score, true_score, x):
    return 0.5 * ((score(x) - true_score(x)) * (score(x) - true_score(x))).flatten(1).sum(1).mean()


@fisher_divergence.misconception(
    "your function changes in place (`-=`) what `score` returned, which may be x itself: make a new tensor."
)
def subtracted_in_place(score, true_score, x):
    error = score(x)
    error -= true_score(x)
    return 0.5 * error.flatten(1).square().sum(1).mean()


@fisher_divergence.misconception(
    "no gradient reaches the score's parameters, so the loss could not train it: leave out `no_grad`, `.detach()` and "
    "`.item()`."
)
def without_gradient(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).detach().flatten(1).square().sum(1).mean()


# -- error_by_density --------------------------------------------------------------------------------------------------


def _density_cases(draw: Draw) -> list[Case]:
    """A few points in each bin, some outside, and one on each of three edges: the first, the last, and one between."""

    def case(counts: list[int], below: int, above: int, inner: int, *shape: int, no_grad: bool = False) -> Case:
        d, m = torch.Size(shape).numel(), len(counts)
        edges = draw.uniform(m + 1, low=0.5, high=2.5).cumsum(0) - 12
        within = [
            edges[j] + (edges[j + 1] - edges[j]) * draw.uniform(n, low=0.2, high=0.8) for j, n in enumerate(counts)
        ]
        outside = [edges[0] - draw.uniform(below, low=0.2, high=5), edges[-1] + draw.uniform(above, low=0.2, high=5)]
        log_density = torch.cat([*within, *outside, edges[[0, inner, m]]])
        log_density = log_density[draw.permutation(len(log_density))]
        arguments: dict = {"score": network_score(draw, d), "true_score": gaussian_score(draw, d)}
        arguments |= {"x": 2 * draw.normal(len(log_density), *shape) + 1, "log_density": log_density, "edges": edges}
        return Case(arguments, no_grad=no_grad, magnitude=50)

    return [
        case([4, 0, 3, 5], 2, 3, 2, 3),
        case([2, 3, 0], 1, 2, 1, 2, 5),
        case([0, 1, 6, 0, 2], 4, 3, 4, 7, no_grad=True),
    ]


def _density_remark(function) -> str:
    x = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    log_density = -math.log(2 * math.pi) - 0.5 * x.square().sum(1)
    edges = -math.log(2 * math.pi) - torch.tensor([2.02, 1.98, 0.52, 0.48])
    far, _, near = function(zero_score, plain_score, x, log_density, edges).tolist()
    return (
        f"a score that is zero, on N(0, I) in the plane, is wrong by {near:.2f} where ‖x‖² = 1 and by {far:.2f} where "
        "‖x‖² = 4; exactly by ‖x‖²."
    )


error_by_density = Exercise(
    "error_by_density",
    14,
    matching.error_by_density,
    _density_cases,
    counted=("score", "true_score"),
    remark=_density_remark,
)


def _errors(score, true_score, x):
    return (score(x) - true_score(x)).flatten(1).square().sum(1)


def _binned(error, inside):
    return torch.where(inside, error[:, None], 0).sum(0) / inside.sum(0)


def _inside(log_density, edges):
    at = log_density[:, None]
    return (at >= edges[:-1]) & (at < edges[1:])


@error_by_density.misconception(
    "an empty bin gets a number, as if the score were perfect there: where there are no points, the mean is nan."
)
def empty_bins_zero(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    means = []
    for j in range(len(edges) - 1):
        inside = (log_density >= edges[j]) & (log_density < edges[j + 1])
        means.append((error * inside).sum() / inside.sum().clamp(min=1))
    return torch.stack(means)


@error_by_density.misconception(
    "a point exactly on an edge belongs to the bin that starts there: bins are [edge, next edge), so `>=` and `<`."
)
def closed_on_the_right(score, true_score, x, log_density, edges):
    at = log_density[:, None]
    return _binned(_errors(score, true_score, x), (at > edges[:-1]) & (at <= edges[1:]))


@error_by_density.misconception(
    "a point exactly on the last edge is outside: the last bin too is [edge, next edge), unlike a histogram's."
)
def last_bin_closed(score, true_score, x, log_density, edges):
    inside = _inside(log_density, edges)
    inside[:, -1] |= log_density == edges[-1]
    return _binned(_errors(score, true_score, x), inside)


@error_by_density.misconception(
    "a point exactly on an edge is counted twice: make one side of each bin strict, the right."
)
def closed_on_both_sides(score, true_score, x, log_density, edges):
    at = log_density[:, None]
    return _binned(_errors(score, true_score, x), (at >= edges[:-1]) & (at <= edges[1:]))


@error_by_density.misconception("a point exactly on an edge is lost: bins are [edge, next edge), so `>=` on the left.")
def open_on_both_sides(score, true_score, x, log_density, edges):
    at = log_density[:, None]
    return _binned(_errors(score, true_score, x), (at > edges[:-1]) & (at < edges[1:]))


@error_by_density.misconception(
    "points below the first edge or above the last are put into the end bins: leave them out."
)
def outside_in_the_end_bins(score, true_score, x, log_density, edges):
    index = torch.bucketize(log_density, edges, right=True).sub(1).clamp(0, len(edges) - 2)
    inside = index[:, None] == torch.arange(len(edges) - 1, device=x.device)
    return _binned(_errors(score, true_score, x), inside)


@error_by_density.misconception("the norm is not squared: average ‖s − ∇log p‖², without a root.")
def mean_norm(score, true_score, x, log_density, edges):
    return _binned(_errors(score, true_score, x).sqrt(), _inside(log_density, edges))


@error_by_density.misconception("no root is wanted: the mean of the squared norm in each bin, as it is.")
def root_mean_square(score, true_score, x, log_density, edges):
    return _binned(_errors(score, true_score, x), _inside(log_density, edges)).sqrt()


@error_by_density.misconception("there is no ½ here: that belongs to the loss; this is the mean of ‖s − ∇log p‖².")
def halved(score, true_score, x, log_density, edges):
    return 0.5 * _binned(_errors(score, true_score, x), _inside(log_density, edges))


@error_by_density.misconception("you average over the coordinates: a squared norm sums over all of D.")
def mean_over_coordinates(score, true_score, x, log_density, edges):
    return _binned(_errors(score, true_score, x) / x[0].numel(), _inside(log_density, edges))


@error_by_density.misconception("that is the sum of the errors in each bin: divide by the number of its points.")
def summed_in_bins(score, true_score, x, log_density, edges):
    sums = torch.where(_inside(log_density, edges), _errors(score, true_score, x)[:, None], 0).sum(0)
    return torch.where(_inside(log_density, edges).any(0), sums, torch.nan)


BY_ALL_POINTS = (
    "the sum in each bin is divided by the number of all points: divide it by the number of points in that bin."
)


@error_by_density.misconception(BY_ALL_POINTS)
def divided_by_all_points_and_zero_where_empty(score, true_score, x, log_density, edges):
    return torch.where(_inside(log_density, edges), _errors(score, true_score, x)[:, None], 0).sum(0) / len(x)


@error_by_density.misconception(BY_ALL_POINTS)
def divided_by_all_points(score, true_score, x, log_density, edges):
    return summed_in_bins(score, true_score, x, log_density, edges) / len(x)


@error_by_density.misconception(
    "your bins have equal widths: use the `edges` that are given, whose distances may differ."
)
def equal_widths(score, true_score, x, log_density, edges):
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    index = ((log_density - edges[0]) / width).floor()
    inside = index[:, None] == torch.arange(len(edges) - 1, device=x.device)
    return _binned(_errors(score, true_score, x), inside)


@error_by_density.misconception(
    "empty bins are left out, so the result no longer lines up with the edges: give them nan, M numbers in all."
)
def empty_bins_dropped(score, true_score, x, log_density, edges):
    means = _binned(_errors(score, true_score, x), _inside(log_density, edges))
    return means[~means.isnan()]
