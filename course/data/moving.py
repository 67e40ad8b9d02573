r"""Clips of one handwritten digit in motion, and captions of a small grammar: "a three moves quickly to the right".

A digit of MNIST, ten pixels high, moves at a constant velocity through a black frame. Every pixel of the digit is
shared linearly between the four pixels of the frame around it, so that ink is never lost and the centre of ink moves
by exactly the velocity, at any fraction of a pixel. As shares of rows and columns multiply, a frame is a product

.. math:: \text{frame}_f = R_f \, \text{ink} \, C_f^\top, \qquad
   R_f[i, j] = s \max\bigl(0, \, 1 - \lvert y_f + s (j - \bar\jmath) - i \rvert\bigr), \quad s = \tfrac12

with y the row of the centre of ink in the frame and j̄ its row in the digit; likewise C for columns.

N clips, F frames, positions and velocities as (row, column) in pixels, and pixels a frame. What a caption says is a
row of three whole numbers: the digit, the motion and the pace, each the number of its words where nothing is said.

Moving MNIST (Srivastava et al., 2015) moves two digits that bounce off the walls, without captions, for prediction;
here motion is told in words, and a fifth of all pairs of digit and direction never occur in training.
"""

from itertools import product

import torch
from torch import Tensor

from course.data.images import mnist
from course.tensors import check_generator, check_images, check_labels, check_real, check_tensor, whole

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MOTIONS = ("moves to the right", "moves to the left", "rises", "falls", "stands still")
PACES = ("slowly", "quickly")
NOTHING = (len(DIGITS), len(MOTIONS), len(PACES))
"""What a caption says that says nothing."""

SPEEDS = torch.tensor([[0.4, 0.8], [1.3, 1.8]])
"""The least and the largest speed of each pace, in pixels a frame."""

FRAMES, SIDE = 8, 24
STILL = MOTIONS.index("stands still")
DIRECTIONS = torch.tensor([[0.0, 1.0], [0.0, -1.0], [-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
SCALE = 0.5  # frame pixels per pixel of a digit

_digit, _motion = torch.arange(10)[:, None], torch.arange(5)
HELD_OUT = ((_digit + 2 * _motion) % 5 == 0) & (_motion != STILL)
"""Pairs of digit and motion that never occur in training, shape (10, 5): a fifth of the forty that move."""
SEEN = ~HELD_OUT


def moving_digits(
    n: int,
    generator: torch.Generator | None = None,
    frames: int = FRAMES,
    size: int = SIDE,
    split: str = "train",
    pairs: Tensor = SEEN,
) -> tuple[Tensor, list[str]]:
    """Clips of moving digits and their captions: new ones without end, about two thousand a second.

    Args:
        n: how many.
        generator: draws digits, motions and places.
        frames: F, two or more.
        size: height and width of the frames.
        split: of ``mnist``: digits of "train" or "test".
        pairs: which digits move how: true at [digit, motion], shape (10, 5), such as ``SEEN`` or ``HELD_OUT``.

    Returns:
        Clips, shape (n, F, 1, size, size) in [−1, 1], and n captions.

    Raises:
        ValueError: if the frames are too small for the fastest digit, or no digit moves.
    """
    check_generator(generator)
    _check_pairs(pairs)
    if not pairs.any():
        raise ValueError("No pair of digit and motion is left; `pairs` is false everywhere.")
    images, labels = mnist(28, split)
    able = pairs.any(1)[labels].nonzero().squeeze(1)
    index = able[torch.randint(len(able), (whole("n", n, 1),), generator=generator)]
    clips, told = set_in_motion(images[index], labels[index], generator, frames, size, pairs)
    return clips, [caption(row) for row in told.tolist()]


def set_in_motion(
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator | None = None,
    frames: int = FRAMES,
    size: int = SIDE,
    pairs: Tensor = SEEN,
) -> tuple[Tensor, Tensor]:
    """Give each digit a motion and a place, so that it stays in the frame throughout.

    Args:
        images: digits, shape (N, 1, 28, 28) in [−1, 1]; labels: shape (N,).
        generator: draws motions, speeds and places, each of them evenly.
        frames, size, pairs: as in ``moving_digits``.

    Returns:
        Clips, shape (N, F, 1, size, size), and what their captions say, shape (N, 3).
    """
    check_images(images=images)
    check_labels(labels, images, 10)
    check_generator(generator)
    _check_pairs(pairs)
    least = int(SPEEDS.max() * (whole("frames", frames, 2) - 1) + 19 * SCALE) + 2
    if whole("size", size, 1) < least:
        raise ValueError(f"In {frames} frames a quick digit needs a frame of {least} × {least} or more; got {size}.")
    allowed = pairs.to(labels.device)[labels].float()
    if not allowed.any(1).all():
        raise ValueError(f"`pairs` lets no {DIGITS[int(labels[~allowed.any(1)][0])]} move.")
    motion = torch.multinomial(allowed, 1, generator=generator).squeeze(1)
    u = torch.rand(4, len(images), generator=generator, device=images.device)
    pace = (u[0] < 0.5).long()
    low, high = SPEEDS.to(images.device)[pace].T
    velocity = DIRECTIONS.to(images)[motion] * (low + (high - low) * u[1])[:, None]
    travel = velocity * (frames - 1)
    before, after = _extent(images)
    first = before - travel.clamp(max=0)  # the least start at which nothing is ever outside
    last = size - 1 - after - travel.clamp(min=0)
    start = first + (last - first) * u[2:].T
    told = torch.stack([labels.long(), motion, torch.where(motion == STILL, len(PACES), pace)], 1)
    return render(images, start.to(images), velocity.to(images), frames, size), told


def render(images: Tensor, start: Tensor, velocity: Tensor, frames: int = FRAMES, size: int = SIDE) -> Tensor:
    """Digits at half their size, their centres of ink at start, start + velocity, ...; what is outside is cut off.

    Args:
        images: shape (N, 1, H, W) in [−1, 1].
        start: row and column of the centre of ink in the first frame, shape (N, 2).
        velocity: rows and columns a frame, shape (N, 2).
        frames: F; size: height and width of the frames.

    Returns:
        Shape (N, F, 1, size, size) in [−1, 1].
    """
    check_images(images=images)
    check_real(start=start, velocity=velocity)
    for name, value in (("start", start), ("velocity", velocity)):
        if value.shape != (len(images), 2):
            raise ValueError(
                f"Expected {name} as (row, column) of each digit, ({len(images)}, 2); got {tuple(value.shape)}."
            )
    ink = (images[:, 0] + 1) / 2
    steps = torch.arange(whole("frames", frames, 1), device=images.device)
    place = start[:, None] + steps[:, None] * velocity[:, None]  # (N, F, 2)
    centre = centre_of_ink(images)
    rows, columns = (_shares(place[..., k], centre[:, k], ink.shape[1 + k], size) for k in (0, 1))
    return (2 * torch.einsum("nfij,njk,nflk->nfil", rows, ink, columns) - 1).unsqueeze(2)


def centre_of_ink(x: Tensor) -> Tensor:
    """Row and column of the centre of ink, (x + 1) / 2, summed over channels; x (*B, C, H, W) → (*B, 2), in pixels."""
    check_real(3, x=x)
    ink = ((x + 1) / 2).clamp(min=0).sum(-3)
    ink = ink / ink.sum((-2, -1), keepdim=True).clamp(min=1e-6)
    row, column = (torch.arange(n, dtype=x.dtype, device=x.device) for n in x.shape[-2:])
    return torch.stack([(ink.sum(-1) * row).sum(-1), (ink.sum(-2) * column).sum(-1)], -1)


def _shares(place: Tensor, centre: Tensor, n: int, size: int) -> Tensor:
    """What each of ``size`` pixels gets of each of n pixels of a digit; place (N, F), centre (N,) → (N, F, size, n)."""
    pixel = torch.arange(n, dtype=place.dtype, device=place.device)
    at = place[..., None] + SCALE * (pixel - centre[:, None])[:, None]
    away = at[..., None, :] - torch.arange(size, dtype=place.dtype, device=place.device)[:, None]
    return SCALE * (1 - away.abs()).clamp(min=0)


def _extent(images: Tensor) -> tuple[Tensor, Tensor]:
    """How far ink reaches before and behind its centre, in pixels of a frame, both (N, 2): (rows, columns)."""
    inked, centre = images[:, 0] > -1, centre_of_ink(images)
    reach = []
    for k in (0, 1):
        along = inked.any(2 - k).float()  # (N, H) or (N, W)
        first, last = along.argmax(1), along.shape[1] - 1 - along.flip(1).argmax(1)
        reach.append(torch.stack([centre[:, k] - first, last - centre[:, k]]))
    before, after = SCALE * torch.stack(reach, -1)
    return before, after


def _check_pairs(pairs: Tensor) -> None:
    check_tensor(pairs=pairs)
    if pairs.shape != HELD_OUT.shape or pairs.dtype != torch.bool:
        raise ValueError(
            f"Expected pairs as booleans [digit, motion], shape (10, 5); got {pairs.dtype}, {tuple(pairs.shape)}."
        )


# -- captions ----------------------------------------------------------------------------------------------------------


def caption(told: tuple[int, ...] | list[int]) -> str:
    """The caption that says digit, motion and pace: (3, 0, 1) is "a three moves quickly to the right"; a digit that is
    not named is "it", without a motion a caption is "a three", and one that says nothing is ""."""
    digit, motion, pace = told
    verb, _, rest = MOTIONS[motion].partition(" ") if motion < NOTHING[1] else ("", "", "")
    named = digit < NOTHING[0]
    subject = f"{'an' if digit == 8 else 'a'} {DIGITS[digit]}" if named else "it" if verb else ""
    return " ".join(filter(None, [subject, verb, PACES[pace] if motion < STILL and pace < NOTHING[2] else "", rest]))


def read_captions(captions: list[str]) -> Tensor:
    """What captions say, shape (N, 3): digit, motion, pace, each the number of its words where nothing is said.

    "a three moves slowly to the right", "a five falls", "it rises quickly", "an eight stands still", "a two" and "".

    Raises:
        TypeError: for one caption instead of a list of them.
        ValueError: if a word is unknown, or known words stand in an order that the grammar does not have.
    """
    told = [captions] if isinstance(captions, str) else list(captions)
    if isinstance(captions, str) or not all(isinstance(text, str) for text in told):
        raise TypeError(f"Expected a list of captions, such as ['a three falls']; got {captions!r}.")
    return torch.tensor([_read(text) for text in told], dtype=torch.int64).reshape(-1, 3)


def _read(text: str) -> tuple[int, ...]:
    words = text.lower().rstrip(".").replace("an eight", "a eight").split()
    said = _CAPTIONS.get(" ".join(words))
    if said is not None:
        return said
    for word in words:
        if word not in _WORDS:
            raise ValueError(f"Captions of moving digits have no word {word!r}; their words are {', '.join(_WORDS)}.")
    raise ValueError(
        f'The words of "{text}" are no caption in this order; say it as in "a three moves slowly to the right", '
        '"an eight stands still", "it falls" or "a two".'
    )


def _captions() -> dict[str, tuple[int, ...]]:
    """Everything that can be said, 153 captions and the empty one."""
    said = [told for told in product(range(11), range(6), (2, 0, 1)) if told[1] < STILL or told[2] == 2]
    return {caption(told).replace("an eight", "a eight"): told for told in said}


_CAPTIONS = _captions()
_WORDS = ("a", "an", *sorted({word for text in _CAPTIONS for word in text.split()} - {"a"}))
