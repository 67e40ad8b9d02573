"""1.7, the squared maximum mean discrepancy of two samples, without bias."""

import math

import torch

from course import distances
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def mmd_squared(x, y, bandwidth):
    pairs = (x, x), (y, y), (x, y)
    kxx, kyy, kxy = (torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2)) for a, b in pairs)
    within = [(k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1)) for k in (kxx, kyy)]
    return within[0] + within[1] - 2 * kxy.mean()


def cases(draw: CaseRng) -> list[Case]:
    def case(n: int, m: int, d: int, bandwidth: float, no_grad: bool = False) -> Case:
        x, y = draw.normal(n, d) + 1, 1.4 * draw.normal(m, d) - 0.5
        return Case({"x": x, "y": y, "bandwidth": bandwidth}, no_grad=no_grad, magnitude=20 / bandwidth**2)

    x = draw.normal(7, 3)
    below_zero = Case({"x": x, "y": x[:4] + 0.05 * draw.normal(4, 3), "bandwidth": 0.8}, magnitude=20)
    twice = Case(
        {"x": x[[0, 1, 2, 0, 3]], "y": 1.2 * draw.normal(6, 3)[[0, 1, 2, 3, 4, 4]], "bandwidth": 0.9}, magnitude=20
    )
    usual = [case(9, 6, 3, draw.number(1.2, 1.6)), case(5, 8, 4, draw.number(0.6, 0.8), no_grad=True)]
    return [*usual, below_zero, twice]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2000, 1, generator=generator), 1 + torch.randn(2000, 1, generator=generator)
    theory = 2 / math.sqrt(3) * (1 - math.exp(-1 / 6))
    return f"2,000 samples of N(0, 1) and of N(1, 1), h = 1: {function(x, y, 1.0).item():.3f}, theory {theory:.3f}."


exercise = Exercise(answer=mmd_squared, cases=cases, remark=remark)
exercise.right(distances.mmd_squared)


@exercise.right
def pairs_masked(x, y, bandwidth):
    def mean(a, b, pairs):
        return torch.exp(-(torch.cdist(a, b) ** 2) / (2 * bandwidth**2))[pairs].mean()

    other = lambda n: ~torch.eye(n, dtype=torch.bool, device=x.device)
    across = torch.ones(len(x), len(y), dtype=torch.bool, device=x.device)
    return mean(x, x, other(len(x))) + mean(y, y, other(len(y))) - 2 * mean(x, y, across)


@exercise.right
def each_pair_once(x, y, bandwidth):
    kernel = lambda square: torch.exp(-square / (2 * bandwidth**2))
    within = [kernel(torch.nn.functional.pdist(a).square()).mean() for a in (x, y)]
    product = x @ y.T
    across = kernel(x.square().sum(1)[:, None] - 2 * product + y.square().sum(1))
    return sum(within) - 2 * across.mean()


others = "k.sum() - k.diagonal().sum()"
mean_of_others = f"({others}) / (len(k) * (len(k) - 1))"
result = "within[0] + within[1] - 2 * kxy.mean()"

exercise.right("""torch.cdist(a, b).square() → (a[:, None] - b[None]).square().sum(-1)
                  k.diagonal().sum() → k.trace()""")
exercise.right("torch.cdist(a, b) → torch.cdist(b, a)", "the transposed kernel has the same sum, diagonal and mean")
exercise.mistake(
    f"{mean_of_others} → k.mean()",
    "each point is compared with itself too, where k = 1: that biases the distance upwards, so leave out i = j and "
    "divide by N(N − 1).",
)
exercise.mistake(
    "len(k) * (len(k) - 1) → len(k) ** 2",
    "without the pairs i = j there are N(N − 1) pairs left: divide by that, not by N².",
)
exercise.mistake(
    f"{others} → k.sum()",
    "you divide by N(N − 1), but the sum still holds the N pairs i = j: take them out.",
)
exercise.mistake(
    f"{others} → k[k < 1].sum()",
    "you leave out all pairs of equal points: only i = j is left out, since two points of a sample may be equal.",
)
exercise.mistake(
    "kxy.mean() → (kxy.sum() - min(kxy.shape)) / kxy.numel()",
    "kxy.mean() → (kxy.sum() - kxy.diagonal().sum()) / (kxy.numel() - min(kxy.shape))",
    "x_i and y_i are different points: in the cross term all N·M pairs count, i = j too.",
)
exercise.mistake(
    "2 * kxy.mean() → kxy.mean()",
    "the cross term counts twice: ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b.",
)
exercise.mistake(
    f"{result} → within[0] + within[1] + 2 * kxy.mean()",
    "the cross term is subtracted: samples that lie together are near each other.",
)
exercise.mistake("2 * bandwidth**2 → bandwidth**2", "the kernel divides by h²: ours is exp(−‖a − b‖²/(2h²)).")
exercise.mistake("2 * bandwidth**2 → 2 * bandwidth", "the kernel divides by 2h: ours is exp(−‖a − b‖²/(2h²)).")
exercise.mistake(
    "-torch.cdist(a, b).square() / (2 * bandwidth**2) → -torch.cdist(a, b).square() * bandwidth**2 / 2",
    "the kernel multiplies by h² (as if h were a precision): divide by 2h².",
)
exercise.mistake(
    "torch.cdist(a, b).square() → torch.cdist(a, b)",
    "the distance is not squared: the kernel is exp(−‖a − b‖²/(2h²)).",
)
exercise.mistake(
    f"{result} → ({result}).clamp(min=0).sqrt()",
    "that is the root: return the square, which can be negative and has no bias.",
)
exercise.mistake(
    f"{result} → ({result}).clamp(min=0)",
    "a negative value is cut off at zero, which brings the bias back: return it as it is.",
)
exercise.mistake(
    f"""{mean_of_others} → {others}
        kxy.mean() → kxy.sum()""",
    "sums are not divided by the number of pairs: take means, N(N − 1), M(M − 1) and N M.",
)
