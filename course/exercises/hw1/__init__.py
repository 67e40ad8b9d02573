"""hw1, densities: its exercises in the order of the notebook."""

from course.exercises.hw1 import accepted as accepted  # registers the other right answers
from course.exercises.hw1.coverage import mode_coverage
from course.exercises.hw1.distances import mmd_squared, sliced_wasserstein
from course.exercises.hw1.em import em_step
from course.exercises.hw1.gaussian import gaussian_log_prob
from course.exercises.hw1.kernels import best_bandwidth, kde_log_prob
from course.exercises.hw1.mixtures import mixture_log_prob, mixture_score

exercises = [
    gaussian_log_prob,
    mixture_log_prob,
    mixture_score,
    em_step,
    kde_log_prob,
    best_bandwidth,
    mmd_squared,
    sliced_wasserstein,
    mode_coverage,
]

answers_in = ["course.densities", "course.distances", "course.families"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
