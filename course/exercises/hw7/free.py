"""hw7: guidance without a classifier."""

import torch

from course import guidance
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise

# -- drop_labels -------------------------------------------------------------------------------------------------------


def _drop_cases(draw: Draw) -> list[Case]:
    def case(classes: int, null: int, probability: float, b: int) -> Case:
        uniform = draw.uniform(b, low=0.001, high=0.999)
        uniform = torch.where((uniform - probability).abs() < 0.01, 0.5 * uniform + 0.3, uniform)  # no close decisions
        uniform[:2] = torch.tensor([0.002, 0.97])  # one is dropped, one is kept
        uniform[1:] = uniform[1:][draw.permutation(b - 1)]
        if probability == 0:
            uniform[-1] = 0.0  # torch.rand can give it, and nothing is to be dropped
        arguments = {"labels": draw.integers(classes, b), "null": null}
        return Case({**arguments, "probability": probability, "uniform": uniform})

    return [case(10, 10, 0.1, 173), case(5, 23, 0.7, 59), case(7, -1, 0.0, 11), case(4, 4, 1.0, 13)]


def _drop_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    labels, uniform = torch.arange(20_000) % 10, torch.rand(20_000, generator=generator)
    share = (function(labels, 10, 0.1, uniform) == 10).float().mean().item()
    return f"with probability 0.1, {share:.2%} of 20,000 labels were dropped; chance alone moves that by about 0.2 %."


drop_labels = Exercise("drop_labels", 8, guidance.drop_labels, _drop_cases, fresh=True, remark=_drop_remark)


@drop_labels.misconception(
    "the caller's labels are changed in place, and next time round the class is gone for good: make a new tensor."
)
def changed_in_place(labels, null, probability, uniform):
    labels[uniform < probability] = null
    return labels


@drop_labels.misconception("where nothing is to be dropped you return the caller's own tensor: always make a new one.")
def not_always_new(labels, null, probability, uniform):
    return torch.where(uniform < probability, null, labels) if probability > 0 else labels


_WRONG_WAY = "the comparison is the wrong way round: a label is dropped where uniform < probability."


@drop_labels.misconception(_WRONG_WAY)
def dropped_above(labels, null, probability, uniform):
    return torch.where(uniform > probability, null, labels)


@drop_labels.misconception(_WRONG_WAY)
def kept_for_dropped(labels, null, probability, uniform):
    return torch.where(uniform < probability, labels, null)


@drop_labels.misconception(
    "with probability 0 nothing is dropped, not even where `uniform` is exactly 0, as torch.rand can give: compare "
    "with <, not <=.",
    credit=0.5,
)
def zero_dropped_at_probability_zero(labels, null, probability, uniform):
    return torch.where(uniform <= probability, null, labels)


_FOR_ALL = "one decision is made for the whole batch: every label is dropped or kept for itself."


@drop_labels.misconception(_FOR_ALL)
def first_decides_for_all(labels, null, probability, uniform):
    return torch.full_like(labels, null) if uniform[0] < probability else labels.clone()


@drop_labels.misconception(_FOR_ALL)
def any_decides_for_all(labels, null, probability, uniform):
    return torch.full_like(labels, null) if (uniform < probability).any() else labels.clone()


@drop_labels.misconception(_FOR_ALL)
def mean_decides_for_all(labels, null, probability, uniform):
    return torch.full_like(labels, null) if uniform.mean() < probability else labels.clone()


@drop_labels.misconception(
    "you drop the first share of the batch, whatever they drew: decide by `uniform`, one by one."
)
def first_share(labels, null, probability, uniform):
    dropped = labels.clone()
    dropped[: int(probability * len(labels))] = null
    return dropped


@drop_labels.misconception("dropped labels become 0, which is a class like any other: put `null` in their place.")
def zero_for_null(labels, null, probability, uniform):
    return labels * (uniform >= probability)


@drop_labels.misconception("`null` is added to the dropped labels: it should stand in their place.")
def null_added(labels, null, probability, uniform):
    return labels + null * (uniform < probability)


@drop_labels.misconception("labels are indices: the result should be int64, as they are, not floating-point.")
def floating_labels(labels, null, probability, uniform):
    dropped = (uniform < probability).to(uniform.dtype)
    return dropped * null + (1 - dropped) * labels


@drop_labels.misconception("you draw the decisions yourself: compare the `uniform` that is handed in.")
def own_uniform(labels, null, probability, uniform):
    return torch.where(torch.rand(len(labels), device=labels.device) < probability, null, labels)


# -- classifier_free ---------------------------------------------------------------------------------------------------


def _free_cases(draw: Draw) -> list[Case]:
    def case(scale: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"conditional": draw.normal(b, *shape) + 1, "unconditional": 2 * draw.normal(b, *shape)}
        return Case({**arguments, "scale": scale}, no_grad=no_grad, magnitude=20)

    return [
        case(draw.number(2.5, 4.5), 5, 3),
        case(draw.number(0.2, 0.8), 4, 2, 3, no_grad=True),
        case(0.0, 3, 7),
        case(1.0, 6, 4),
    ]


def _free_remark(function) -> str:
    at = [function(1 - torch.full((1, 1), v), -torch.full((1, 1), v) / 4, 3.0).item() for v in (0.0, 1.0)]
    slope = at[0] - at[1]
    return (
        f"a class N(1, 1) in data N(0, 4), guided with w = 3: mean {at[0] / slope:.2f} and variance {1 / slope:.2f}. "
        "Narrower than the class itself, and further out."
    )


classifier_free = Exercise("classifier_free", 12, guidance.classifier_free, _free_cases, remark=_free_remark)


@classifier_free.misconception(
    "the scale is off by one: this is Ho and Salimans' w, ours is one more, so that w = 1 is the conditional score."
)
def off_by_one(conditional, unconditional, scale):
    return (1 + scale) * conditional - scale * unconditional


@classifier_free.misconception("the two scores are swapped: w = 0 is the unconditional one, w = 1 the conditional one.")
def swapped(conditional, unconditional, scale):
    return conditional + scale * (unconditional - conditional)


@classifier_free.misconception(
    "you start from the unconditional score and walk away from the class: the sign is wrong."
)
def away_from_class(conditional, unconditional, scale):
    return unconditional - scale * (conditional - unconditional)


@classifier_free.misconception("the difference is scaled, but the unconditional score that it is added to is missing.")
def difference_alone(conditional, unconditional, scale):
    return scale * (conditional - unconditional)


@classifier_free.misconception(
    "the conditional score holds the unconditional one already: add only their difference, w times."
)
def whole_conditional_added(conditional, unconditional, scale):
    return unconditional + scale * conditional


@classifier_free.misconception("the scale is not used: that is the conditional score alone.")
def scale_ignored(conditional, unconditional, scale):
    return conditional.clone()


@classifier_free.misconception("the scale multiplies all of it: the unconditional score it starts from keeps weight 1.")
def scale_on_everything(conditional, unconditional, scale):
    return scale * (unconditional + scale * (conditional - unconditional))


@classifier_free.misconception(
    "a score is changed in place (`-=`, `*=`), and the caller still needs it: make new ones."
)
def in_place(conditional, unconditional, scale):
    conditional -= unconditional
    conditional *= scale
    return unconditional + conditional
