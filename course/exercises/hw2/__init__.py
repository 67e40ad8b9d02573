"""hw2, energies and Langevin dynamics: its exercises in the order of the notebook."""

from course.exercises.hw2 import accepted as accepted  # registers the other right answers
from course.exercises.hw2.energies import energy_score, log_partition
from course.exercises.hw2.langevin import langevin_chain, langevin_step
from course.exercises.hw2.metropolis import mala_log_accept, mala_step
from course.exercises.hw2.training import contrastive_divergence, start_negatives

exercises = [
    log_partition,
    energy_score,
    langevin_step,
    langevin_chain,
    mala_log_accept,
    mala_step,
    contrastive_divergence,
    start_negatives,
]

answers_in = ["course.langevin", "course.energies"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
