"""7.3, forget some of the labels: `null` stands where uniform < probability."""

import torch

from course import guidance
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def drop_labels(labels, null, probability, uniform):
    return torch.where(uniform < probability, null, labels)


def cases(draw: CaseRng) -> list[Case]:
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


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    labels, uniform = torch.arange(20_000) % 10, torch.rand(20_000, generator=generator)
    share = (function(labels, 10, 0.1, uniform) == 10).float().mean().item()
    return f"with probability 0.1, {share:.2%} of 20,000 labels were dropped; chance alone moves that by about 0.2 %."


exercise = Exercise(answer=drop_labels, cases=cases, fresh=True, remark=remark)
exercise.right(guidance.drop_labels)
CHOICE = "torch.where(uniform < probability, null, labels)"


@exercise.right
def copy_then_overwrite(labels, null, probability, uniform):
    dropped = labels.clone()
    dropped[uniform < probability] = null
    return dropped


@exercise.right
def one_by_one(labels, null, probability, uniform):
    chosen = [null if u < probability else int(y) for y, u in zip(labels, uniform)]
    return torch.tensor(chosen, device=labels.device)


exercise.right(f"{CHOICE} → labels.masked_fill(uniform < probability, null)")
exercise.right(f"{CHOICE} → (uniform >= probability).long() * labels + (uniform < probability).long() * null")
exercise.right(f"{CHOICE} → torch.where(torch.lt(uniform, probability), torch.full_like(labels, null), labels)")
exercise.mistake(
    f"{CHOICE} → labels.masked_fill_(uniform < probability, null)",
    "the caller's labels are changed in place, and next time round the class is gone for good: make a new tensor.",
)
exercise.mistake(
    f"{CHOICE} → {CHOICE} if probability > 0 else labels",
    "where nothing is to be dropped you return the caller's own tensor: always make a new one.",
)
exercise.mistake(
    "uniform < probability → uniform > probability",
    f"{CHOICE} → torch.where(uniform < probability, labels, null)",
    "the comparison is the wrong way round: a label is dropped where uniform < probability.",
)
exercise.mistake(
    "uniform < probability → uniform <= probability",
    "with probability 0 nothing is dropped, not even where `uniform` is exactly 0, as torch.rand can give: compare "
    "with <, not <=.",
    credit=0.5,
)
exercise.mistake(
    "uniform < probability → uniform[0] < probability",
    "uniform < probability → (uniform < probability).any()",
    "uniform < probability → uniform.mean() < probability",
    "one decision is made for the whole batch: every label is dropped or kept for itself.",
)
exercise.mistake(
    "uniform < probability → torch.arange(len(labels), device=labels.device) < int(probability * len(labels))",
    "you drop the first share of the batch, whatever they drew: decide by `uniform`, one by one.",
)
exercise.mistake("null → 0", "dropped labels become 0, which is a class like any other: put `null` in their place.")
exercise.mistake(
    f"{CHOICE} → labels + null * (uniform < probability)",
    "`null` is added to the dropped labels: it should stand in their place.",
)
exercise.mistake(
    f"{CHOICE} → {CHOICE}.to(uniform.dtype)",
    "labels are indices: the result should be int64, as they are, not floating-point.",
)
exercise.mistake(
    "uniform < probability → torch.rand(len(labels), device=labels.device) < probability",
    "you draw the decisions yourself: compare the `uniform` that is handed in.",
)
