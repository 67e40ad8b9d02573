"""Scenes in words and back: captions, their parser, and their tokens."""

import re
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from course.data.scenes import COLOURS, KINDS, LENGTH, NONE, RELATIONS, SIZES, WORDS, Scenes, check_scenes

_TOKEN = {word: i for i, word in enumerate(WORDS)}
_FORM = "a [size] colour thing, and perhaps above, below, left of or right of a [size] colour thing"
_THING = f"a (?:(?:{'|'.join(SIZES)}) )?(?:{'|'.join(COLOURS)}) (?:{'|'.join(KINDS)})"
_CAPTION = re.compile(f"{_THING}(?: (?:{'|'.join(RELATIONS)}) {_THING})?")
"""The grammar of ``parse``, quicker; ``parse`` says what is wrong."""
T = TypeVar("T")


def captions(scenes: Scenes) -> list[str]:
    """Scenes in words, such as "a small red seven above a blue circle"."""
    check_scenes(scenes)
    told = []
    for kind, colour, size, relation in zip(*(field.tolist() for field in scenes)):
        things = [_thing(*thing) for thing in zip(kind, colour, size) if thing[0] != NONE]
        told.append(things[0] if relation == NONE else f"{things[0]} {RELATIONS[relation]} {things[1]}")
    return told


def _thing(kind: int, colour: int, size: int) -> str:
    return " ".join(["a", *([SIZES[size]] if size != NONE else []), COLOURS[colour], KINDS[kind]])


def parse(caption: str) -> Scenes:
    """The scene (N = 1) that a caption tells of; capital letters and a full stop do not matter.

    Raises:
        ValueError: in one sentence, if a word is unknown, the words are in another order than the grammar's, or there
            are none.
        TypeError: if it is no string.
    """
    words = _words(caption)
    if not words:
        raise ValueError(f"An empty caption tells of no scene; write {_FORM}, such as 'a red seven above a blue star'.")
    left = list(words)
    things, relation = [_take_thing(left, caption)], NONE
    if left:
        first = left.pop(0)
        name = f"{first} {left.pop(0)}" if first in ("left", "right") and left and left[0] == "of" else first
        if name not in RELATIONS:
            raise ValueError(f"Expected above, below, left of or right of after the first thing in {caption!r}.")
        relation = RELATIONS.index(name)
        things.append(_take_thing(left, caption))
    if left:
        raise ValueError(f"A caption ends after its second thing; got {' '.join(left)!r} more in {caption!r}.")
    kind, colour, size = torch.tensor([*things, (NONE, NONE, NONE)][:2]).T[:, None].unbind(0)
    return Scenes(kind, colour, size, torch.tensor([relation]))


def _take_thing(left: list[str], caption: str) -> tuple[int, int, int]:
    """Kind, colour and size from the words that are left, which lose them."""

    def take(names: Sequence[str], what: str) -> int:
        if not left or left[0] not in names:
            found = f"before {left[0]!r}" if left else "at the end"
            raise ValueError(f"Expected {what} {found} in {caption!r}: the order is {_FORM}.")
        return names.index(left.pop(0))

    take(["a"], "'a'")
    size = SIZES.index(left.pop(0)) if left and left[0] in SIZES else NONE
    colour = take(COLOURS, "a colour")
    return take(KINDS, "a thing"), colour, size


def tokenize(captions: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Captions as whole numbers, each with a start and filled up with zeros.

    An empty caption, the unconditional one, is a start alone; any other is one that ``parse`` understands.

    Returns:
        Tokens, shape (N, 11), int64, and where they are real, shape (N, 11), bool.

    Raises:
        ValueError: in one sentence, if a word is unknown, the words are in another order than the grammar's, or a
            caption has more than ten.
        TypeError: if captions are no list of strings.
    """
    if isinstance(captions, str):
        raise TypeError(f"Expected a list of captions; got one string. Try `tokenize([{captions!r}])`.")
    rows = []
    for caption in captions:
        words = _words(caption)
        if len(words) >= LENGTH:
            raise ValueError(f"A caption has at most {LENGTH - 1} words; got {len(words)} in {caption!r}.")
        if words and not _CAPTION.fullmatch(" ".join(words)):
            parse(caption)
        row = [1, *(_TOKEN[word] for word in words)]
        rows.append(row + [0] * (LENGTH - len(row)))
    tokens = torch.tensor(rows, dtype=torch.int64).reshape(-1, LENGTH)
    return tokens, tokens != 0


def _words(caption: str) -> list[str]:
    """The words of a caption, all of them known."""
    if not isinstance(caption, str):
        raise TypeError(f"Expected a caption, a string; got a value of type {type(caption).__name__}.")
    words = caption.lower().rstrip(". ").split()
    for word in words:
        if word not in WORDS[2:]:
            raise ValueError(f"There is no word {word!r} in this course's captions; there are {', '.join(WORDS[2:])}.")
    return words
