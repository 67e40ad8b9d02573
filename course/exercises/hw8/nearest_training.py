"""8.6, the nearest training image of every sample, without all differences at once."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: F401 (in patches)

from course.applications import memorization
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def nearest_training(samples, train):
    distance, index = torch.cdist(samples.flatten(1), train.flatten(1)).min(dim=1)
    return distance, index


def near(draw: CaseRng, train: Tensor, n: int) -> Tensor:
    """Samples so near to one training image each that no other competes; some images are chosen twice."""
    gap = torch.pdist(train.flatten(1)).min().item() if len(train) > 1 else 3.0
    away, ones = draw.normal(n, *train.shape[1:]), [1] * (train.ndim - 1)
    away = away / away.flatten(1).norm(dim=1).reshape(-1, *ones)
    return train[draw.integers(len(train), n)] + gap * draw.uniform(n, *ones, low=0.1, high=0.4) * away


def cases(draw: CaseRng) -> list[Case]:
    def case(train: Tensor, n: int, copies: int = 0, room: int = 0, magnitude: float = 300) -> Case:
        """The magnitude allows for the rounding of a product, whose root is taken where distances are small."""
        samples = near(draw, train, n)
        samples[:copies] = train[draw.integers(len(train), copies)]
        return Case({"samples": samples, "train": train}, magnitude=magnitude, room=room)

    return [
        case(3 * draw.normal(6, 4), 9),
        case(3 * draw.normal(11, 1, 3, 5), 4),
        case(3 * draw.normal(6, 2, 3), 6),
        case(draw.permutation(7)[:, None].double() - 2, 5),
        case(3 * draw.normal(1, 3), 1),
        case(3 * draw.normal(150, 1, 4, 6), 1500, copies=60, room=1500 * 150 * 24, magnitude=3000),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    train, samples = torch.randn(300, 16, generator=generator), torch.randn(300, 16, generator=generator)
    new, copied = (function(x, train)[0].mean().item() for x in (samples, train))
    return f"new points in 16 dimensions are {new:.1f} from the nearest of 300 others, copies {copied:.0e}."


exercise = Exercise(answer=nearest_training, cases=cases, results=("distance", "index"), remark=remark)
exercise.right(memorization.nearest_training)
X, Y = "samples.flatten(1)", "train.flatten(1)"
ALL = f"torch.cdist({X}, {Y})"
FOUND = f"{ALL}.min(dim=1)"


@exercise.right
def one_by_one(samples, train):
    distance, index = [], []
    for x in samples:
        d = (train - x).flatten(1).norm(dim=1)
        index.append(d.argmin())
        distance.append(d[index[-1]])
    return torch.stack(distance), torch.stack(index)


@exercise.right
def by_a_product(samples, train):
    x, y = samples.flatten(1), train.flatten(1)
    square = x.square().sum(1, keepdim=True) + y.square().sum(1) - 2 * x @ y.T
    index = square.argmin(1)
    return square.clamp(min=0).amin(1).sqrt(), index


@exercise.right
def in_pieces(samples, train):
    pieces = []
    for x in samples.flatten(1).split(200):
        pieces.append((x[:, None] - train.flatten(1)).pow(2).sum(-1).sqrt().min(-1))
    return torch.cat([p.values for p in pieces]), torch.cat([p.indices for p in pieces])


@exercise.right
def image_by_image(samples, train):
    best = samples.new_full((len(samples),), torch.inf)
    index = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
    for j, y in enumerate(train):
        d = (samples - y).flatten(1).norm(dim=1)
        index = torch.where(d < best, j, index)
        best = torch.minimum(d, best)
    return best, index


exercise.right(
    f"{FOUND} → {ALL}.topk(1, dim=1, largest=False)\nreturn distance, index → return distance[:, 0], index[:, 0]"
)
exercise.right(f"{FOUND} → {ALL}.min(dim=-1)", "the same axis")

exercise.mistake(
    f"{FOUND} → (({X}[:, None] - {Y}) ** 2).sum(-1).sqrt().min(dim=1)",
    f"{FOUND} → torch.linalg.vector_norm({X}[:, None] - {Y}, dim=-1).min(dim=1)",
    "the distances are right, but all N × M × D differences are in memory at once, and with 10,000 images that is too "
    "much: "
    "use torch.cdist, or go through the samples in pieces of some hundreds.",
    credit=0.5,
)
exercise.mistake(
    f"{FOUND} → {ALL}.square().min(dim=1)",
    "those are squared distances: take the root.",
)
exercise.mistake(
    f"{FOUND} → torch.cdist({X}, {Y}, p=1.0).min(dim=1)",
    "you add up absolute differences: the Euclidean distance is the root of the sum of squares.",
)
exercise.mistake(
    f"{FOUND} → torch.cdist({X}, {Y}, p=float('inf')).min(dim=1)",
    "you take the largest difference of all: the Euclidean distance is the root of the sum of squares.",
)
exercise.mistake(
    f"{FOUND} → ({ALL} / samples[0].numel() ** 0.5).min(dim=1)",
    f"{FOUND} → ({ALL} ** 2 / samples[0].numel()).min(dim=1)",
    "you average over the D numbers: the Euclidean distance adds up their squares.",
)
exercise.mistake(
    f"{FOUND} → {ALL}.max(dim=1)",
    "that is the training image farthest away: take the minimum.",
)
exercise.mistake(
    f"{FOUND} → {ALL}.min(dim=0)",
    f"{FOUND} → torch.cdist({Y}, {X}).min(dim=1)",
    "you find the nearest sample of every training image: the result has one entry for each sample.",
)
exercise.mistake(
    f"{FOUND} → {ALL}.kthvalue(min(2, len(train)), dim=1)",
    "you skip the nearest one and take the second, as among the points themselves: samples are not in the training "
    "set.",
)
exercise.mistake(
    "return distance, index → return index, distance",
    "the two results are in the wrong order: the distance first, then the index.",
)
exercise.mistake(
    "return distance, index → return distance", "the index is missing: return both, the distance and the index."
)
exercise.mistake(
    "return distance, index → return distance, train[index]",
    "you return the images themselves: the second result is their index in `train`.",
)
exercise.mistake(
    "return distance, index → return distance, index.to(distance.dtype)",
    "an index is a whole number, int64, as `min` and `argmin` give it.",
)
exercise.mistake(
    f"{FOUND} → (1 - F.normalize({X}, dim=1) @ F.normalize({Y}, dim=1).T).min(dim=1)",
    f"{FOUND} → (F.normalize({X}, dim=1) @ F.normalize({Y}, dim=1).T).max(dim=1)",
    "that compares directions: a picture half as bright would be at distance 0. The Euclidean distance is asked for.",
)
exercise.mistake(
    f"{FOUND} → torch.cdist(samples.flatten(1).mean(1, keepdim=True), train.flatten(1).mean(1, "
    f"keepdim=True)).min(dim=1)",
    "you compare the averages of the images: compare them number by number.",
)
exercise.mistake(
    f"{FOUND} → torch.cdist({X} - {X}.mean(0), {Y} - {Y}.mean(0)).min(dim=1)",
    "samples and training images are centred, each by their own mean, which moves them apart: compare them as they "
    "are.",
)
exercise.mistake(
    f"{FOUND} → (({X} ** 2).sum(1)[:, None] + ({Y} ** 2).sum(1) - 2 * {X} @ {Y}.T).sqrt().min(dim=1)",
    "at a copy the squared distance is 0 up to rounding, which may be below it, and its root is nan: use torch.cdist, "
    "or "
    "clamp at 0 before the root.",
    credit=0.5,
)
exercise.mistake(
    f"{FOUND} → (({Y} ** 2).sum(1) - 2 * {X} @ {Y}.T).min(dim=1)",
    "without ‖x‖² the index is right, and the number is no distance: add it, and take the root.",
)
exercise.mistake(
    f"{X} → samples",
    f"{ALL} → torch.cdist(samples, train)",
    "images have more than one axis: flatten all but the first of both, (N, D) and (M, D), before you compare.",
)
exercise.mistake(
    f"{FOUND} → torch.cdist(samples.flatten(), train.flatten()).min(dim=1)",
    "`flatten()` makes one long vector of the whole batch: keep the first axis, flatten(1).",
)


@exercise.mistake("the results are Python lists: return two tensors of shape (N,).")
def in_lists(samples, train):
    distance, index = torch.cdist(samples.flatten(1), train.flatten(1)).min(dim=1)
    return distance.tolist(), index.tolist()


@exercise.mistake(
    "only the smallest of all N × M distances is found: every sample has its own, a minimum along dim 1.",
)
def one_for_all(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    return d.min().expand(len(d)), d.argmin().expand(len(d)) % d.shape[1]
