"""hw1: one Gaussian, every constant included."""

import math

import torch

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw1 import answers

LOG_2PI = math.log(2 * math.pi)


def _gaussian_cases(draw: Draw) -> list[Case]:
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


def _gaussian_remark(function) -> str:
    x = 0.5 * torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0))
    found = function(x, torch.zeros(3), torch.tensor(0.5)).mean().item()
    theory = -1.5 * (LOG_2PI + 1 + 2 * math.log(0.5))
    return f"the mean over 20,000 samples of N(0, 0.5² I) in three dimensions: {found:.3f} nats, theory {theory:.3f}."


gaussian_log_prob = Exercise(
    "gaussian_log_prob", 6, answers.gaussian_log_prob, _gaussian_cases, remark=_gaussian_remark
)


@gaussian_log_prob.misconception(
    "you take the logarithm of a density that has become 0 or inf, far away or in many dimensions: add the logarithms "
    "instead.",
    credit=0.5,
)
def exponential_underflows(x, mean, std):
    d = x.shape[1]
    density = torch.exp(-(x - mean).square().sum(1) / (2 * std**2)) / (2 * math.pi * std**2) ** (d / 2)
    return torch.log(density)


@gaussian_log_prob.misconception("that is the density; return its logarithm, which neither overflows nor vanishes.")
def density_for_logarithm(x, mean, std):
    return answers.gaussian_log_prob(x, mean, std).exp()


@gaussian_log_prob.misconception(
    "log σ and ½ log 2π are there once, but each of the D dimensions brings its own: multiply both by D."
)
def constants_of_one_dimension(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - torch.log(std) - 0.5 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("(2π)^(1/2) belongs to one dimension: in D dimensions it is (2π)^(D/2).")
def two_pi_of_one_dimension(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - x.shape[1] * torch.log(std) - 0.5 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("σ enters the constant once, but it is σ^D: subtract D log σ.")
def std_of_one_dimension(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - torch.log(std) - x.shape[1] / 2 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("2π is in none of your terms: subtract D/2 · log 2π, or the density has mass ≠ 1.")
def two_pi_left_out(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - x.shape[1] * torch.log(std)


@gaussian_log_prob.misconception("a wider Gaussian is lower: −D log σ is missing among your constants.")
def std_left_out(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - x.shape[1] / 2 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("only the exponent is there: subtract D log σ and D/2 · log 2π.")
def constants_left_out(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2)


@gaussian_log_prob.misconception("you use `std` as if it were the variance: the exponent has σ², the constant D log σ.")
def std_for_variance(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std) - d / 2 * torch.log(std) - d / 2 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("the square is divided by 2σ: a Gaussian's exponent is −‖x − μ‖²/(2σ²).")
def std_not_squared(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std) + _constants(x, std)


@gaussian_log_prob.misconception("the ½ in the exponent is missing: it is −‖x − μ‖²/(2σ²).")
def half_left_out(x, mean, std):
    return -(x - mean).square().sum(1) / std**2 + _constants(x, std)


@gaussian_log_prob.misconception("you subtract D log σ², which is twice too much: log σ^D = D log σ.")
def variance_in_constant(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) + _constants(x, std) - x.shape[1] * torch.log(std)


@gaussian_log_prob.misconception("D log σ has the wrong sign: σ^D stands in the denominator, so it is subtracted.")
def std_sign(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) + _constants(x, std) + 2 * x.shape[1] * torch.log(std)


@gaussian_log_prob.misconception("the exponent has the wrong sign, so that the density grows away from the mean.")
def exponent_sign(x, mean, std):
    return (x - mean).square().sum(1) / (2 * std**2) + _constants(x, std)


@gaussian_log_prob.misconception("the distance is not squared: the exponent is −‖x − μ‖²/(2σ²).")
def distance_not_squared(x, mean, std):
    return -(x - mean).norm(dim=1) / (2 * std**2) + _constants(x, std)


@gaussian_log_prob.misconception("that is one number for each coordinate: sum over the D coordinates of a point.")
def coordinates_not_summed(x, mean, std):
    return -(x - mean).square() / (2 * std**2) - torch.log(std) - 0.5 * math.log(2 * math.pi)


@gaussian_log_prob.misconception("you average over the coordinates: independent densities multiply, so their logs add.")
def coordinates_averaged(x, mean, std):
    return answers.gaussian_log_prob(x, mean, std) / x.shape[1]


@gaussian_log_prob.misconception("`x -= mean` writes into the caller's points: `x - mean` makes new ones.")
def centred_in_place(x, mean, std):
    x -= mean
    return -x.square().sum(1) / (2 * std**2) + _constants(x, std)


def _constants(x, std):
    return -x.shape[1] * (torch.log(std) + 0.5 * LOG_2PI)
