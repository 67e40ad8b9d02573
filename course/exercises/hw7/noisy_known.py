"""7.5, what is known at the noise level of its surroundings: α·known + σ·noise."""

import torch

from course import guidance
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def noisy_known(known, alpha, sigma, noise):
    return alpha * known + sigma * noise


def cases(draw: CaseRng) -> list[Case]:
    def case(alpha: float, sigma: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"known": draw.normal(b, *shape) - 0.5, "alpha": alpha, "sigma": sigma}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad)

    return [
        case(draw.number(0.5, 0.7), draw.number(0.2, 0.4), 5, 3),
        case(1.0, draw.number(3.0, 9.0), 4, 2, 3, no_grad=True),
        case(1.0, 0.0, 3, 4),
    ]


def remark(function) -> str:
    noise = torch.randn(100_000, 1, generator=torch.Generator().manual_seed(0))
    seen = function(torch.full_like(noise, 2.0), 0.8, 0.6, noise)
    return f"a known 2, seen through α = 0.8 and σ = 0.6: mean {seen.mean():.2f}, standard deviation {seen.std():.2f}."


exercise = Exercise(answer=noisy_known, cases=cases, remark=remark)
exercise.right(guidance.noisy_known)


@exercise.right
def in_a_new_tensor(known, alpha, sigma, noise):
    seen = torch.empty_like(known)
    seen.copy_(known).mul_(alpha).add_(sigma * noise)
    return seen


exercise.right("alpha * known + sigma * noise → torch.mul(noise, sigma).add(known, alpha=alpha)")
exercise.mistake(
    "alpha * known + sigma * noise → known.clone()",
    "the known part is kept clean: at time t it is α·known + σ·noise, as all the rest.",
)
exercise.mistake("alpha * known → known", "α is missing: the process shrinks the data while it adds noise.")
exercise.mistake("sigma * noise → noise", "σ is missing: the noise has standard deviation σ, not one.")
exercise.mistake("alpha * known + sigma * noise → alpha * known", "the noise is missing: add σ·noise.")
exercise.mistake(
    "sigma → sigma**2",
    "sigma → sigma**0.5",
    "σ is a standard deviation already: multiply the noise by σ, not by its square or root.",
)
exercise.mistake("alpha → alpha**0.5", "this is for DDPM's ᾱ, which is our α squared: multiply by α itself.")
exercise.mistake("sigma → (1 - alpha**2) ** 0.5", "σ is handed in: √(1 − α²) is right for one process only.")
exercise.mistake(
    """alpha * known → sigma * known
       sigma * noise → alpha * noise""",
    "α and σ are swapped: α multiplies what is known, σ the noise.",
)
exercise.mistake("sigma * noise → alpha * sigma * noise", "α multiplies the noise too: it is α·known + σ·noise.")
exercise.mistake("noise → torch.randn_like(known)", "you draw noise of your own: use the one that is handed in.")
