"""Is what a function did right, and if not, which misconception does it look like?

The judge sees observations, never the function. Where they are wrong, it looks for the misconception whose observations
they match; only when there is none does it describe the difference itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from course.exercises.case import Case
from course.exercises.difference import (
    RELATIVE,
    compared,
    difference,
    observe_answer,
    scale,
    wrong_numbers,
    wrong_shape,
)
from course.exercises.exercise import Exercise, Misconception
from course.exercises.observation import TOO_LARGE, Observation
from course.exercises.probe import observe

SELF_EXPLANATORY = ("NotImplementedError", "TookTooLong", TOO_LARGE)


@dataclass(frozen=True)
class Finding:
    """What the judge found.

    Attributes:
        passed: whether all is right.
        sentence: what is off.
        misconception: where it has a name.
        explained: whether the sentence says why, or only what differs.
    """

    passed: bool
    sentence: str = ""
    misconception: Misconception | None = None
    explained: bool = True


def judge(exercise: Exercise, cases: list[Case], seen: list[Observation]) -> Finding:
    """Judge the observations of a function on the cases of an exercise.

    Args:
        exercise: what was asked.
        cases: as many as were called; more than were observed if the function raised an error.
        seen: one observation a case, in order.
    """
    wrong = next((i for i, (case, one) in enumerate(zip(cases, seen)) if difference(exercise, case, one)), None)
    if wrong is None and len(seen) < len(cases):
        return Finding(False, "not every case was answered; does your function stop the program, or leave it?")
    if wrong is None:
        return Finding(True, _printed(seen))
    named = _recognise(exercise, cases, seen, wrong)
    if named:
        return Finding(False, named.sentence, named)
    sentence = difference(exercise, cases[wrong], seen[wrong])
    right_before = any(case.dtype is torch.float64 for case in cases[:wrong])
    if right_before and cases[wrong].dtype is torch.float32 and not seen[wrong].facts.raised:
        sentence += " (This is in float32; in float64 the function is right.)"
    raised = seen[wrong].facts.raised
    explained = raised is not None and (raised.call or raised.type in SELF_EXPLANATORY)
    return Finding(False, f"{sentence} {_printed(seen)}".strip(), explained=explained)


def _printed(seen: list[Observation]) -> str:
    n = sum(one.facts.printed for one in seen)
    return f"(It also printed {n:,} characters, which checks hide.)" if n > 200 else ""


# -- which misconception -----------------------------------------------------------------------------------------------


def _recognise(exercise: Exercise, cases: list[Case], seen: list[Observation], wrong: int) -> Misconception | None:
    """The first misconception that would have been observed just so, in the precision of the first wrong case.

    (What goes wrong in float64 already may round to something else in float32.) It must be wrong there itself: what
    is right but for a trifle is like every misconception that is.
    """
    told = [(case, one) for case, one in zip(cases, seen) if case.dtype is cases[wrong].dtype]
    for candidate in exercise.misconceptions:
        alike = all(_alike(exercise, case, one, observe(candidate.function, case)) for case, one in told)
        if alike and difference(exercise, cases[wrong], observe(candidate.function, cases[wrong])):
            return candidate
    return None


def _alike(exercise: Exercise, case: Case, a: Observation, b: Observation) -> bool:
    if _signature(exercise, a) != _signature(exercise, b):
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
