"""The only sampling loop there is."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from course.tensors import check_real, evaluate
from course.types import Step


def walk(step: Step, x: Tensor, times: Iterable[float]) -> Iterator[Tensor]:
    """Yield x at every one of the times, the first included, keeping no graph.

    A time may follow itself: steps that solve a flow, ``ddim`` to ``rk4``, then leave x as it is.

    Args:
        step: any callable that takes x at time t, t and s to x at time s.
        x: the start, shape (B, *D).
        times: at least one. The step gets Python floats, so that its coefficients cost nothing beside the network;
            other numbers and a 1-d tensor are converted.

    Yields:
        Shape (B, *D), once per time.

    Raises:
        ValueError: when the first state is asked for, if there is no time, one is nan, or times is a tensor that is not
            1-d; and if a step changes the shape of x, or modifies x in place.
        TypeError: if times are no numbers.

    Example:
        ``*_, sample = walk(step, noise, times)`` keeps the end; ``torch.stack(list(walk(...)))`` keeps the path.
    """
    if isinstance(times, Tensor):
        if times.ndim != 1:
            raise ValueError(f"Expected times of shape (n,); got {tuple(times.shape)}.")
        times = times.tolist()
    if isinstance(times, str) or not isinstance(times, Iterable):
        raise TypeError(f"Expected times to be several numbers, such as uniform_times(1.0, 0.0, 50); got {times!r}.")
    check_real(x=x)
    clock, no_graph = map(float, times), torch.no_grad()
    t = next(clock, math.nan)
    if math.isnan(t):
        raise ValueError("A walk needs a time to start from; got none, or nan.")
    yield x
    for s in clock:
        if math.isnan(s):
            raise ValueError(f"A walk goes on from {t:g} to another time; got nan.")
        with no_graph:
            x = evaluate("step", step, x, t, s)
        yield x
        t = s
