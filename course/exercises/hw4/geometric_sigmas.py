"""4.5, n noise levels in equal ratios, from σ_max down to σ_min."""

import math

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.sampling import times


def geometric_sigmas(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n).exp()


def cases(draw: CaseRng) -> list[Case]:
    def case(ratio: float, n: int, size: float = 1.0) -> Case:
        least = size * draw.number(0.3, 0.9)
        return Case({"sigma_max": ratio * least, "sigma_min": least, "n": n}, magnitude=10 * size)

    return [
        case(draw.number(4, 6), 7),
        case(draw.number(2, 3), 2),
        case(draw.number(20, 30), 12),
        case(3.0, 3),
        case(draw.number(4, 6), 5, 1e-6),  # nothing can be added to them, and they are not to be clamped
    ]


def remark(function) -> str:
    found = function(8.0, 0.5, 5).tolist()
    return f"from 8 to 0.5 in 5 levels: {', '.join(f'{s:g}' for s in found)}; each is half the one before."


exercise = Exercise(answer=geometric_sigmas, cases=cases, attached=False, remark=remark)
exercise.right(times.geometric_sigmas)

LOGARITHMS = "torch.linspace(math.log(sigma_max), math.log(sigma_min), n)"

exercise.right(f"{LOGARITHMS}.exp() → torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n)")
exercise.right(
    f"{LOGARITHMS}.exp() → torch.tensor([sigma_max * (sigma_min / sigma_max) ** (k / (n - 1)) for k in range(n)])"
)
exercise.right(f"{LOGARITHMS}.exp() → sigma_max * (sigma_min / sigma_max) ** torch.linspace(0, 1, n)")
exercise.mistake(
    f"{LOGARITHMS}.exp() → torch.linspace(sigma_max, sigma_min, n)",
    "the levels are equally spaced: equal *ratios* are wanted, so space log σ equally.",
)
exercise.mistake(
    f"{LOGARITHMS} → torch.linspace(math.log(sigma_min), math.log(sigma_max), n)",
    "the levels ascend: sampling starts at the largest noise, so σ_max comes first.",
)
exercise.mistake(f"{LOGARITHMS}.exp() → {LOGARITHMS}", "you return log σ: take the exponential at the end.")
exercise.mistake(
    f"{LOGARITHMS}.exp() → sigma_max * (sigma_min / sigma_max) ** (torch.arange(n) / n)",
    "σ_min is missing: n levels have n − 1 ratios between them, and both ends belong to them.",
)
exercise.mistake(
    f"{LOGARITHMS}.exp() → sigma_max * (sigma_min / sigma_max) ** (torch.arange(1, n + 1) / n)",
    "σ_max is missing: the first level is σ_max itself, so count the exponent from 0.",
)
exercise.mistake("n → n + 1", "there is one level too many: n levels in all, both ends included.")
exercise.mistake(
    f"{LOGARITHMS}.exp() → torch.linspace(sigma_max**2, sigma_min**2, n).sqrt()",
    "the variances come out in equal steps, not the levels in equal ratios.",
)
exercise.mistake(
    f"{LOGARITHMS}.exp() → torch.logspace(sigma_max, sigma_min, n)",
    f"{LOGARITHMS}.exp() → torch.logspace(math.log(sigma_max), math.log(sigma_min), n)",
    "torch.logspace takes exponents of 10, so hand it log10 σ, not the natural logarithm or σ itself.",
)
exercise.mistake(
    f"{LOGARITHMS}.exp() → {LOGARITHMS}.exp().tolist()",
    "you return a list: return a tensor of shape (n,), in the default dtype.",
)
