"""hw2, energies and Langevin dynamics: its exercises in the order of the notebook, with their points."""

points = {
    "log_partition": 8,
    "energy_score": 10,
    "langevin_step": 12,
    "langevin_chain": 12,
    "mala_log_accept": 12,
    "mala_step": 12,
    "contrastive_divergence": 14,
    "start_negatives": 8,
}

answers_in = ["course.langevin", "course.energies"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
