"""hw1: what samples miss."""

import torch

from course import distances
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise


def _coverage_cases(draw: Draw) -> list[Case]:
    def case(n: int, k: int, covered: int, d: int, radius: float, no_grad: bool = False) -> Case:
        """Modes far apart; the first are covered, the last has no sample, those of the others lie outside the radius.

        Samples differ from their mode by as much in every coordinate, so that other norms decide otherwise: some of
        those inside are outside by the sum of coordinates, some of those outside are inside by the largest.
        """
        place = draw.permutation(5**d)[:k, None] // 5 ** torch.arange(d) % 5
        modes = 8.0 * (place - 2) + draw.uniform(k, d, low=-0.5, high=0.5)
        index = torch.cat([torch.arange(k - 1), draw.integers(k - 1, n - k + 1)])
        first, even = index < covered, index % 2 == 0
        least = torch.where(first, torch.where(even, 0.3, 0.7), torch.where(even, 1.15, 2.2))
        reach = radius * (least + draw.uniform(n, high=0.15)) / d**0.5
        samples = modes[index] + reach[:, None] * (2 * draw.integers(2, n, d) - 1)
        return Case(
            {"samples": samples[draw.permutation(n)], "modes": modes[draw.permutation(k)], "radius": radius},
            no_grad=no_grad,
        )

    return [case(40, 9, 5, 3, draw.number(1.7, 2.0)), case(71, 12, 7, 4, draw.number(0.3, 0.4), no_grad=True)]


def _coupon_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    modes = 10 * torch.eye(20)
    samples = modes[torch.randint(20, (500, 30), generator=generator)]
    found = sum(function(s + 0.1, modes, 1.0) for s in samples) / 500
    return f"30 samples, each from one of 20 equal modes, cover {found:.1%} of them; theory says {1 - 0.95**30:.1%}."


mode_coverage = Exercise("mode_coverage", 8, distances.mode_coverage, _coverage_cases, remark=_coupon_remark)


def _distances(samples, modes):
    return (samples[:, None] - modes).norm(dim=2)


@mode_coverage.misconception(
    "that is the share of samples that lie near a mode: count the modes that have a sample, and divide by K."
)
def samples_counted(samples, modes, radius):
    distance = (samples[:, None] - modes).norm(dim=2)
    return (distance <= radius).any(1).double().mean().item()


@mode_coverage.misconception("that is the number of modes: divide by K for the share.")
def count_for_share(samples, modes, radius):
    return float((_distances(samples, modes) <= radius).any(0).sum())


@mode_coverage.misconception("you ask for all samples to be near a mode: one is enough.")
def all_for_any(samples, modes, radius):
    return (_distances(samples, modes) <= radius).all(0).double().mean().item()


@mode_coverage.misconception("you average over all pairs of a sample and a mode: a mode counts once if any is near.")
def pairs_averaged(samples, modes, radius):
    return (_distances(samples, modes) <= radius).double().mean().item()


@mode_coverage.misconception("you divide by the number of samples: divide by the number of modes, K.")
def divided_by_samples(samples, modes, radius):
    return (_distances(samples, modes) <= radius).any(0).sum().item() / len(samples)


@mode_coverage.misconception("squared distances are compared with the radius: square the radius too, or take the root.")
def radius_not_squared(samples, modes, radius):
    return (_distances(samples, modes).square() <= radius).any(0).double().mean().item()


@mode_coverage.misconception("distances are compared with the squared radius: compare like with like.")
def radius_squared(samples, modes, radius):
    return (_distances(samples, modes) <= radius**2).any(0).double().mean().item()


@mode_coverage.misconception("each coordinate is compared by itself: the distance sums squares over all of them.")
def coordinate_by_coordinate(samples, modes, radius):
    return ((samples[:, None] - modes).abs().amax(2) <= radius).any(0).double().mean().item()


@mode_coverage.misconception(
    "you add up absolute differences: the distance is Euclidean, the root of a sum of squares."
)
def city_blocks(samples, modes, radius):
    return ((samples[:, None] - modes).abs().sum(2) <= radius).any(0).double().mean().item()


@mode_coverage.misconception(
    "a mode counts in yours if it is the nearest to some sample, however far: that sample must lie within the radius."
)
def nearest_mode_only(samples, modes, radius):
    return _distances(samples, modes).argmin(1).unique().numel() / len(modes)


@mode_coverage.misconception("that is the share of modes that were missed: subtract it from 1.")
def missed_modes(samples, modes, radius):
    return 1 - (_distances(samples, modes) <= radius).any(0).double().mean().item()


@mode_coverage.misconception("a tensor comes back: `.item()` makes a Python float of it.")
def tensor_returned(samples, modes, radius):
    return (_distances(samples, modes) <= radius).any(0).to(samples.dtype).mean()
