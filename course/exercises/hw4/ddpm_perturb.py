"""4.9, data after some steps of DDPM's chain: √ᾱ x₀ + √(1 − ᾱ) z, each example after its own number of steps."""

import torch

from course import ddpm
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import OWN_NOISE, SMALL, TRAILING
from course.tensors import expand


def ddpm_perturb(x0, alpha_bar, noise):
    return expand(alpha_bar.sqrt(), x0) * x0 + expand((1 - alpha_bar).sqrt(), x0) * noise


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        alpha_bar = (draw.permutation(b) + draw.uniform(b, low=0.2, high=0.8)) / b
        arguments = {"x0": 2 * draw.normal(b, *shape) + 1, "alpha_bar": alpha_bar, "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad)

    def extreme(b: int, d: int, size: float, alpha_bar: torch.Tensor) -> Case:
        arguments = {"x0": size * draw.normal(b, d), "alpha_bar": alpha_bar, "noise": draw.normal(b, d)}
        return Case(arguments)

    nearly_clean = extreme(6, 5, SMALL, 1 - SMALL * draw.uniform(6, low=0.01, high=0.03))
    nearly_lost = extreme(4, 5, 1 / SMALL, SMALL * draw.uniform(4, low=0.01, high=0.03))
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), nearly_clean, nearly_lost]


def remark(function) -> str:
    x0, z = torch.randn(2, 10_000, 1, generator=torch.Generator().manual_seed(0))
    found = [function(x0, torch.full((10_000,), a), z).var().item() for a in (0.9, 0.5, 0.1)]
    return (
        "data of variance 1 at ᾱ = 0.9, 0.5 and 0.1 have variance "
        f"{found[0]:.2f}, {found[1]:.2f} and {found[2]:.2f}: it is kept all the way."
    )


exercise = Exercise(answer=ddpm_perturb, cases=cases, remark=remark)
exercise.right(ddpm.ddpm_perturb)


@exercise.right
def axes_moved(x0, alpha_bar, noise):
    mixed = torch.sqrt(alpha_bar) * x0.movedim(0, -1) + torch.sqrt(1 - alpha_bar) * noise.movedim(0, -1)
    return mixed.movedim(-1, 0)


@exercise.right
def example_by_example(x0, alpha_bar, noise):
    return torch.stack([a**0.5 * x + (1 - a) ** 0.5 * z for x, a, z in zip(x0, alpha_bar, noise)])


OF_DATA = "expand(alpha_bar.sqrt(), x0)"
OF_NOISE = "expand((1 - alpha_bar).sqrt(), x0)"

exercise.mistake(
    "1 - alpha_bar → 1 - alpha_bar + 1e-8",
    "something is added under a root, or ᾱ is clamped, which shows where data are nearly clean: both roots are fine "
    "as they are.",
    credit=0.5,
)
exercise.mistake(
    f"""{OF_DATA} → alpha_bar.reshape(-1, *[1] * (x0.ndim - 1))
        {OF_NOISE} → (1 - alpha_bar).reshape(-1, *[1] * (x0.ndim - 1))""",
    "the roots are missing: ᾱ and 1 − ᾱ are variances, so the factors are √ᾱ and √(1 − ᾱ).",
)
exercise.mistake(
    "(1 - alpha_bar).sqrt() → 1 - alpha_bar",
    "the noise is scaled by its variance 1 − ᾱ: its standard deviation is √(1 − ᾱ).",
)
exercise.mistake(
    "alpha_bar.sqrt() → alpha_bar", "the data are scaled by ᾱ: it is a ratio of variances, so their factor is √ᾱ."
)
exercise.mistake(
    "(1 - alpha_bar).sqrt() → 1 - alpha_bar.sqrt()",
    "√(1 − ᾱ) is not 1 − √ᾱ: the two squares must add to one, not the two factors.",
)
exercise.mistake(
    f"""{OF_DATA} * x0 → {OF_DATA} * noise
        {OF_NOISE} * noise → {OF_NOISE} * x0""",
    "data and noise are swapped: ᾱ near 1 means nearly clean.",
)
exercise.mistake(
    f"{OF_DATA} * x0 → x0", "the data are not shrunk: unlike in 4.1, x₀ is multiplied by √ᾱ before noise comes on top."
)
exercise.mistake(
    f"""{OF_DATA} → alpha_bar.mean().sqrt()
        {OF_NOISE} → (1 - alpha_bar.mean()).sqrt()""",
    "one ᾱ serves the whole batch: example b has its own, alpha_bar[b].",
)
exercise.mistake(
    f"""{OF_DATA} → alpha_bar.sqrt()[:, None]
        {OF_NOISE} → (1 - alpha_bar).sqrt()[:, None]""",
    TRAILING.format("alpha_bar"),
)
exercise.mistake("noise → torch.randn_like(x0)", OWN_NOISE)
