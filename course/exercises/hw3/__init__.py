"""hw3, score matching: its exercises in the order of the notebook."""

from course.exercises.hw3 import accepted as accepted  # registers the other right answers
from course.exercises.hw3.errors import error_by_density, fisher_divergence
from course.exercises.hw3.hutchinson import hutchinson_trace
from course.exercises.hw3.jacobian import jacobian_trace
from course.exercises.hw3.losses import implicit_score_matching, sliced_score_matching

exercises = [
    fisher_divergence,
    jacobian_trace,
    implicit_score_matching,
    hutchinson_trace,
    sliced_score_matching,
    error_by_density,
]

answers_in = ["course.matching", "course.likelihood"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
