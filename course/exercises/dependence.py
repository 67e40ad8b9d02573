"""What a wrong result depends on: the function is called again with one argument varied, and compared with the answer.

Each sentence names an argument and what is off about it. It is said only where it is true of every case that is wrong
in the same precision.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from course.exercises.case import Case
from course.exercises.exercise import Exercise
from course.exercises.explain import RELATIVE, observe_answer, scale
from course.exercises.observation import Observation

Ask = Callable[[list[Case]], list[Observation]]
"""Calls the student's function on further cases, wherever it is."""

Sentence = tuple[tuple[str, str], str]
"""What it says, without the numbers of the case; and the sentence."""

MOST_CASES = 2
"""Wrong cases that are varied."""

NAMES = {1.0: "1", 0.5: "½", 2.0: "2", 2**0.5: "√2", 0.5**0.5: "1/√2", -1.0: "−1", 4.0: "4", 0.25: "¼", math.pi: "π"}
NAMES |= {2 * math.pi: "2π", 1 / (2 * math.pi): "1/(2π)", -2.0: "−2", -0.5: "−½", 3.0: "3", 1 / 3: "⅓"}


def depends_on(exercise: Exercise, cases: list[Case], ask: Ask) -> str:
    """One sentence about what a function's result depends on and should not, or the reverse; empty if none is true.

    Args:
        exercise: what was asked; one whose results are compared with the answer's.
        cases: those that are wrong, of one precision.
        ask: calls the function.
    """
    found = [dict(_of_case(exercise, case, ask)) for case in cases[:MOST_CASES]]
    return next((sentence for kind, sentence in found[0].items() if all(kind in one for one in found)), "")


def _of_case(exercise: Exercise, case: Case, ask: Ask) -> Iterator[Sentence]:
    varied = dict(_variations(case))
    asked = [case, *varied.values()]
    seen = ask(asked)
    if len(seen) != len(asked) or any(one.facts.raised for one in seen):
        return
    right = [observe_answer(exercise, one) for one in asked]
    for name in right[0].tensors:
        pairs = [(one.tensors.get(name), truth.tensors.get(name)) for one, truth in zip(seen, right)]
        if any(value is None or truth is None or value.shape != truth.shape for value, truth in pairs):
            return
        values = [value.cpu().double() for value, _ in pairs]  # type: ignore[union-attr]
        truths = [truth.cpu().double() for _, truth in pairs]  # type: ignore[union-attr]
        moves = [one.arguments.get(of) for (of, _), one in varied.items()]
        yield from _compare(
            case, list(varied), moves, values, truths, "your result" if name == "result" else f"your {name}"
        )


def _variations(case: Case) -> Iterator[tuple[tuple[str, str], Case]]:
    """The case with one argument varied, by the argument's name and the way."""
    generator = torch.Generator().manual_seed(1)
    batch = {len(v) for v in case.arguments.values() if isinstance(v, Tensor) and v.ndim}
    for name, value in case.arguments.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, float) and value:
            yield (name, "moved"), _with(case, name, 1.0625 * value)
            yield (name, "doubled"), _with(case, name, 2 * value)
        elif isinstance(value, Tensor) and value.is_floating_point() and value.numel():
            noise = torch.rand(value.shape, generator=generator, dtype=torch.float64).to(value)
            yield (name, "moved"), _with(case, name, value * (1 + noise / 16))
    if len(batch) == 1 and batch.pop() > 1:
        moved = {
            name: torch.cat([value[:1], value[1:] * 1.0625])
            for name, value in case.arguments.items()
            if isinstance(value, Tensor) and value.ndim and value.is_floating_point()
        }
        if moved:
            yield ("", "other rows"), replace(case, arguments=case.arguments | moved)


def _with(case: Case, name: str, value: object) -> Case:
    return replace(case, arguments={**case.arguments, name: value})


def _compare(
    case: Case, ways: list[tuple[str, str]], moves: list[Any], values: list[Tensor], truths: list[Tensor], of: str
) -> list[Sentence]:
    """Sentences that are true of one case, the most telling first."""
    rounding = RELATIVE[case.dtype] * max(scale(truths[0]), 1e-12)
    noise = 1e3 * rounding
    depends, degrees, factors = [], [], []
    for (name, way), moved_to, value, truth in zip(ways, moves, values[1:], truths[1:]):
        moved, expected = value - values[0], truth - truths[0]
        if not (moved.isfinite().all() and expected.isfinite().all()):
            continue
        if way == "other rows" and value.ndim and scale(moved[:1]) > 10 * rounding > 20 * scale(expected[:1]):
            sentence = f"row 0 of {of} changes when the other rows do: something is taken over the whole batch."
            depends.append((("rows", of), sentence))
        elif way == "moved" and scale(expected) > 10 * noise and scale(moved) <= noise / 100:
            depends.append((("ignored", name + of), f"{of} does not depend on `{name}`."))
        elif way == "moved" and scale(moved) > 10 * noise and scale(expected) <= noise / 100:
            depends.append((("used", name + of), f"{of} depends on `{name}`, and should not."))
        elif way == "moved":
            factor = _factor(moved, expected, noise)
            if factor and abs(factor - 1) > 2e-3:
                sentence = f"what `{name}` contributes to {of} is {_named(factor)} times what it should be"
                factors.append((("factor", name + of), sentence + _coefficients(case, name, moved_to, moved, expected)))
        elif way == "doubled":
            ours, theirs = (_factor(v, v0, noise) for v, v0 in ((value, values[0]), (truth, truths[0])))
            if ours and theirs and abs(ours / theirs - 1) > 2e-3:
                sentence = f"doubling `{name}` multiplies {of} by {_named(ours)}, and should multiply it by "
                degrees.append((("degree", name + of), f"{sentence}{_named(theirs)}."))
    return [*depends, *degrees, *factors]


def _coefficients(case: Case, name: str, moved_to: Any, moved: Tensor, expected: Tensor) -> str:
    """With which numbers an argument enters, where it enters with a number."""
    if not isinstance(moved_to, Tensor) or moved_to.shape != moved.shape:
        return "."
    by = (moved_to - case.arguments[name]).cpu().double()
    ours, theirs = (_factor(change, by, 0.0) for change in (moved, expected))
    if not ours or not theirs:
        return "."
    return f": it enters with {ours:.4g} where {theirs:.4g} is expected."


def _factor(moved: Tensor, expected: Tensor, noise: float) -> float:
    """The number by which one is a multiple of the other everywhere; 0 if there is none."""
    square = expected.square().sum()
    if square == 0 or scale(expected) <= 10 * noise:
        return 0.0
    factor = ((moved * expected).sum() / square).item()
    return factor if scale(moved - factor * expected) <= 1e-3 * abs(factor) * scale(expected) else 0.0


def _named(factor: float) -> str:
    """A factor by the name it has in formulas, or in digits."""
    return next((name for value, name in NAMES.items() if abs(factor / value - 1) < 2e-3), f"{factor:.4g}")
