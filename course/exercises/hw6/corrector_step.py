"""6.12, one Langevin step at a fixed time, of size 2 (snr ‖z‖/‖s‖)² with norms averaged over the batch."""

import math

import torch

from course import sampling
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw6.shared import field
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor  # noqa: F401 (in patches)
from course.tensors import expand


def corrector_step(x, t, score, snr, noise):
    direction = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / direction.flatten(1).norm(dim=1).mean()
    size = 2 * (snr * ratio) ** 2
    return x + size * direction + (2 * size).sqrt() * noise


def cases(draw: CaseRng) -> list[Case]:
    """Examples of very different size, so that a mean of norms is not the norm of all, nor each its own."""

    def case(t: float | torch.Tensor, no_grad: bool, b: int, *shape: int, small: float = 1.0) -> Case:
        size = small * expand(draw.uniform(b, low=0.2, high=4.0), torch.zeros(b, *shape))
        noise = small * draw.normal(b, *shape) * expand(draw.uniform(b, low=0.4, high=1.8), size)
        arguments = {"x": size * draw.normal(b, *shape), "t": t, "score": field(draw, math.prod(shape), size=small)}
        return Case({**arguments, "snr": draw.number(0.1, 0.3), "noise": noise}, no_grad, magnitude=small)

    return [
        case(draw.number(0.2, 0.9), False, 5, 3),
        case(draw.uniform(6, low=0.1, high=0.9), False, 6, 4),
        case(draw.number(0.2, 0.9), True, 4, 2, 3),
        case(draw.number(0.2, 0.9), False, 3, 5, small=1e-6),  # norms so small that nothing can be added to them
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(6000, 3, generator=generator)
    for _ in range(150):
        x = function(x, 0.5, lambda x, t: -x, 0.16, torch.randn(x.shape, generator=generator))
    return (
        f"150 corrections at snr 0.16 take points from variance 4 to {x.var():.2f}; the score's own is 1, and steps of "
        "this size keep 1.03."
    )


exercise = Exercise(answer=corrector_step, cases=cases, counted=("score",), remark=remark)
exercise.right(sampling.corrector_step)
RATIO = "noise.flatten(1).norm(dim=1).mean() / direction.flatten(1).norm(dim=1).mean()"
OF_EACH = "(noise.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1))"


@exercise.right
def vector_norms(x, t, score, snr, noise):
    s, dims = score(x, t), tuple(range(1, x.ndim))
    lengths = [torch.linalg.vector_norm(a, dim=dims).mean() for a in (noise, s)]
    eps = 2 * snr**2 * (lengths[0] / lengths[1]) ** 2
    return x + eps * s + torch.sqrt(2 * eps) * noise


@exercise.right
def root_mean_squares(x, t, score, snr, noise):
    """The √D of both norms cancels."""
    s = score(x, t)
    of_noise, of_score = (a.flatten(1).square().mean(1).sqrt().mean().item() for a in (noise, s))
    root = 2 * snr * of_noise / of_score  # √(2ε)
    return x + root**2 / 2 * s + root * noise


exercise.mistake(
    "snr * ratio → snr / ratio",
    "the ratio is upside down: noise above, score below; a small score means a large step.",
)
exercise.mistake(
    "size * direction → size * score(x, t)",
    "you evaluate `score` twice, once is enough: keep what it returns for its norm and for the step.",
    credit=0.5,
)
exercise.mistake(
    "direction.flatten(1).norm(dim=1).mean() → direction.flatten(1).norm(dim=1).mean() + 1e-8",
    "something is added to a norm, or a norm is clamped: small scores take large steps, so divide by it as it is.",
    credit=0.5,
)
exercise.mistake("size * direction → direction.mul_(size)", IN_PLACE.format("score"))
exercise.mistake("score(x, t) → score(x, as_tensor(t, x))", OTHER_TIME.format("score"), credit=0.5)
exercise.mistake(
    f"{RATIO} → {OF_EACH}.reshape(-1, *[1] * (x.ndim - 1))",
    "each example has its own step size: average the norms over the batch, one size for all.",
)
exercise.mistake(
    f"{RATIO} → noise.norm() / direction.norm()",
    "that is the norm of the whole batch: take each example's norm, then their mean.",
)
exercise.mistake(
    f"{RATIO} → noise.norm(dim=-1).mean() / direction.norm(dim=-1).mean()",
    "the norm is over the last axis only: an example's norm is over all of its numbers.",
)
exercise.mistake(f"{RATIO} → {OF_EACH}.mean()", "average the two norms first and divide then, not the other way round.")
exercise.mistake(
    "2 * (snr * ratio) ** 2 → (snr * ratio) ** 2",
    "the 2 in front of the step size is missing: ε = 2 (snr ‖z‖/‖s‖)².",
)
exercise.mistake(
    "(snr * ratio) ** 2 → snr * ratio",
    "the step size is the square of snr ‖z‖/‖s‖, times 2; the square is missing.",
)
exercise.mistake("(snr * ratio) ** 2 → snr * ratio**2", "snr is squared too: ε = 2 (snr ‖z‖/‖s‖)².")
exercise.mistake("(2 * size).sqrt() → size.sqrt()", "the noise is scaled by √ε: Langevin dynamics needs √(2ε).")
exercise.mistake(
    "(2 * size).sqrt() → 2 * size", "the noise is scaled by its variance 2ε: its standard deviation is √(2ε)."
)
exercise.mistake("x + size * direction → x - size * direction", "the step goes down the score: add ε s.")
