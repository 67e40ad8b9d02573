"""4.7, annealed Langevin dynamics: n_per_level steps at each noise level, the largest first."""

import math

import torch
from torch import Tensor

from course import langevin
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.hw4.geometric_sigmas import geometric_sigmas
from course.exercises.hw4.shared import network
from course.exercises.single_precision import in_single_precision


@torch.no_grad()
def annealed_langevin(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = (base * (sigma / sigmas[-1]) ** 2).item()
        for _ in range(n_per_level):
            noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + math.sqrt(2 * eps) * noise
    return x


def cases(draw: CaseRng) -> list[Case]:
    def case(
        score: FunctionSpec, sigmas: list[float], share: float, n: int, b: int, *shape: int, no_grad: bool = False
    ) -> Case:
        arguments = {"score": score, "x": 2 * draw.normal(b, *shape) - 3, "sigmas": torch.tensor(sigmas).double()}
        arguments |= {"base": share * sigmas[-1] ** 2, "n_per_level": n, "generator": draw.seed_()}
        return Case(arguments, no_grad=no_grad)

    def gaussian(d: int) -> FunctionSpec:
        axes, _ = torch.linalg.qr(draw.normal(d, d))
        variances = draw.uniform(d, low=0.3, high=1.5)
        return FunctionSpec("hw4.NoisyGaussian", {"centre": draw.normal(d), "axes": axes, "variances": variances})

    return [
        case(network(draw, 3), [draw.number(0.5, 0.9)], 0.3, 1, 6001, 3),
        case(gaussian(4), [3.0, 1.4, 0.7], 0.5, 2, 6001, 4, no_grad=True),
        case(gaussian(6), [2.0, 0.8], 0.4, 3, 5003, 2, 3),
    ]


def law(case: Case) -> tuple[Tensor, Tensor]:
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
def statistics(case: Case, ends: Tensor) -> Statistics:
    """The chains end in a Gaussian that is known: shift and scale it to N(0, I), and test that it is."""
    mean, covariance = law(case)
    root = torch.linalg.cholesky(covariance)
    z = torch.linalg.solve_triangular(root, (ends.double().cpu().flatten(1) - mean).mT, upper=False).mT
    start = case.arguments["x"].double().cpu().flatten(1)
    start = (start - start.mean(0)) / start.std(0, correction=0)
    d = z.shape[1]
    above = torch.triu_indices(d, d, 1)

    def mean_of(values: Tensor, truth: float, variance: float) -> Statistic:
        return Statistic(values.mean(0), torch.tensor(truth).double(), 7.5 * (variance / len(values)) ** 0.5 + 1e-3)

    found = {
        "mean of the ends (relative to theory)": mean_of(z, 0, 1),
        "variance of the ends (relative to theory)": mean_of(z.square(), 1, 2),
        "correlation of the ends between dimensions": mean_of(z[:, above[0]] * z[:, above[1]], 0, 1),
        "correlation of the ends with the start (beyond theory)": mean_of(z * start, 0, 1),
        "correlation of the ends of one chain and the next": mean_of((z[1:] * z[:-1]).flatten(), 0, 1),
        "fourth moment of the ends (relative to theory)": mean_of(z.pow(4).flatten(), 3, 96),
    }
    if len(case.arguments["sigmas"]) * case.arguments["n_per_level"] == 1:  # z is the noise that was drawn
        found["share of the noise in single precision"] = in_single_precision(z, root[0, 0].item(), case.dtype)
    return found


def remark(function) -> str:
    from course.data import two_modes

    mixture, generator = two_modes(8.0, 0.5, 0.2), torch.Generator().manual_seed(0)
    exact = lambda x, sigma: mixture.diffuse(1.0, sigma).score(x)
    x = 10 * torch.randn(2000, 2, generator=generator)
    ends = function(exact, x, geometric_sigmas(10.0, 0.1, 20), 0.003, 20, generator)
    left = (ends[:, 0] < 0).float().mean()
    return (
        f"of 2,000 chains, {left:.0%} end in the left one of two far modes, which holds 20% of the mass; more steps a "
        "level bring it closer."
    )


exercise = Exercise(answer=annealed_langevin, cases=cases, statistics=statistics, counted=("score",), remark=remark)
exercise.right(langevin.annealed_langevin)


@exercise.right
def with_a_graph(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.repeat(len(x))) + torch.sqrt(2 * eps) * z
    return x


@exercise.right
@torch.no_grad()
def on_a_copy(score, x, sigmas, base, n_per_level, generator):
    x = x.clone()
    for sigma in sigmas.tolist():
        eps = base * (sigma / sigmas[-1].item()) ** 2
        level = torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)
        for _ in range(n_per_level):
            x += eps * score(x, level)
            x += math.sqrt(2 * eps) * torch.empty_like(x).normal_(generator=generator)
    return x


@exercise.right
def noise_drawn_ahead(score, x, sigmas, base, n_per_level, generator):
    shape = (len(sigmas), n_per_level, *x.shape)
    noise = torch.randn(shape, generator=generator, dtype=x.dtype, device=x.device)
    for k, eps in enumerate(base * (sigmas / sigmas[-1]) ** 2):
        for z in noise[k]:
            x = x + eps * score(x, sigmas[k].expand(len(x))) + (2 * eps) ** 0.5 * z
    return x.detach()


EPS = "(base * (sigma / sigmas[-1]) ** 2).item()"
DRAWN = "torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)"
DRIFT = "eps * score(x, sigma.expand(len(x)))"
NOISE = "math.sqrt(2 * eps) * noise"


def through(levels: str) -> str:
    """A patch: the outer loop is over these levels; steps are relative to the last of `sigmas` all the same."""
    return f"sigmas[-1] → last\n sigmas → {levels}\n last → sigmas[-1]"


exercise.right(f"{DRAWN} → torch.randn(x.shape, generator=generator, dtype=x.dtype)", "fails where there is a GPU")
exercise.right(f"x + {DRIFT} + {NOISE} → x + {DRIFT} - {NOISE}", "−z has the law of z")
exercise.mistake(
    through("sigmas.flip(0)"), "you start at the smallest noise: walk through `sigmas` in its order, largest first."
)
exercise.mistake(
    through("sigmas[-1:]"),
    f"""eps = {EPS} → eps, y = {EPS}, x
        x = x + {DRIFT} + {NOISE} → y = y + eps * score(y, sigma.expand(len(x))) + {NOISE}
        return x → return y""",
    "x starts again at every level: carry it from one level to the next.",
)
exercise.mistake(
    f"{EPS} → base", "every level has the same step `base`: it grows with the noise, base·(σ/sigmas[-1])²."
)
exercise.mistake(
    "(sigma / sigmas[-1]) ** 2 → sigma / sigmas[-1]",
    "your steps are proportional to σ: they must be to σ², base·(σ/sigmas[-1])².",
)
exercise.mistake(
    "sigmas[-1] → sigmas[0]", "steps are relative to the largest level: `base` belongs to the last, sigmas[-1]."
)
exercise.mistake(
    "sigma / sigmas[-1] → sigma", "steps are base·σ², not divided by sigmas[-1]²: `base` is the step at the last level."
)
exercise.mistake(
    "math.sqrt(2 * eps) → math.sqrt(eps)", "the noise has half the variance it needs: scale it by √(2ε), not √ε."
)
exercise.mistake(
    "math.sqrt(2 * eps) → 2 * eps", "the noise is scaled by its variance 2ε: its standard deviation is √(2ε)."
)
exercise.mistake(
    f"""{DRIFT} → eps / 2 * score(x, sigma.expand(len(x)))
        math.sqrt(2 * eps) → math.sqrt(eps)""",
    "this is Song and Ermon's convention, ε/2 with √ε (correct steps of half our size): ours is ε with √(2ε).",
)
exercise.mistake(
    f"{DRIFT} → eps / 2 * score(x, sigma.expand(len(x)))",
    "the drift is halved but the noise is not: our convention is ε·s with √(2ε)·z.",
)
exercise.mistake(
    f"x + {DRIFT} → x - {DRIFT}", "you walk down the score, away from the data: add ε·s(x, σ), do not subtract it."
)
exercise.mistake(
    f"x + {DRIFT} + {NOISE} → x + {DRIFT}", "there is no noise in your steps: every one of them adds √(2ε)·z."
)
exercise.mistake(
    f"""_ → i
        {DRAWN} → {DRAWN} if i < n_per_level - 1 or sigma > sigmas[-1] else 0.0""",
    "the very last step has no noise: ours draws it at every step, the last included.",
)
exercise.mistake(
    f"""_ → i
        {DRAWN} → {DRAWN} if i < n_per_level - 1 else 0.0""",
    "the last step of each level has no noise: ours draws it at every step.",
)
exercise.mistake(
    f"""noise = {DRAWN} →
        eps = {EPS} → eps, noise = {EPS}, {DRAWN}""",
    "one noise serves all steps of a level: draw fresh noise at every step.",
)


@exercise.mistake("the same noise drives every step of every level: draw it inside the inner loop.")
@torch.no_grad()
def noise_drawn_once(score, x, sigmas, base, n_per_level, generator):
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    for sigma in sigmas:
        eps = (base * (sigma / sigmas[-1]) ** 2).item()
        for _ in range(n_per_level):
            x = x + eps * score(x, sigma.expand(len(x))) + math.sqrt(2 * eps) * noise
    return x


exercise.mistake(
    "x.shape → x.shape[1:]", "all chains share one noise, so they move in step: draw noise of x's whole shape."
)
exercise.mistake(
    "x.shape → (len(x), *[1] * (x.ndim - 1))",
    "one number per chain moves all its dimensions: draw noise of x's whole shape.",
)
exercise.mistake(
    "torch.randn → torch.rand", "the noise is uniform (torch.rand): Langevin needs Gaussian noise (torch.randn)."
)
exercise.mistake(
    "sigma.expand(len(x)) → sigmas[-1].expand(len(x))",
    "the score is asked at one level only: tell it the level of the step, s(x, σ).",
)
exercise.mistake(
    "sigma.expand(len(x)) → sigma",
    "sigma.expand(len(x)) → sigma.item()",
    "the score is handed one number: it takes sigma of shape (B,), a level for each example, such as "
    "sigma.expand(len(x)).",
)
exercise.mistake("n_per_level → 1", "each level takes one step: take n_per_level of them.")
exercise.mistake(
    f"""n_per_level → 1
        {through("sigmas.repeat(n_per_level)")}""",
    "the loops are nested the wrong way: finish all steps of one level before the next level begins.",
)
exercise.mistake(
    "return x → return x + sigmas[-1] ** 2 * score(x, sigmas[-1].expand(len(x)))",
    "you denoise at the end, x + σ² s: a good idea, but not part of this function; return the last state as it is.",
)
exercise.mistake(
    f"{DRAWN} → torch.randn_like(x)",
    "you draw from the global random stream: pass `generator=generator` to torch.randn.",
)
exercise.mistake(
    f"{DRAWN} → torch.randn(x.shape, generator=generator, device=x.device)",
    "the noise has single precision where x has double: pass `dtype=x.dtype` to torch.randn.",
    credit=0.5,
)
exercise.mistake(
    f"x = x + {DRIFT} + {NOISE} → x += {DRIFT} + {NOISE}",
    "x is changed in place (`+=`), and the caller still needs it: make a new tensor.",
)
