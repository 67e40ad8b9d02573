"""hw6: from one noise level to another, and which levels to stop at."""

import math

import torch

from course import sampling
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import field
from course.exercises.mistakes import IN_PLACE, as_tensor

# -- ddim_step ---------------------------------------------------------------------------------------------------------


def _ddim_cases(draw: Draw) -> list[Case]:
    """A kernel of no known process, so that nothing can be taken for granted about α and σ."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int, lost: float = 1.0) -> Case:
        kernel = {"decay": (0.5 * lost, 1.5 * lost), "least": (0.2, 0.4), "growth": (0.8, 1.5)}
        tensors = {name: draw.uniform(low=low, high=high) for name, (low, high) in kernel.items()}
        arguments = {"x": 2 * draw.normal(b, *shape), "t": t, "s": s, "score": field(draw, math.prod(shape))}
        return Case({**arguments, "kernel": Given("hw6.Kernel", tensors)}, no_grad, magnitude=lost)

    t = draw.number(0.1, 0.3)
    return [
        case(t + draw.number(0.3, 0.6), t, False, 5, 3),
        case(t + draw.number(0.3, 0.6), t, True, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, False, 3, 6, lost=20.0),  # α is small, and not to be clamped
    ]


def _ddim_remark(function) -> str:
    x = function(torch.tensor([[10.0]]), 10.0, 0.1, lambda x, t: (2 - x) / t**2, lambda t: (1.0, t)).item()
    return (
        f"where all data are at 2, one step from noise 10 to noise 0.1 lands at {x:.2f}: exact, 2 + 0.1 · 8/10 = 2.08."
    )


# how often the kernel is called is left open: it costs nothing
ddim_step = Exercise("ddim_step", 8, sampling.ddim_step, _ddim_cases, counted=("score",), remark=_ddim_remark)


@ddim_step.misconception(
    "you evaluate `score` twice, once is enough: both estimates are made of the same s(x, t).", credit=0.5
)
def score_called_twice(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    return alpha_s * (x + sigma**2 * score(x, t)) / alpha - sigma_s * sigma * score(x, t)


@ddim_step.misconception(IN_PLACE.format("score"))
def ddim_in_place(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, sigma_s), noise = kernel(t), kernel(s), score(x, t)
    noise *= -sigma
    return alpha_s * (x - sigma * noise) / alpha + sigma_s * noise


@ddim_step.misconception(
    "t and s are handed on as tensors where they were given as floats: hand them on as they are.", credit=0.5
)
def times_as_tensors(x, t, s, score, kernel):
    return sampling.ddim_step(
        x, as_tensor(t, x)[:1], as_tensor(s, x)[:1], lambda y, _: score(y, as_tensor(t, y)), kernel
    )


@ddim_step.misconception(
    "t and s are handed to the kernel as one tensor: call it with each as it is, a float.", credit=0.5
)
def both_times_in_one_tensor(x, t, s, score, kernel):
    (alpha, alpha_s), (sigma, sigma_s) = kernel(torch.tensor([t, s], dtype=x.dtype, device=x.device))
    direction = score(x, t)
    return alpha_s / alpha * (x + sigma**2 * direction) - sigma_s * sigma * direction


def _mix(x, t, s, score, kernel, clean, noise):
    """α_s x̂₀ + σ_s ε̂ of whichever estimates, each a function of (x, s, α, σ)."""
    (alpha, sigma), (alpha_s, sigma_s), direction = kernel(t), kernel(s), score(x, t)
    return alpha_s * clean(x, direction, alpha, sigma) + sigma_s * noise(x, direction, alpha, sigma)


def _clean(x, direction, alpha, sigma):
    return (x + sigma**2 * direction) / alpha


def _noise(x, direction, alpha, sigma):
    return -sigma * direction


@ddim_step.misconception("x̂₀ is not divided by α_t: x + σ² s estimates α x₀.")
def alpha_not_divided(x, t, s, score, kernel):
    (_, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    direction = score(x, t)
    return alpha_s * (x + sigma**2 * direction) + sigma_s * -sigma * direction


@ddim_step.misconception("Tweedie's formula has σ², not σ: x̂₀ = (x + σ² s)/α.")
def tweedie_with_sigma(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, lambda x, d, a, v: (x + v * d) / a, _noise)


@ddim_step.misconception("the noise's sign is wrong: the score points against the noise, ε̂ = −σ s.")
def noise_with_scores_sign(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: v * d)


@ddim_step.misconception("the score is not the noise: ε̂ = −σ s, with σ at time t.")
def minus_score_for_noise(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: -d)


@ddim_step.misconception("that divides by σ: ε̂ = −σ s.")
def noise_divided(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: -d / v)


@ddim_step.misconception("the score is not the noise, and points against it: ε̂ = −σ s.")
def score_for_noise(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: d)


@ddim_step.misconception("t and s are exchanged: x is at time t, and the result is at time s.")
def times_exchanged(x, t, s, score, kernel):
    return _mix(x, s, t, score, kernel, _clean, _noise)


@ddim_step.misconception("the score is that of x, at time t; you ask for it at time s.")
def score_at_the_end(x, t, s, score, kernel):
    return _mix(x, t, s, lambda x, _: score(x, s), kernel, _clean, _noise)


@ddim_step.misconception("that is the clean estimate x̂₀: mix it with the noise at time s, α_s x̂₀ + σ_s ε̂.")
def clean_estimate_only(x, t, s, score, kernel):
    return _mix(x, t, s, score, lambda u: kernel(u) if u == t else (1.0, 0.0), _clean, _noise)


@ddim_step.misconception("the noise of time s is missing: α_s x̂₀ + σ_s ε̂.")
def without_noise_of_s(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: 0.0)


@ddim_step.misconception("x̂₀ and ε̂ are estimated with α and σ at time t, and mixed with those at time s.")
def estimated_at_the_end(x, t, s, score, kernel):
    (_, sigma), (alpha_s, sigma_s), direction = kernel(t), kernel(s), score(x, t)
    return alpha_s * (x + sigma_s**2 * direction) / alpha_s + sigma_s * -sigma * direction


@ddim_step.misconception("α_t and σ_t mix the estimates again, which gives x back: use α and σ at time s.")
def mixed_as_before(x, t, s, score, kernel):
    return x.clone()


@ddim_step.misconception("σ = √(1 − α²) holds for VP only: take σ from the kernel.")
def variance_preserving_assumed(x, t, s, score, kernel):
    def guess(u):
        alpha, _ = kernel(u)
        return alpha, (1 - alpha**2) ** 0.5

    return _mix(x, t, s, score, guess, _clean, _noise)


@ddim_step.misconception("σ_s = √(1 − α_s²) holds for VP only: take both of time s from the kernel.")
def variance_preserving_at_the_end(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, _), direction = kernel(t), kernel(s), score(x, t)
    return alpha_s * (x + sigma**2 * direction) / alpha - (1 - alpha_s**2) ** 0.5 * sigma * direction


@ddim_step.misconception("the result is not scaled by α_s: α_s x̂₀ + σ_s ε̂.")
def alpha_s_missing(x, t, s, score, kernel):
    (alpha, sigma), (_, sigma_s), direction = kernel(t), kernel(s), score(x, t)
    return (x + sigma**2 * direction) / alpha - sigma_s * sigma * direction


@ddim_step.misconception("fresh noise is drawn: this step is deterministic, its noise is the estimate ε̂.")
def fresh_noise(x, t, s, score, kernel):
    return _mix(x, t, s, score, kernel, _clean, lambda x, d, a, v: torch.randn_like(x))


# -- karras_times ------------------------------------------------------------------------------------------------------


def _karras_cases(draw: Draw) -> list[Case]:
    """Ranges narrow enough for an error at the small end to show beside the large one, and the paper's own."""

    def case(ratio: float, n: int, rho: float, size: float = 1.0) -> Case:
        least = size * draw.number(0.4, 2.0)
        return Case({"sigma_max": ratio * least, "sigma_min": least, "n": n, "rho": rho}, magnitude=size)

    return [
        case(draw.number(3, 6), 7, draw.number(2.5, 4)),
        case(draw.number(20, 40), 12, 7.0),
        case(draw.number(3, 6), 2, 5.0),
        case(draw.number(3, 6), 9, 3.0, 1e-6),  # nothing can be added to them, and they are not to be clamped
    ]


def _karras_remark(function) -> str:
    below = (function(80.0, 0.002, 101, 7.0) < 1).double().mean().item()
    return f"from 80 to 0.002, {below:.0%} of the levels are below 1; equally spaced levels would have 1 % there."


karras_times = Exercise("karras_times", 4, sampling.karras_times, _karras_cases, remark=_karras_remark)


def _powers(sigma_max, sigma_min, rho, u):
    return (sigma_max ** (1 / rho) + u * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho


@karras_times.misconception("the levels ascend: sampling starts with the most noise, so let them descend.")
def ascending(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), n) ** rho


@karras_times.misconception("the levels themselves are equally spaced: their roots σ^(1/ρ) should be.")
def equally_spaced(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max, sigma_min, n)


@karras_times.misconception("the ratios are equal, as in annealed Langevin: here the roots σ^(1/ρ) are equally spaced.")
def equal_ratios(sigma_max, sigma_min, n, rho):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n).exp()


@karras_times.misconception("a zero is appended: return n levels, both ends included and nothing more.")
def zero_appended(sigma_max, sigma_min, n, rho):
    return torch.cat([_powers(sigma_max, sigma_min, rho, torch.linspace(0, 1, n)), torch.zeros(1)])


@karras_times.misconception("the last level is not σ_min: i/(n − 1) goes from 0 to 1, i/n stops short.")
def stops_short(sigma_max, sigma_min, n, rho):
    return _powers(sigma_max, sigma_min, rho, torch.arange(n) / n)


@karras_times.misconception("those are the roots: raise them to the power ρ.")
def roots_returned(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n)


@karras_times.misconception("the exponents are swapped: first σ^(1/ρ), in the end the power ρ.")
def exponents_swapped(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max**rho, sigma_min**rho, n) ** (1 / rho)
