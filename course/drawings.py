"""Networks drawn from themselves: every shape that a drawing shows was seen on its way through the network.

Each function runs the network once, on zeros, and draws what passed into the Axes that it is given. Shapes are written
without the batch: C × H × W for features of an image, N × C for tokens. What the network is told, noise level and
class, is green; what a skip hands over is orange; attention is purple.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from torch import Tensor, nn

from course.networks import DiT, TimeBlock, UNet
from course.networks.transformer import DiTBlock
from course.plots import BLUE, EXACT, GREEN, ORANGE, PURPLE, SKY

Shape: TypeAlias = tuple[int, ...]
Point: TypeAlias = tuple[float, float]

TINTS = {SKY: "#cfe6f5", ORANGE: "#f8dfae", PURPLE: "#f0d9e5", GREEN: "#c5e8dc", EXACT: "#e4e4e4"}
"""Light fills, by the colour of their edge."""
SMALL = 11


@dataclass(frozen=True)
class Passed:
    """Shapes, without the batch, of what went into a module and of what came out, at its last call."""

    into: tuple[Shape, ...]
    out: Shape


def passed(network: nn.Module, *inputs: Any) -> dict[str, Passed]:
    """Run a network once, and note what passes through every module in it.

    Args:
        network: any module whose parts give back one tensor each.
        inputs: its arguments, tensors with a batch in front.

    Returns:
        By the module's name as in ``named_modules``; the network itself is "".
    """
    seen: dict[str, Passed] = {}

    def note(name: str) -> Any:
        def hook(_: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
            tensors = [a for a in arguments if isinstance(a, Tensor)]
            seen[name] = Passed(tuple(tuple(a.shape[1:]) for a in tensors), tuple(output.shape[1:]))

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in network.named_modules()]
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def written(shape: Shape) -> str:
    """A shape as drawings show it: ``64 × 8 × 8``."""
    return " × ".join(map(str, shape))


# -- whole networks ----------------------------------------------------------------------------------------------------


def unet(ax: Axes, network: UNet, size: int = 16) -> Axes:
    """A U-Net from left to right: small pictures at the bottom, and a skip from each part down to its partner up.

    Args:
        network: told a number as its noise level.
        size: height and width of the picture that is sent through.
    """
    channels = network.stem.in_channels
    seen = passed(network, torch.zeros(1, channels, size, size), 0.5)
    sizes = sorted({p.out[1] for name, p in seen.items() if name.endswith("mix")}, reverse=True)
    heights = {s: 1.7 * s / size for s in sizes}
    rows, y = {}, 0.0
    for s in sizes:
        rows[s] = y - heights[s] / 2
        y -= heights[s] + 0.95
    canvas, wide = _Canvas(ax), 0.6 / max(p.out[0] for name, p in seen.items() if name.endswith("mix"))

    def slab(x: float, shape: Shape, made_by: str, color: str = SKY, skipped: int = 0) -> "_Slab":
        c, s = shape[0], shape[1]
        drawn = _Slab(x, rows[s], max(0.12, wide * c), heights[s])
        canvas.box(drawn.x, drawn.y - drawn.height / 2, drawn.width, drawn.height, color)
        if skipped:
            part = drawn.width * skipped / c
            canvas.box(drawn.x + drawn.width - part, drawn.y - drawn.height / 2, part, drawn.height, ORANGE)
        canvas.text(drawn.middle, drawn.top + 0.08, written(shape), va="bottom", size=SMALL - 1)
        color = PURPLE if "attention" in made_by else EXACT
        canvas.text(drawn.middle, drawn.bottom - 0.07, made_by, va="top", color=_dark(color), size=SMALL - 1)
        return drawn

    def follow(last: "_Slab", shape: Shape, made_by: str, **looks: Any) -> "_Slab":
        room = 0.55 if rows[shape[1]] == last.y else 0.34
        apart = 0.132 * len(written(shape))  # no two shapes are written over each other
        x = max(last.right + room, last.middle + apart - max(0.12, wide * shape[0]) / 2)
        this = slab(x, shape, made_by, **looks)
        if this.y == last.y:
            canvas.arrow((last.right, last.y), (this.x, this.y))
        else:
            canvas.line([(last.right, last.y), (this.middle, last.y)])
            canvas.arrow(
                (this.middle, last.y), (this.middle, this.top + 0.36 if this.y < last.y else this.bottom - 0.34)
            )
        return this

    def says(part: Any, change: str = "") -> str:
        return f"{change}block\n+ attention" if part.attention else f"{change}block"

    last = slab(0, (channels, size, size), "picture", color=EXACT)
    last = follow(last, seen["stem"].out, "stem")
    kept = []
    for i, part in enumerate(network.down):
        last = follow(last, seen[f"down.{i}"].out, says(part, "halve,\n" if part.before else ""))
        kept.append(last)
    last = follow(last, seen["middle"].out, "block")
    for i, part in enumerate(network.up):
        joined, source = seen[f"up.{i}.mix"].into[0], kept.pop()
        own = joined[0] - seen[f"down.{len(kept)}"].out[0]
        last = follow(last, joined, "joined", skipped=joined[0] - own)
        canvas.skip((source.right, source.y + source.height / 3), (last.x, last.y + source.height / 3))
        inside = f"up.{i}.attention" if part.attention else f"up.{i}.block"
        last = follow(last, seen[inside].out, says(part) + (",\ndouble" if part.after else ""))
    last = follow(last, seen["head"].out, "head", color=EXACT)
    canvas.text(0, rows[sizes[-1]], _condition(seen["condition.time"]), ha="left", va="center", color=_dark(GREEN))
    canvas.finish()
    return ax


def dit(ax: Axes, network: DiT) -> Axes:
    """A diffusion transformer from left to right: cut into tokens, block after block, and put together again."""
    size, channels = network.size, network.read.in_features // network.patch**2
    seen = passed(network, torch.zeros(1, channels, size, size), 0.5)
    canvas, y = _Canvas(ax), 0.0
    stops = [
        ("picture", seen[""].into[0], EXACT, ""),
        ("patches", seen["read"].into[0], EXACT, f"cut into\n{network.patch} × {network.patch}"),
        ("tokens", seen["read"].out, SKY, "linear,\n+ places"),
    ]
    stops += [(f"block {i + 1}", seen[f"blocks.{i}"].out, SKY, "") for i in range(len(network.blocks))]
    stops += [
        ("patches", seen["write"].out, EXACT, "norm,\nlinear"),
        ("picture", seen[""].out, EXACT, "put\ntogether"),
    ]
    x, last = 0.0, 0.0
    for i, (name, shape, color, by) in enumerate(stops):
        width = 0.95
        if i:
            gap = 1.0 if by else 0.55
            x += gap
            canvas.arrow((last, y), (x, y))
            canvas.text((last + x) / 2, y + 0.12, by, va="bottom", size=SMALL - 1)
        block = name.startswith("block")
        canvas.box(x, y - 0.5, width, 1.0, PURPLE if block else color)
        canvas.text(x + width / 2, y, name, va="center", color=_dark(PURPLE) if block else EXACT)
        canvas.text(x + width / 2, y + 0.58, written(shape), va="bottom")
        x = last = x + width
    canvas.text(
        0, -0.62, _condition(seen["condition.time"]).replace("\n", " "), ha="left", va="top", color=_dark(GREEN)
    )
    canvas.finish()
    return ax


# -- blocks ------------------------------------------------------------------------------------------------------------


def unet_block(ax: Axes, network: UNet, size: int = 16, part: int = 1) -> Axes:
    """What a block of a U-Net adds to its features, from top to bottom.

    Args:
        network: with blocks that are told the embedding by an addition.
        size: height and width of the picture that is sent through.
        part: which part of the way down the block is in.

    Raises:
        ValueError: if its blocks are others than ``TimeBlock``.
    """
    if not isinstance(network.middle, TimeBlock):
        raise ValueError(f"Only blocks of the class TimeBlock are drawn; these are {type(network.middle).__name__}.")
    seen = passed(network, torch.zeros(1, network.stem.in_channels, size, size), 0.5)
    name = f"down.{part}.block"
    features, e = seen[name].into
    canvas = _Canvas(ax)
    column = _Column(canvas, 0.0, features, "features")
    column.fork()
    column.step("SiLU")
    column.step("convolution 3 × 3, group norm", seen[f"{name}.conv1"].out)
    column.told("+", f"linear: {written(seen[f'{name}.project'].out)}")
    column.step("SiLU")
    column.step("convolution 3 × 3", seen[f"{name}.conv2"].out)
    column.join()
    column.end(seen[name].out, "features")
    column.embedding(e)
    canvas.finish()
    return ax


def dit_block(ax: Axes, network: DiT, block: int = 0) -> Axes:
    """What a block of a diffusion transformer adds to its tokens, in two branches, from top to bottom."""
    channels = network.read.in_features // network.patch**2
    seen = passed(network, torch.zeros(1, channels, network.size, network.size), 0.5)
    name, part = f"blocks.{block}", network.blocks[block]
    assert isinstance(part, DiTBlock)
    tokens, e = seen[name].into
    width = seen[f"{name}.mlp.0"].out[-1]
    told = written((seen[f"{name}.modulation"].out[0] // 6,))
    canvas = _Canvas(ax)
    column = _Column(canvas, 0.0, tokens, "tokens")
    column.fork()
    column.step("layer norm", tokens)
    column.told("× (1 + s) + b", f"s, b: {told} each")
    column.step(f"attention, {part.heads} heads of {tokens[-1] // part.heads}", tokens, PURPLE)
    column.told("× g", f"g: {told}")
    column.join()
    column.fork()
    column.step("layer norm", tokens)
    column.told("× (1 + s) + b", f"s, b: {told} each")
    column.step(f"MLP at each token: {tokens[-1]} → {width} → {seen[f'{name}.mlp'].out[-1]}", seen[f"{name}.mlp"].out)
    column.told("× g", f"g: {told}")
    column.join()
    column.end(seen[name].out, "tokens")
    column.embedding(e, f"linear: {written(seen[f'{name}.modulation'].out)} = 6 × {told}")
    canvas.finish()
    return ax


# -- pens --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Slab:
    """Features of an image: as high as its pixels, as wide as its channels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        return self.y - self.height / 2


class _Canvas:
    """Boxes, arrows and words in one unit for both axes, all of them in view."""

    def __init__(self, ax: Axes):
        self.ax = ax

    def box(self, x: float, y: float, width: float, height: float, color: str, rounded: bool = False) -> None:
        looks: dict[str, Any] = {"facecolor": TINTS[color], "edgecolor": _dark(color), "linewidth": 1.2, "zorder": 2}
        if rounded:
            shape = f"round,pad=0,rounding_size={min(width, height) / 4}"
            self.ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, **looks))
        else:
            self.ax.add_patch(Rectangle((x, y), width, height, **looks))
        self._show((x, y), (x + width, y + height))

    def text(self, x: float, y: float, words: str, color: str = EXACT, size: float = SMALL, **looks: Any) -> None:
        style: dict[str, Any] = {"ha": "center", "linespacing": 1.1, **looks}
        self.ax.text(x, y, words, color=color, fontsize=size, zorder=4, **style)
        lines, at = words.split("\n"), {"left": 0.0, "right": 1.0}.get(style["ha"], 0.5)
        wide, high = 0.08 * max(map(len, lines)), 0.22 * len(lines)
        low = {"bottom": 0.0, "top": high}.get(style.get("va", ""), high / 2)
        self._show((x - at * wide, y - low), (x + (1 - at) * wide, y - low + high))

    def arrow(self, start: Point, end: Point, color: str = EXACT) -> None:
        looks = {"arrowstyle": "-|>", "color": color, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
        self.ax.annotate("", end, start, arrowprops=looks, zorder=3, annotation_clip=False)
        self._show(start, end)

    def line(self, points: list[Point], color: str = EXACT, **looks: Any) -> None:
        self.ax.plot(*zip(*points), color=color, **{"linewidth": 1.3, "zorder": 1} | looks)

    def skip(self, start: Point, end: Point) -> None:
        """Handed over, behind whatever stands in the way."""
        self.line([start, end], color=_dark(ORANGE), linestyle=(0, (4, 2)))
        self.arrow((end[0] - 0.05, end[1]), end, color=_dark(ORANGE))
        if end[0] - start[0] > 3:
            self.text((start[0] + end[0]) / 2, start[1] + 0.06, "skip", color=_dark(ORANGE), va="bottom")

    def finish(self) -> None:
        self.ax.set_aspect("equal")
        self.ax.set_axis_off()
        self.ax.margins(0.01)
        self.ax.autoscale_view()

    def _show(self, *points: Point) -> None:
        self.ax.update_datalim(points)


class _Column:
    """A block from top to bottom, with a line past each of its branches."""

    WIDTH, GAP, HEIGHT, ASIDE = 5.6, 0.56, 0.6, 1.5

    def __init__(self, canvas: _Canvas, x: float, shape: Shape, name: str):
        self.canvas, self.x, self.y = canvas, x, 0.0
        self.forks: list[float] = []
        self.listeners: list[float] = []
        self.canvas.text(x, 0.08, f"{name}: {written(shape)}", va="bottom", size=SMALL + 1)

    def fork(self) -> None:
        """From here a copy goes past the branch."""
        self.forks.append(self.y - self.GAP / 2 + 0.05)

    def _down(self) -> None:
        self.canvas.arrow((self.x, self.y), (self.x, self.y - self.GAP))
        self.y -= self.GAP

    def step(self, words: str, shape: Shape | None = None, color: str = SKY) -> None:
        self._down()
        self.canvas.box(self.x - self.WIDTH / 2, self.y - self.HEIGHT, self.WIDTH, self.HEIGHT, color, rounded=True)
        self.canvas.text(self.x, self.y - self.HEIGHT / 2, words, va="center")
        self.y -= self.HEIGHT
        if shape:
            self.canvas.text(self.x + 0.15, self.y - self.GAP / 2 + 0.02, written(shape), ha="left", va="center")

    def told(self, operation: str, words: str) -> None:
        """What time and class do to the features."""
        self._down()
        middle, width = self.y - self.HEIGHT / 2, max(self.HEIGHT, 0.2 * len(operation))
        self.canvas.box(self.x - width / 2, self.y - self.HEIGHT, width, self.HEIGHT, GREEN, rounded=True)
        self.canvas.text(self.x, middle, operation, va="center")
        right = self.x + self.WIDTH / 2 + self.ASIDE
        self.canvas.arrow((right, middle), (self.x + width / 2, middle), color=_dark(GREEN))
        self.canvas.text(
            right - 0.12, middle + 0.05, words, ha="right", va="bottom", color=_dark(GREEN), size=SMALL - 1
        )
        self.listeners.append(middle)
        self.y -= self.HEIGHT

    def join(self) -> None:
        """Add what went past."""
        self._down()
        radius = 0.24
        self.canvas.ax.add_patch(
            Circle((self.x, self.y - radius), radius, facecolor="white", edgecolor=EXACT, linewidth=1.2, zorder=2)
        )
        self.canvas.text(self.x, self.y - radius, "+", va="center_baseline", size=SMALL + 3)
        start, left = self.forks.pop(), self.x - self.WIDTH / 2 - 0.45
        self.canvas.line([(self.x, start), (left, start), (left, self.y - radius)])
        self.canvas.arrow((left, self.y - radius), (self.x - radius, self.y - radius))
        self.y -= 2 * radius

    def end(self, shape: Shape, name: str) -> None:
        self._down()
        self.canvas.text(self.x, self.y - 0.08, f"{name}: {written(shape)}", va="top", size=SMALL + 1)

    def embedding(self, shape: Shape, through: str = "") -> None:
        """The embedding, at the right, from the top to all that it tells."""
        right = self.x + self.WIDTH / 2 + self.ASIDE
        words = f"time and class: {written(shape)}" + (f"\n{through}" if through else "")
        self.canvas.text(right + 0.15, 0.08, words, color=_dark(GREEN), va="bottom", ha="center")
        self.canvas.line([(right, 0.0), (right, min(self.listeners))], color=_dark(GREEN))


def _dark(color: str) -> str:
    return {SKY: BLUE, ORANGE: "#b37a00", PURPLE: "#9c3f72", GREEN: "#00785a", EXACT: EXACT}[color]


def _condition(told: Passed) -> str:
    waves, e = written(told.into[0]), written(told.out)
    return f"noise level → {waves} waves\n→ two layers → {e},\nplus the class:\ntold to every block"
