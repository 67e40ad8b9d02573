"""4.1, data under noise: x₀ + σ z, each example at its own level."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import ONE_LEVEL, OWN_NOISE, SMALL, TRAILING, levels, small_levels
from course.tensors import expand


def perturb(x0, sigma, noise):
    return x0 + expand(sigma, x0) * noise


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"x0": 2 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b), "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad)

    small = {"x0": SMALL * draw.normal(5, 4), "sigma": small_levels(draw, 5), "noise": draw.normal(5, 4)}
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), Case(small, magnitude=SMALL)]


def remark(function) -> str:
    z = torch.randn(10_000, 1, generator=torch.Generator().manual_seed(0))
    found = function(torch.full((10_000, 1), 3.0), torch.full((10_000,), 2.0), z)
    return f"10,000 copies of the point 3, each with noise σ = 2: mean {found.mean():.2f}, deviation {found.std():.2f}."


exercise = Exercise(answer=perturb, cases=cases, remark=remark)
exercise.right(matching.perturb)
exercise.right("x0 + expand(sigma, x0) * noise → (x0.movedim(0, -1) + sigma * noise.movedim(0, -1)).movedim(-1, 0)")
exercise.right("x0 + expand(sigma, x0) * noise → torch.stack([x + s * z for x, s, z in zip(x0, sigma, noise)])")
exercise.right("expand(sigma, x0) * noise → torch.einsum('b,b...->b...', sigma, noise)")
exercise.mistake(
    "expand(sigma, x0) → sigma.reshape(-1, *[1] * (x0.ndim - 1)) ** 2",
    "that scales the noise by the variance σ²; σ is its standard deviation: add σ·noise.",
)
exercise.mistake(
    "expand(sigma, x0) → expand(sigma.sqrt(), x0)",
    "that scales the noise by √σ; σ is its standard deviation already: add σ·noise.",
)
exercise.mistake(
    "x0 + expand(sigma, x0) * noise → x0 - expand(sigma, x0) * noise",
    "the noise has the wrong sign: the target that comes next belongs to x₀ + σ·noise.",
)
exercise.mistake("expand(sigma, x0) → sigma.mean()", ONE_LEVEL)
exercise.mistake(
    "expand(sigma, x0) → sigma",
    "`sigma * noise` lines up sigma's B numbers with the last axis of noise: give it trailing axes, expand(sigma, x0).",
)
exercise.mistake("expand(sigma, x0) → sigma[:, None]", TRAILING.format("sigma"))
exercise.mistake(
    "x0 + expand(sigma, x0) * noise → (1 - expand(sigma, x0)) * x0 + expand(sigma, x0) * noise",
    "the data are shrunk: here x₀ stays as it is and noise comes on top (DDPM's mixing is 4.9).",
)
exercise.mistake(
    "x0 + expand(sigma, x0) * noise → (x0 + expand(sigma, x0) * noise) / (1 + expand(sigma, x0) ** 2).sqrt()",
    "the data shrink so that the variance is kept; here x₀ stays as it is and noise comes on top.",
)
exercise.mistake("noise → torch.randn_like(x0)", OWN_NOISE)
exercise.mistake(
    "x0 + expand(sigma, x0) * noise → x0.add_(expand(sigma, x0) * noise)",
    "x0 is changed in place (`+=`), and the caller still needs it: return a new tensor.",
)
