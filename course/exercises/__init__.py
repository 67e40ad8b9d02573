"""The assignments: ``check = begin("hw2", globals())`` opens a notebook, ``check(langevin_step)`` ends an exercise.

``case`` and ``given`` describe what a function is called with, ``observation`` what is noted about a call, ``wire``
sends both. ``probe`` calls the function, ``judge`` holds what it did against the answer, ``difference`` explains, and
``check`` is what a student sees; ``hw1``, ``hw2``, … hold the exercises themselves.
"""

from course.exercises.check import Verdict, assignments, begin, check_exercise, fresh_seed, load

__all__ = ["Verdict", "assignments", "begin", "check_exercise", "fresh_seed", "load"]
