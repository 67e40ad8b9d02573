"""A recipe says how a network that ships is made, from what data, and how its quality is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course.data import mnist
from course.training.loop import Batch, Draw, with_replacement

SIZE, CLASSES = 16, 10


def digits() -> tuple[Tensor, Tensor]:
    """The training digits at 16 × 16 and their labels: (10000, 1, 16, 16) in [−1, 1], (10000,)."""
    return mnist(SIZE)


def unseen_digits() -> tuple[Tensor, Tensor]:
    """The test digits at 16 × 16 and their labels: (2000, 1, 16, 16) in [−1, 1], (2000,)."""
    return mnist(SIZE, "test")


@dataclass(frozen=True)
class Recipe:
    """How a network is made, and how good it is.

    Attributes:
        what: one sentence; what the network computes.
        network: makes it, untrained.
        loss: (model, batch, generator) → scalar.
        measure: ``(model, *test)`` → numbers by name.
        steps, batch_size, lr, draw: of ``train``.
        data: returns the training data, a tensor or a tuple of tensors.
        test: returns a tuple of tensors, the test data.
        source: what the training data are, in words.
    """

    what: str
    network: Callable[[], nn.Module]
    loss: Callable[[Any, Any, torch.Generator], Tensor]
    measure: Callable[..., dict[str, float]]
    steps: int = 12_000
    batch_size: int = 64
    lr: float = 2e-3
    data: Callable[[], Batch] = digits
    test: Callable[[], tuple[Tensor, ...]] = unseen_digits
    source: str = "MNIST 16 × 16, 10,000 training images of the package"
    draw: Draw = with_replacement
