"""hw1: how far samples are from other samples."""

import math

import torch

from course import distances
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise

# -- mmd_squared -------------------------------------------------------------------------------------------------------


def _mmd_cases(draw: Draw) -> list[Case]:
    def case(n: int, m: int, d: int, bandwidth: float, no_grad: bool = False) -> Case:
        x, y = draw.normal(n, d) + 1, 1.4 * draw.normal(m, d) - 0.5
        return Case({"x": x, "y": y, "bandwidth": bandwidth}, no_grad=no_grad, magnitude=20 / bandwidth**2)

    x = draw.normal(7, 3)
    below_zero = Case({"x": x, "y": x[:4] + 0.05 * draw.normal(4, 3), "bandwidth": 0.8}, magnitude=20)
    return [case(9, 6, 3, draw.number(1.2, 1.6)), case(5, 8, 4, draw.number(0.6, 0.8), no_grad=True), below_zero]


def _mmd_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2000, 1, generator=generator), 1 + torch.randn(2000, 1, generator=generator)
    theory = 2 / math.sqrt(3) * (1 - math.exp(-1 / 6))
    return f"2,000 samples of N(0, 1) and of N(1, 1), h = 1: {function(x, y, 1.0).item():.3f}, theory {theory:.3f}."


mmd_squared = Exercise("mmd_squared", 12, distances.mmd_squared, _mmd_cases, remark=_mmd_remark)


def _kernel(a, b, h):
    return torch.exp(-(a[:, None] - b).square().sum(2) / (2 * h**2))


def _within(k, pairs=None):
    return (k.sum() - k.diagonal().sum()) / (pairs or len(k) * (len(k) - 1))


@mmd_squared.misconception(
    "each point is compared with itself too, where k = 1: that biases the distance upwards, so leave out i = j and "
    "divide by N(N − 1)."
)
def diagonal_kept(x, y, bandwidth):
    def kernel(a, b):
        return torch.exp(-(a[:, None] - b).square().sum(2) / (2 * bandwidth**2))

    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


@mmd_squared.misconception("without the pairs i = j there are N(N − 1) pairs left: divide by that, not by N².")
def divided_by_all_pairs(x, y, bandwidth):
    kxx, kyy = _kernel(x, x, bandwidth), _kernel(y, y, bandwidth)
    return _within(kxx, len(x) ** 2) + _within(kyy, len(y) ** 2) - 2 * _kernel(x, y, bandwidth).mean()


@mmd_squared.misconception("you divide by N(N − 1), but the sum still holds the N pairs i = j: take them out.")
def diagonal_in_sum(x, y, bandwidth):
    within = [_kernel(a, a, bandwidth).sum() / (len(a) * (len(a) - 1)) for a in (x, y)]
    return within[0] + within[1] - 2 * _kernel(x, y, bandwidth).mean()


ALL_PAIRS_ACROSS = "x_i and y_i are different points: in the cross term all N·M pairs count, i = j too."


@mmd_squared.misconception(ALL_PAIRS_ACROSS)
def ones_taken_from_the_cross_term(x, y, bandwidth):
    across = _kernel(x, y, bandwidth)
    mean = (across.sum() - min(across.shape)) / across.numel()
    return _within(_kernel(x, x, bandwidth)) + _within(_kernel(y, y, bandwidth)) - 2 * mean


@mmd_squared.misconception(ALL_PAIRS_ACROSS)
def cross_diagonal_left_out(x, y, bandwidth):
    across = _kernel(x, y, bandwidth)
    n = min(across.shape)
    mean = (across.sum() - across.diagonal().sum()) / (across.numel() - n)
    return _within(_kernel(x, x, bandwidth)) + _within(_kernel(y, y, bandwidth)) - 2 * mean


@mmd_squared.misconception("the cross term counts twice: ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b.")
def cross_term_once(x, y, bandwidth):
    return distances.mmd_squared(x, y, bandwidth) + _kernel(x, y, bandwidth).mean()


@mmd_squared.misconception("the cross term is subtracted: samples that lie together are near each other.")
def cross_term_added(x, y, bandwidth):
    return distances.mmd_squared(x, y, bandwidth) + 4 * _kernel(x, y, bandwidth).mean()


@mmd_squared.misconception("the kernel divides by h²: ours is exp(−‖a − b‖²/(2h²)).")
def h_squared(x, y, bandwidth):
    return distances.mmd_squared(x, y, bandwidth / math.sqrt(2))


@mmd_squared.misconception("the kernel divides by 2h: ours is exp(−‖a − b‖²/(2h²)).")
def h_not_squared(x, y, bandwidth):
    return distances.mmd_squared(x, y, math.sqrt(bandwidth))


@mmd_squared.misconception("the kernel multiplies by h² (as if h were a precision): divide by 2h².")
def h_inverted(x, y, bandwidth):
    return distances.mmd_squared(x, y, 1 / bandwidth)


@mmd_squared.misconception("the distance is not squared: the kernel is exp(−‖a − b‖²/(2h²)).")
def distance_not_squared(x, y, bandwidth):
    kernel = lambda a, b: torch.exp(-(a[:, None] - b).norm(dim=2) / (2 * bandwidth**2))
    return _within(kernel(x, x)) + _within(kernel(y, y)) - 2 * kernel(x, y).mean()


@mmd_squared.misconception("that is the root: return the square, which can be negative and has no bias.")
def root_taken(x, y, bandwidth):
    return distances.mmd_squared(x, y, bandwidth).clamp(min=0).sqrt()


@mmd_squared.misconception("a negative value is cut off at zero, which brings the bias back: return it as it is.")
def cut_at_zero(x, y, bandwidth):
    return distances.mmd_squared(x, y, bandwidth).clamp(min=0)


@mmd_squared.misconception("sums are not divided by the number of pairs: take means, N(N − 1), M(M − 1) and N M.")
def sums_for_means(x, y, bandwidth):
    within = [_within(_kernel(a, a, bandwidth), 1) for a in (x, y)]
    return within[0] + within[1] - 2 * _kernel(x, y, bandwidth).sum()


# -- sliced_wasserstein ------------------------------------------------------------------------------------------------


def _sliced_cases(draw: Draw) -> list[Case]:
    def case(n: int, p: int, d: int, size: float = 1.0, no_grad: bool = False) -> Case:
        directions = draw.normal(p, d)
        directions /= directions.norm(dim=1, keepdim=True)
        x, y = size * (draw.normal(n, d) + 0.5), size * (1.7 * draw.normal(n, d) - 0.3)
        return Case({"x": x, "y": y, "directions": directions}, no_grad=no_grad, magnitude=size)

    # clouds so small that nothing can be added under the root
    return [case(11, 7, 3), case(6, 9, 4, no_grad=True), case(8, 3, 5), case(7, 5, 4, size=1e-5)]


def _sliced_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, y, lines = (torch.randn(n, 3, generator=generator) for n in (4000, 4000, 50))
    shift, lines = torch.tensor([1.0, 2.0, 3.0]), lines / lines.norm(dim=1, keepdim=True)
    found, theory = function(x, 2 * y + shift, lines).item(), ((lines @ shift).square().mean() + 1).sqrt().item()
    return f"4,000 samples of N(0, I) and of N((1, 2, 3), 4 I), along 50 lines: {found:.2f}, theory {theory:.2f}."


sliced_wasserstein = Exercise(
    "sliced_wasserstein", 8, distances.sliced_wasserstein, _sliced_cases, remark=_sliced_remark
)


def _along(x, y, directions):
    return (x @ directions.T).sort(0).values - (y @ directions.T).sort(0).values


@sliced_wasserstein.misconception(
    "points are paired in the order in which they come: along a line the cheapest pairing is in order of size, so sort "
    "both."
)
def not_sorted(x, y, directions):
    return (x @ directions.T - y @ directions.T).square().mean().sqrt()


@sliced_wasserstein.misconception(
    "something is added under the root, which drowns small distances: the root needs no guard here.", credit=0.5
)
def guarded_root(x, y, directions):
    return (_along(x, y, directions).square().mean() + 1e-8).sqrt()


@sliced_wasserstein.misconception("the root is missing: take the square root of the mean of W₂², last of all.")
def root_forgotten(x, y, directions):
    return _along(x, y, directions).square().mean()


@sliced_wasserstein.misconception(
    "you take the root of each direction before the mean: average W₂² over directions first, the root comes last."
)
def root_inside(x, y, directions):
    return _along(x, y, directions).square().mean(0).sqrt().mean()


@sliced_wasserstein.misconception("you average absolute differences, which is W₁: square them, and take the root last.")
def absolute_differences(x, y, directions):
    return _along(x, y, directions).abs().mean()


@sliced_wasserstein.misconception("you add up over the points: W₂² along a direction is the mean square difference.")
def points_summed(x, y, directions):
    return _along(x, y, directions).square().sum(0).mean().sqrt()


@sliced_wasserstein.misconception("you add up over the directions: take their mean.")
def directions_summed(x, y, directions):
    return _along(x, y, directions).square().mean(0).sum().sqrt()


@sliced_wasserstein.misconception("you keep the worst direction only: take the mean over directions.")
def worst_direction(x, y, directions):
    return _along(x, y, directions).square().mean(0).amax().sqrt()


@sliced_wasserstein.misconception("you sort each point's projections over the directions: sort the points, for each.")
def sorted_over_directions(x, y, directions):
    return ((x @ directions.T).sort(1).values - (y @ directions.T).sort(1).values).square().mean().sqrt()


@sliced_wasserstein.misconception(
    "you sort each coordinate and then project: project first, then sort along each line."
)
def sorted_before_projecting(x, y, directions):
    return ((x.sort(0).values - y.sort(0).values) @ directions.T).square().mean().sqrt()


@sliced_wasserstein.misconception("only one of the two is sorted: sort the projections of both.")
def one_sorted(x, y, directions):
    return ((x @ directions.T).sort(0).values - y @ directions.T).square().mean().sqrt()


@sliced_wasserstein.misconception("that is one number for each direction: take the root of their mean square.")
def one_for_each_direction(x, y, directions):
    return _along(x, y, directions).square().mean(0).sqrt()
