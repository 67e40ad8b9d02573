"""Functions that hw2's cases hand over, and one that its remarks do."""

import torch
from torch import Tensor

from course.exercises.case import CaseRng, FunctionSpec


def quadratic(draw: CaseRng, d: int, offset: float = 0.0) -> FunctionSpec:
    """An energy with a mean that is not zero and a covariance that is not a multiple of one."""
    tensors = {"centre": draw.normal(d), "precision": draw.precision(d), "offset": torch.tensor(offset).double()}
    return FunctionSpec("QuadraticEnergy", tensors)


def network(draw: CaseRng, d: int, offset: float = 0.0) -> FunctionSpec:
    """An energy that has no closed form."""
    tensors = {"win": draw.normal(d, 7) / d**0.5, "bias": draw.normal(7), "wout": draw.normal(7)}
    return FunctionSpec("NetworkEnergy", {**tensors, "offset": torch.tensor(offset).double()})


def network_score(draw: CaseRng, d: int) -> FunctionSpec:
    """A score that is not the gradient of anything, as a learned one."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "wout": draw.normal(5, d) / 2}
    return FunctionSpec("NetworkScore", tensors)


def gaussian(draw: CaseRng, d: int, offset: float = 0.0) -> tuple[FunctionSpec, FunctionSpec]:
    """log p and the score of a Gaussian whose mean is not zero and whose covariance is not a multiple of one."""
    tensors = {"centre": draw.normal(d), "precision": draw.precision(d)}
    log_prob = FunctionSpec("quadratic_log_prob", {**tensors, "offset": torch.tensor(offset).double()})
    return log_prob, FunctionSpec("LinearScore", tensors)


def standard_score(x: Tensor) -> Tensor:
    """The score of N(0, I)."""
    return -x
