"""1.1, the log-density of an isotropic Gaussian, every constant included."""

import math

import torch
from torch import distributions as dist

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1.shared import TWO_PI_ONCE


def gaussian_log_prob(x, mean, std):
    square = (x - mean).square().sum(1)
    return -square / (2 * std**2) - x.shape[1] * (torch.log(std) + 0.5 * math.log(2 * math.pi))


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, d: int, std: float, away: float = 1.0, no_grad: bool = False) -> Case:
        mean = min(2.0, 4 * std) * draw.normal(d)
        x = mean + std * (away * draw.normal(b, d) + 0.3)
        square = (x.square().sum(1).max() + mean.square().sum()).item() / std**2
        arguments = {"x": x, "mean": mean, "std": torch.tensor(std, dtype=torch.float64)}
        return Case(arguments, no_grad=no_grad, magnitude=square)

    return [
        case(5, 3, draw.number(0.4, 0.7)),
        case(4, 7, draw.number(1.5, 2.5), no_grad=True),
        case(6, 4, draw.number(0.5, 0.8), away=2000.0),
        case(3, 611, draw.number(0.03, 0.05)),
        case(7, 5, draw.number(1e-4, 2e-4)),  # so narrow that nothing can be added to std
    ]


def remark(function) -> str:
    x = 0.5 * torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0))
    found = function(x, torch.zeros(3), torch.tensor(0.5)).mean().item()
    theory = -1.5 * (math.log(2 * math.pi) + 1 + 2 * math.log(0.5))
    return f"the mean over 20,000 samples of N(0, 0.5² I) in three dimensions: {found:.3f} nats, theory {theory:.3f}."


exercise = Exercise(answer=gaussian_log_prob, cases=cases, remark=remark)


@exercise.right
def mixture_of_one(x, mean, std):
    return GaussianMixture(torch.ones_like(std)[None], mean[None], std[None]).log_prob(x)


@exercise.right
def with_a_covariance_matrix(x, mean, std):
    covariance = torch.eye(len(mean), dtype=x.dtype, device=x.device) * std**2
    return dist.MultivariateNormal(mean, covariance).log_prob(x)


exponent = "-square / (2 * std**2)"
constants = "x.shape[1] * (torch.log(std) + 0.5 * math.log(2 * math.pi))"

exercise.right(f"{exponent} - {constants} → dist.Normal(mean, std).log_prob(x).sum(dim=1)")
exercise.right(f"""(x - mean).square().sum(1) → (((x - mean) / std) ** 2).sum(-1)
                   {exponent} → -0.5 * square""")
exercise.right(f"""(x - mean).square().sum(1) → (x * x).sum(1) - 2 * x @ mean + mean @ mean
                   {exponent} → -0.5 * square / std**2
                   {constants} → x.shape[1] / 2 * torch.log(2 * math.pi * std**2)""")
exercise.mistake(
    f"{exponent} - {constants} → "
    "torch.log(torch.exp(-square / (2 * std**2)) / (2 * math.pi * std**2) ** (x.shape[1] / 2))",
    "you take the logarithm of a density that has become 0 or inf, far away or in many dimensions: add the logarithms "
    "instead.",
    credit=0.5,
)
exercise.mistake(
    f"{exponent} - {constants} → torch.exp({exponent} - {constants})",
    "that is the density; return its logarithm, which neither overflows nor vanishes.",
)
exercise.mistake(
    f"{constants} → torch.log(std) + 0.5 * math.log(2 * math.pi)",
    "log σ and ½ log 2π are there once, but each of the D dimensions brings its own: multiply both by D.",
)
exercise.mistake(f"{constants} → x.shape[1] * torch.log(std) + 0.5 * math.log(2 * math.pi)", TWO_PI_ONCE)
exercise.mistake(
    f"{constants} → torch.log(std) + x.shape[1] / 2 * math.log(2 * math.pi)",
    "σ enters the constant once, but it is σ^D: subtract D log σ.",
)
exercise.mistake(
    "torch.log(std) + 0.5 * math.log(2 * math.pi) → torch.log(std)",
    "2π is in none of your terms: subtract D/2 · log 2π, or the density has mass ≠ 1.",
)
exercise.mistake(
    "torch.log(std) + 0.5 * math.log(2 * math.pi) → 0.5 * math.log(2 * math.pi)",
    "a wider Gaussian is lower: −D log σ is missing among your constants.",
)
exercise.mistake(
    f"{exponent} - {constants} → {exponent}",
    "only the exponent is there: subtract D log σ and D/2 · log 2π.",
)
exercise.mistake(
    """2 * std**2 → 2 * std
       torch.log(std) → 0.5 * torch.log(std)""",
    "you use `std` as if it were the variance: the exponent has σ², the constant D log σ.",
)
exercise.mistake(
    "2 * std**2 → 2 * std",
    "the square is divided by 2σ: a Gaussian's exponent is −‖x − μ‖²/(2σ²).",
)
exercise.mistake("2 * std**2 → std**2", "the ½ in the exponent is missing: it is −‖x − μ‖²/(2σ²).")
exercise.mistake(
    "torch.log(std) → torch.log(std**2)",
    "you subtract D log σ², which is twice too much: log σ^D = D log σ.",
)
exercise.mistake(
    "torch.log(std) → -torch.log(std)",
    "D log σ has the wrong sign: σ^D stands in the denominator, so it is subtracted.",
)
exercise.mistake(
    "-square → square",
    "the exponent has the wrong sign, so that the density grows away from the mean.",
)
exercise.mistake(
    "(x - mean).square().sum(1) → (x - mean).norm(dim=1)",
    "the distance is not squared: the exponent is −‖x − μ‖²/(2σ²).",
)
exercise.mistake(
    f"""(x - mean).square().sum(1) → (x - mean).square()
        {constants} → torch.log(std) + 0.5 * math.log(2 * math.pi)""",
    "that is one number for each coordinate: sum over the D coordinates of a point.",
)
exercise.mistake(
    f"{exponent} - {constants} → ({exponent} - {constants}) / x.shape[1]",
    "you average over the coordinates: independent densities multiply, so their logs add.",
)
exercise.mistake(
    "(x - mean).square().sum(1) → x.sub_(mean).square().sum(1)",
    "`x -= mean` writes into the caller's points: `x - mean` makes new ones.",
)
