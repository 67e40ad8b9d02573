"""1.3, the score of a mixture in closed form: every component pulls towards its mean, by its share of p(x)."""

import math  # noqa: F401 (in patches)

import torch

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1 import shared
from course.exercises.hw1.mixture_log_prob import mixture_log_prob
from course.exercises.hw1.shared import mixture_case


def mixture_score(x, weights, means, stds):
    away = means - x[:, None]
    logs = weights.log() - away.square().sum(2) / (2 * stds**2) - x.shape[1] * stds.log()
    pull = logs.softmax(dim=1) / stds**2
    return (pull[..., None] * away).sum(1)


def cases(draw: CaseRng) -> list[Case]:
    return [
        mixture_case(draw, 7, 4, 3),
        mixture_case(draw, 6, 5, 4, no_grad=True),
        mixture_case(draw, 8, 2, 5, away=2000.0, no_grad=True),
        mixture_case(draw, 5, 3, 611, low=0.04, high=0.042),
        mixture_case(draw, 9, 4, 3, low=1e-4, high=3e-4),  # nothing can be added to stds
        # the pull of a narrow component is huge, and its share is zero
        mixture_case(draw, 8, 5, 4, low=1e-5, high=1.0),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    index = (torch.rand(20_000, generator=generator) < 0.7).long()
    x = shared.MEANS[index] + shared.STDS[index, None] * torch.randn(20_000, 2, generator=generator)
    found = (x * function(x, shared.WEIGHTS, shared.MEANS, shared.STDS)).sum(1).mean().item()
    return f"the mean of x · score(x) over 20,000 samples in the plane: {found:.2f}; for any density it is −D = −2."


exercise = Exercise(answer=mixture_score, cases=cases, remark=remark)


@exercise.right
def of_the_library(x, weights, means, stds):
    return GaussianMixture(weights, means, stds).score(x)


log_weighted = "weights.log() - away.square().sum(2) / (2 * stds**2)"
shares = "logs.softmax(dim=1)"
density = "torch.exp(-away.square().sum(2) / (2 * stds**2)) / (2 * math.pi * stds**2) ** (x.shape[1] / 2)"
result = "(pull[..., None] * away).sum(1)"

exercise.right(f"""{result} → torch.einsum("bk,bkd->bd", pull, away)""")
exercise.right(f"""{shares} → torch.exp(logs - torch.logsumexp(logs, 1, keepdim=True))
                   {result} → pull @ means - pull.sum(1, keepdim=True) * x""")
exercise.right(f"{result} → sum(pull[:, [k]] * (means[k] - x) for k in range(len(weights)))")
exercise.mistake(
    f"{shares} → weights",
    "each component pulls with its weight wherever x is: it should pull with its responsibility, the share of p(x) "
    "that it has at x.",
)
exercise.mistake(
    f"""logs = {log_weighted} - x.shape[1] * stds.log() → density = {density}
        {shares} → weights * density / (weights * density).sum(1, keepdim=True)""",
    "the densities vanish or overflow and leave 0/0: a softmax of log w + log N gives the same shares and never does.",
    credit=0.5,
)
exercise.mistake(
    f"{shares} → {shared.LESS_THE_SMALLEST} / {shared.LESS_THE_SMALLEST}.sum(1, keepdim=True)",
    shared.NOT_THE_LARGEST.format("term", "softmax"),
    credit=0.5,
)
exercise.mistake(
    f"{shares} → {shared.LESS_ONE_FOR_ALL} / {shared.LESS_ONE_FOR_ALL}.sum(1, keepdim=True)",
    "the shares are 0/0, since you take out one term for all points: take out each point's largest, or use softmax.",
    credit=0.5,
)
exercise.mistake(
    f"{shares} → {shares}.clamp(min=1e-8)",
    "a share is kept from being zero, and a narrow component that is far away pulls all the same: leave shares as they "
    "are.",
    credit=0.5,
)
exercise.mistake(
    "means - x[:, None] → x[:, None] - means",
    "the sign is wrong: each component pulls x towards its mean, along m − x.",
)
exercise.mistake(
    f"{shares} → logs.softmax(dim=0)",
    "the softmax runs over the points: at each point the shares of the K components add to 1.",
)
exercise.mistake(f"{shares} / stds**2 → {shares} / stds", "pulls are divided by s: a Gaussian's score is (m − x)/s².")
exercise.mistake(
    f"{shares} / stds**2 → {shares}",
    "pulls are not divided by s²: a narrow component pulls harder than a wide one.",
)
exercise.mistake(
    f"{log_weighted} - x.shape[1] * stds.log() → {log_weighted}",
    "the shares leave out −D log s, so wide components get too much: use each component's whole log-density.",
)
exercise.mistake(
    "x.shape[1] * stds.log() → stds.log()",
    "the shares have log s once: in D dimensions a Gaussian's constant has D log s.",
)
exercise.mistake(
    f"{log_weighted} → -away.square().sum(2) / (2 * stds**2)",
    "the shares leave out the weights: they are the softmax of log w + log N.",
)
exercise.mistake(
    "weights.log() → weights",
    "the shares take the softmax of w + log N: it is log w + log N.",
)
exercise.mistake(
    f"{shares} → (logs - x.shape[1] / 2 * math.log(2 * math.pi)).exp()",
    f"{shares} → logs.exp()",
    "that is the gradient of p: the score is the gradient of log p, so divide by p(x).",
)
exercise.mistake(
    f"{shares} → torch.nn.functional.one_hot(logs.argmax(1), len(weights))",
    "only the most likely component pulls in yours: all pull, each with its share.",
)


@exercise.mistake(
    "autograd finds no graph under torch.no_grad(), where samplers run: write the closed form, which needs none."
)
def by_autograd(x, weights, means, stds):
    x = x.detach().requires_grad_()
    log_p = mixture_log_prob(x, weights, means, stds).sum()
    return torch.autograd.grad(log_p, x)[0]
