"""hw7, guidance and inverse problems: its exercises in the order of the notebook."""

from course.exercises.hw7 import accepted as accepted  # registers the other right answers
from course.exercises.hw7.bayes import classifier_score, posterior_score
from course.exercises.hw7.colour import colorize_step, luminance_basis
from course.exercises.hw7.free import classifier_free, drop_labels
from course.exercises.hw7.inpainting import inpaint_step, noisy_known

exercises = [
    classifier_score,
    posterior_score,
    drop_labels,
    classifier_free,
    noisy_known,
    inpaint_step,
    luminance_basis,
    colorize_step,
]

answers_in = ["course.guidance"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
