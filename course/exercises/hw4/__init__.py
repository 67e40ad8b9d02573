"""hw4, denoising score matching and annealed Langevin dynamics: its exercises in the order of the notebook."""

from course.exercises.hw4 import accepted as accepted  # registers the other right answers
from course.exercises.hw4 import anneal_mistakes as anneal_mistakes  # and annealed Langevin's misconceptions
from course.exercises.hw4.annealing import annealed_langevin, annealed_step_size, geometric_sigmas
from course.exercises.hw4.chain import ddpm_schedule, ddpm_step
from course.exercises.hw4.learning import denoise, dsm_loss
from course.exercises.hw4.noise import ddpm_perturb, dsm_target, perturb

exercises = [
    perturb,
    dsm_target,
    dsm_loss,
    denoise,
    geometric_sigmas,
    annealed_step_size,
    annealed_langevin,
    ddpm_schedule,
    ddpm_perturb,
    ddpm_step,
]

answers_in = ["course.matching", "course.langevin", "course.ddpm", "course.sampling", "course.scores"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
