"""1.5, the log-density of a kernel density estimate: a Gaussian of one width on every data point."""

import math

import torch
from torch import distributions as dist

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1 import shared


def kde_log_prob(x, data, bandwidth):
    n, d = data.shape
    exponents = -torch.cdist(x, data).square() / (2 * bandwidth**2)
    return torch.logsumexp(exponents, dim=1) - math.log(n) - d * math.log(bandwidth * math.sqrt(2 * math.pi))


def cases(draw: CaseRng) -> list[Case]:
    def case(
        b: int, n: int, d: int, bandwidth: float, away: float = 1.0, known: int = 0, no_grad: bool = False
    ) -> Case:
        """B points, of which the first ``known`` are among the data."""
        scale = min(1.0, 10 * bandwidth)
        data = scale * draw.normal(n, d) + 0.7
        x = torch.cat([data[:known], 0.7 + away * scale * draw.normal(b - known, d)])
        square = max(x.square().sum(1).max().item(), data.square().sum(1).max().item())
        arguments = {"x": x, "data": data, "bandwidth": bandwidth}
        return Case(arguments, no_grad=no_grad, magnitude=square / bandwidth**2)

    return [
        case(5, 11, 3, draw.number(0.5, 0.8)),
        case(8, 6, 4, draw.number(1.4, 2.0), known=3, no_grad=True),
        case(4, 9, 5, draw.number(0.4, 0.6), away=2000.0),
        case(6, 7, 611, 0.01),
        case(5, 9, 3, 1e-4),  # nothing can be added to the bandwidth
    ]


def remark(function) -> str:
    data = 2 * torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    axis = torch.linspace(-8, 8, 65)
    total = function(torch.cartesian_prod(axis, axis), data, 0.5).exp().sum().item() / 16
    return f"your estimate from seven points in the plane integrates to {total:.4f}."


exercise = Exercise(answer=kde_log_prob, cases=cases, remark=remark)


@exercise.right
def of_the_librarys_mixture(x, data, bandwidth):
    ones = data.new_ones(len(data))
    return GaussianMixture(ones / len(data), data, bandwidth * ones).log_prob(x)


@exercise.right
def point_after_point(x, data, bandwidth):
    normals = dist.Normal(data, bandwidth)
    return torch.stack([normals.log_prob(row).sum(1).logsumexp(0) for row in x]) - math.log(len(data))


total = "torch.logsumexp(exponents, dim=1)"
constants = "d * math.log(bandwidth * math.sqrt(2 * math.pi))"
exponents = "-torch.cdist(x, data).square() / (2 * bandwidth**2)"
nearest = "exponents.amax(1)"
renamed = f"exponents = {exponents} → logs = {exponents}"

exercise.right(f"""torch.cdist(x, data) → torch.cdist(x, data, compute_mode="donot_use_mm_for_euclid_dist")
                   {constants} → d * math.log(bandwidth) + d / 2 * math.log(2 * math.pi)""")
exercise.right(f"""torch.cdist(x, data).square() → x.square().sum(1)[:, None] + data.square().sum(1) - 2 * x @ data.mT
                   {constants} → 0.5 * d * math.log(2 * math.pi * bandwidth**2)""")
exercise.right(f"""{exponents} → -0.5 * (((x[:, None, :] - data[None]) / bandwidth) ** 2).sum(2)
                   {total} - math.log(n) → {nearest} + (exponents - {nearest}[:, None]).exp().mean(1).log()""")
exercise.mistake(
    f"{total} - math.log(n) → torch.log(torch.exp(exponents).mean(1))",
    shared.OVERFLOWS,
    credit=0.5,
)
exercise.mistake(
    f"""{renamed}
        {total} → logs.amin(1) + {shared.LESS_THE_SMALLEST}.sum(1).log()""",
    shared.NOT_THE_LARGEST.format("exponent", "torch.logsumexp"),
    credit=0.5,
)
exercise.mistake(
    f"""{renamed}
        {total} → logs.max() + {shared.LESS_ONE_FOR_ALL}.sum(1).log()""",
    "exp has become 0, since you take out one exponent for all points: take out each point's largest, or use "
    "torch.logsumexp.",
    credit=0.5,
)
exercise.mistake(
    f"{total} → torch.logsumexp(exponents.masked_fill(exponents == 0, -math.inf), dim=1)",
    "a point that is among the data does not count for itself in yours: the sum runs over all N kernels.",
)
exercise.mistake(
    f"{total} - math.log(n) → {total}",
    "you sum the N kernels: a density averages them, so subtract log N.",
)
exercise.mistake(
    f"{total} - math.log(n) - {constants} → {total} - math.log(n)",
    "the kernel is not normalized: subtract D log h and D/2 · log 2π.",
)
exercise.mistake(
    f"{constants} → math.log(bandwidth) + d / 2 * math.log(2 * math.pi)",
    "h enters the constant once, but in D dimensions it is h^D: subtract D log h.",
)
exercise.mistake(
    f"{constants} → d / 2 * math.log(2 * math.pi)",
    "h is missing in the constant: a wide kernel is low, so subtract D log h.",
)
exercise.mistake(
    f"{constants} → d * math.log(bandwidth) + 0.5 * math.log(2 * math.pi)",
    shared.TWO_PI_ONCE,
)
exercise.mistake(f"{constants} → d * math.log(bandwidth)", shared.NO_TWO_PI)
exercise.mistake(
    f"{constants} → math.log(bandwidth * math.sqrt(2 * math.pi))",
    shared.CONSTANTS_ONCE.format("h"),
)
exercise.mistake(
    """2 * bandwidth**2 → 2 * bandwidth
       bandwidth * math.sqrt(2 * math.pi) → math.sqrt(2 * math.pi * bandwidth)""",
    "you use the bandwidth as a variance: it is a standard deviation, h² in the exponent.",
)
exercise.mistake(
    "2 * bandwidth**2 → 2 * bandwidth",
    "squares are divided by 2h: the exponent of the kernel is −‖x − x_n‖²/(2h²).",
)
exercise.mistake(
    "2 * bandwidth**2 → bandwidth**2",
    "squares are divided by h²: the exponent of the kernel is −‖x − x_n‖²/(2h²).",
)
exercise.mistake(
    "torch.cdist(x, data).square() → torch.cdist(x, data)",
    "the distance is not squared: the exponent of the kernel is −‖x − x_n‖²/(2h²).",
)
exercise.mistake(
    f"{total} - math.log(n) → exponents.mean(1)",
    "you average the kernels' logarithms: average the kernels, and take the logarithm last.",
)
exercise.mistake(
    f"{total} → torch.logsumexp(exponents, dim=0)",
    "you sum over the B points: sum over the N data, so that B numbers are left.",
)
exercise.mistake(
    f"{total} → exponents.amax(1)",
    "only the nearest data point counts in yours: all N kernels add up.",
)
