"""What a student meets: ``check(langevin_step)`` under an exercise, which ends in a ``Verdict``."""

import inspect
import secrets
import time
from collections.abc import Callable, Container
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import torch

from course.exercises.case import Case
from course.exercises.dependence import Ask
from course.exercises.exercise import Exercise
from course.exercises.judge import Blamed, judge
from course.exercises.observation import Observation
from course.exercises.observe import observe_all
from course.exercises.surroundings import TimeLimitError, quiet, time_limit
from course.exercises.verdict import Tally, Verdict
from course.exercises.words import article

PUBLIC_SEED = 0
"""Cases in the notebook follow from this seed; at grading time from a fresh one."""

ALL = object()
"""What ``check()`` checks."""

PATIENCE_WITH_EARLIER = 5.0
"""Seconds after which no more earlier exercises are checked, to find out which of them is to blame."""


class NotDefined:
    """Stands in a notebook for a function that the student has yet to define, so that its absence can be explained."""

    def __init__(self, exercise: Exercise, namespace: dict[str, Any], others: Container[str] = ()):
        self._exercise, self._namespace, self._others = exercise, namespace, others
        self.__name__ = exercise.name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(self.explain())

    def explain(self) -> str:
        """One sentence, with the name of a function that looks like a renamed one."""
        expected = list(inspect.signature(self._exercise.answer).parameters)
        alike = [
            name
            for name, value in self._namespace.items()
            if inspect.isfunction(value)
            and name not in self._others
            and not name.startswith("_")
            and not str(value.__module__).startswith("course.")
            and list(inspect.signature(value).parameters) == expected
        ]
        renamed = f" Did you rename it to `{alike[0]}`?" if alike else ""
        return f"there is no function `{self.__name__}` yet: define it and run its cell.{renamed}"


def begin(assignment: str, namespace: dict[str, Any]) -> Callable[..., Verdict | Tally]:
    """Prepare a notebook for an assignment and return its ``check``.

    Args:
        assignment: such as "hw2".
        namespace: the notebook's ``globals()``, where a placeholder waits under the name of each exercise that is not
            defined yet.

    Returns:
        ``check(function, seed=0)``, which judges a function by its name; ``check()`` judges all of them.

    Raises:
        ValueError: if there is no such assignment.
    """
    exercises = load(assignment)
    order = list(exercises)
    for name, exercise in exercises.items():
        namespace.setdefault(name, NotDefined(exercise, namespace, exercises))

    def check_one(name: str, function: Any, seed: int) -> Verdict:
        def blamed(uses: list[str]) -> str:
            """The first earlier exercise among these that does not pass; none where finding out takes too long."""
            start = time.monotonic()
            for earlier in order[: order.index(name)]:
                if earlier not in uses or time.monotonic() - start > PATIENCE_WITH_EARLIER:
                    continue
                if not check_exercise(exercises[earlier], namespace.get(earlier), seed).passed:
                    return earlier
            return ""

        return check_exercise(exercises[name], function, seed, blamed)

    def check(function: Any = ALL, seed: int = PUBLIC_SEED) -> Verdict | Tally:
        if function is ALL:
            return Tally([check_one(name, namespace[name], seed) for name in exercises])
        called = getattr(function, "__name__", type(function).__name__)
        names = [name for name in exercises if namespace.get(name) is function] or [called]
        name = called if called in names else names[0]
        if name not in exercises:
            return Verdict(name, 0, 0, f"not an exercise of {assignment}; those are {', '.join(exercises)}.")
        return check_one(name, function, seed)

    return check


def assignments() -> list[str]:
    """The assignments that there are, in order: hw1, hw2, …"""
    return sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if module.name.startswith("hw"))


def load(assignment: str) -> dict[str, Exercise]:
    """The exercises of an assignment by name, in its order."""
    try:
        module = import_module(f"course.exercises.{assignment}")
    except ModuleNotFoundError as error:
        if error.name != f"course.exercises.{assignment}":
            raise
        raise ValueError(f"There is no assignment {assignment!r}; they are called hw1, hw2, and so on.") from None
    return {name: _page(assignment, name, points) for name, points in module.points.items()}


@cache
def _page(assignment: str, name: str, points: int) -> Exercise:
    """An exercise from the file that is all there is to say of it."""
    exercise = import_module(f"course.exercises.{assignment}.{name}").exercise
    exercise.points = points
    return exercise


def check_exercise(
    exercise: Exercise, function: Any, seed: int = PUBLIC_SEED, blamed: Blamed = lambda uses: ""
) -> Verdict:
    """Call the function on the cases that follow from the seed, judge what it did, and put a number and words to it."""
    if isinstance(function, NotDefined):
        return Verdict(exercise.name, 0, exercise.points, function.explain(), seed=seed)
    if not callable(function):
        sentence = (
            f"`{exercise.name}` is {article(type(function).__name__)}, not a function; was the name used for something "
            "else?"
        )
        return Verdict(exercise.name, 0, exercise.points, sentence, seed=seed)
    cases = all_cases(exercise, seed)
    observe = partial(observe_all, function)
    verdict = judged(exercise, cases, observe(cases), seed, blamed, observe)
    if not verdict.passed:
        return verdict
    return replace(verdict, sentence=f"{_remark(exercise, function)} {verdict.sentence}".strip())


def judged(
    exercise: Exercise,
    cases: list[Case],
    seen: list[Observation],
    seed: int,
    blamed: Blamed = lambda uses: "",
    ask: Ask | None = None,
) -> Verdict:
    """Judge what a function did on the cases that follow from a seed, wherever it was observed; see ``judge``."""
    finding = judge(exercise, cases, seen, blamed, ask)
    named, sentence = finding.misconception, finding.sentence
    points = exercise.points if finding.passed else round(exercise.points * named.credit) if named else 0
    if points and named:
        sentence += f" This earns {points:g} of the {exercise.points:g} points."
    return Verdict(exercise.name, points, exercise.points, sentence, named.name if named else None, seed)


def all_cases(exercise: Exercise, seed: int) -> list[Case]:
    """The cases in every precision on every device present: float64 on the CPU first, since it explains errors best."""
    cases = exercise.draw_cases(seed) + exercise.draw_cases(seed, torch.float32)
    if torch.cuda.is_available():
        cases += exercise.draw_cases(seed, torch.float32, "cuda")
    return cases


def fresh_seed() -> int:
    """A seed that nobody could know before; grading uses one for each check and keeps it in the verdict."""
    return secrets.randbits(31)


def _remark(exercise: Exercise, function: Callable) -> str:
    """What the function now does, in numbers; a failure here is no fault of the student's."""
    if exercise.remark is None:
        return ""
    try:
        with time_limit(5.0), quiet():
            return exercise.remark(function)
    except (Exception, TimeLimitError):
        return ""
