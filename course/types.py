"""The function types that everything else is made of.

A *score* is any callable ``score(x, t)`` and a *step* is any callable ``step(x, t, s)``: a network, a closed form, or a
student's function. Conditioning is a closure (``partial(net, labels=y)``), never a further argument of a loop.
"""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

Time: TypeAlias = float | Tensor
"""A Python float, or shape (B,): one time per example."""

Energy: TypeAlias = Callable[[Tensor], Tensor]
"""x (B, *D) → E(x) (B,), with p(x) ∝ exp(−E(x))."""

LogDensity: TypeAlias = Callable[[Tensor], Tensor]
"""x (B, *D) → log p(x) (B,), in nats."""

StationaryScore: TypeAlias = Callable[[Tensor], Tensor]
"""x (B, *D) → ∇ log p(x) (B, *D), of a density that does not change with time."""

Score: TypeAlias = Callable[[Tensor, Time], Tensor]
"""x (B, *D), t → ∇ₓ log p_t(x) (B, *D)."""

Field: TypeAlias = Callable[[Tensor, Time], Tensor]
"""x (B, *D), t → a vector at each point (B, *D): a drift, or the right-hand side of an ODE."""

Step: TypeAlias = Callable[[Tensor, float, float], Tensor]
"""x at time t, t, s → x at time s."""
