"""Functions that are handed over: how often they are called, at which times, and what becomes of what they return.

They stay the plain modules that they are, but for a ``forward`` that notes every call.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn

TIMES = ("t", "s")
"""What given functions call their times."""


@dataclass
class _Seen:
    """The calls of one function.

    Attributes:
        examples: on how many examples it was evaluated, all calls together.
        returned: every tensor that it returned, and its values at that time.
        other_time: it was called with a time of another kind than the one that was given.
    """

    examples: int = 0
    returned: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    other_time: bool = False


class Lending:
    """Watches the functions among the arguments of one call, until its facts are asked for."""

    def __init__(self, arguments: dict[str, Any]):
        tensors = [v for v in arguments.values() if isinstance(v, Tensor) and v.ndim]
        self._batch = max((len(t) for t in tensors), default=1)
        self._grid = "times" in arguments
        self._per_example = isinstance(arguments.get("t"), Tensor)
        self._seen: dict[str, _Seen] = {}
        for name, value in arguments.items():
            if isinstance(value, nn.Module):
                self._watch(name, value)
            elif isinstance(value, list):
                for i, one in enumerate(value):
                    if isinstance(one, nn.Module):
                        self._watch(f"{name}[{i}]", one)

    def facts(self) -> dict[str, Any]:
        """``calls``, ``overwrote`` and ``times``, for ``Facts``.

        A call on part of the batch counts as that part, rounded up in the end: example by example is one call.
        """
        return {
            "calls": {name: ceil(one.examples / self._batch) for name, one in self._seen.items()},
            "overwrote": [name for name, one in self._seen.items() if any(_differ(*pair) for pair in one.returned)],
            "times": [name for name, one in self._seen.items() if one.other_time],
        }

    def _watch(self, name: str, function: nn.Module) -> None:
        seen = self._seen[name] = _Seen()
        original: Callable = function.forward
        signature = inspect.signature(original)

        @wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            returned = original(*args, **kwargs)
            called = signature.bind(*args, **kwargs).arguments
            x = next((v for n, v in called.items() if n not in TIMES and isinstance(v, Tensor) and v.ndim), None)
            seen.examples += self._batch if x is None else len(x)
            seen.other_time |= any(not self._as_given(called[n], x) for n in TIMES if n in called)
            for t in returned if isinstance(returned, tuple) else (returned,):
                # inside vmap and the like there are only tensors that stand for others
                if isinstance(t, Tensor) and not torch._C._functorch.is_functorch_wrapped_tensor(t):
                    seen.returned.append((t, t.detach().clone()))
            return returned

        function.forward = forward

    def _as_given(self, time: Any, x: Tensor | None) -> bool:
        """Whether a time is of the kind that was given: a float, or one number per example.

        Where a whole grid of times was given, each of them may be a float, a tensor without axes, or shape (B,).
        """
        if not isinstance(time, Tensor):
            return self._grid or not self._per_example
        one_each = time.ndim == 1 and (x is None or len(time) == len(x))
        return (one_each and (self._grid or self._per_example)) or (self._grid and time.ndim == 0)


def _differ(now: Tensor, before: Tensor) -> bool:
    return now.shape != before.shape or not torch.allclose(now.detach(), before, rtol=0.0, atol=0.0, equal_nan=True)
