"""3.6, where a score is wrong: its mean squared error in bins of log-density, nan in an empty bin."""

import math
from itertools import pairwise

import torch
from torch import Tensor

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw3.shared import gaussian_score, network_score, plain_score, zero_score


def error_by_density(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.where(inside, error[:, None], 0).sum(0) / inside.sum(0)


def cases(draw: CaseRng) -> list[Case]:
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


def remark(function) -> str:
    x = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    log_density = -math.log(2 * math.pi) - 0.5 * x.square().sum(1)
    edges = -math.log(2 * math.pi) - torch.tensor([2.02, 1.98, 0.52, 0.48])
    far, _, near = function(zero_score, plain_score, x, log_density, edges).tolist()
    return (
        f"a score that is zero, on N(0, I) in the plane, is wrong by {near:.2f} where ‖x‖² = 1 and by {far:.2f} where "
        "‖x‖² = 4; exactly by ‖x‖²."
    )


exercise = Exercise(answer=error_by_density, cases=cases, counted=("score", "true_score"), remark=remark)
exercise.right(matching.error_by_density)


@exercise.right
def bin_by_bin(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).pow(2).flatten(1).sum(1)
    bins = pairwise(edges)
    return torch.stack([error[(log_density >= low) & (log_density < high)].mean() for low, high in bins])


@exercise.right
@torch.no_grad()
def added_up_by_index(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).square().reshape(len(x), -1).sum(1)
    index = torch.searchsorted(edges, log_density, right=True)  # 0 is below all bins, M + 1 above
    total, count = (torch.zeros(len(edges) + 1, dtype=x.dtype, device=x.device) for _ in range(2))
    total.index_add_(0, index, error)
    count.index_add_(0, index, torch.ones_like(error))
    return (total / count)[1:-1]


@exercise.right
def nan_from_the_start(score, true_score, x, log_density, edges):
    error = torch.linalg.vector_norm((score(x) - true_score(x)).flatten(1).detach(), dim=1) ** 2
    index: Tensor = torch.bucketize(log_density, edges, right=True) - 1
    result = x.new_full((len(edges) - 1,), torch.nan)
    for j in index.unique().tolist():
        if 0 <= j < len(result):
            result[j] = error[index == j].mean()
    return result


residual = "(score(x) - true_score(x)).flatten(1)"
from_left, to_right = "log_density[:, None] >= edges[:-1]", "log_density[:, None] < edges[1:]"
in_bin = f"({from_left}) & ({to_right})"
numbers = "torch.arange(len(edges) - 1, device=x.device)"
total = "torch.where(inside, error[:, None], 0).sum(0)"
means = f"{total} / inside.sum(0)"
total_or_nan = f"torch.where(inside.any(0), {total}, torch.nan)"

exercise.mistake(
    "inside.sum(0) → inside.sum(0).clamp(min=1)",
    "an empty bin gets a number, as if the score were perfect there: where there are no points, the mean is nan.",
)
exercise.mistake(
    f"""{from_left} → log_density[:, None] > edges[:-1]
        {to_right} → log_density[:, None] <= edges[1:]""",
    "a point exactly on an edge belongs to the bin that starts there: bins are [edge, next edge), so `>=` and `<`.",
)
exercise.mistake(
    f"{in_bin} → {in_bin} | (log_density[:, None] == edges[1:]) & (edges[1:] == edges[-1])",
    "a point exactly on the last edge is outside: the last bin too is [edge, next edge), unlike a histogram's.",
)
exercise.mistake(
    f"{to_right} → log_density[:, None] <= edges[1:]",
    "a point exactly on an edge is counted twice: make one side of each bin strict, the right.",
)
exercise.mistake(
    f"{from_left} → log_density[:, None] > edges[:-1]",
    "a point exactly on an edge is lost: bins are [edge, next edge), so `>=` on the left.",
)
exercise.mistake(
    f"{in_bin} → torch.bucketize(log_density, edges[1:-1], right=True)[:, None] == {numbers}",
    "points below the first edge or above the last are put into the end bins: leave them out.",
)
exercise.mistake(
    f"{residual}.square().sum(1) → {residual}.norm(dim=1)",
    "the norm is not squared: average ‖s − ∇log p‖², without a root.",
)
exercise.mistake(
    f"{means} → ({means}).sqrt()",
    "no root is wanted: the mean of the squared norm in each bin, as it is.",
)
exercise.mistake(
    f"{means} → 0.5 * {means}",
    "there is no ½ here: that belongs to the loss; this is the mean of ‖s − ∇log p‖².",
)
exercise.mistake(
    f"{residual}.square().sum(1) → {residual}.square().mean(1)",
    "you average over the coordinates: a squared norm sums over all of D.",
)
exercise.mistake(
    f"{means} → {total_or_nan}",
    "that is the sum of the errors in each bin: divide by the number of its points.",
)
exercise.mistake(
    f"{means} → {total} / len(x)",
    f"{means} → {total_or_nan} / len(x)",
    "the sum in each bin is divided by the number of all points: divide it by the number of points in that bin.",
)


@exercise.mistake("your bins have equal widths: use the `edges` that are given, whose distances may differ.")
def equal_widths(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    index = ((log_density - edges[0]) / width).floor()
    inside = index[:, None] == torch.arange(len(edges) - 1, device=x.device)
    return torch.where(inside, error[:, None], 0).sum(0) / inside.sum(0)


exercise.mistake(
    f"{means} → ({means})[inside.any(0)]",
    "empty bins are left out, so the result no longer lines up with the edges: give them nan, M numbers in all.",
)
