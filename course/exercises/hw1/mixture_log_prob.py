"""1.2, the log-density of a mixture of Gaussians, right even where every density is zero to a computer."""

import math

import torch
from torch import distributions as dist

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1 import shared
from course.exercises.hw1.shared import mixture_case


def mixture_log_prob(x, weights, means, stds):
    d = x.shape[1]
    square = (x[:, None] - means).square().sum(2)
    log_normal = -square / (2 * stds**2) - d * (stds.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(weights.log() + log_normal, dim=1)


def cases(draw: CaseRng) -> list[Case]:
    return [
        mixture_case(draw, 7, 4, 3),
        mixture_case(draw, 6, 5, 4, no_grad=True),
        mixture_case(draw, 8, 3, 5, away=2000.0),
        mixture_case(draw, 5, 2, 611, low=0.04, high=0.042),
        # nothing can be added to weights and stds
        mixture_case(draw, 9, 6, 4, low=1e-4, high=3e-4, apart=30.0),
    ]


def remark(function) -> str:
    axis = torch.linspace(-6, 6, 61)
    grid = torch.cartesian_prod(axis, axis)
    total = function(grid, shared.WEIGHTS, shared.MEANS, shared.STDS).exp().sum().item() / 25
    return f"your density of two Gaussians in the plane integrates to {total:.4f}."


exercise = Exercise(answer=mixture_log_prob, cases=cases, remark=remark)


@exercise.right
def of_the_library(x, weights, means, stds):
    return GaussianMixture(weights, means, stds).log_prob(x)


@exercise.right
def component_by_component(x, weights, means, stds):
    total = None
    for w, m, s in zip(weights, means, stds):
        term = torch.log(w) + dist.Normal(m, s).log_prob(x).sum(1)
        total = term if total is None else torch.logaddexp(total, term)
    return total


@exercise.right
def torchs_own_mixture(x, weights, means, stds):
    parts = dist.Independent(dist.Normal(means, stds[:, None].expand_as(means)), 1)
    return dist.MixtureSameFamily(dist.Categorical(weights), parts).log_prob(x)


squares = "(x[:, None] - means).square().sum(2)"
constants = "d * (stds.log() + 0.5 * math.log(2 * math.pi))"
log_normal = f"-square / (2 * stds**2) - {constants}"
result = "torch.logsumexp(weights.log() + log_normal, dim=1)"
keeps_logs = f"log_normal = {log_normal} → logs = weights.log() + ({log_normal})"

exercise.right(f"{constants} → d * stds.log() + 0.5 * d * math.log(2 * math.pi)")
exercise.right(f"""{squares} → (x * x).sum(1, keepdim=True) - 2 * x @ means.T + (means * means).sum(1)
                   {constants} → d * 0.5 * torch.log(2 * math.pi * stds**2)""")
exercise.right(f"""{keeps_logs}
                   {result} → logs.amax(1) + (logs - logs.amax(1, keepdim=True)).exp().sum(1).log()""")
exercise.mistake(
    f"{result} → torch.log((weights * torch.exp(log_normal)).sum(1))",
    f"""log_normal = {log_normal} → normal = torch.exp(-square / (2 * stds**2)) / (2 * math.pi * stds**2) ** (d / 2)
        {result} → torch.log((weights * normal).sum(1))""",
    shared.OVERFLOWS,
    credit=0.5,
)
exercise.mistake(
    f"""{keeps_logs}
        {result} → logs.amin(1) + {shared.LESS_THE_SMALLEST}.sum(1).log()""",
    shared.NOT_THE_LARGEST.format("term", "torch.logsumexp"),
    credit=0.5,
)
exercise.mistake(
    f"""{keeps_logs}
        {result} → logs.max() + {shared.LESS_ONE_FOR_ALL}.sum(1).log()""",
    "exp has become 0, since you take out one term for all points: take out each point's largest, or use "
    "torch.logsumexp.",
    credit=0.5,
)
exercise.mistake(
    f"{result} → (weights * log_normal).sum(1)",
    "you average the logarithms, Σ w log N: a mixture averages densities, log Σ w N, so the weights go inside the sum.",
)
exercise.mistake(
    "weights.log() + log_normal → log_normal",
    "the weights are left out: add log w to each component's log-density.",
)
exercise.mistake(
    "weights.log() → weights",
    "you add w to a logarithm: add log w, since log(w N) = log w + log N.",
)
exercise.mistake(
    "weights.log() + log_normal → weights * log_normal",
    "you multiply the logarithms by the weights inside the sum: log(w N) = log w + log N.",
)
exercise.mistake(
    "weights.log() → -math.log(len(weights))",
    "all components count the same in your sum: use the given weights, not 1/K.",
)
exercise.mistake(
    "weights.log() → weights.log_softmax(0)",
    "the weights are probabilities already: take their log, not their log_softmax.",
)
exercise.mistake(
    f"{result} → torch.logsumexp(weights.log() + log_normal, dim=0)",
    "you sum over the points: sum over the components, so that B numbers are left.",
)
exercise.mistake(
    f"{result} → (weights.log() + log_normal).amax(1)",
    "only the largest component counts in yours: sum over all of them.",
)
exercise.mistake(
    f"{constants} → stds.log() + 0.5 * math.log(2 * math.pi)",
    shared.CONSTANTS_ONCE.format("s"),
)
exercise.mistake(
    f"{constants} → stds.log() + d * 0.5 * math.log(2 * math.pi)",
    "log s is there once for each component: in D dimensions it is D log s.",
)
exercise.mistake(f"{constants} → d * stds.log() + 0.5 * math.log(2 * math.pi)", shared.TWO_PI_ONCE)
exercise.mistake("stds.log() + 0.5 * math.log(2 * math.pi) → stds.log()", shared.NO_TWO_PI)
exercise.mistake(
    "stds.log() + 0.5 * math.log(2 * math.pi) → 0.5 * math.log(2 * math.pi)",
    "the components' own constants −D log s are missing: a wide component is lower than a narrow one.",
)
exercise.mistake(
    "2 * stds**2 → 2 * stds",
    "squares are divided by 2s: `stds` are standard deviations, and the exponent has 2s².",
)
exercise.mistake(
    """2 * stds**2 → 2 * stds
       stds.log() → 0.5 * stds.log()""",
    "you use `stds` as if they were variances: the exponent has s², the constant D log s.",
)
