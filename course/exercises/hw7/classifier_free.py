"""7.4, guidance without a classifier: from the unconditional score, w times towards the conditional one."""

import torch

from course import guidance
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def classifier_free(conditional, unconditional, scale):
    return unconditional + scale * (conditional - unconditional)


def cases(draw: CaseRng) -> list[Case]:
    def case(scale: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"conditional": draw.normal(b, *shape) + 1, "unconditional": 2 * draw.normal(b, *shape)}
        return Case({**arguments, "scale": scale}, no_grad=no_grad, magnitude=20)

    return [
        case(draw.number(2.5, 4.5), 5, 3),
        case(draw.number(0.2, 0.8), 4, 2, 3, no_grad=True),
        case(0.0, 3, 7),
        case(1.0, 6, 4),
    ]


def remark(function) -> str:
    at = [function(1 - torch.full((1, 1), v), -torch.full((1, 1), v) / 4, 3.0).item() for v in (0.0, 1.0)]
    slope = at[0] - at[1]
    return (
        f"a class N(1, 1) in data N(0, 4), guided with w = 3: mean {at[0] / slope:.2f} and variance {1 / slope:.2f}. "
        "Narrower than the class itself, and further out."
    )


exercise = Exercise(answer=classifier_free, cases=cases, remark=remark)
exercise.right(guidance.classifier_free)
GUIDED = "unconditional + scale * (conditional - unconditional)"
exercise.right(f"{GUIDED} → scale * conditional + (1 - scale) * unconditional")


@exercise.right
def step_beyond_conditional(conditional, unconditional, scale):
    """Ho and Salimans' form, their w being ours less one."""
    w = scale - 1
    return (1 + w) * conditional - w * unconditional


exercise.mistake(
    f"{GUIDED} → (1 + scale) * conditional - scale * unconditional",
    "the scale is off by one: this is Ho and Salimans' w, ours is one more, so that w = 1 is the conditional score.",
)
exercise.mistake(
    f"{GUIDED} → conditional + scale * (unconditional - conditional)",
    "the two scores are swapped: w = 0 is the unconditional one, w = 1 the conditional one.",
)
exercise.mistake(
    "scale → -scale",
    "you start from the unconditional score and walk away from the class: the sign is wrong.",
)
exercise.mistake(
    f"{GUIDED} → scale * (conditional - unconditional)",
    "the difference is scaled, but the unconditional score that it is added to is missing.",
)
exercise.mistake(
    "conditional - unconditional → conditional",
    "the conditional score holds the unconditional one already: add only their difference, w times.",
)
exercise.mistake(f"{GUIDED} → conditional.clone()", "the scale is not used: that is the conditional score alone.")
exercise.mistake(
    f"{GUIDED} → scale * ({GUIDED})",
    "the scale multiplies all of it: the unconditional score it starts from keeps weight 1.",
)
exercise.mistake(
    f"{GUIDED} → unconditional + conditional.sub_(unconditional).mul_(scale)",
    "a score is changed in place (`-=`, `*=`), and the caller still needs it: make new ones.",
)
