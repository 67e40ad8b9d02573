"""An exercise, written once: what is asked, what is right, what is typically wrong."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from course.exercises.case import Case, CaseRng, Cases
from course.exercises.patch import compiled, patched, source_of


@dataclass(frozen=True)
class Version:
    """Another way to write an exercise's answer: wrong if it has a sentence, else right all the same.

    Attributes:
        name: what reports call it.
        answer: the exercise's.
        patch: what is changed in the answer, or
        rewrite: the whole function, where it is written otherwise.
        sentence: of a mistake, what the student who made it reads: what went wrong and what to do, in one sentence.
        reason: of a right version that looks wrong, why it is right.
        credit: the share of the points that a mistake earns all the same.
    """

    name: str
    answer: Callable
    patch: str = ""
    rewrite: Callable | None = None
    sentence: str = ""
    reason: str = ""
    credit: float = 0.0

    @cached_property
    def source(self) -> str:
        """Its text, under the exercise's name, without comments.

        Raises:
            PatchError: if the patch does not fit the answer.
        """
        if self.rewrite is None:
            return patched(source_of(self.answer), self.patch)
        return re.sub(r"^def \w+", f"def {self.answer.__name__}", source_of(self.rewrite), count=1, flags=re.MULTILINE)

    @cached_property
    def function(self) -> Callable:
        """The implementation; made when it is first asked for, since most checks need few of them."""
        return self.rewrite or compiled(self.source, self.answer, self.name)


def stands_alone(version: Version) -> bool:
    """Whether it uses nothing but torch and math, and so reads like a student's own code."""
    return set(inspect.getclosurevars(inspect.unwrap(version.function)).globals) <= {"torch", "math"}


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
        answer: the right implementation, as a student would write it; its name and signature are the student's.
        cases: makes the cases from random draws, in float64.
        points: what it is worth; the assignment says.
        statistics: for a function that draws its own noise: (case, result) → what is known exactly about its law.
            Without it, the result is compared with the answer's.
        attached: the result may carry a graph (a loss must); else it must not.
        fresh: the result must share no memory with the arguments.
        results: what the results are called, where there are several.
        counted: functions handed over that must be called as often as the answer calls them.
        remark: (the student's function) → a sentence about what it now does, shown with a pass.
    """

    answer: Callable
    cases: Cases
    points: int = 0
    statistics: Callable[[Case, Tensor], Statistics] | None = None
    attached: bool = True
    fresh: bool = False
    results: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    remark: Callable[[Callable], str] | None = None
    variants: list[Version] = field(default_factory=list)
    misconceptions: list[Version] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The answer's."""
        return self.answer.__name__

    @property
    def signature(self) -> str:
        """The call as the student should write it, such as ``langevin_step(x, score, step_size, noise)``."""
        return f"{self.name}({', '.join(inspect.signature(self.answer).parameters)})"

    @property
    def source(self) -> str:
        """The answer's text, without comments."""
        return source_of(self.answer)

    def mistake(self, *patches_and_sentence: str, credit: float = 0.0) -> Callable[[Callable], Callable]:
        """Register what students typically write instead, and the sentence that they should read.

        Either patches of the answer, each by itself the same mistake, and the sentence::

            exercise.mistake("(2 * step_size) ** 0.5 → step_size ** 0.5", "your noise is scaled by √ε: …")

        or, where the whole function is written otherwise, a decorator that is given the sentence alone.
        """
        *patches, sentence = patches_and_sentence
        for patch in patches:
            name = self._unused(_slug(sentence))
            self.misconceptions.append(Version(name, self.answer, patch=patch, sentence=sentence, credit=credit))

        def register(function: Callable) -> Callable:
            self.misconceptions.append(
                Version(function.__name__, self.answer, rewrite=function, sentence=sentence, credit=credit)
            )
            return function

        return register

    def right(self, patch: Callable | str, reason: str = "") -> Callable:
        """Register what is right too: a patch of the answer with the reason, or a function (as a decorator)."""
        if isinstance(patch, str):
            self.variants.append(Version(patch, self.answer, patch=patch, reason=reason))
            return self.answer
        self.variants.append(Version(patch.__name__, self.answer, rewrite=patch))
        return patch

    def _unused(self, name: str) -> str:
        """The name, with a number if there is one of that name already."""
        taken = {one.name for one in self.misconceptions}
        return next(new for new in [name, *(f"{name}_{i}" for i in range(2, 100))] if new not in taken)

    @property
    def all_right(self) -> list[Callable]:
        """The answer, and all that is as right everywhere."""
        return [self.answer, *(one.function for one in self.variants if not one.reason)]

    def draw_cases(self, seed: int, dtype: torch.dtype = torch.float64, device: str = "cpu") -> list[Case]:
        """The cases that follow from a seed, in the given precision and place."""
        return [case.to(dtype, device) for case in self.cases(CaseRng(seed))]


def _slug(sentence: str) -> str:
    """A name for a mistake: the first words of its sentence."""
    return "_".join(re.findall(r"\w+", sentence.lower())[:6])
