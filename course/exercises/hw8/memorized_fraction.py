"""8.7, memory in one number: the share of samples that are much nearer to one training image than to any other."""

import torch
from torch import Tensor

from course.applications import memorization
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def memorized_fraction(samples, train, ratio):
    distances = torch.cdist(samples.flatten(1), train.flatten(1))
    nearest, second = distances.topk(2, dim=1, largest=False).values.T
    return (nearest < ratio * second).double().mean().item()


def ratios(samples: Tensor, train: Tensor, p: float = 2.0) -> Tensor:
    """First over second distance of each sample."""
    first, second = torch.cdist(samples.flatten(1), train.flatten(1), p=p).sort(dim=1).values[:, :2].T
    return first / second


def about(draw: CaseRng, train: Tensor, ratio: float, n: int) -> Tensor:
    """Samples about training images, whose ratios are spread over 0 to 1, and none close to the threshold.

    Some are copies by Euclidean distance and not by the sum of absolute differences, none the other way round.
    """
    here, ones = draw.integers(len(train), 3000), [1] * (train.ndim - 1)
    gaps = torch.cdist(train.flatten(1), train.flatten(1)).fill_diagonal_(torch.inf).amin(1)[here].reshape(-1, *ones)
    away = draw.normal(3000, *train.shape[1:])
    away = away / away.flatten(1).norm(dim=1).reshape(-1, *ones)
    x = train[here] + 0.9 * gaps * draw.uniform(3000, *ones) * away
    found, otherwise = ratios(x, train), ratios(x, train, p=1.0)
    clear = ((found - ratio).abs() > 0.02) & ((otherwise - ratio).abs() > 0.02)
    turns = (clear & (found < ratio) & (otherwise > ratio)).nonzero()[:6, 0]
    rest = (clear & ((found < ratio) == (otherwise < ratio))).nonzero()[:, 0]
    rest = rest[found[rest].argsort()]
    spread = rest[torch.linspace(0, len(rest) - 1, n - len(turns)).long()]
    return x[torch.cat([turns, spread])][draw.permutation(n)]


def cases(draw: CaseRng) -> list[Case]:
    def case(ratio: float, n: int, m: int, *shape: int) -> Case:
        train = 3 ** draw.uniform(m, *[1] * len(shape), low=-1) * draw.normal(m, *shape)
        samples = about(draw, train, ratio, n)
        samples[-1] = train[1]  # a copy
        train = torch.cat([train, 40 + train[:1], 40 + train[:1]])  # far from all others, and there twice
        twice = train[-1:] + 0.1 * draw.normal(1, *shape)
        return Case({"samples": torch.cat([samples, twice]), "train": train, "ratio": ratio})

    two = torch.tensor([[1.0], [0.0]]).double()
    return [
        case(draw.number(0.3, 0.4), 40, 9, 5),
        case(draw.number(0.6, 0.7), 53, 12, 1, 3, 2),
        case(draw.number(0.15, 0.2), 61, 30, 2),
        Case({"samples": torch.tensor([[0.1], [0.9], [0.5], [-3.0]]).double(), "train": two, "ratio": 0.4}),
        Case({"samples": draw.normal(1, 3), "train": 40 + draw.normal(4, 3), "ratio": 0.3}),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    train, new = torch.randn(300, 8, generator=generator), torch.randn(1000, 8, generator=generator)
    blurred = train[:200] + 0.2 * torch.randn(200, 8, generator=generator)
    a, b = function(new, train, 1 / 3), function(blurred, train, 1 / 3)
    return f"of a thousand new points {a:.1%} count as copies, of 200 training points with some noise {b:.0%}."


exercise = Exercise(answer=memorized_fraction, cases=cases, remark=remark)
exercise.right(memorization.memorized_fraction)
SECOND = "distances.topk(2, dim=1, largest=False).values.T"
DECISION = "nearest < ratio * second"
SHARE = f"({DECISION}).double().mean().item()"


@exercise.right
def sorted_distances(samples, train, ratio):
    d = torch.cdist(samples.flatten(1), train.flatten(1)).sort(dim=1).values
    return float((d[:, 0] / d[:, 1] < ratio).float().mean())


@exercise.right
def sample_by_sample(samples, train, ratio):
    copies = 0
    for x in samples:
        d = (train - x).flatten(1).norm(dim=1)
        j = d.argmin()
        others = torch.cat([d[:j], d[j + 1 :]])
        copies += bool(d[j] < ratio * others.min())
    return copies / len(samples)


@exercise.right
def with_the_nearest_taken_out(samples, train, ratio):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    first, index = d.min(dim=1, keepdim=True)
    second = d.scatter(1, index, torch.inf).amin(1, keepdim=True)
    return (first < ratio * second).sum().item() / len(d)


exercise.right(f"{DECISION} → nearest <= ratio * second", "equality is never tested")
exercise.right(f"{SECOND} → distances.topk(2, dim=-1, largest=False).values.T", "the same axis")
exercise.right(f"{SECOND} → distances.topk(2, largest=False).values.T", "the last axis is the default")

exercise.mistake(
    f"{DECISION} → nearest < ratio",
    "the nearest distance is compared with a fixed number, but where images are far apart a large one may still be a "
    "copy: "
    "compare with `ratio` times the second-nearest distance.",
)
exercise.mistake(
    f"{DECISION} → nearest > ratio * second",
    f"{SHARE} → 1 - {SHARE}",
    "that is the share of samples that are no copies: a copy is *much nearer* to one image than to the next.",
)
exercise.mistake(
    f"{DECISION} → second < ratio * nearest",
    f"{DECISION} → ratio * nearest > second",
    f"{SECOND} → distances.topk(2, dim=1).values.T",
    "no sample can ever count, since what you call the second-nearest is never below the nearest: compare the other "
    "way round, "
    "and find small distances (`topk` takes the largest unless it is told largest=False).",
)
exercise.mistake(
    f"{DECISION} → ratio * nearest < second",
    "the ratio is on the wrong side: it shrinks the second-nearest distance, not the nearest.",
)
exercise.mistake(
    f"{SHARE} → float(({DECISION}).sum().item())",
    "that is a number of samples: return their share, a number from 0 to 1.",
)
exercise.mistake(
    f"{SHARE} → 100 * {SHARE}",
    "that is in per cent: return a share, from 0 to 1.",
)
exercise.mistake(
    f"{DECISION} → nearest.square() < ratio * second.square()",
    "you compare squared distances with the ratio of distances: take the root, or square the ratio too.",
)
exercise.mistake(
    f"{SECOND} → distances.topk(2, dim=0, largest=False).values",
    "you look for the nearest samples of each training image: the fraction is one of samples, so search along dim 1.",
)
exercise.mistake(
    f"{SECOND} → (distances.amin(1), distances.mean(1))",
    f"{SECOND} → (distances.amin(1), distances.median(1).values)",
    f"{SECOND} → (distances.amin(1), distances.amax(1))",
    "the nearest distance is compared with a typical one, or the largest: nearly everything would be a copy. Compare "
    "it with "
    "the second-nearest.",
)
exercise.mistake(
    f"{SECOND} → (distances.amin(1), torch.cdist(train.flatten(1), train.flatten(1)).fill_diagonal_(torch.inf)"
    ".amin(1)[distances.argmin(1)])",
    "the second distance is from the training image to its own nearest neighbour: it should be from the sample to its "
    "second-nearest training image.",
)
exercise.mistake(
    f"{DECISION} → nearest < 1e-3",
    "only exact copies are counted: a sample is never equal to an image to the last digit, so compare with the "
    "second-nearest.",
)
exercise.mistake(
    "torch.cdist(samples.flatten(1), train.flatten(1)) → torch.cdist(samples.flatten(1), "
    "train.flatten(1).unique(dim=0))",
    "you take duplicates out of the training set: an image that is there twice is at both distances, and its "
    "neighbours do not "
    "count.",
)
exercise.mistake(
    "torch.cdist(samples.flatten(1), train.flatten(1)) → torch.cdist(samples.flatten(1), train.flatten(1), p=1.0)",
    "distances are sums of absolute differences here: they should be Euclidean.",
)
exercise.mistake(
    f"{SHARE} → ({DECISION}).double().mean()",
    "the result is a tensor: return a Python float, with `.item()`.",
)
exercise.mistake(
    f"{SHARE} → distances.argmin(1)[{DECISION}].unique().numel() / len(train)",
    f"{SHARE} → distances.argmin(1)[{DECISION}].unique().numel() / len(samples)",
    "you count the training images that were copied: the fraction is that of samples.",
)


@exercise.mistake(
    "the second-nearest is looked for among *different distances*, so an image that is in the training set twice is "
    "passed over: "
    "it is the second entry of the sorted distances, equal or not."
)
def next_larger_distance(samples, train, ratio):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    first = d.amin(1, keepdim=True)
    second = d.masked_fill(d <= first * (1 + 1e-6), torch.inf).amin(1, keepdim=True)
    return (first < ratio * second).double().mean().item()
