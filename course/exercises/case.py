"""What a student's function is called with, as plain data.

A case holds tensors, numbers, and *descriptions* of the functions to hand over, never code. So it can be made on one
side of a wall and called on the other, where the student's code runs and the answers are not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from course.exercises import given


@dataclass(frozen=True)
class Given:
    """A function to hand over: its name in ``course.exercises.given`` and the tensors it is made from."""

    name: str
    tensors: dict[str, Tensor]

    def build(self) -> nn.Module:
        return getattr(given, self.name)(**{k: v.clone() for k, v in self.tensors.items()})


@dataclass(frozen=True)
class Seed:
    """A ``torch.Generator`` to hand over, by its seed."""

    value: int


@dataclass(frozen=True)
class Case:
    """One call of a student's function.

    Attributes:
        arguments: by name, in the order of the signature.
        no_grad: call it under ``torch.no_grad()``.
        gradients: arguments with respect to which the result is differentiated (for a Given, its parameters).
        magnitude: the largest number that any good formula meets on the way, which excuses rounding of its size.
    """

    arguments: dict[str, Any]
    no_grad: bool = False
    gradients: tuple[str, ...] = ()
    magnitude: float = 1.0

    def to(self, dtype: torch.dtype, device: str = "cpu") -> "Case":
        """The same case in another precision and on another device; whole numbers and masks keep their type."""

        def move(value: Any) -> Any:
            if isinstance(value, Tensor):
                return value.to(device, dtype) if value.is_floating_point() else value.to(device)
            if isinstance(value, Given):
                return Given(value.name, {k: move(v) for k, v in value.tensors.items()})
            return value

        arguments = {name: move(value) for name, value in self.arguments.items()}
        return Case(arguments, self.no_grad, self.gradients, self.magnitude)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the tensors in it."""
        return self._a_tensor().dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self._a_tensor().device

    def _a_tensor(self) -> Tensor:
        values = list(self.arguments.values())
        values += [tensor for value in values if isinstance(value, Given) for tensor in value.tensors.values()]
        return next((v for v in values if isinstance(v, Tensor) and v.is_floating_point()), torch.zeros(()))


@dataclass
class Draw:
    """Random numbers for cases, all from one seed, in float64."""

    seed: int
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def number(self, low: float, high: float) -> float:
        return self.uniform(low=low, high=high).item()

    def integers(self, high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=self.generator)

    def permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator)

    def seed_(self) -> Seed:
        return Seed(int(torch.randint(2**31, (), generator=self.generator)))

    def precision(self, d: int) -> Tensor:
        """A symmetric positive definite (d, d) matrix, not diagonal, with eigenvalues from 0.5 to 2."""
        q, _ = torch.linalg.qr(self.normal(d, d))
        return (q * torch.linspace(0.5, 2.0, d, dtype=torch.float64)) @ q.mT


Cases = Callable[[Draw], list[Case]]
