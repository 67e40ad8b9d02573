"""Sampling: ``walk`` applies a step along a sequence of times.

What is solved is a drift and a diffusion, a field, or a process with a score; how it is solved is a Step: ``solvers``
know nothing of scores, ``diffusion`` and ``multistep`` know the process, ``corrected`` puts steps together.
"""

from course.sampling.corrected import corrector_step, langevin_corrector, predictor_corrector
from course.sampling.diffusion import ddim, ddim_step, edm_step
from course.sampling.loop import walk
from course.sampling.multistep import (
    CLEAN_PREDICTION,
    NOISE_PREDICTION,
    VELOCITY_PREDICTION,
    Prediction,
    adams,
    dpm_solver,
)
from course.sampling.solvers import (
    adaptive,
    euler_maruyama,
    euler_maruyama_step,
    heun,
    heun_step,
    rk4,
    rk4_step,
    stochastic_heun,
    stochastic_heun_step,
)
from course.sampling.times import geometric_sigmas, karras_times, uniform_times

__all__ = [
    "CLEAN_PREDICTION",
    "NOISE_PREDICTION",
    "VELOCITY_PREDICTION",
    "Prediction",
    "adams",
    "adaptive",
    "corrector_step",
    "ddim",
    "ddim_step",
    "dpm_solver",
    "edm_step",
    "euler_maruyama",
    "euler_maruyama_step",
    "geometric_sigmas",
    "heun",
    "heun_step",
    "karras_times",
    "langevin_corrector",
    "predictor_corrector",
    "rk4",
    "rk4_step",
    "stochastic_heun",
    "stochastic_heun_step",
    "uniform_times",
    "walk",
]
