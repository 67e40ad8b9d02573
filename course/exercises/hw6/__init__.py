"""hw6, stochastic differential equations: its exercises in the order of the notebook."""

from course.exercises.hw6 import accepted as accepted  # registers the other right answers
from course.exercises.hw6.equations import ve_sde, vp_sde
from course.exercises.hw6.kernels import ve_kernel, vp_kernel
from course.exercises.hw6.levels import ddim_step, karras_times
from course.exercises.hw6.likelihood import log_likelihood
from course.exercises.hw6.reverse import probability_flow, reverse_drift
from course.exercises.hw6.solvers import heun_step, rk4_step
from course.exercises.hw6.stochastic import corrector_step, euler_maruyama_step
from course.exercises.hw6.volume import divergence

exercises = [
    ve_kernel,
    vp_kernel,
    ve_sde,
    vp_sde,
    euler_maruyama_step,
    reverse_drift,
    probability_flow,
    heun_step,
    rk4_step,
    ddim_step,
    karras_times,
    corrector_step,
    divergence,
    log_likelihood,
]

answers_in = [
    "course.processes",
    "course.sampling",
    "course.likelihood",
    "course.scores",
    "course.ddpm",
    "course.matching",
]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
