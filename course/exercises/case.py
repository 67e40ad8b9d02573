"""What a student's function is called with, as plain data.

A case holds tensors, numbers, and *descriptions* of the functions to hand over, never code. So it can be made on one
side of a wall and called on the other, where the student's code runs and the answers are not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FunctionSpec:
    """A function to hand over: where it stands in ``course.exercises.case_functions``, and the tensors it is made from.

    The name is such as "hw5.Block", the class ``Block`` of ``case_functions/hw5.py``; without a module it is in
    ``common``.
    """

    name: str
    tensors: dict[str, Tensor]

    def build(self) -> nn.Module:
        module, _, kind = self.name.rpartition(".")
        made = getattr(import_module(f"course.exercises.case_functions.{module or 'common'}"), kind)
        return made(**{k: v.clone() for k, v in self.tensors.items()})


@dataclass(frozen=True)
class Seed:
    """A ``torch.Generator`` to hand over, by its seed."""

    value: int


@dataclass(frozen=True)
class Case:
    """One call of a student's function.

    Attributes:
        arguments: by name, in the order of the signature: tensors, numbers, FunctionSpec and Seed, or lists of these.
        no_grad: call it under ``torch.no_grad()``.
        gradients: arguments with respect to which the result is differentiated (for a FunctionSpec, its parameters).
        magnitude: the largest number that any good formula meets on the way, which excuses rounding of its size.
        room: the function must hold fewer numbers than that in its tensors at any time; 0 where memory is no matter.
    """

    arguments: dict[str, Any]
    no_grad: bool = False
    gradients: tuple[str, ...] = ()
    magnitude: float = 1.0
    room: int = 0

    def to(self, dtype: torch.dtype, device: str = "cpu") -> "Case":
        """The same case in another precision and on another device; whole numbers and masks keep their type."""

        def move(value: Any) -> Any:
            if isinstance(value, Tensor):
                return value.to(device, dtype) if value.is_floating_point() else value.to(device)
            if isinstance(value, FunctionSpec):
                return FunctionSpec(value.name, {k: move(v) for k, v in value.tensors.items()})
            return [move(v) for v in value] if isinstance(value, list) else value

        arguments = {name: move(value) for name, value in self.arguments.items()}
        return replace(self, arguments=arguments)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the tensors in it; where there are none, the default, which is float32 in a check."""
        return self._a_tensor().dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self._a_tensor().device

    @property
    def gives_precision(self) -> bool:
        """Whether there is a tensor in it whose precision the result should have."""
        return any(True for _ in self._tensors())

    def _a_tensor(self) -> Tensor:
        return next(self._tensors(), torch.zeros((), dtype=torch.float32))

    def _tensors(self) -> Iterator[Tensor]:
        tensors = (t for value in self.arguments.values() for t in _tensors(value))
        return (t for t in tensors if t.is_floating_point())


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in an argument, those that a FunctionSpec is made from too."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, FunctionSpec)):
        for inner in value if isinstance(value, list) else value.tensors.values():
            yield from _tensors(inner)


@dataclass
class CaseRng:
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


Cases = Callable[[CaseRng], list[Case]]
