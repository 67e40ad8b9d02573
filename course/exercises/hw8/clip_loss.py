"""8.1, pictures and captions as vectors: the mean of two cross-entropies over a batch of pairs."""

import math  # noqa: F401 (in patches)

import torch
from torch.nn import functional as F

from course.applications import clip
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def clip_loss(image, text, temperature):
    logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T / temperature
    pairs = torch.arange(len(image), device=image.device)
    return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2


def cases(draw: CaseRng) -> list[Case]:
    def case(temperature: float, b: int, e: int, **how) -> Case:
        """Embeddings of lengths that differ by a factor of up to nine, those of a pair a little alike."""
        common = draw.normal(b, e)
        sides = [(common + 1.5 * draw.normal(b, e)) * 3 ** draw.uniform(b, 1, low=-1) for _ in range(2)]
        arguments = {"image": sides[0], "text": sides[1], "temperature": temperature}
        return Case(arguments, magnitude=1 + 1 / temperature, **how)

    return [
        case(draw.number(0.2, 0.4), 5, 3, gradients=("image", "text")),
        case(draw.number(1.5, 2.5), 4, 7, no_grad=True),
        case(draw.number(0.3, 0.6), 1, 4, gradients=("image", "text")),
        case(1.0, 3, 3),
        case(draw.number(0.0003, 0.0005), 7, 6),  # similarities over temperature: thousands, and exp overflows
        case(draw.number(0.3, 0.6), 6, 1),
    ]


def remark(function) -> str:
    same, apart = torch.ones(64, 8), torch.eye(64)
    return (
        f"64 pairs that all look alike: {function(same, same, 0.1):.3f}, and log 64 is 4.159; 64 that are told "
        f"apart at temperature 0.1: {function(apart, apart, 0.1):.3f}."
    )


exercise = Exercise(answer=clip_loss, cases=cases, remark=remark)
exercise.right(clip.clip_loss)
IMAGE, TEXT = "F.normalize(image, dim=1)", "F.normalize(text, dim=1)"
LOGITS = f"{IMAGE} @ {TEXT}.T / temperature"
OF_IMAGES, OF_TEXTS = "F.cross_entropy(logits, pairs)", "F.cross_entropy(logits.T, pairs)"
BOTH = f"({OF_IMAGES} + {OF_TEXTS}) / 2"


@exercise.right
def written_out(image, text, temperature):
    u = image / image.norm(dim=1, keepdim=True)
    v = text / text.norm(dim=1, keepdim=True)
    s = torch.einsum("ie,je->ij", u, v) / temperature
    right = s.diagonal()
    return (s.logsumexp(1) + s.logsumexp(0) - 2 * right).mean() / 2


@exercise.right
def with_cosines(image, text, temperature):
    s = F.cosine_similarity(image[:, None], text[None], dim=2) / temperature
    of_images, of_texts = s.log_softmax(dim=1), s.log_softmax(dim=0)
    return -0.5 * (of_images.diag().mean() + of_texts.diag().mean())


@exercise.right
def one_by_one(image, text, temperature):
    u, v = F.normalize(image), F.normalize(text)
    total = 0
    for i in range(len(u)):
        total = total + (v @ u[i] / temperature).logsumexp(0) + (u @ v[i] / temperature).logsumexp(0)
        total = total - 2 * u[i] @ v[i] / temperature
    return total / (2 * len(u))


exercise.right("F.normalize(text, dim=1).T → F.normalize(text.T, dim=0)", "the same vectors, as columns")
exercise.right(f"{IMAGE} → F.normalize(image)", "1 is the default of `dim`")
exercise.right(
    "torch.arange(len(image), device=image.device) → torch.arange(len(image))",
    "fails where there is a GPU",
)
exercise.right(f"{TEXT} → F.normalize(text)", "1 is the default of `dim`")

exercise.mistake(
    f"{LOGITS} → image @ text.T / temperature",
    "the embeddings keep their lengths: normalize both, so that a similarity is a cosine and no vector wins by being "
    "long.",
)
exercise.mistake(
    f"{IMAGE} → image",
    f"{TEXT} → text",
    "only one of the two embeddings is normalized: a cosine divides by both lengths.",
)
exercise.mistake(
    f"""{IMAGE} → F.normalize(image, dim=0)
        {TEXT} → F.normalize(text, dim=0)""",
    "you normalize across the batch, so one pair's embedding changes another's: every row gets length one, dim 1.",
)
exercise.mistake(
    f"{LOGITS} → {IMAGE} @ {TEXT}.T * temperature",
    "similarities are divided by the temperature: a low one makes the softmax sharp, yours makes it flat.",
)
exercise.mistake(
    f"{LOGITS} → {IMAGE} @ {TEXT}.T",
    f"{LOGITS} → F.normalize(image / temperature, dim=1) @ {TEXT}.T",
    "the temperature has no effect: it divides the similarities, after normalizing.",
)
exercise.mistake(
    f"{LOGITS} → {IMAGE} @ {TEXT}.T / temperature ** 0.5",
    f"{LOGITS} → {IMAGE} @ {TEXT}.T / temperature ** 2",
    "similarities are divided by the temperature itself, not by its root or square.",
)
exercise.mistake(
    f"{BOTH} → {OF_IMAGES}",
    f"{BOTH} → {OF_TEXTS}",
    f"{OF_TEXTS} → {OF_IMAGES}",
    f"{OF_IMAGES} → {OF_TEXTS}",
    "only one question is asked: average over the captions for each picture, and over the pictures for each caption, "
    "which "
    "is the transposed matrix.",
)
exercise.mistake(
    f"{BOTH} → {OF_IMAGES} + {OF_TEXTS}",
    "the two cross-entropies are added: the loss is their mean.",
)
exercise.mistake(
    f"{BOTH} → (F.cross_entropy(logits, pairs, reduction='sum') + F.cross_entropy(logits.T, pairs, reduction='sum')) "
    f"/ 2",
    "you sum over the batch: a cross-entropy is a mean over the pairs, or the loss grows with B.",
)
exercise.mistake(
    f"{BOTH} → (F.cross_entropy(logits.softmax(1), pairs) + F.cross_entropy(logits.T.softmax(1), pairs)) / 2",
    f"{BOTH} → (F.cross_entropy(logits.log_softmax(0), pairs) + F.cross_entropy(logits.T.log_softmax(0), pairs)) / 2",
    "a softmax is taken twice: F.cross_entropy takes its own, of the similarities as they are.",
)
exercise.mistake(
    f"{BOTH} → -({BOTH})",
    f"{BOTH} → (logits.log_softmax(1).diagonal().mean() + logits.log_softmax(0).diagonal().mean()) / 2",
    "the sign is flipped: the loss is minus the log-probability of the right pairs, and never negative.",
)
exercise.mistake(
    f"{BOTH} → -logits.diagonal().mean()",
    f"{BOTH} → (1 - ({IMAGE} * {TEXT}).sum(1)).mean()",
    "only matching pairs are looked at, so equal embeddings for everything would be best: the other captions of the "
    "batch "
    "must count against each picture.",
)
exercise.mistake(
    f"{BOTH} → F.binary_cross_entropy_with_logits(logits, torch.eye(len(image), dtype=image.dtype, "
    f"device=image.device))",
    "each of the B × B pairs is judged by itself, yes or no: CLIP asks which of B captions, a softmax over a row.",
)
exercise.mistake(
    f"{LOGITS} → -torch.cdist({IMAGE}, {TEXT}).square() / temperature",
    "−‖u − v‖² of two unit vectors is 2 u·v − 2, so your similarities are twice the cosine.",
)
exercise.mistake(
    f"{LOGITS} → {IMAGE} @ {TEXT}.T * math.exp(temperature)",
    "you multiply by exp of the last argument, as published code does with a learned logit scale: here it is the "
    "temperature itself, which divides.",
)
exercise.mistake(
    f"{BOTH} → -(torch.softmax(logits, 1).diagonal().mean() + torch.softmax(logits, 0).diagonal().mean()) / 2",
    f"{BOTH} → 1 - (torch.softmax(logits, 1).diagonal().mean() + torch.softmax(logits, 0).diagonal().mean()) / 2",
    "the logarithm is missing: cross-entropy is −log of the right pair's probability, not the probability.",
)
exercise.mistake(
    f"{BOTH} → -(torch.softmax(logits, 1).diag().log().mean() + torch.softmax(logits, 0).diag().log().mean()) / 2",
    f"{BOTH} → (logits.exp().sum(1).log() + logits.exp().sum(0).log() - 2 * logits.diagonal()).mean() / 2",
    "exp or log leaves the range of numbers at a low temperature: use F.cross_entropy, log_softmax or logsumexp, "
    "which take "
    "the largest similarity out first.",
    credit=0.5,
)
exercise.mistake(
    f"{BOTH} → (F.cross_entropy(logits, pairs.flip(0)) + F.cross_entropy(logits.T, pairs.flip(0))) / 2",
    f"{BOTH} → (F.cross_entropy(logits, 0 * pairs) + F.cross_entropy(logits.T, 0 * pairs)) / 2",
    "the targets are wrong: picture i belongs to caption i, so they are 0, 1, …, B − 1.",
)


@exercise.mistake(
    "the negatives leave out the right caption: the sum below the line runs over all captions of the batch, the right "
    "one too."
)
def without_the_right_one(image, text, temperature):
    u, v = image / image.norm(dim=1, keepdim=True), text / text.norm(dim=1, keepdim=True)
    s = u @ v.T / temperature
    others = s.masked_fill(torch.eye(len(s), dtype=torch.bool, device=s.device), -torch.inf)
    return (others.logsumexp(1) + others.logsumexp(0) - 2 * s.diagonal()).mean() / 2


@exercise.mistake(
    "the embeddings are normalized in place, and the caller still needs them as they were: make new ones."
)
def normalized_in_place(image, text, temperature):
    with torch.no_grad():
        image /= image.norm(dim=1, keepdim=True)
        text /= text.norm(dim=1, keepdim=True)
    s = image @ text.T / temperature
    pairs = torch.arange(len(s), device=s.device)
    return (F.cross_entropy(s, pairs) + F.cross_entropy(s.T, pairs)) / 2
