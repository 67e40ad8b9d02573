"""Captioned scenes: what one or two things in a picture are, in integers and in words.

A caption comes from a small grammar, ``a [size] colour kind [relation a [size] colour kind]``: "a small red seven above
a blue circle", "a green three". Scenes are tensors of integers, so that thousands are drawn, told and rendered at once
(``course.data.render``), endless by seed. Some combinations never occur in training (``is_held_out``): a model that
draws them right has learned what each word means, and not whole captions by heart.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course.tensors import check_generator, check_tensor, whole

KINDS: tuple[str, ...] = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
KINDS += ("circle", "square", "triangle", "star")
COLOURS = ("red", "yellow", "green", "cyan", "blue", "purple", "pink", "white")
SIZES = ("small", "large")
RELATIONS = ("above", "left of", "below", "right of")
"""A is in relation r to B where B is in relation r + 2 (mod 4) to A."""
SPLITS = ("train", "test", "held_out")
WORDS = ("", "<start>", "a", *SIZES, *COLOURS, *KINDS, "above", "below", "left", "right", "of")
"""The vocabulary; a word's index is its token, and token 0 fills up short captions."""
LENGTH = 11
"""Tokens of a caption: the longest one and the start."""
NONE = -1
"""Stands for what is not there: a second thing, its relation, a size that the caption leaves open."""


class Scenes(NamedTuple):
    """What N captions say; every field is int64, and −1 where nothing is said.

    Attributes:
        kind: indices into ``KINDS``, shape (N, 2); the second is −1 where a scene has one thing only.
        colour: indices into ``COLOURS``, shape (N, 2).
        size: indices into ``SIZES``, shape (N, 2), −1 where the caption leaves it open.
        relation: index into ``RELATIONS`` of the first thing to the second, shape (N,).
    """

    kind: Tensor
    colour: Tensor
    size: Tensor
    relation: Tensor


def check_scenes(scenes: Scenes) -> None:
    """Raise an error where these are no scenes, and name the field.

    Raises:
        TypeError: if a field is no tensor of int64.
        ValueError: if fields are of other shapes than each other, or a number stands for nothing.
    """
    if not isinstance(scenes, Scenes):
        raise TypeError(f"Expected scenes, such as `draw_scenes` makes; got a value of type {type(scenes).__name__}.")
    names = (KINDS, COLOURS, SIZES, RELATIONS)
    for (name, field), values in zip(scenes._asdict().items(), names):
        check_tensor(**{name: field})
        if field.dtype != torch.int64:
            raise TypeError(f"Expected {name} of scenes as whole numbers, int64; got {field.dtype}.")
        if field.numel() and not (field.min() >= NONE and field.max() < len(values)):
            raise ValueError(
                f"Expected {name} of scenes from {NONE} to {len(values) - 1}; "
                f"got {field.min().item()} to {field.max().item()}."
            )
    n = scenes.relation.numel()
    if [field.shape for field in scenes] != [(n, 2), (n, 2), (n, 2), (n,)]:
        shapes = ", ".join(f"{name} {tuple(field.shape)}" for name, field in scenes._asdict().items())
        raise ValueError(f"Expected kind, colour and size of scenes (N, 2) and relation (N,); got {shapes}.")


# -- drawing scenes ----------------------------------------------------------------------------------------------------


def draw_scenes(
    n: int, generator: torch.Generator, split: str = "train", sized: float = 0.5, single: float = 0.2
) -> Scenes:
    """n random scenes of a split; all kinds, colours, sizes and relations are equally likely before some are left out.

    Args:
        n: how many.
        generator: draws them.
        split: "train"; "test", whose scenes of two things never occur in training, though each pair of colour and thing
            and each triple of thing, relation, thing does; or "held_out", with a pair or a triple that never does.
        sized: share of things whose size is told.
        single: share of scenes with one thing, before some are left out.

    Raises:
        ValueError: if there is no such split, or a share is not between 0 and 1.
    """
    whole("n", n)
    check_generator(generator)
    if split not in SPLITS:
        raise ValueError(f"Scenes have the splits {', '.join(SPLITS)}; got {split!r}.")
    if not (0 <= sized <= 1 and 0 <= single <= 1):
        raise ValueError(f"The shares sized and single are between 0 and 1; got {sized} and {single}.")
    found: list[Scenes] = []
    missing = n
    while missing > 0 or not found:
        some = _any_scenes(4 * missing + 64, generator, sized, single)
        found.append(select(some, _split_of(some) == SPLITS.index(split)))
        missing -= len(found[-1].relation)
    return select(Scenes(*map(torch.cat, zip(*found))), slice(n))


def select(scenes: Scenes, index: Tensor | slice | Sequence[int]) -> Scenes:
    """The scenes at an index: a slice, a mask of shape (N,), or whole numbers, shape (K,).

    Raises:
        ValueError: if a mask is of another shape, or a number is out of range.
        TypeError: if the index is something else.
    """
    check_scenes(scenes)
    if not isinstance(index, slice):
        index = _index(index, len(scenes.relation))
    return Scenes(*(field[index] for field in scenes))


def _index(index: Tensor | Sequence[int], n: int) -> Tensor:
    try:
        at = torch.as_tensor(index)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"Scenes are selected by a slice, a mask or whole numbers; got {index!r}.") from None
    at = at if at.numel() else at.long()
    if at.is_floating_point():
        raise TypeError(f"Scenes are selected by a slice, a mask or whole numbers; got {at.dtype}.")
    mask = at.dtype is torch.bool
    if at.ndim != 1 or (len(at) != n if mask else at.numel() and not (at.min() >= -n and at.max() < n)):
        raise ValueError(
            f"Expected whole numbers below {n} in one axis, or a mask of shape ({n},), to select scenes; "
            f"got {at.dtype} of shape {tuple(at.shape)}."
        )
    return at


def is_held_out(scenes: Scenes) -> Tensor:
    """Whether a scene has a pair (colour, thing) or a triple (thing, relation, thing) that is left out of training.

    Pair (c, k) is left out where c + 2k = 0 (mod 5), a fifth of all; triple (k, r, l), told with "above" or "left of",
    where 3k + 4r + l = 0 (mod 9), a ninth. A triple is the same when it is told from its other thing.

    Returns:
        Shape (N,), bool.
    """
    upper = canonical(scenes)
    pair = ((scenes.colour + 2 * scenes.kind) % 5 == 0) & (scenes.kind != NONE)
    triple = (3 * upper.kind[:, 0] + 4 * upper.relation + upper.kind[:, 1]) % 9 == 0
    return pair.any(1) | (triple & (scenes.relation != NONE))


def _split_of(scenes: Scenes) -> Tensor:
    """Index into ``SPLITS``: one in eight scenes of two things is for tests; single things are for both, at random."""
    upper = canonical(scenes)
    key = 7 * upper.kind[:, 0] + 3 * upper.colour[:, 0] + 5 * upper.kind[:, 1] + 6 * upper.colour[:, 1] + upper.relation
    test = torch.where(scenes.relation == NONE, torch.arange(len(key)), key) % 8 == 0
    return torch.where(is_held_out(scenes), 2, test.long())


def _any_scenes(n: int, generator: torch.Generator, sized: float, single: float) -> Scenes:
    def up_to(size: int) -> Tensor:
        return torch.randint(size, (n, 2), generator=generator)

    kind, colour, size, relation = (up_to(len(values)) for values in (KINDS, COLOURS, SIZES, RELATIONS))
    told, alone = torch.rand(n, 3, generator=generator).split([2, 1], dim=1)
    size = torch.where(told < sized, size, NONE)
    second = torch.tensor([False, True]) & (alone < single)
    kind, colour, size = (torch.where(second, NONE, field) for field in (kind, colour, size))
    return Scenes(kind, colour, size, torch.where(alone[:, 0] < single, NONE, relation[:, 0]))


# -- scenes made from scenes -------------------------------------------------------------------------------------------


def restated(scenes: Scenes) -> Scenes:
    """The same pictures told from their other thing: "B below A" for "A above B"; single things as they are."""
    check_scenes(scenes)
    two = scenes.relation != NONE
    kind, colour, size = (torch.where(two[:, None], field.flip(1), field) for field in scenes[:3])
    return Scenes(kind, colour, size, torch.where(two, (scenes.relation + 2) % 4, NONE))


def canonical(scenes: Scenes) -> Scenes:
    """The same pictures told from the upper or left thing, with "above" or "left of"."""
    told = restated(scenes)
    other = scenes.relation >= 2
    kind, colour, size = (torch.where(other[:, None], b, a) for a, b in zip(scenes[:3], told[:3]))
    return Scenes(kind, colour, size, torch.where(other, told.relation, scenes.relation))


def swapped(scenes: Scenes) -> Scenes:
    """The same words in another order, and so another picture: "B above A" for "A above B"; single things stay."""
    told = restated(scenes)
    return told._replace(relation=scenes.relation)


def recoloured(scenes: Scenes) -> Scenes:
    """The same words again, the colours of the two things exchanged; single things stay."""
    check_scenes(scenes)
    two = scenes.relation != NONE
    return scenes._replace(colour=torch.where(two[:, None], scenes.colour.flip(1), scenes.colour))
