"""What careless people hand over in the place of an argument that suits, by its kind."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

Variant = tuple[str, Any, bool]
"""A name, the careless value, and whether the call may still work: a list for a tensor may, a wrong shape may not."""


def variants(name: str, value: Any, fixed: bool) -> Iterator[Variant]:
    """Careless values for an argument; ``fixed`` if another argument says which shape it should have."""
    match value:
        case torch.Generator():
            yield from (("a seed", 0, False), ("a word", "seed", False))
        case bool():
            return
        case Tensor() if value.is_floating_point():
            yield from _tensors(value, fixed)
        case Tensor():
            yield from _indices(value)
        case int():
            yield from _counts(name, value)
        case float():
            yield from _numbers(name)
        case [str(), *_]:
            yield from _captions(value)
        case list():
            yield from _times(value)
        case str():
            yield from (("nothing", None, False), ("a number", 3, False), ("unknown words", "a mauve walrus", False))
        case _ if callable(value) and name not in ("model", "discriminator", "process"):
            yield from _functions(value)


def _tensors(x: Tensor, fixed: bool) -> Iterator[Variant]:
    if x.ndim > 1:
        yield "first column, (B,)", x.flatten(1)[:, 0], not fixed
        yield "a column, (B, 1)", x.flatten(1)[:, :1], not fixed
        yield "one row", x[:1], not fixed
        yield "one more row", torch.cat([x, x[:1]]), not fixed
        yield "transposed", x.mT.contiguous(), not fixed or x.shape[-1] == x.shape[-2]
        yield "one more axis", x[..., None], not fixed
    else:
        yield "a column, (B, 1)", x[:, None], not fixed
        yield "one entry too few", x[:-1], not fixed
    yield "whole numbers", x.long(), True
    yield "half precision", x.half(), True
    yield "double precision", x.double(), True
    yield "a list", x.tolist(), True
    yield "an array", x.numpy(), True
    yield "nothing", None, False
    yield "empty", x[:0], True


def _indices(x: Tensor) -> Iterator[Variant]:
    yield "one too few", x[:-1], False
    yield "a column, (B, 1)", x[:, None], False
    yield "fractions", x.float() + 0.5, x.dtype is torch.bool
    yield "a list", x.tolist(), True
    yield "nothing", None, True


def _counts(name: str, n: int) -> Iterator[Variant]:
    yield "minus one", -1, name in ("seed", "null")
    yield "minus a thousand", -1000, name in ("seed", "null")
    yield "zero", 0, True
    yield "a fraction", n + 0.5, False
    yield "a float", float(n), False
    yield "nan", math.nan, False
    yield "a word", str(n), False


def _numbers(name: str) -> Iterator[Variant]:
    for what, number in (("zero", 0.0), ("negative", -0.7), ("nan", math.nan), ("infinite", math.inf), ("large", 1e9)):
        yield what, number, True
    yield "a word", "0.5", name in ("t", "s")  # a function that is handed over may take what it likes
    yield "nothing", None, True


def _captions(told: list[str]) -> Iterator[Variant]:
    yield "unknown words", ["a mauve walrus", *told[1:]], False
    yield "another order", [" ".join(reversed(told[0].split())), *told[1:]], False
    yield "numbers", [3] * len(told), False
    yield "one word, not a list", told[0], False
    yield "one too few", told[1:], True
    yield "nothing", None, False
    yield "none", [], True


def _times(times: list) -> Iterator[Variant]:
    yield "none", [], False
    yield "backwards", times[::-1], True
    yield "nan", [times[0], math.nan, times[-1]], False
    yield "two axes", torch.tensor([times]), False
    yield "words", ["a", "b"], False
    yield "nothing", None, False


def _functions(function: Callable) -> Iterator[Variant]:
    def after(change: Callable[[Any], Any]) -> Callable:
        return lambda *args: change(function(*args))

    first = lambda r: r[0] if isinstance(r, tuple) else r
    yield "it returns nothing", after(lambda r: None), False
    yield (
        "it returns an array",
        after(lambda r: first(r).detach().numpy() if isinstance(first(r), Tensor) else "0"),
        False,
    )
    yield (
        "it sums over the last axis",
        after(lambda r: r.sum(-1) if isinstance(r, Tensor) and r.ndim > 1 else None),
        False,
    )
    yield "it adds an axis", after(lambda r: r[:, None] if isinstance(r, Tensor) else None), False
    yield "it loses a row", after(lambda r: r[1:] if isinstance(r, Tensor) and r.ndim else None), False
    yield "it returns nan", after(lambda r: r * math.nan if isinstance(r, Tensor) else math.nan), True
    yield "no function", 3.0, False
