"""hw7, guidance and inverse problems: its exercises in the order of the notebook, with their points."""

points = {
    "classifier_score": 14,
    "posterior_score": 10,
    "drop_labels": 8,
    "classifier_free": 12,
    "noisy_known": 8,
    "inpaint_step": 16,
    "luminance_basis": 8,
    "colorize_step": 12,
}

answers_in = ["course.guidance"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
