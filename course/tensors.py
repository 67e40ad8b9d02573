"""Two small things that every formula over a batch needs."""

from typing import overload

import torch
from torch import Tensor

from course.types import Time


@overload
def expand(a: Tensor, x: Tensor) -> Tensor: ...
@overload
def expand(a: float, x: Tensor) -> float: ...
def expand(a: Time, x: Tensor) -> Time:
    """Give ``a`` of shape (B,) trailing axes of size one: it then multiplies ``x`` of shape (B, *D) example by example.

    Floats and 0-d tensors pass through unchanged.

    Raises:
        ValueError: if ``a`` has neither no axis nor exactly one entry per example.
    """
    if not isinstance(a, Tensor) or a.ndim == 0:
        return a
    if a.ndim != 1 or a.shape[0] != x.shape[0]:
        raise ValueError(f"Expected a number or one value per example, shape ({x.shape[0]},); got {tuple(a.shape)}.")
    return a.reshape(-1, *[1] * (x.ndim - 1))


def randn_like(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard Gaussian noise with the shape, dtype and device of x (``torch.randn_like`` takes no generator)."""
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def per_example(t: Time, x: Tensor) -> Tensor:
    """A time for each example, shape (B,), in x's dtype and on its device; a number is the same for all.

    Raises:
        ValueError: if ``t`` has neither no axis nor exactly one entry per example.
    """
    times = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    if times.ndim and times.shape != x.shape[:1]:
        raise ValueError(f"Expected a time or one per example, shape ({len(x)},); got {tuple(times.shape)}.")
    return times.expand(len(x))
