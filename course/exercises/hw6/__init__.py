"""hw6, stochastic differential equations: its exercises in the order of the notebook, with their points."""

points = {
    "ve_kernel": 4,
    "vp_kernel": 6,
    "ve_sde": 5,
    "vp_sde": 6,
    "euler_maruyama_step": 9,
    "reverse_drift": 8,
    "probability_flow": 7,
    "heun_step": 7,
    "rk4_step": 6,
    "ddim_step": 8,
    "karras_times": 4,
    "corrector_step": 6,
    "divergence": 5,
    "log_likelihood": 9,
}

answers_in = [
    "course.processes",
    "course.sampling",
    "course.likelihood",
    "course.scores",
    "course.ddpm",
    "course.matching",
]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
