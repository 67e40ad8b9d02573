"""Small things that every formula over a batch needs, and the checks of what comes in.

A shape that does not fit broadcasts in silence: a score of shape (B,) against data of shape (B, 1) is an error of
(B, B) numbers, and a network trained on it learns nothing. So what a caller hands over, and what a caller's function
hands back, is compared with x where it enters; a comparison costs a fraction of a microsecond.
"""

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, overload

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
        TypeError: if it is neither a number nor a tensor.
    """
    if not isinstance(a, Tensor):
        check_number(a=a)
        return a
    if a.ndim == 0:
        return a
    if a.ndim != 1 or a.shape[0] != x.shape[0]:
        raise ValueError(f"Expected a number or one value per example, shape ({x.shape[0]},); got {tuple(a.shape)}.")
    return a.reshape(-1, *[1] * (x.ndim - 1))


def randn_like(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard Gaussian noise with the shape, dtype and device of x (``torch.randn_like`` takes no generator).

    Raises:
        TypeError: if x holds no real numbers, or the generator is something else, such as a seed.
    """
    try:
        return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    except (TypeError, NotImplementedError, RuntimeError, AttributeError):
        check_real(x=x)
        check_generator(generator)
        raise


def per_example(t: Time, x: Tensor) -> Tensor:
    """A time for each example, shape (B,), in x's dtype and on its device; a number is the same for all.

    Raises:
        ValueError: if ``t`` has neither no axis nor exactly one entry per example.
        TypeError: if x holds whole numbers, which would cut off the time.
    """
    check_real(x=x)
    times = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    if times.ndim and times.shape != x.shape[:1]:
        raise ValueError(f"Expected a time or one per example, shape ({len(x)},); got {tuple(times.shape)}.")
    return times.expand(len(x))


def in_double(x: Tensor) -> Tensor:
    """x in float64, on the CPU where its own device has no such numbers (Apple's GPU)."""
    return (x.cpu() if x.device.type == "mps" else x).double()


# -- what comes in -----------------------------------------------------------------------------------------------------


def shaped_as(x: Tensor, **tensors: Tensor) -> None:
    """Raise a ValueError for the first of the tensors whose shape is not that of x."""
    if x.__class__ is not Tensor:
        check_tensor(x=x)
    for name, tensor in tensors.items():
        if tensor.__class__ is not Tensor and not isinstance(tensor, Tensor):
            raise TypeError(f"Expected {name} to be a tensor of shape {tuple(x.shape)}; got {_what(tensor)}.")
        if tensor.shape != x.shape:
            raise ValueError(f"Expected {name} of x's shape {tuple(x.shape)}; got {tuple(tensor.shape)}.")


def one_each(x: Tensor, **tensors: Tensor) -> None:
    """Raise a ValueError for the first of the tensors that has not exactly one entry per example, shape (B,)."""
    if x.__class__ is not Tensor:
        check_tensor(x=x)
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"Expected {name} to be a tensor of shape ({len(x)},); got {_what(tensor)}.")
        if tensor.shape != x.shape[:1]:
            raise ValueError(f"Expected {name} of shape ({len(x)},), one per example; got {tuple(tensor.shape)}.")


def returned_as(x: Tensor, value: Tensor, name: str) -> Tensor:
    """What a function that was handed over returned for x, if it has the shape of x."""
    if value.__class__ is not Tensor and not isinstance(value, Tensor):
        raise TypeError(f"Expected {name}(x, …) to return a tensor of x's shape {tuple(x.shape)}; got {_what(value)}.")
    if value.shape != x.shape:
        raise ValueError(
            f"Expected {name}(x, …) to return x's shape {tuple(x.shape)}; got {tuple(value.shape)}"
            f"{'; is an axis squeezed or summed over?' if value.ndim < x.ndim else '.'}"
        )
    if value.dtype is not x.dtype and value.is_complex() and not x.is_complex():
        raise TypeError(f"Expected {name}(x, …) to return real numbers; got {value.dtype}. Is a `.real` missing?")
    return value


def evaluate(name: str, function: Callable[..., Tensor], x: Tensor, *given: Any) -> Tensor:
    """function(x, ...), if that has the shape of x and leaves x as it is: x is lent.

    Raises:
        ValueError: if the result has another shape, or x was modified in place, which its version tells at no cost.
    """
    try:
        before = x._version
    except RuntimeError:  # made under inference_mode, which counts no versions
        return returned_as(x, function(x, *given), name)
    value = returned_as(x, function(x, *given), name)
    if x._version != before:
        raise ValueError(f"{name} modifies its argument x in place, which is lent to it; let it work on a copy.")
    return value


def returned_one_each(x: Tensor, value: Tensor, name: str) -> Tensor:
    """What a function that was handed over returned for x, if it is one number per example, shape (B,)."""
    if not isinstance(value, Tensor):
        raise TypeError(f"Expected {name}(x) to return a tensor of shape ({len(x)},); got {_what(value)}.")
    if value.shape != x.shape[:1]:
        raise ValueError(
            f"Expected {name}(x) to return shape ({len(x)},), one number per example; got {tuple(value.shape)}."
        )
    return value


def returned_rows(x: Tensor, value: Tensor, name: str) -> Tensor:
    """What a function that was handed over returned for x, if it is one row of numbers per example, shape (B, K)."""
    if not isinstance(value, Tensor):
        raise TypeError(f"Expected {name}(x) to return a tensor of shape ({len(x)}, K); got {_what(value)}.")
    if value.ndim != 2 or len(value) != len(x):
        raise ValueError(f"Expected {name}(x) to return shape ({len(x)}, K), a row each; got {tuple(value.shape)}.")
    return value


def check_real(axes: int = 0, **tensors: Tensor) -> None:
    """Raise a TypeError for the first that is no tensor of floating-point numbers, a ValueError if it lacks axes."""
    for name, tensor in tensors.items():
        if tensor.__class__ is not Tensor:
            check_tensor(**{name: tensor})
        if not tensor.is_floating_point():
            raise TypeError(
                f"Expected {name} to hold floating-point numbers; got {tensor.dtype}. Try `{name}.float()`."
            )
        if axes and tensor.ndim < axes:
            shape = "(B, *D)" if axes == 2 else f"{axes} axes or more"
            raise ValueError(f"Expected {name} of shape {shape}; got {tuple(tensor.shape)}.")


def not_empty(**samples: Tensor) -> None:
    """Raise an error for the first that is not real or holds no examples: a mean over none of them is nan."""
    for name, x in samples.items():
        check_real(1, **{name: x})
        if not len(x):
            raise ValueError(f"Expected one example or more in {name}; got none, shape {tuple(x.shape)}.")


def check_mask(mask: Tensor) -> None:
    """Raise a TypeError for a mask of tokens that is no tensor of bool."""
    check_tensor(mask=mask)
    if mask.dtype != torch.bool:
        raise TypeError(f"A mask is bool, true at real tokens; got {mask.dtype}. Try `mask.bool()`.")


def check_images(**tensors: Tensor) -> None:
    """Raise an error for the first that is not real and of four axes, (B, C, H, W)."""
    for name, tensor in tensors.items():
        check_real(0, **{name: tensor})
        if tensor.ndim != 4:
            raise ValueError(f"Expected {name} as images, shape (B, C, H, W); got {tuple(tensor.shape)}.")


def one_dtype(**tensors: Tensor) -> None:
    """Raise a TypeError for the first whose dtype is not the first one's; under autocast they may differ."""
    (first, like), *others = tensors.items()
    for name, tensor in others:
        if tensor.dtype is not like.dtype and not torch.is_autocast_enabled(tensor.device.type):
            raise TypeError(
                f"Expected {name} and {first} of one dtype; got {tensor.dtype} and {like.dtype}. "
                f"Try `{name}.to({like.dtype})`."
            )


def check_takes(who: str, x: Tensor, *shape: int) -> None:
    """Raise an error where x is not real and of shape ``(B, *shape)``; ``who`` is such as "This flow takes points"."""
    check_real(x=x)
    if x.ndim == 0 or x.shape[1:] != shape:
        raise ValueError(f"{who} (B, {', '.join(map(str, shape))}); got {tuple(x.shape)}.")


def check_tensor(**tensors: Tensor) -> None:
    """Raise a TypeError for the first that is no tensor."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"Expected {name} to be a tensor; got {_what(tensor)}. `torch.as_tensor` makes one.")


def check_labels(labels: Tensor, x: Tensor, classes: int | None = None) -> None:
    """Raise an error where labels are not whole numbers, one per example, from 0 to ``classes`` − 1."""
    one_each(x, labels=labels)
    if labels.dtype not in (torch.int64, torch.int32, torch.uint8, torch.int16, torch.int8):
        raise TypeError(f"Labels are whole numbers, int64; got {labels.dtype}. Try `labels.long()`.")
    if classes is not None and len(labels) and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(f"Labels go from 0 to {classes - 1}; got {labels.min().item()} to {labels.max().item()}.")


def check_generator(generator: Any) -> None:
    """Raise a TypeError for a generator that is none, such as its seed."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(
            f"Expected a generator such as torch.Generator().manual_seed(0), or None; got {_what(generator)}."
        )


def whole(name: str, n: Any, least: int = 0) -> int:
    """n as an int, if it is a whole number of at least that size.

    Raises:
        TypeError: for anything but a whole number: 3.0 and True are none.
        ValueError: if it is smaller.
    """
    if isinstance(n, bool) or (isinstance(n, Tensor) and (n.ndim or n.dtype is torch.bool)):
        raise TypeError(f"Expected {name} to be a whole number; got {_what(n)}.")
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"Expected {name} to be a whole number; got {_what(n)}.") from None
    if count < least:
        raise ValueError(f"Expected {name} of {least} or more; got {count}.")
    return count


def positive(**numbers: float) -> None:
    """Raise a ValueError for the first that is not a positive, finite number."""
    for name, number in numbers.items():
        check_number(**{name: number})
        if not 0 < number < float("inf"):
            raise ValueError(f"Expected {name} to be positive and finite; got {float(number):g}.")


def finite(least: float = -math.inf, /, **numbers: float) -> None:
    """Raise a ValueError for the first that is not a finite number of at least that size."""
    for name, number in numbers.items():
        check_number(**{name: number})
        if not (math.isfinite(number) and number >= least):
            what = "finite" if least == -math.inf else f"{least:g} or more, and finite"
            raise ValueError(f"Expected {name} to be {what}; got {float(number):g}.")


def check_number(**numbers: float) -> None:
    """Raise an error for the first that is not one number, the same for all examples."""
    for name, number in numbers.items():
        if number.__class__ is float:
            continue
        if isinstance(number, Tensor):
            if number.numel() != 1:
                raise ValueError(f"Expected {name} to be one number; got {_what(number)}.")
        elif isinstance(number, bool) or not hasattr(number, "__float__") or getattr(number, "ndim", False):
            raise TypeError(f"Expected {name} to be a number; got {_what(number)}.")


def everywhere(condition: bool | Tensor) -> bool:
    """Whether it holds for all, as far as that is known at once: no device is waited for, nor ``vmap`` broken."""
    if not isinstance(condition, Tensor):
        return condition
    if condition.device.type != "cpu" or torch.compiler.is_compiling():
        return True
    try:
        return bool(condition.all())
    except RuntimeError:
        return True


def _what(value: Any) -> str:
    """A value that is of the wrong kind, in a few words."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and {value.dtype}"
    kind = type(value).__name__
    return repr(value) if isinstance(value, (int, float, str, type(None))) else f"a value of type {kind}"


# -- gradients ---------------------------------------------------------------------------------------------------------


@contextmanager
def with_gradients() -> Iterator[None]:
    """Turn autograd on, also under ``no_grad`` and ``inference_mode``."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def leaf(x: Tensor) -> Tensor:
    """A copy of x to differentiate by; with ``with_gradients``, also of one that was made under ``inference_mode``."""
    x = x.detach()
    return (x.clone() if x.is_inference() else x).requires_grad_()


def gradient(
    value: Callable[[Tensor], Tensor], x: Tensor, name: str, differentiable: bool = False, asks: str = ""
) -> Tensor:
    """The gradient by x of a function to a scalar, in every mode of autograd, leaving parameters' gradients alone.

    Args:
        value: (B, *D) → ().
        x: shape (B, *D).
        name: of what is differentiated, for messages.
        differentiable: keep the graph; without it, a second derivative by x is refused, not taken for zero.
        asks: whom to give ``differentiable=True``, for messages.

    Raises:
        ValueError: if the value carries no graph that leads to x: a function on the way detaches.
    """
    with with_gradients():
        own = x if differentiable and x.requires_grad else leaf(x)
        total = value(own)
        found = None
        if total.requires_grad:
            (found,) = torch.autograd.grad(total, own, create_graph=differentiable, allow_unused=True)
    if found is None:
        raise ValueError(
            f"{name} returned no graph that leads to x, so it cannot be differentiated: it detaches "
            "(`.detach()`, `.item()`, numpy, `torch.no_grad`), or does not depend on x."
        )
    return _Severed.apply(x, found, asks) if x.requires_grad and not differentiable else found


class _Severed(torch.autograd.Function):
    """A value that depends on x and was computed without a graph: to differentiate it is an error, and not zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, asks: str) -> Tensor:
        ctx.asks = asks
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        raise ValueError(
            f"What {ctx.asks} returns depends on x, but it kept no graph that leads to x, so its derivative is "
            "unknown; pass it `differentiable=True`, or detach x if no derivative is wanted."
        )
