"""Is what a function did right, and if not, which misconception does it look like?

The judge sees observations, never the function. Where they are wrong, it looks for the misconception whose observations
they match; only when there is none does it describe the difference itself.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from course.exercises import recognise
from course.exercises.case import Case
from course.exercises.dependence import Ask, depends_on
from course.exercises.exercise import Exercise, Version
from course.exercises.explain import difference, says_numbers_alone
from course.exercises.observation import TOO_LARGE, Observation

Blamed = Callable[[list[str]], str]

PATIENCE = 1.5
"""Seconds of computing in which a wrong result that no listed mistake explains is looked into."""

SELF_EXPLANATORY = ("NotImplementedError", "TimeLimitError", TOO_LARGE)


@dataclass(frozen=True)
class Finding:
    """What the judge found.

    Attributes:
        passed: whether all is right.
        sentence: what is off.
        misconception: where it has a name.
    """

    passed: bool
    sentence: str = ""
    misconception: Version | None = None


def is_right(exercise: Exercise, cases: list[Case], seen: list[Observation]) -> bool:
    """Whether a function did on every case what it should; ``judge`` says what it did not."""
    return len(seen) == len(cases) and not any(difference(exercise, case, one) for case, one in zip(cases, seen))


def judge(
    exercise: Exercise,
    cases: list[Case],
    seen: list[Observation],
    blamed: Blamed = lambda uses: "",
    ask: Ask | None = None,
) -> Finding:
    """Judge the observations of a function on the cases of an exercise.

    Args:
        exercise: what was asked.
        cases: as many as were called; more than were observed if the function raised an error.
        seen: one observation a case, in order.
        blamed: the names that the function refers to → the earlier exercise among them that does not pass, or nothing.
        ask: calls the function on further cases, to find out what its result depends on.
    """
    sentences = [difference(exercise, case, one) for case, one in zip(cases, seen)]
    wrong = next((i for i, sentence in enumerate(sentences) if sentence), None)
    if wrong is None and len(seen) < len(cases):
        return Finding(False, "not every case was answered; does your function stop the program, or leave it?")
    if wrong is None:
        return Finding(True, _printed(seen))
    dtype, raised = cases[wrong].dtype, seen[wrong].facts.raised
    told = [(case, one) for case, one in zip(cases, seen) if case.dtype is dtype]  # rounding differs in another
    told = [(cases[wrong], seen[wrong]), *(pair for pair in told if pair[0] is not cases[wrong])]
    named = recognise.listed(exercise, told)
    if named:
        return Finding(False, named.sentence, named)
    if not raised or not (raised.call or raised.type in SELF_EXPLANATORY):
        earlier = blamed(seen[0].facts.uses)
        if earlier:
            return Finding(False, f"your `{earlier}` does not pass its own check: mend that first.")
    sentence = sentences[wrong]
    if not raised:
        if says_numbers_alone(exercise, cases[wrong], seen[wrong], sentence):
            wrong_cases = [case for case, found in zip(cases, sentences) if found and case.dtype is dtype]
            sentence = _explained(exercise, told, wrong_cases, ask) or sentence
        if dtype is torch.float32 and any(case.dtype is torch.float64 for case in cases[:wrong]):
            sentence += " (This is in float32; in float64 the function is right.)"
    return Finding(False, f"{sentence} {_printed(seen)}".strip())


def _explained(exercise: Exercise, told: recognise.Told, wrong: list[Case], ask: Ask | None) -> str:
    """What else explains wrong results, looked for as long as anyone would wait; empty if nothing does."""
    deadline = time.thread_time() + PATIENCE
    two = recognise.two_listed(exercise, told, deadline)
    if two:
        return f"two things are wrong: {two[0].sentence} And: {two[1].sentence}"
    slip = recognise.one_change(exercise, told, deadline)
    if slip:
        return f"right but for one thing: {slip}."
    if ask and not exercise.statistics:
        return depends_on(exercise, wrong, ask)
    return ""


def _printed(seen: list[Observation]) -> str:
    n = sum(one.facts.printed for one in seen)
    return f"(It also printed {n:,} characters, which checks hide.)" if n > 200 else ""
