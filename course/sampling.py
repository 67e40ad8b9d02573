"""One loop samples everything: ``walk`` applies a step along a sequence of times."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from course.types import Step


def walk(step: Step, x: Tensor, times: Iterable[float]) -> Iterator[Tensor]:
    """Yield x at every one of the times, the first included, keeping no graph.

    Args:
        step: any callable that takes x at time t, t and s to x at time s.
        x: the start, shape (B, *D).
        times: Python floats, so that a step's coefficients cost nothing beside the network; a 1-d tensor is converted.

    Yields:
        Shape (B, *D), once per time.

    Example:
        ``*_, sample = walk(step, noise, times)`` keeps the end; ``torch.stack(list(walk(...)))`` keeps the path.
    """
    if isinstance(times, Tensor):
        times = times.tolist()
    yield x
    for t, s in pairwise(times):
        with torch.no_grad():
            x = step(x, t, s)
        yield x
