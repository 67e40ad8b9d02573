"""Levels and a network that hw4's cases hand over, and sentences of several of its exercises."""

import torch

from course.exercises.case import CaseRng, FunctionSpec

OWN_NOISE = "you draw noise of your own: use the `noise` that is handed in, or nothing is reproducible."
ONE_LEVEL = "one noise level serves the whole batch: example b has its own, sigma[b]."
GUARDED = (
    "the noise level is kept from being small: σ is positive, so divide by it as it is, without adding or clamping."
)
TRAILING = (
    "`[:, None]` fits x of shape (B, D) only; images (B, C, H, W) need more axes of size one, as many as x has: use "
    "expand({0}, x)."
)

SMALL = 1e-4
"""A size at which anything shows that is added to a noise level, or at which a level is clamped."""


def levels(draw: CaseRng, b: int) -> torch.Tensor:
    """A noise level for each example, all different, from 0.1 to 2."""
    return 0.1 * 20 ** ((draw.permutation(b) + draw.uniform(b, low=0.1, high=0.9)) / b)


def small_levels(draw: CaseRng, b: int) -> torch.Tensor:
    """A noise level for each example, from 0.0001 to 0.0003."""
    return SMALL * draw.uniform(b, low=1.0, high=3.0)


def network(draw: CaseRng, d: int) -> FunctionSpec:
    """A score of every noise level that has no closed form."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "level": draw.normal(5)}
    return FunctionSpec("hw4.ScoreNetwork", {**tensors, "wout": 2 * draw.normal(5, d)})
