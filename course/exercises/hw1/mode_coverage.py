"""1.9, the share of modes that have at least one sample within a radius."""

import torch

from course import distances
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1.shared import TENSOR_RETURNED


def mode_coverage(samples, modes, radius):
    return (torch.cdist(modes, samples).amin(1) <= radius).double().mean().item()


def cases(draw: CaseRng) -> list[Case]:
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

    def overlapping(k: int, d: int, radius: float) -> Case:
        """Modes in pairs, a sample beside each pair: within the radius of both, of one, or of none."""
        first = 20.0 * torch.arange(k).double()[:, None] + draw.uniform(k, d)
        second = first + 0.5 * radius / d**0.5
        samples = first - torch.tensor([0.2, 0.2, 0.7, 0.2, 3.0]).double()[torch.arange(k) % 5, None] * radius / d**0.5
        return Case({"samples": samples, "modes": torch.cat([first, second]), "radius": radius})

    usual = [case(40, 9, 5, 3, draw.number(1.7, 2.0)), case(71, 12, 7, 4, draw.number(0.3, 0.4), no_grad=True)]
    return [*usual, overlapping(5, 3, draw.number(0.8, 1.2))]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    modes = 10 * torch.eye(20)
    samples = modes[torch.randint(20, (500, 30), generator=generator)]
    found = sum(function(s + 0.1, modes, 1.0) for s in samples) / 500
    return f"30 samples, each from one of 20 equal modes, cover {found:.1%} of them; theory says {1 - 0.95**30:.1%}."


exercise = Exercise(answer=mode_coverage, cases=cases, remark=remark)
exercise.right(distances.mode_coverage)


@exercise.right
def any_sample(samples, modes, radius):
    near = (samples[:, None, :] - modes[None]).pow(2).sum(-1) <= radius**2
    return near.any(dim=0).sum().item() / len(modes)


@exercise.right
def mode_after_mode(samples, modes, radius):
    covered = 0
    for mode in modes:
        if ((samples - mode).norm(dim=1).min() <= radius).item():
            covered += 1
    return covered / len(modes)


nearest = "torch.cdist(modes, samples).amin(1)"
covered = f"({nearest} <= radius)"
result = f"{covered}.double().mean().item()"

exercise.right(f"{result} → float((torch.cdist(modes, samples).min(dim=1).values < radius).float().mean())")
exercise.right(f"{nearest} <= radius → {nearest} < radius", "a sample exactly at the radius may count or not")
exercise.mistake(
    f"{nearest} → torch.cdist(modes, samples).amin(0)",
    "that is the share of samples that lie near a mode: count the modes that have a sample, and divide by K.",
)
exercise.mistake(
    f"{covered}.double().mean() → {covered}.double().sum()",
    "that is the number of modes: divide by K for the share.",
)
exercise.mistake(
    f"{nearest} → torch.cdist(modes, samples).amax(1)",
    "you ask for all samples to be near a mode: one is enough.",
)
exercise.mistake(
    f"{nearest} → torch.cdist(modes, samples)",
    "you average over all pairs of a sample and a mode: a mode counts once if any is near.",
)
exercise.mistake(
    f"{result} → {covered}.sum().item() / len(samples)",
    "you divide by the number of samples: divide by the number of modes, K.",
)
exercise.mistake(
    f"{nearest} → {nearest}.square()",
    "squared distances are compared with the radius: square the radius too, or take the root.",
)
exercise.mistake(
    "radius → radius**2",
    "distances are compared with the squared radius: compare like with like.",
)
exercise.mistake(
    "torch.cdist(modes, samples) → (modes[:, None] - samples).abs().amax(2)",
    "each coordinate is compared by itself: the distance sums squares over all of them.",
)
exercise.mistake(
    "torch.cdist(modes, samples) → (modes[:, None] - samples).abs().sum(2)",
    "you add up absolute differences: the distance is Euclidean, the root of a sum of squares.",
)
exercise.mistake(
    f"{result} → torch.cdist(samples, modes).argmin(1).unique().numel() / len(modes)",
    "a mode counts in yours if it is the nearest to some sample, however far: that sample must lie within the radius.",
)


@exercise.mistake("a sample counts in yours for the mode nearest to it alone: it covers every mode within the radius.")
def for_the_nearest_alone(samples, modes, radius):
    distance, nearest = torch.cdist(samples, modes).min(dim=1)
    return nearest[distance <= radius].unique().numel() / len(modes)


exercise.mistake(
    f"{nearest} <= radius → {nearest} > radius",
    "that is the share of modes that were missed: subtract it from 1.",
)
exercise.mistake(f"{result} → {covered}.double().mean()", TENSOR_RETURNED)
