"""A pad to draw lines on, with mouse, pen or finger, and words beside it; pictures answer when they are asked for.

What is drawn is seen as a network sees it, in whole pixels. Ready-made drawings are there for those who do not draw; a
plain picture of the first of them stands where no kernel runs.
"""

import inspect
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
import torch
from ipycanvas import Canvas
from matplotlib.figure import Figure
from torch import Tensor

from course.tensors import check_takes
from course.widgets import WithStill, png_of

SIDE, SCALE = 32, 10
"""Pixels along a side of a drawing, and of the screen for each of them."""
Point = tuple[float, float]


def sketch(
    draw: Callable[[Tensor, str], Figure], ready: Mapping[str, Tensor], words: str = "", width: float = 1.0
) -> "SketchPad":
    """A pad beside the figure that ``draw`` returns for what is drawn and written; the last line of a cell.

    Args:
        draw: (lines (1, 1, 32, 32), words) → a matplotlib figure, called when its button is pressed. The first line of
            its docstring becomes the figure's alternative text.
        ready: drawings to choose from, by name, each (1, 1, 32, 32) of zeros and ones; the first is there at first.
        words: what is written at first.
        width: of a stroke, in pixels to either side of its middle.
    """
    return SketchPad(draw, ready, words, width)


def stroke(lines: Tensor, start: Point, end: Point, width: float = 1.0) -> Tensor:
    r"""Lines with one more, straight from start to end: all pixels whose centre is within ``width`` of it.

    .. math:: \min_{0 \le u \le 1} \lVert a + u (b - a) - c \rVert \le w

    Args:
        lines: shape (1, 1, H, W), 0 or 1.
        start, end: a and b, (x, y) from the upper left corner, in pixels.
        width: w, in pixels.

    Returns:
        A new tensor of the same shape.
    """
    rows, columns = (torch.arange(n) + 0.5 for n in lines.shape[2:])
    centre = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    a, way = torch.tensor(start), torch.tensor(end) - torch.tensor(start)
    along = (((centre - a) @ way) / way.square().sum().clamp(min=1e-9)).clamp(0, 1)
    near = (a + along[..., None] * way - centre).norm(dim=-1) <= width
    return torch.maximum(lines, near.to(lines.dtype))


class SketchPad(WithStill):
    """What ``sketch`` returns: its ``lines`` (1, 1, 32, 32), its ``words``, and the ``picture`` that answers."""

    def __init__(
        self, draw: Callable[[Tensor, str], Figure], ready: Mapping[str, Tensor], words: str = "", width: float = 1.0
    ):
        super().__init__()
        for lines in ready.values():
            check_takes("A pad takes drawings", lines, 1, SIDE, SIDE)
        self._draw, self._ready, self._width = draw, dict(ready), width
        self._at: Point | None = None
        self._asked: tuple[bytes, str] | None = None
        self.alt = (inspect.getdoc(draw) or "What was drawn, and pictures of it.").splitlines()[0]
        self.canvas = Canvas(width=SIDE * SCALE, height=SIDE * SCALE, layout={"border": "1px solid #767676"})
        self.drawing = ipywidgets.ToggleButtons(options=[*ready], description="drawing")  # JupyterLab takes menus' keys
        text = {"description": "words", "continuous_update": False, "layout": {"width": "320px"}}
        self.words = ipywidgets.Text(words, **text)
        self.clear, self.go = (ipywidgets.Button(description=name) for name in ("Clear", "Make pictures"))
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self.message = ipywidgets.HTML()
        self.lines = next(iter(self._ready.values()), torch.zeros(1, 1, SIDE, SIDE)).clone()
        self.answer()
        self._listen()
        controls = ipywidgets.VBox([self.drawing, self.words, ipywidgets.HBox([self.clear, self.go]), self.message])
        self.children = [ipywidgets.HBox([self.canvas, controls]), self.picture, self._spoken()]

    def _listen(self) -> None:
        self.canvas.on_client_ready(self._show)
        self.canvas.on_mouse_down(self._press)
        self.canvas.on_mouse_move(self._to)
        for lifted in (self.canvas.on_mouse_up, self.canvas.on_mouse_out):
            lifted(self._lift)
        self.canvas.on_touch_start(lambda fingers: self._press(*fingers[0]))
        self.canvas.on_touch_move(lambda fingers: self._to(*fingers[0]))
        self.canvas.on_touch_end(lambda fingers: self._lift())
        self.drawing.observe(lambda change: self.put(self._ready[change["new"]]), "value")
        self.clear.on_click(lambda _: self.put(torch.zeros(1, 1, SIDE, SIDE)))
        self.go.on_click(lambda _: self.answer())
        self.words.observe(lambda _: self.answer(), "value")
        self._show()

    def put(self, lines: Tensor) -> None:
        """Show these lines in the place of what is drawn."""
        check_takes("A pad takes drawings", lines, 1, SIDE, SIDE)
        self.lines = lines.clone()
        self._show()

    def answer(self) -> None:
        """Draw the figure of what is drawn and written, if it is new; an error is shown where the reader looks."""
        asked = (self.lines.numpy().tobytes(), self.words.value)
        if asked == self._asked:
            return
        self._asked, self.go.disabled, self.message.value = asked, True, ""
        try:
            figure = self._draw(self.lines, self.words.value)
            self.picture.value = png_of(figure)
            plt.close(figure)
        except Exception as error:
            self.message.value = f"<b>{type(error).__name__}</b>: {escape(str(error))}"
        finally:
            self.go.disabled = False

    def _press(self, x: float, y: float) -> None:
        self._at = (x / SCALE, y / SCALE)
        self._to(x, y)

    def _to(self, x: float, y: float) -> None:
        if self._at:
            here = (x / SCALE, y / SCALE)
            drawn = stroke(self.lines, self._at, here, self._width)
            self._fill(drawn - self.lines)
            self._at, self.lines = here, drawn

    def _lift(self, *_: Any) -> None:
        self._at = None

    def _show(self) -> None:
        self.canvas.clear()
        self._fill(self.lines)

    def _fill(self, lit: Tensor) -> None:
        rows, columns = (SCALE * lit[0, 0].nonzero()).T.numpy()
        if len(rows):
            self.canvas.fill_rects(columns, rows, SCALE)
