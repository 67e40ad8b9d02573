"""The only sampling loop there is."""

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
        times: at least one. The step gets Python floats, so that its coefficients cost nothing beside the network;
            other numbers and a 1-d tensor are converted.

    Yields:
        Shape (B, *D), once per time.

    Raises:
        ValueError: when the first state is asked for, if times is a tensor that is not 1-d.

    Example:
        ``*_, sample = walk(step, noise, times)`` keeps the end; ``torch.stack(list(walk(...)))`` keeps the path.
    """
    if isinstance(times, Tensor):
        if times.ndim != 1:
            raise ValueError(f"Expected times of shape (n,); got {tuple(times.shape)}.")
        times = times.tolist()
    yield x
    no_graph = torch.no_grad()
    for t, s in pairwise(map(float, times)):
        with no_graph:
            x = step(x, t, s)
        yield x
