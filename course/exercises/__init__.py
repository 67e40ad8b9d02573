"""The assignments: ``check = begin("hw2", globals())`` opens a notebook, ``check(langevin_step)`` ends an exercise.

``case`` and ``given`` describe what a function is called with, ``probe`` calls it and notes what it did, ``judge``
holds that against the answer, ``check`` is what a student sees; ``hw1``, ``hw2``, … hold the exercises themselves.
"""

from course.exercises.check import Verdict, assignments, begin, check_exercise, fresh_seed, load

__all__ = ["Verdict", "assignments", "begin", "check_exercise", "fresh_seed", "load"]
