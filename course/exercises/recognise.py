"""Which version of the answer would have been observed just so: a listed mistake, two of them, or one small change.

Versions are called on the cases that the student's function was called on. What is said is thereby true of all of them.
"""

import time
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from course.exercises.case import Case
from course.exercises.changes import changes
from course.exercises.exercise import Exercise, Version
from course.exercises.explain import (
    RELATIVE,
    compared,
    difference,
    holds_too_much,
    observe_answer,
    scale,
    wrong_numbers,
    wrong_shape,
)
from course.exercises.observation import Observation
from course.exercises.observe import hand_over, observe
from course.exercises.patch import PatchError, compiled, patched
from course.exercises.surroundings import TimeLimitError, quiet, time_limit, usual_state

Told = list[tuple[Case, Observation]]
"""The cases of one precision, the first wrong one in front, each with what the student's function did."""

ONE_CALL = 1.0
"""Seconds that a changed function may take for a case; some never end."""


def listed(exercise: Exercise, told: Told) -> Version | None:
    """The first listed mistake that would have been observed just so.

    It must be wrong in the first case itself: what is right but for a trifle is like every mistake that is.
    """
    return next((one for one in exercise.misconceptions if _explains(exercise, one.function, told)), None)


def two_listed(exercise: Exercise, told: Told, deadline: float) -> tuple[Version, Version] | None:
    """Two listed mistakes that, made at once, would have been observed just so."""
    for first, second in combinations([one for one in exercise.misconceptions if one.patch], 2):
        if time.thread_time() > deadline:
            return None
        if first.sentence == second.sentence:
            continue
        try:
            source = patched(patched(exercise.source, first.patch), second.patch)
        except PatchError:  # they change the same place
            continue
        if _source_explains(exercise, source, told):
            return first, second
    return None


def one_change(exercise: Exercise, told: Told, deadline: float) -> str:
    """The slip of the first small change of the answer that would have been observed just so; empty if none would."""
    for change in changes(exercise.source):
        if time.thread_time() > deadline:
            return ""
        if _source_explains(exercise, change.source, told):
            return change.slip
    return ""


def _source_explains(exercise: Exercise, source: str, told: Told) -> bool:
    try:
        function = compiled(source, exercise.answer, "changed")
    except Exception:  # what stands in a decorator, a default or an annotation is run already
        return False
    return _may_explain(exercise, function, told) and _explains(exercise, function, told)


def _may_explain(exercise: Exercise, function: Callable, told: Told) -> bool:
    """Whether the numbers of the first case agree: most changes differ there, and a bare call is quick."""
    if exercise.statistics:
        return True
    case, seen = told[0]
    try:
        with time_limit(ONE_CALL), usual_state(), quiet(), torch.set_grad_enabled(not case.no_grad):
            result = function(*hand_over(case).values())
    except (Exception, TimeLimitError):
        return False
    results = result if type(result) is tuple else (result,)
    names = [f"result[{i}]" for i in range(len(results))] if type(result) is tuple else ["result"]
    return all(_near(exercise, case, seen.tensors.get(name), r) for name, r in zip(names, results))


def _near(exercise: Exercise, case: Case, seen: Tensor | None, result: object) -> bool:
    if seen is None or not isinstance(result, Tensor):
        return not isinstance(result, Tensor)
    if seen.shape != result.shape or result.is_complex():
        return False
    slack = 64 * torch.finfo(case.dtype).eps * case.magnitude + 5 * RELATIVE[case.dtype] * scale(seen)
    return _close(seen.double(), result.detach().double(), slack)


def _explains(exercise: Exercise, function: Callable, told: Told) -> bool:
    case, seen = told[0]
    try:
        with time_limit(ONE_CALL):
            first = observe(function, case)
            if not alike(exercise, case, seen, first) or not difference(exercise, case, first):
                return False
            return all(alike(exercise, case, seen, observe(function, case)) for case, seen in told[1:])
    except TimeLimitError:
        return False


def alike(exercise: Exercise, case: Case, a: Observation, b: Observation) -> bool:
    """Whether two functions did the same on a case, up to rounding or to chance."""
    if _signature(exercise, a) != _signature(exercise, b) or holds_too_much(case, a) != holds_too_much(case, b):
        return False
    if a.facts.drew:  # its numbers are chance, unless what it drew was of no use
        truth = observe_answer(exercise, case)
        return bool(wrong_numbers(exercise, case, a, truth)) == bool(wrong_numbers(exercise, case, b, truth))
    if exercise.statistics and not a.facts.raised and wrong_shape(exercise, a, observe_answer(exercise, case)) == "":
        pairs = zip(*(compared(exercise, case, one, one).values() for one in (a, b)))
        return all(
            _close(p.value, q.value, 2 * max(p.tolerance, q.tolerance) + 0.03 * scale(q.value)) for p, q in pairs
        )
    if exercise.statistics:
        return True
    slack = 64 * torch.finfo(case.dtype).eps * case.magnitude
    return all(
        _close(t.double(), b.tensors[name].double(), 5 * RELATIVE[case.dtype] * scale(b.tensors[name]) + slack)
        for name, t in a.tensors.items()
    )


def _close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    return torch.allclose(a, b, rtol=0.0, atol=tolerance, equal_nan=True)


def _signature(exercise: Exercise, seen: Observation) -> tuple:
    """Everything that is judged but the numbers."""
    facts = seen.facts
    judged = {
        "returned": ["float" if kind == "int" else kind for kind in facts.returned],
        "raised": facts.raised and (facts.raised.type, facts.raised.text[:30]),
        "changed": facts.changed,
        "drew": facts.drew,
        "repeats": facts.repeats,
        "attached": facts.attached and not exercise.attached,
        "shares": bool(facts.shares) and exercise.fresh,
        "calls": [facts.calls.get(name) for name in exercise.counted],
        "overwrote": facts.overwrote,
        "times": facts.times,
    }
    return judged, {name: (t.shape, t.dtype) for name, t in seen.tensors.items()}
