"""Wrong answers that were written from the notebooks alone, without sight of what checks expect: none passes.

How far they are explained is measured by ``python -m tools.blind``, with its table in docs/CALIBRATION.md.
"""

from importlib import import_module

import pytest

from course.exercises.check import PUBLIC_SEED, all_cases, assignments, load
from course.exercises.judge import is_right
from course.exercises.observe import observe_all

RIGHT_AFTER_ALL: dict[str, dict[int, str]] = {
    "hw2": {112: "chosen by arithmetic, which differs only where a proposal is infinite: it is then refused, or nan"},
    "hw3": {13: "flattened first, which a score that takes points of any shape does not mind"},
    "hw4": {194: "zero times the noise that is not to be used, which is finite"},
    "hw5": {21: "right but for the device; where there is a GPU, it fails"},
    "hw6": {231: "added up in float32: the tenth digit is off"},
}
"""Blind answers by their place in the bank that are right, and why."""


@pytest.mark.parametrize("assignment", assignments())
def test_none_passes(assignment):
    exercises, bank = load(assignment), import_module(f"tests.blind.{assignment}").bank
    cases = {name: all_cases(exercise, PUBLIC_SEED) for name, exercise in exercises.items()}
    passed = [
        i
        for i, one in enumerate(bank)
        if is_right(exercises[one.exercise], cases[one.exercise], observe_all(one.function, cases[one.exercise]))
    ]
    assert set(passed) == set(RIGHT_AFTER_ALL.get(assignment, {}))
    assert {one.exercise for one in bank} == set(exercises)
    assert all(sum(one.exercise == name for one in bank) >= 10 for name in exercises)
