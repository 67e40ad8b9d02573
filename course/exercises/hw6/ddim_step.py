"""6.10, one step of DDIM without noise: estimate x₀ and the noise at time t, and mix them as at time s."""

import math

import torch

from course import sampling
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import field
from course.exercises.mistakes import IN_PLACE, as_tensor  # noqa: F401 (in patches)


def ddim_step(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    noise = -sigma * score(x, t)
    clean = (x - sigma * noise) / alpha
    return alpha_s * clean + sigma_s * noise


def cases(draw: CaseRng) -> list[Case]:
    """A kernel of no known process, so that nothing can be taken for granted about α and σ."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int, lost: float = 1.0) -> Case:
        kernel = {"decay": (0.5 * lost, 1.5 * lost), "least": (0.2, 0.4), "growth": (0.8, 1.5)}
        tensors = {name: draw.uniform(low=low, high=high) for name, (low, high) in kernel.items()}
        arguments = {"x": 2 * draw.normal(b, *shape), "t": t, "s": s, "score": field(draw, math.prod(shape))}
        return Case({**arguments, "kernel": FunctionSpec("hw6.Kernel", tensors)}, no_grad, magnitude=lost)

    t = draw.number(0.1, 0.3)
    return [
        case(t + draw.number(0.3, 0.6), t, False, 5, 3),
        case(t + draw.number(0.3, 0.6), t, True, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, False, 3, 6, lost=20.0),  # α is small, and not to be clamped
        case(t, 0.0, False, 4, 5),  # where this kernel still has noise
    ]


def remark(function) -> str:
    x = function(torch.tensor([[10.0]]), 10.0, 0.1, lambda x, t: (2 - x) / t**2, lambda t: (1.0, t)).item()
    return (
        f"where all data are at 2, one step from noise 10 to noise 0.1 lands at {x:.2f}: exact, 2 + 0.1 · 8/10 = 2.08."
    )


# how often the kernel is called is left open: it costs nothing
exercise = Exercise(answer=ddim_step, cases=cases, counted=("score",), remark=remark)
exercise.right(sampling.ddim_step)


@exercise.right
def exponential_integrator(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    clean = (x + sigma**2 * score(x, t)) / alpha
    return sigma_s / sigma * x + (alpha_s - sigma_s * alpha / sigma) * clean


exercise.right("alpha_s * clean → alpha_s * (x - sigma * noise) / alpha")
exercise.mistake(
    "alpha_s * clean + sigma_s * noise → clean if s == 0 else alpha_s * clean + sigma_s * noise",
    "at s = 0 you return the estimate of x₀, but σ(0) need not be zero: take α and σ from the kernel there too.",
)
exercise.mistake(
    "x - sigma * noise → x + sigma**2 * score(x, t)",
    "you evaluate `score` twice, once is enough: both estimates are made of the same s(x, t).",
    credit=0.5,
)
exercise.mistake("-sigma * score(x, t) → score(x, t).mul_(-sigma)", IN_PLACE.format("score"))
exercise.mistake(
    """kernel(t) → kernel(as_tensor(t, x)[:1])
       kernel(s) → kernel(as_tensor(s, x)[:1])
       score(x, t) → score(x, as_tensor(t, x))""",
    "t and s are handed on as tensors where they were given as floats: hand them on as they are.",
    credit=0.5,
)
exercise.mistake(
    "(alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s) → "
    "(alpha, alpha_s), (sigma, sigma_s) = kernel(torch.tensor([t, s], dtype=x.dtype, device=x.device))",
    "t and s are handed to the kernel as one tensor: call it with each as it is, a float.",
    credit=0.5,
)
exercise.mistake(
    "(x - sigma * noise) / alpha → x - sigma * noise", "x̂₀ is not divided by α_t: x + σ² s estimates α x₀."
)
exercise.mistake("x - sigma * noise → x - noise", "Tweedie's formula has σ², not σ: x̂₀ = (x + σ² s)/α.")
exercise.mistake(
    "sigma_s * noise → -sigma_s * noise",
    "-sigma * score(x, t) → sigma * score(x, t)",
    "the noise's sign is wrong: the score points against the noise, ε̂ = −σ s.",
)
exercise.mistake(
    "sigma_s * noise → sigma_s * noise / sigma",
    "-sigma * score(x, t) → -score(x, t)",
    "the score is not the noise: ε̂ = −σ s, with σ at time t.",
)
exercise.mistake(
    "sigma_s * noise → sigma_s * noise / sigma**2",
    "-sigma * score(x, t) → -score(x, t) / sigma",
    "that divides by σ: ε̂ = −σ s.",
)
exercise.mistake(
    "sigma_s * noise → -sigma_s * noise / sigma",
    "-sigma * score(x, t) → score(x, t)",
    "the score is not the noise, and points against it: ε̂ = −σ s.",
)
exercise.mistake(
    """kernel(t), kernel(s) → kernel(s), kernel(t)
       score(x, t) → score(x, s)""",
    "t and s are exchanged: x is at time t, and the result is at time s.",
)
exercise.mistake("score(x, t) → score(x, s)", "the score is that of x, at time t; you ask for it at time s.")
exercise.mistake(
    "alpha_s * clean + sigma_s * noise → clean",
    "that is the clean estimate x̂₀: mix it with the noise at time s, α_s x̂₀ + σ_s ε̂.",
)
exercise.mistake(
    "alpha_s * clean + sigma_s * noise → alpha_s * clean", "the noise of time s is missing: α_s x̂₀ + σ_s ε̂."
)
exercise.mistake(
    "(x - sigma * noise) / alpha → (x - sigma_s**2 / sigma * noise) / alpha_s",
    "x̂₀ and ε̂ are estimated with α and σ at time t, and mixed with those at time s.",
)
exercise.mistake(
    "alpha_s * clean + sigma_s * noise → alpha * clean + sigma * noise",
    "α_t and σ_t mix the estimates again, which gives x back: use α and σ at time s.",
)
exercise.mistake(
    "kernel(t), kernel(s) → ((a, (1 - a**2) ** 0.5) for a, _ in (kernel(t), kernel(s)))",
    "σ = √(1 − α²) holds for VP only: take σ from the kernel.",
)
exercise.mistake(
    "sigma_s * noise → (1 - alpha_s**2) ** 0.5 * noise",
    "σ_s = √(1 − α_s²) holds for VP only: take both of time s from the kernel.",
)
exercise.mistake("alpha_s * clean → clean", "the result is not scaled by α_s: α_s x̂₀ + σ_s ε̂.")
exercise.mistake(
    "sigma_s * noise → sigma_s * torch.randn_like(x)",
    "fresh noise is drawn: this step is deterministic, its noise is the estimate ε̂.",
)
