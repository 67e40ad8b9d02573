"""1.6, the bandwidth of a kernel density estimate under which held-out points are most likely."""

import math

import torch
from torch import Tensor

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1.kde_log_prob import kde_log_prob
from course.exercises.hw1.shared import TENSOR_RETURNED


def best_bandwidth(train, held_out, bandwidths):
    scores = torch.stack([kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()])
    return bandwidths[scores.argmax()].item()


def cases(draw: CaseRng) -> list[Case]:
    def case(
        n: int, m: int, d: int, choices: int, spread: float = 1.0, narrowest: float = 0.15, no_grad: bool = False
    ) -> Case:
        train, held_out = draw.normal(n, d) + 1, spread * draw.normal(m, d) + 1
        if m > 400:
            held_out[0, 0] += 120  # so far that its kernels are zero to a computer
        widths = narrowest * 1.35 ** torch.arange(choices, dtype=torch.float64) * draw.number(1, 1.3)
        widths = without_a_runner_up(train, held_out, widths)[draw.permutation(choices)]
        return Case({"train": train, "held_out": held_out, "bandwidths": widths}, no_grad=no_grad)

    return [
        case(61, 47, 7, 15, narrowest=0.02),
        case(40, 83, 2, 10, spread=2.0, no_grad=True),
        case(90, 701, 6, 9, narrowest=0.4),
        case(33, 29, 4, 11, spread=0.4, narrowest=0.4),
    ]


def without_a_runner_up(train: Tensor, held_out: Tensor, bandwidths: Tensor) -> Tensor:
    """Move every other bandwidth that is nearly as good as the best out of the way: no close decisions."""
    ahead = True
    while ahead:
        likelihood = torch.stack([kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()])
        best = int(likelihood.argmax())
        close = likelihood > likelihood[best] - 1e-3 * (1 + likelihood[best].abs())
        close[best] = False
        bandwidths = torch.where(close, bandwidths * torch.where(bandwidths > bandwidths[best], 1.02, 0.98), bandwidths)
        ahead = bool(close.any())
    return bandwidths


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    train, held_out, test = (torch.randn(n, 1, generator=generator) for n in (400, 400, 2000))
    h = function(train, held_out, torch.linspace(0.1, 1, 37))
    found, truth = kde_log_prob(test, train, h).mean().item(), -0.5 * test.square().mean().item()
    truth -= 0.5 * math.log(2 * math.pi)
    return (
        f"for 400 points of a standard Gaussian yours is h = {h:.3f}; fresh points then have {found:.3f} nats, and "
        f"{truth:.3f} under the true density."
    )


exercise = Exercise(answer=best_bandwidth, cases=cases, remark=remark)


@exercise.right
def of_the_librarys_mixture(train, held_out, bandwidths):
    best, chosen = -math.inf, 0.0
    equal = torch.full_like(train[:, 0], 1 / len(train))
    for h in bandwidths:
        likelihood = GaussianMixture(equal, train, h.expand(len(train))).log_prob(held_out).sum().item()
        if likelihood > best:
            best, chosen = likelihood, float(h)
    return chosen


@exercise.right
def with_max(train, held_out, bandwidths):
    square = held_out.square().sum(1)[:, None] + train.square().sum(1) - 2 * held_out @ train.mT

    def likelihood(h):
        return torch.logsumexp(-square / (2 * h**2), 1).mean().item() - train.shape[1] * math.log(h)

    return max(bandwidths.tolist(), key=likelihood)


kernels = "torch.logsumexp(-(held_out[:, None] - train).square().sum(2) / (2 * bandwidths[:, None, None] ** 2), 2)"
stacked = "torch.stack([kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()])"
scored = "kde_log_prob(held_out, train, h)"

exercise.right(f"{stacked} → {kernels}.mean(1) - train.shape[1] * torch.log(bandwidths)")
exercise.right(f"{scored}.mean() → {scored}.sum()", "the largest sum is the largest mean, of as many numbers each")


@exercise.mistake(
    "exp has become 0 before the logarithm could undo it, so a good bandwidth looks impossible: use torch.logsumexp.",
    credit=0.5,
)
def kernels_vanish(train, held_out, bandwidths):
    square = (held_out[:, None] - train).square().sum(2)
    scores = []
    for h in bandwidths.tolist():
        log_p = torch.log(torch.exp(-square / (2 * h**2)).mean(1)) - held_out.shape[1] * math.log(h)
        scores.append(log_p.mean())
    return bandwidths[torch.stack(scores).argmax()].item()


exercise.mistake(
    f"{scored} → kde_log_prob(train, train, h)",
    "you choose by the likelihood of the training points, each of which sits under its own kernel, so the narrowest "
    "always wins: score `held_out`.",
)
exercise.mistake(
    f"{scored} → kde_log_prob(train, held_out, h)",
    "the two sets are swapped: kernels sit on the points of `train`, and `held_out` is scored.",
)
exercise.mistake(
    "scores.argmax() → scores.argmin()",
    "you choose the least likely: take the argmax of the log-likelihood.",
)
exercise.mistake(
    "bandwidths[scores.argmax()].item() → float(scores.argmax())",
    "that is the place of the best bandwidth in the list: return the bandwidth itself.",
)
exercise.mistake(
    "bandwidths[scores.argmax()].item() → scores.amax().item()",
    "that is the highest log-likelihood: return the bandwidth that reaches it.",
)
exercise.mistake("bandwidths[scores.argmax()].item() → bandwidths[scores.argmax()]", TENSOR_RETURNED)
exercise.mistake(
    f"{scored}.mean() → {scored}.exp().mean()",
    "you average densities over the held-out points: average their logarithms, or the points that fit badly do not "
    "count.",
)
exercise.mistake(
    f"{scored}.mean() → {scored}.mean() + train.shape[1] * math.log(h)",
    "your kernels are not divided by h^D, so the widest always wins: subtract D log h.",
)
exercise.mistake(
    f"{scored}.mean() → {scored}.mean() + (train.shape[1] - 1) * math.log(h)",
    "your kernels are divided by h, not by h^D: subtract D log h.",
)
exercise.mistake(
    f"{scored} → kde_log_prob(torch.cat([train, held_out]), train, h)",
    "train and held-out points are scored together: score `held_out` alone.",
)
