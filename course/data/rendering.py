"""Scenes as pictures: real strokes of MNIST and drawn shapes, coloured, scaled, and put where the relation says.

Every digit that ships is cut out and made 10 and 15 pixels large once, and so are a few hundred variants of every
shape; a picture is then a choice of masks, colours and places, and a batch of pictures a few scatters.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from course.data.images import mnist
from course.data.scenes import KINDS, NONE, SIZES, Scenes, check_scenes
from course.tensors import check_generator, whole

SIDE = 32
"""Height and width of a picture."""
PIXELS = (10, 15)
"""The larger side of a small and of a large thing."""
BOX = 16
ASIDE = 4
"""Things are apart by one pixel at least along their relation; their centres by about four at most across it."""
RGB = torch.tensor(
    [
        [1.0, 0.1, 0.1],
        [1.0, 0.9, 0.1],
        [0.1, 0.8, 0.2],
        [0.1, 0.9, 0.9],
        [0.15, 0.3, 1.0],
        [0.65, 0.15, 1.0],
        [1.0, 0.45, 0.75],
        [1.0, 1.0, 1.0],
    ]
)
"""Of ``COLOURS``, from 0 to 1."""
DIGITS, VARIANTS = 10, 400


def render(scenes: Scenes, generator: torch.Generator, split: str = "train", grid: int = 4) -> Tensor:
    """Pictures of scenes on black; what a caption leaves open (size, place, strokes) is drawn at random.

    Args:
        scenes: N scenes.
        generator: draws strokes, places and open sizes.
        split: "train" or "test": whose digits' strokes and whose shapes; held-out scenes are rendered with "test".
        grid: things are put in multiples of so many pixels, 1 or 4; with 4, a network that sees patches of 4 × 4
            learns a stroke at one offset and not at sixteen.

    Returns:
        Shape (N, 3, 32, 32), float32 in [−1, 1].

    Raises:
        ValueError: if there is no such split or grid.
    """
    if whole("grid", grid) not in (1, 4):
        raise ValueError(f"Things are put in multiples of 1 or 4 pixels; got {grid}.")
    if split not in ("train", "test"):
        raise ValueError(f'Strokes have the splits "train" and "test"; got {split!r}.')
    check_generator(generator)
    scenes = settled(scenes, generator)
    n, bank = len(scenes.relation), _masks(split)
    corner = _places(scenes, generator, grid)
    first = bank.start[scenes.kind.clamp(min=0)]
    which = first + (torch.rand(n, 2, generator=generator) * bank.count[scenes.kind.clamp(min=0)]).long()
    inside = torch.arange(BOX)
    row = corner[..., 0, None, None] + inside[:, None]
    place = row * (SIDE + BOX) + corner[..., 1, None, None] + inside
    canvas = torch.zeros(n, 3, (SIDE + BOX) ** 2)
    for i in range(2):
        there = (scenes.kind[:, i] != NONE).float()
        mask = bank.masks[scenes.size[:, i].clamp(min=0), which[:, i]].flatten(1).float() / 255
        ink = (there[:, None] * RGB[scenes.colour[:, i].clamp(min=0)])[:, :, None] * mask[:, None]
        canvas.scatter_add_(2, place[:, i].reshape(n, 1, -1).expand(-1, 3, -1), ink)
    picture = canvas.reshape(n, 3, SIDE + BOX, SIDE + BOX)[:, :, :SIDE, :SIDE]
    return (2 * picture - 1).contiguous()


def settled(scenes: Scenes, generator: torch.Generator) -> Scenes:
    """The same scenes with every size decided, those that were left open at random."""
    check_scenes(scenes)
    check_generator(generator)
    size = torch.randint(len(SIZES), scenes.size.shape, generator=generator)
    is_open = (scenes.size == NONE) & (scenes.kind != NONE)
    return scenes._replace(size=torch.where(is_open, size, scenes.size))


def _places(scenes: Scenes, generator: torch.Generator, grid: int) -> Tensor:
    """Upper left corners (row, column) of both things, shape (N, 2, 2), int64; all sizes are decided.

    Every thing is in the middle of a box of a multiple of the grid; boxes are apart by a pixel where they are tight.
    """
    n, gap = len(scenes.relation), int(grid == 1)
    pixels = torch.tensor(PIXELS)[scenes.size.clamp(min=0)]
    side = (pixels + grid - 1) // grid * grid
    u = torch.rand(n, 4, generator=generator)

    def between(u: Tensor, low: Tensor | int, high: Tensor, step: int = grid) -> Tensor:
        return low + step * (u * ((high - low) // step + 1)).long()

    told_second = (scenes.relation >= 2)[:, None]
    upper, lower = torch.where(told_second, side.flip(1), side).unbind(1)
    along = between(u[:, 0], 0, SIDE - upper - lower - gap)
    along = torch.stack([along, between(u[:, 1], along + upper + gap, SIDE - lower)], 1)
    along = torch.where(told_second, along.flip(1), along)
    first = between(u[:, 2], 0, SIDE - side[:, 0])
    beside = first + (side[:, 0] - side[:, 1]) // 2 + between(u[:, 3], -ASIDE, torch.full((n,), ASIDE), 1)
    beside = (beside + grid // 2) // grid * grid
    across = torch.stack([first, beside.clamp(min=0).minimum(SIDE - side[:, 1])], 1)
    alone = torch.stack([between(u[:, 0], 0, SIDE - side[:, 0]), torch.zeros(n, dtype=torch.int64)], 1)
    vertical, single = (scenes.relation % 2 == 0)[:, None], (scenes.relation == NONE)[:, None]
    row = torch.where(single, alone, torch.where(vertical, along, across))
    column = torch.where(single | vertical, across, along)
    return torch.stack([row, column], 2) + ((side - pixels) // 2)[..., None]


# -- masks -------------------------------------------------------------------------------------------------------------


class _Bank:
    """Masks of all things: those of kind k are the ``count[k]`` from ``start[k]`` on."""

    def __init__(self, masks: list[Tensor]):
        self.masks = torch.cat(masks, 1)
        """shape (2, M, 16, 16), uint8, the thing in the upper left"""
        self.count = torch.tensor([m.shape[1] for m in masks])
        self.start = self.count.cumsum(0) - self.count


@cache
def _masks(split: str) -> _Bank:
    images, labels = mnist(28, split)
    cut = _cut((images + 1) / 2)
    digits = torch.stack([_resized(cut, pixels) for pixels in PIXELS])
    generator = torch.Generator().manual_seed(("train", "test").index(split))
    return _Bank(
        [digits[:, labels == k] for k in range(DIGITS)] + [_shapes(kind, generator) for kind in KINDS[DIGITS:]]
    )


def _cut(images: Tensor) -> Tensor:
    """Sampling grids' scale and centre of the square around each digit: shape (M, 3) → images 40 × 40."""
    ink = images[:, 0] > 0.2
    ends = []
    for axis in (2, 1):  # columns first, as grid_sample counts
        there = ink.any(3 - axis)
        low = there.int().argmax(1)
        high = 28 - there.flip(1).int().argmax(1)
        ends.append((low, high))
    centre = torch.stack([(low + high) / 28 - 1 for low, high in ends], 1)
    half = torch.stack([high - low for low, high in ends], 1).amax(1) / 28
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = half
    theta[:, :, 2] = centre
    pieces = []
    for some, where in zip(images.split(1000), theta.split(1000)):
        grid = F.affine_grid(where, [len(some), 1, 60, 60], align_corners=False)
        pieces.append(F.grid_sample(some, grid, align_corners=False))
    return torch.cat(pieces)


def _resized(cut: Tensor, pixels: int) -> Tensor:
    """Images 60 × 60 averaged to a number of pixels that divides 60, in a box of 16; shape (M, 16, 16), uint8."""
    small = F.avg_pool2d(cut, 60 // pixels)[:, 0]
    small = (1.4 * small).clamp(max=1)  # thin strokes fade when they are made small
    return F.pad((255 * small).round().to(torch.uint8), (0, BOX - pixels, 0, BOX - pixels))


def _shapes(kind: str, generator: torch.Generator, n: int = VARIANTS) -> Tensor:
    """Filled shapes, each a little turned and stretched; shape (2, n, 16, 16), uint8."""
    u = 2 * torch.rand(n, 3, 1, 1, generator=generator) - 1
    axis = (torch.arange(60) + 0.5) / 30 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    x, y = x * (1 + 0.1 * u[:, 0].clamp(min=0)), y * (1 + 0.1 * (-u[:, 0]).clamp(min=0))
    angle = 0.2 * u[:, 1]
    x, y = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()
    inside = {"circle": _circle, "square": _square, "triangle": _triangle, "star": _star}[kind](x, y)
    return torch.stack([_resized(inside.float()[:, None], pixels) for pixels in PIXELS])


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return x**2 + y**2 < 0.95


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) < 0.8


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return (y < 0.75) & (y > 2 * x.abs() - 0.95)


def _star(x: Tensor, y: Tensor) -> Tensor:
    """Five points: the radius falls and rises along straight edges between them."""
    turn = 2 * math.pi / 5
    angle = (torch.atan2(x, -y) + math.pi / 5) % turn - math.pi / 5
    r = (x**2 + y**2).sqrt()
    px, py = r * angle.abs().cos(), r * angle.abs().sin()  # folded: the point at (1, 0), the notch at 36°
    nx, ny = 0.42 * math.cos(turn / 2), 0.42 * math.sin(turn / 2)
    return (px - 1) * ny - py * (nx - 1) < 0
