"""hw4, denoising score matching, annealed Langevin and DDPM: its exercises in the notebook's order, with points."""

points = {
    "perturb": 5,
    "dsm_target": 5,
    "dsm_loss": 16,
    "denoise": 10,
    "geometric_sigmas": 7,
    "annealed_step_size": 5,
    "annealed_langevin": 18,
    "ddpm_schedule": 7,
    "ddpm_perturb": 5,
    "ddpm_step": 12,
}

answers_in = ["course.matching", "course.langevin", "course.ddpm", "course.sampling", "course.scores"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
