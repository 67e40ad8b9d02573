"""8.9, no example counts too much: the mean of gradients that are no longer than a given length."""

import torch

from course.applications import privacy
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def clipped_gradients(gradients, max_norm):
    norms = gradients.norm(dim=1, keepdim=True)
    return (gradients * (max_norm / norms.clamp(min=max_norm))).mean(dim=0)


def cases(draw: CaseRng) -> list[Case]:
    def case(max_norm: float, b: int, p: int, low: float, high: float, zeros: int = 0) -> Case:
        """Gradients whose lengths run from 4^low to 4^high times the largest that is allowed, some of them zero."""
        g = 0.5 + draw.normal(b, p)
        lengths = 4 ** torch.linspace(low, high, b).double()[draw.permutation(b), None] * draw.uniform(
            b, 1, low=0.8, high=1
        )
        g = g / g.norm(dim=1, keepdim=True) * lengths * max_norm
        g[draw.permutation(b)[:zeros]] = 0.0
        return Case({"gradients": g, "max_norm": max_norm})

    return [
        case(draw.number(1.5, 2.5), 7, 5, -1.5, 2),
        case(draw.number(0.3, 0.5), 6, 11, -1, 2, zeros=2),
        case(draw.number(3.0, 5.0), 5, 4, -3, -0.5),  # none is too long
        case(draw.number(0.001, 0.002), 4, 3, -0.5, 2),
        case(draw.number(0.4, 0.8), 1, 6, 1, 1),
        case(draw.number(0.4, 0.8), 5, 1, -1, 2),
        case(1.0, 3, 4, 0, 0, zeros=3),
    ]


def remark(function) -> str:
    ordinary = torch.ones(99, 1)
    outlier = lambda length: function(torch.cat([ordinary, torch.full((1, 1), -length)]), 1.0).item()
    return (
        f"ninety-nine examples pull by 1, one by −1 or by −1000: {outlier(1.0):.2f} and {outlier(1000.0):.2f}. "
        f"Without clipping "
        "the second would be −9.01."
    )


exercise = Exercise(answer=clipped_gradients, cases=cases, remark=remark)
exercise.right(privacy.clipped_gradients)
NORMS = "gradients.norm(dim=1, keepdim=True)"
FACTORS = "(max_norm / norms.clamp(min=max_norm))"
RESULT = f"(gradients * {FACTORS}).mean(dim=0)"


@exercise.right
def factors_of_at_most_one(gradients, max_norm):
    factors = torch.clamp(max_norm / torch.linalg.vector_norm(gradients, dim=1), max=1.0)  # C / 0 is infinite, so one
    return factors @ gradients / len(gradients)


@exercise.right
def only_the_long_ones(gradients, max_norm):
    norms = gradients.square().sum(1).sqrt()
    long = norms > max_norm
    clipped = gradients.clone()
    clipped[long] *= max_norm / norms[long, None]
    return clipped.mean(0)


@exercise.right
def one_by_one(gradients, max_norm):
    total = torch.zeros_like(gradients[0])
    for g in gradients:
        n = g.norm().item()
        total += g if n <= max_norm else g * (max_norm / n)
    return total / len(gradients)


exercise.right(f"{FACTORS} → torch.minimum(torch.ones_like(norms), max_norm / norms)", "C / 0 is infinite, so one")
exercise.right("norms.clamp(min=max_norm) → torch.where(norms > max_norm, norms, max_norm)")
exercise.right(f"{NORMS} → gradients.norm(dim=-1, keepdim=True)", "the same axis")

exercise.mistake(
    f"{RESULT} → gradients.mean(dim=0) * min(1.0, max_norm / max(gradients.mean(dim=0).norm().item(), 1e-30))",
    "the mean is clipped, when one example may have moved it already: clip every example's gradient, then average.",
)
exercise.mistake(f"{RESULT} → gradients.mean(dim=0)", "nothing is clipped: no gradient may be longer than `max_norm`.")
exercise.mistake(
    f"{RESULT} → gradients.clamp(-max_norm, max_norm).mean(dim=0)",
    "every number is clipped by itself, which turns the gradient: it keeps its direction, and only its length is cut.",
)
exercise.mistake(
    "norms.clamp(min=max_norm) → norms.clamp(min=1e-12)",
    "norms.clamp(min=max_norm) → (norms + 1e-30)",
    "short gradients are made longer: only those longer than `max_norm` are changed, min(1, C/‖g‖).",
)
exercise.mistake(
    "norms.clamp(min=max_norm) → norms.clamp(max=max_norm)",
    f"{FACTORS} → (max_norm / norms.clamp(min=1e-30)).clamp(min=1.0)",
    "the minimum is a maximum: long gradients stay, short ones are made longer. The factor is min(1, C/‖g‖).",
)
exercise.mistake(
    f"{RESULT} → (gradients * {FACTORS}).sum(dim=0)",
    "that is the sum: divide by the number of examples.",
)
exercise.mistake(
    f"{RESULT} → (gradients * {FACTORS}).sum(dim=0) / (norms > max_norm).sum()",
    f"{RESULT} → (gradients * {FACTORS}).sum(dim=0) / (norms <= max_norm).sum()",
    f"{RESULT} → (gradients * {FACTORS}).sum(dim=0) / (norms > 0).sum()",
    "you divide by the number of some of the examples only: the mean is over all B.",
)
exercise.mistake(
    f"{RESULT} → (gradients * (norms <= max_norm)).mean(dim=0)",
    "long gradients are left out altogether: they are cut to the length `max_norm`.",
)
exercise.mistake(
    f"{NORMS} → gradients.norm(dim=0, keepdim=True)",
    "the norm runs over the examples: every example's gradient has its own length, over its P numbers, dim 1.",
)
exercise.mistake(
    f"{NORMS} → gradients.norm()",
    "one length is taken for the whole batch: every example's gradient is clipped by its own.",
)
exercise.mistake(
    f"{NORMS} → gradients.norm(dim=1, keepdim=True).amax()",
    f"{NORMS} → gradients.norm(dim=1, keepdim=True).mean()",
    "all gradients are shrunk by the same factor: each by its own, and the short ones not at all.",
)
exercise.mistake(
    f"{NORMS} → gradients.square().sum(dim=1, keepdim=True)",
    "those are squared lengths: take the root.",
)
exercise.mistake(
    f"{NORMS} → gradients.abs().sum(dim=1, keepdim=True)",
    f"{NORMS} → gradients.abs().amax(dim=1, keepdim=True)",
    "length is the Euclidean norm, the root of the sum of squares.",
)
exercise.mistake(
    f"{NORMS} → gradients.square().mean(dim=1, keepdim=True).sqrt()",
    "you average the squares over the P numbers: the Euclidean norm adds them up.",
)
exercise.mistake(
    "norms.clamp(min=max_norm) → norms",
    "short gradients are made longer, and zero ones become nan: only those longer than `max_norm` are changed, min(1, "
    "C/‖g‖).",
)
exercise.mistake(
    f"{FACTORS} → (1 / norms * norms.clamp(max=max_norm))",
    "a gradient may be zero, and 0/0 is nan: divide by max(‖g‖, C), which is never zero.",
    credit=0.5,
)
exercise.mistake(
    f"{FACTORS} → (max_norm / (norms + 1e-6)).clamp(max=1.0)",
    "1e-6 is added to the length, as torch.nn.utils.clip_grad_norm_ does, so small gradients come out too short: "
    "divide by "
    "max(‖g‖, C) instead.",
    credit=0.5,
)
exercise.mistake(
    f"{FACTORS} → max_norm * ({FACTORS})",
    f"{RESULT} → {RESULT} / max_norm",
    "the result is scaled by `max_norm` once more: a gradient that is short enough stays as it is.",
)
exercise.mistake(
    f"{FACTORS} → (max_norm / (max_norm + norms))",
    f"{FACTORS} → (1 / (1 + (norms / max_norm) ** 2) ** 0.5)",
    "your factor is smooth and shrinks every gradient: those that are short enough stay as they are.",
)
exercise.mistake(
    f"{RESULT} → {RESULT} + max_norm / len(gradients) * torch.randn_like(gradients[0])",
    "you add noise, as private training does afterwards: here, only clip and average.",
)
exercise.mistake(
    f"{RESULT} → gradients.mul_{FACTORS}.mean(dim=0)",
    "the gradients are changed in place, and the caller still needs them: make new ones.",
)
