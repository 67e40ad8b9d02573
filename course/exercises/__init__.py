"""The assignments: ``check = begin("hw2", globals())`` opens a notebook, ``check(langevin_step)`` ends an exercise.

``case`` and ``case_functions`` describe what a function is called with, ``observation`` what is noted about a call,
``messages`` sends both. ``observe`` calls the function, ``judge`` holds what it did against the answer, ``explain``
says what differs, and ``check`` is what a student sees; ``hw1``, ``hw2``, … hold the exercises themselves.

Importing it imports no torch; that happens when one of its names is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.exercises.check import assignments, begin, check_exercise, fresh_seed, load
    from course.exercises.verdict import Verdict

__all__ = ["Verdict", "assignments", "begin", "check_exercise", "fresh_seed", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("course.exercises.check"), name)
