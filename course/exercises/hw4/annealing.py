"""hw4: noise levels, step sizes, and Langevin dynamics through them."""

import math

import torch
from torch import Tensor

from course import langevin
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.hw4.learning import network
from course.exercises.single_precision import in_single_precision
from course.sampling import times

# -- geometric_sigmas --------------------------------------------------------------------------------------------------


def _sigmas_cases(draw: Draw) -> list[Case]:
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


def _sigmas_remark(function) -> str:
    found = function(8.0, 0.5, 5).tolist()
    return f"from 8 to 0.5 in 5 levels: {', '.join(f'{s:g}' for s in found)}; each is half the one before."


geometric_sigmas = Exercise(
    "geometric_sigmas", 7, times.geometric_sigmas, _sigmas_cases, attached=False, remark=_sigmas_remark
)


@geometric_sigmas.misconception("the levels are equally spaced: equal *ratios* are wanted, so space log σ equally.")
def equally_spaced(sigma_max, sigma_min, n):
    return torch.linspace(sigma_max, sigma_min, n)


@geometric_sigmas.misconception("the levels ascend: sampling starts at the largest noise, so σ_max comes first.")
def ascending(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp()


@geometric_sigmas.misconception("you return log σ: take the exponential at the end.")
def logarithms(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n)


@geometric_sigmas.misconception(
    "σ_min is missing: n levels have n − 1 ratios between them, and both ends belong to them."
)
def last_end_missing(sigma_max, sigma_min, n):
    return sigma_max * (sigma_min / sigma_max) ** (torch.arange(n) / n)


@geometric_sigmas.misconception("σ_max is missing: the first level is σ_max itself, so count the exponent from 0.")
def first_end_missing(sigma_max, sigma_min, n):
    return sigma_max * (sigma_min / sigma_max) ** (torch.arange(1, n + 1) / n)


@geometric_sigmas.misconception("there is one level too many: n levels in all, both ends included.")
def one_too_many(sigma_max, sigma_min, n):
    return times.geometric_sigmas(sigma_max, sigma_min, n + 1)


@geometric_sigmas.misconception("the variances come out in equal steps, not the levels in equal ratios.")
def equal_steps_of_variance(sigma_max, sigma_min, n):
    return torch.linspace(sigma_max**2, sigma_min**2, n).sqrt()


_EXPONENTS = "torch.logspace takes exponents of 10, so hand it log10 σ, not the natural logarithm or σ itself."


@geometric_sigmas.misconception(_EXPONENTS)
def ends_for_exponents(sigma_max, sigma_min, n):
    return torch.logspace(sigma_max, sigma_min, n)


@geometric_sigmas.misconception(_EXPONENTS)
def wrong_base(sigma_max, sigma_min, n):
    return torch.logspace(math.log(sigma_max), math.log(sigma_min), n)


@geometric_sigmas.misconception("you return a list: return a tensor of shape (n,), in the default dtype.")
def a_list(sigma_max, sigma_min, n):
    return times.geometric_sigmas(sigma_max, sigma_min, n).tolist()


# -- annealed_step_size ------------------------------------------------------------------------------------------------


def _size_cases(draw: Draw) -> list[Case]:
    def case(*shape: int, size: float = 1.0) -> Case:
        least = size * draw.number(0.2, 0.6)
        sigma = least * draw.uniform(*shape, low=1.1, high=4.0)
        arguments = {"sigma": sigma, "sigma_min": least, "base": size * draw.number(0.01, 0.2)}
        return Case(arguments, magnitude=size)

    return [case(5), case(), case(2, 3), case(4, size=1e-4)]


def _size_remark(function) -> str:
    found = function(torch.tensor([8.0, 4.0, 2.0, 1.0]), 1.0, 0.1).tolist()
    return f"at σ = 8, 4, 2 and 1 with base 0.1: steps of {', '.join(f'{e:g}' for e in found)}."


annealed_step_size = Exercise("annealed_step_size", 5, langevin.annealed_step_size, _size_cases, remark=_size_remark)


@annealed_step_size.misconception("the step is proportional to σ: it must be to σ², the variance at that level.")
def proportional_to_sigma(sigma, sigma_min, base):
    return base * sigma / sigma_min


@annealed_step_size.misconception("the ratio is upside down: more noise allows larger steps, so it is (σ/σ_min)².")
def ratio_upside_down(sigma, sigma_min, base):
    return base * (sigma_min / sigma) ** 2


@annealed_step_size.misconception("that is base·σ², not divided by σ_min²: `base` is the step at the last level.")
def not_relative(sigma, sigma_min, base):
    return base * sigma**2


@annealed_step_size.misconception("the base is squared along with the ratio: it is base·(σ/σ_min)².")
def base_squared(sigma, sigma_min, base):
    return (base * sigma / sigma_min) ** 2


@annealed_step_size.misconception("all levels get the same step: multiply `base` by (σ/σ_min)².")
def same_everywhere(sigma, sigma_min, base):
    return base * torch.ones_like(sigma)


@annealed_step_size.misconception("only σ is squared: it is (σ/σ_min)², both of them.")
def only_sigma_squared(sigma, sigma_min, base):
    return base * sigma**2 / sigma_min


@annealed_step_size.misconception(
    "half of it is missing: in our convention, ε with √(2ε), the step is base·(σ/σ_min)²."
)
def halved(sigma, sigma_min, base):
    return 0.5 * base * (sigma / sigma_min) ** 2


# -- annealed_langevin -------------------------------------------------------------------------------------------------


def _annealed_cases(draw: Draw) -> list[Case]:
    def case(
        score: Given, sigmas: list[float], share: float, n: int, b: int, *shape: int, no_grad: bool = False
    ) -> Case:
        arguments = {"score": score, "x": 2 * draw.normal(b, *shape) - 3, "sigmas": torch.tensor(sigmas).double()}
        arguments |= {"base": share * sigmas[-1] ** 2, "n_per_level": n, "generator": draw.seed_()}
        return Case(arguments, no_grad=no_grad)

    def gaussian(d: int) -> Given:
        axes, _ = torch.linalg.qr(draw.normal(d, d))
        variances = draw.uniform(d, low=0.3, high=1.5)
        return Given("hw4.NoisyGaussian", {"centre": draw.normal(d), "axes": axes, "variances": variances})

    return [
        case(network(draw, 3), [draw.number(0.5, 0.9)], 0.3, 1, 6001, 3),
        case(gaussian(4), [3.0, 1.4, 0.7], 0.5, 2, 6001, 4, no_grad=True),
        case(gaussian(6), [2.0, 0.8], 0.4, 3, 5003, 2, 3),
    ]


def _law(case: Case) -> tuple[Tensor, Tensor]:
    """Mean (B, d) and covariance (d, d) of where the chains end: exact for an affine score, and for a single step.

    Means go through the steps without noise. The covariance goes through their Jacobian, and each step adds 2ε I.
    """
    a = case.to(torch.float64, "cpu").arguments
    score, sigmas, x = a["score"].build(), a["sigmas"], a["x"]
    d = x[0].numel()
    corners = torch.cat([x.new_zeros(1, d), torch.eye(d, dtype=x.dtype)]).reshape(-1, *x.shape[1:])
    covariance = x.new_zeros(d, d)
    for sigma in sigmas:
        eps = a["base"] * (sigma / sigmas[-1]).item() ** 2
        values = score(corners, sigma.expand(d + 1)).flatten(1)
        jacobian = torch.eye(d, dtype=x.dtype) + eps * (values[1:] - values[0]).mT
        for _ in range(a["n_per_level"]):
            x = x + eps * score(x, sigma.expand(len(x)))
            covariance = jacobian @ covariance @ jacobian.mT + 2 * eps * torch.eye(d, dtype=x.dtype)
    return x.flatten(1), covariance


@torch.no_grad()
def annealed_statistics(case: Case, ends: Tensor) -> Statistics:
    """The chains end in a Gaussian that is known: shift and scale it to N(0, I), and test that it is."""
    mean, covariance = _law(case)
    root = torch.linalg.cholesky(covariance)
    z = torch.linalg.solve_triangular(root, (ends.double().cpu().flatten(1) - mean).mT, upper=False).mT
    start = case.arguments["x"].double().cpu().flatten(1)
    start = (start - start.mean(0)) / start.std(0, correction=0)
    d = z.shape[1]
    above = torch.triu_indices(d, d, 1)

    def mean_of(values: Tensor, truth: float, variance: float) -> Statistic:
        return Statistic(values.mean(0), torch.tensor(truth).double(), 7.5 * (variance / len(values)) ** 0.5 + 1e-3)

    return {
        "mean of the ends (relative to theory)": mean_of(z, 0, 1),
        "variance of the ends (relative to theory)": mean_of(z.square(), 1, 2),
        "correlation of the ends between dimensions": mean_of(z[:, above[0]] * z[:, above[1]], 0, 1),
        "correlation of the ends with the start (beyond theory)": mean_of(z * start, 0, 1),
        "correlation of the ends of one chain and the next": mean_of((z[1:] * z[:-1]).flatten(), 0, 1),
        "fourth moment of the ends (relative to theory)": mean_of(z.pow(4).flatten(), 3, 96),
        **_precision(case, z, root[0, 0].item()),
    }


def _precision(case: Case, z: Tensor, scale: float) -> Statistics:
    """Where there is a single step, z is the noise that was drawn."""
    if len(case.arguments["sigmas"]) * case.arguments["n_per_level"] > 1:
        return {}
    return {"share of the noise in single precision": in_single_precision(z, scale, case.dtype)}


def _annealed_remark(function) -> str:
    from course.data import two_modes

    mixture, generator = two_modes(8.0, 0.5, 0.2), torch.Generator().manual_seed(0)
    exact = lambda x, sigma: mixture.diffuse(1.0, sigma).score(x)
    x = 10 * torch.randn(2000, 2, generator=generator)
    ends = function(exact, x, times.geometric_sigmas(10.0, 0.1, 20), 0.003, 20, generator)
    left = (ends[:, 0] < 0).float().mean()
    return (
        f"of 2,000 chains, {left:.0%} end in the left one of two far modes, which holds 20% of the mass; more steps a "
        "level bring it closer."
    )


annealed_langevin = Exercise(
    "annealed_langevin",
    18,
    langevin.annealed_langevin,
    _annealed_cases,
    statistics=annealed_statistics,
    counted=("score",),
    remark=_annealed_remark,
)
