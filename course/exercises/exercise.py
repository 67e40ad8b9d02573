"""An exercise, written once: what is asked, what is right, what is typically wrong."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from course.exercises.case import Case, Cases, Draw


@dataclass(frozen=True)
class Misconception:
    """A typically wrong implementation, and the sentence that a student who wrote it should read.

    Attributes:
        name: what reports call it.
        sentence: what went wrong and what to do, in one sentence.
        function: the wrong implementation.
        credit: the share of the points that it earns all the same.
    """

    name: str
    sentence: str
    function: Callable
    credit: float = 0.0


def stands_alone(misconception: Misconception) -> bool:
    """Whether it uses nothing but torch and math, and so reads like a student's own code."""
    return set(inspect.getclosurevars(misconception.function).globals) <= {"torch", "math"}


@dataclass(frozen=True)
class Statistic:
    """A number computed from what a function returned, its true value, and how far chance or rounding may move it.

    For chance, 7.5 standard errors: more than a Gaussian needs for one false alarm in a million checks, since means of
    squares and fourth powers have heavier tails.
    """

    value: Tensor
    truth: Tensor
    tolerance: float


Statistics = dict[str, Statistic]


@dataclass
class Exercise:
    """One graded function.

    Attributes:
        name: the function's name.
        points: what it is worth.
        answer: the right implementation; its signature is the student's.
        cases: makes the cases from random draws, in float64.
        statistics: for a function that draws its own noise: (case, result) → what is known exactly about its law.
            Without it, the result is compared with the answer's.
        attached: the result may carry a graph (a loss must); else it must not.
        fresh: the result must share no memory with the arguments.
        results: what the results are called, where there are several.
        counted: functions handed over that must be called as often as the answer calls them.
        remark: (the student's function) → a sentence about what it now does, shown with a pass.
    """

    name: str
    points: int
    answer: Callable
    cases: Cases
    statistics: Callable[[Case, Tensor], Statistics] | None = None
    attached: bool = True
    fresh: bool = False
    results: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    remark: Callable[[Callable], str] | None = None
    accepted: list[Callable] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """The call as the student should write it, such as ``langevin_step(x, score, step_size, noise)``."""
        return f"{self.name}({', '.join(inspect.signature(self.answer).parameters)})"

    def accept(self, function: Callable) -> Callable:
        """Register another right implementation (decorator)."""
        self.accepted.append(function)
        return function

    def misconception(self, sentence: str, credit: float = 0.0) -> Callable[[Callable], Callable]:
        """Register a typically wrong implementation with the sentence it deserves (decorator)."""

        def register(function: Callable) -> Callable:
            self.misconceptions.append(Misconception(function.__name__, sentence, function, credit))
            return function

        return register

    def draw_cases(self, seed: int, dtype: torch.dtype = torch.float64, device: str = "cpu") -> list[Case]:
        """The cases that follow from a seed, in the given precision and place."""
        return [case.to(dtype, device) for case in self.cases(Draw(seed))]
