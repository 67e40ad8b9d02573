"""hw1, densities: its exercises in the order of the notebook, with their points."""

points = {
    "gaussian_log_prob": 6,
    "mixture_log_prob": 12,
    "mixture_score": 10,
    "em_step": 16,
    "kde_log_prob": 8,
    "best_bandwidth": 8,
    "mmd_squared": 12,
    "sliced_wasserstein": 8,
    "mode_coverage": 8,
}

answers_in = ["course.densities", "course.distances", "course.families"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
