"""hw3, score matching: its exercises in the order of the notebook, with their points."""

points = {
    "fisher_divergence": 10,
    "jacobian_trace": 16,
    "implicit_score_matching": 16,
    "hutchinson_trace": 18,
    "sliced_score_matching": 14,
    "error_by_density": 14,
}

answers_in = ["course.matching", "course.likelihood"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
