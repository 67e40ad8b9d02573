"""Mixtures for hw1's cases and remarks, and the sentences and patches that its pages share."""

import torch
from torch import Tensor

from course.exercises.case import Case, CaseRng

WEIGHTS, MEANS, STDS = torch.tensor([0.3, 0.7]), torch.tensor([[-1.0, 0.5], [1.0, 0.0]]), torch.tensor([0.4, 0.8])
"""A mixture of two in the plane, for remarks."""

OVERFLOWS = "exp has become 0 or inf before the logarithm could undo it: keep logarithms and sum with torch.logsumexp."
TWO_PI_ONCE = "(2π)^(1/2) belongs to one dimension: in D dimensions it is (2π)^(D/2)."
NO_TWO_PI = "2π is in none of your terms: subtract D/2 · log 2π."
CONSTANTS_ONCE = "log {0} and ½ log 2π are there once, but each of the D dimensions brings its own."
NOT_THE_LARGEST = (
    "exp overflows all the same, since what you take out is not the largest {0} of each point: take that, or use {1}."
)
TENSOR_RETURNED = "a tensor comes back: `.item()` makes a Python float of it."

LESS_THE_SMALLEST = "(logs - logs.amin(1, keepdim=True)).exp()"
LESS_ONE_FOR_ALL = "(logs - logs.max()).exp()"
"""Shares of p(x), up to their sum, with the wrong term taken out before exp: the code of patches."""


def mixture(draw: CaseRng, k: int, d: int, low: float = 0.6, high: float = 1.5, apart: float = 0.5) -> dict:
    """Components that overlap, each with its own weight and its own width, no two of them alike.

    Far ``apart``, the first has a weight so small that nothing can be added to it.
    """
    weights = draw.uniform(k, low=0.3, high=1.5)
    weights[0] *= 1e-4 if apart > 10 else 1
    stds = torch.linspace(low, high, k, dtype=torch.float64)[draw.permutation(k)]
    return {
        "weights": weights / weights.sum(),
        "means": (low + high) * apart * draw.normal(k, d) + min(0.5, high),
        "stds": stds,
    }


def points(draw: CaseRng, n: int, parts: dict, away: float = 1.0) -> Tensor:
    """n points around the components in turn; ``away`` times as far from them as a sample would be."""
    k, d = parts["means"].shape
    index = torch.arange(n) % k
    return parts["means"][index] + away * parts["stds"][index, None] * draw.normal(n, d)


def magnitude(x: Tensor, parts: dict) -> float:
    """What distances by a matrix product meet: the largest square over the smallest variance."""
    square = max(x.square().sum(1).max().item(), parts["means"].square().sum(1).max().item())
    return square / parts["stds"].min().item() ** 2


def mixture_case(draw: CaseRng, b: int, k: int, d: int, away: float = 1.0, no_grad: bool = False, **how: float) -> Case:
    """B points and a mixture of K."""
    parts = mixture(draw, k, d, **how)
    x = points(draw, b, parts, away)
    return Case({"x": x, **parts}, no_grad=no_grad, magnitude=magnitude(x, parts))
