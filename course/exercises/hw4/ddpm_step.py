"""4.10, one ancestral step of DDPM, from index i to index i − 1; at i = 0 without noise."""

import math

import torch

from course import ddpm
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import OWN_NOISE


def ddpm_step(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    left = 1 - alpha_bars[i]
    mean = (x - betas[i] / left.sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    variance = betas[i] * (1 - alpha_bars[i - 1]) / left
    return mean + variance.sqrt() * noise


def cases(draw: CaseRng) -> list[Case]:
    def case(n: int, i: int, b: int, *shape: int, no_grad: bool = False, size: float = 1.0) -> Case:
        magnitude = 20 if size > 0.1 else 400  # 1 − ᾱ is a small difference of large numbers
        betas = size * torch.linspace(draw.number(0.02, 0.05), draw.number(0.2, 0.4), n, dtype=torch.float64)
        x = min(1.0, size**0.5) * (2 * draw.normal(b, *shape) + 1)
        arguments = {"x": x, "eps": draw.normal(b, *shape), "betas": betas, "i": i}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad, magnitude=magnitude)

    return [
        case(9, 4, 7, 3),
        case(8, 0, 5, 4, no_grad=True),
        case(7, 6, 5, 2, 3, 4, no_grad=True),
        case(6, 1, 4, 3, 2),
        case(5, 2, 6, 3, size=1e-5),  # so little noise that nothing can be added to it
        case(24, 21, 3, 6, size=2.3),  # so much that what is left of the data is not to be clamped
    ]


def remark(function) -> str:
    betas = torch.linspace(1e-4, 0.02, 1000)
    alpha_bars = (1 - betas).cumprod(0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 1, generator=generator)
    for i in reversed(range(1000)):
        left = alpha_bars[i]
        eps = (1 - left).sqrt() * (x - 3 * left.sqrt()) / (0.25 * left + 1 - left)  # exact for data N(3, 0.25)
        x = function(x, eps, betas, i, torch.randn(x.shape, generator=generator))
    return (
        f"1,000 of your steps lead 2,000 points from N(0, 1) to mean {x.mean():.2f} and deviation {x.std():.2f}; the "
        "data have 3 and 0.5."
    )


exercise = Exercise(answer=ddpm_step, cases=cases, remark=remark)
exercise.right(ddpm.ddpm_step)

BRACKET = "(x - betas[i] / left.sqrt() * eps)"
ROOT = "(1 - betas[i]).sqrt()"
VARIANCE = "betas[i] * (1 - alpha_bars[i - 1]) / left"

# as in the paper
exercise.right(f"""{BRACKET} / {ROOT} → 1 / {ROOT} * (x - (1 - (1 - betas[i])) / left.sqrt() * eps)
    {VARIANCE} → (1 - alpha_bars[i - 1]) / left * betas[i]""")


@exercise.right
def by_the_posterior(x, eps, betas, i, noise):
    now, before = torch.prod(1 - betas[: i + 1]), torch.prod(1 - betas[:i])
    clean = (x - (1 - now).sqrt() * eps) / now.sqrt()
    mean = (before.sqrt() * betas[i] * clean + (1 - betas[i]).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (betas[i] * (1 - before) / (1 - now)).sqrt() * noise


@exercise.right
def in_python_numbers(x, eps, betas, i, noise):
    kept = [1 - b for b in betas.tolist()]
    now, before = math.prod(kept[: i + 1]), math.prod(kept[:i])
    mean = (x - (1 - kept[i]) / math.sqrt(1 - now) * eps) / math.sqrt(kept[i])
    return mean + math.sqrt((1 - kept[i]) * (1 - before) / (1 - now)) * noise


exercise.right("mean + variance.sqrt() * noise → mean.add_(variance.sqrt() * noise)", "`mean` is the function's own")
exercise.right("torch.cumprod(1 - betas, dim=0) → torch.cumprod(1 - betas, dim=-1)", "there is one axis")
exercise.mistake(
    """if i == 0: return mean →
       alpha_bars[i - 1] → alpha_bars[max(i - 1, 0)]""",
    "at i = 0 there is no step left to be uncertain about: add no noise there.",
    credit=0.5,
)
exercise.mistake(
    "if i == 0: return mean →",
    "alpha_bars[i - 1] at i = 0 is alpha_bars[-1], the *last* entry: before step 0 nothing is noisy, and no noise is "
    "added.",
)
exercise.mistake(
    f"{VARIANCE} → betas[i]",
    "the noise has variance β_i, the other choice of Ho et al.: ours is β̃_i = β_i (1 − ᾱ_{i−1})/(1 − ᾱ_i), the exact "
    "posterior's.",
    credit=0.5,
)
exercise.mistake(
    "1 - alpha_bars[i] → 1 - alpha_bars[i] + 1e-8",
    "something is added under a root, or a variance is clamped: steps with little noise show it, and none needs it.",
    credit=0.5,
)
exercise.mistake("variance.sqrt() → variance", "the noise is scaled by its variance β̃: its standard deviation is √β̃.")
exercise.mistake("mean + variance.sqrt() * noise → mean", "there is no noise in your step: add √β̃·noise while i > 0.")
exercise.mistake(
    f"{ROOT} → alpha_bars[i].sqrt()",
    "you divide by √ᾱ_i, which undoes all steps at once: one step back is divided by √(1 − β_i).",
)
exercise.mistake(
    f"{BRACKET} / {ROOT} → x - betas[i] / left.sqrt() * eps / {ROOT}",
    "√(1 − β_i) divides the whole bracket, x too: yours divides only what is subtracted.",
)
exercise.mistake(
    f"{BRACKET} / {ROOT} → {BRACKET} * {ROOT}",
    "you multiply by √(1 − β_i): the way forward shrank x by it, so the way back divides.",
)
exercise.mistake(
    f"{BRACKET} / {ROOT} → {BRACKET}", "the division by √(1 − β_i) is missing: the way forward shrank x by that factor."
)
exercise.mistake(
    f"{BRACKET} / {ROOT} → x / {ROOT} - betas[i] / left.sqrt() * eps",
    "only x is divided by √(1 − β_i): divide the whole bracket, the predicted noise too.",
)
exercise.mistake(
    "left.sqrt() → left", "the root below β_i is missing: the predicted noise is multiplied by β_i / √(1 − ᾱ_i)."
)
exercise.mistake(
    "betas[i] / left.sqrt() → betas[i].sqrt() / left.sqrt()",
    "√β_i stands where β_i belongs: the predicted noise is multiplied by β_i / √(1 − ᾱ_i).",
)
exercise.mistake(
    f"{BRACKET} → (x + betas[i] / left.sqrt() * eps)",
    "the predicted noise is added: subtract it, it is what has to go.",
)
exercise.mistake(
    f"""{BRACKET} / {ROOT} → (x - left.sqrt() * eps) / alpha_bars[i].sqrt()
        mean + variance.sqrt() * noise → alpha_bars[i - 1].sqrt() * mean + (1 - alpha_bars[i - 1]).sqrt() * noise""",
    "that jumps to the estimate of x₀ and adds noise to it afresh: x_{i−1} also keeps part of x_i, in the posterior's "
    "mean.",
)


@exercise.mistake("the estimate of the clean image is clipped to [−1, 1]: not here, data can be anything.")
def estimate_clipped(x, eps, betas, i, noise):
    now, before = torch.prod(1 - betas[: i + 1]), torch.prod(1 - betas[:i])
    clean = ((x - (1 - now).sqrt() * eps) / now.sqrt()).clamp(-1, 1)
    mean = (before.sqrt() * betas[i] * clean + (1 - betas[i]).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (betas[i] * (1 - before) / (1 - now)).sqrt() * noise


exercise.mistake(
    "left.sqrt() → (1 - alpha_bars[max(i - 1, 0)]).sqrt()",
    "ᾱ is read one step too early in the mean: it is √(1 − ᾱ_i), with i and not i − 1.",
)
exercise.mistake(
    f"{VARIANCE} → betas[i] * left / (1 - alpha_bars[i - 1])",
    "the two noise variances in β̃ are swapped: it is smaller than β_i, (1 − ᾱ_{i−1}) is above.",
)
exercise.mistake(
    "noise → torch.randn_like(x)",
    "left = 1 - alpha_bars[i] → left, noise = 1 - alpha_bars[i], torch.randn_like(x)",  # at i = 0 too
    OWN_NOISE,
)
