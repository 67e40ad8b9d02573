"""Figures that answer: sliders over a picture that is drawn again, in place, when one of them moves.

Pictures travel as PNG and are kept, so that going back to a position, or playing a film again, draws nothing. Beside
the widget goes a plain picture of where the sliders start, which a live widget hides: what is left on a page where no
kernel runs is that figure.
"""

import gc
import inspect
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from html import escape
from io import BytesIO
from typing import Any, TypeAlias

import ipywidgets
import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Range: TypeAlias = tuple[float, float, float, float] | list[Any] | range | str


def explore(draw: Callable[..., Figure], /, **sliders: Range) -> "Explorer":
    """A slider for each keyword over the figure that ``draw`` returns for their values; the last line of a cell.

    Args:
        draw: takes the sliders' values by name and returns a matplotlib figure, in at most 0.15 s or so. The first line
            of its docstring becomes the picture's alternative text.
        sliders: ``(lowest, highest, step, start)``; or a list of options; or a ``range``, which gets a play button and
            whose pictures are drawn ahead. Options and ranges start at draw's default, or else at their first value. A
            string is where a box for text starts, which is read when Enter is pressed or the box is left; its draw may
            take longer, and a ``ValueError`` that it raises is told below the picture.

    Raises:
        ValueError: if there is no slider, or one is none of the four.
        TypeError: if draw returns something else than a figure.

    Example:
        >>> def draw(separation, steps=100): ...
        >>> explore(draw, separation=(1.0, 8.0, 0.5, 4.0), steps=[10, 100, 1000])
    """
    if not sliders:
        raise ValueError("A figure to explore needs a slider, such as separation=(1.0, 8.0, 0.5, 4.0).")
    return Explorer(draw, sliders)


class WithStill(ipywidgets.VBox):  # type: ignore[misc]
    """A widget that shows a ``picture``, ``alt`` in words; beside it goes a plain one, which a live widget hides."""

    picture: Any
    alt: str

    @property
    def _static(self) -> str:
        return f"static-{self.model_id}"

    def _spoken(self) -> Any:
        """What hides the plain picture where the widget lives, and says ``alt`` to those who do not see it."""
        live = f"<style>.{self._static} {{ display: none !important; }}</style>"
        spoken = f'<span style="position: absolute; clip-path: inset(50%)">{escape(self.alt)}</span>'
        return ipywidgets.HTML(live + spoken)

    def _ipython_display_(self) -> None:
        png = b64encode(self.picture.value).decode()
        img = f'<img class="{self._static}" alt="{escape(self.alt)}" src="data:image/png;base64,{png}">'
        display(self._repr_mimebundle_(), raw=True)
        display({"text/html": img, "image/png": png, "text/plain": self.alt}, raw=True)


class Explorer(WithStill):
    """What ``explore`` returns: ``sliders`` by name, and the ``picture`` they command."""

    def __init__(self, draw: Callable[..., Figure], sliders: dict[str, Range]):
        super().__init__()
        self._draw, self._places = draw, []  # type: ignore[var-annotated]
        self._png = lru_cache(maxsize=512)(self._render)
        self.sliders = {name: _slider(name, values, _default(draw, name)) for name, values in sliders.items()}
        self.alt = (inspect.getdoc(draw) or "Interactive figure: " + ", ".join(sliders)).splitlines()[0]
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self.message = ipywidgets.HTML()
        for name, values in sliders.items():
            for value in values if isinstance(values, range) else ():
                self._png(**{**self.values, name: value})
        self.picture.value = self._png(**self.values)
        row = {"flex_flow": "row wrap", "align_items": "center", "padding": "0 0 0 8px"}
        controls = ipywidgets.Box([_with_play(s, sliders[name]) for name, s in self.sliders.items()], layout=row)
        self.children = [controls, self.picture, self.message, self._spoken()]
        for slider in self.sliders.values():
            slider.observe(self._redraw, "value")
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # or else every eighth picture or so waits until all of torch has been searched for garbage

    @property
    def values(self) -> dict[str, Any]:
        """Where the sliders stand."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def _redraw(self, _: Any = None) -> None:
        try:
            self.picture.value, self.message.value = self._png(**self.values), ""
        except Exception as error:  # a comm's exceptions are lost in the log: show it where the reader looks
            self.message.value = f"<b>{type(error).__name__}</b>: {escape(str(error))}"

    def _render(self, **values: Any) -> bytes:
        """The figure as PNG. The layout is worked out once, which is quicker and keeps the axes from trembling."""
        figure = self._draw(**values)
        if not isinstance(figure, Figure):
            raise TypeError(f"The function to explore returns a matplotlib figure; got {type(figure).__name__}.")
        if len(self._places) == len(figure.axes):
            figure.set_layout_engine("none")
            for ax, place in zip(figure.axes, self._places):
                ax.set_position(place)
        png = png_of(figure)
        self._places = [ax.get_position(original=True) for ax in figure.axes]
        plt.close(figure)
        return png


def png_of(figure: Figure) -> bytes:
    """A figure as PNG; savefig would draw it twice."""
    png = BytesIO()
    FigureCanvasAgg(figure).print_png(png, pil_kwargs={"compress_level": 1})
    return png.getvalue()


def _default(draw: Callable[..., Any], name: str) -> Any:
    parameter = inspect.signature(draw).parameters.get(name)
    return None if parameter is None or parameter.default is parameter.empty else parameter.default


def _slider(name: str, values: Range, default: Any) -> Any:
    look = {"description": name.replace("_", " "), "tooltip": name, "layout": {"flex": "0 0 auto"}}
    look["style"] = {"description_width": "initial"}
    if isinstance(values, str):
        look["layout"] = {"flex": "1 1 auto", "max_width": "42em"}
        return ipywidgets.Text(values, continuous_update=False, **look)
    if isinstance(values, range) and len(values) > 1:
        start = values[0] if default is None else default
        return ipywidgets.IntSlider(start, min=values[0], max=values[-1], step=values.step, **look)
    if isinstance(values, list) and values:
        return ipywidgets.SelectionSlider(options=values, value=values[0] if default is None else default, **look)
    if isinstance(values, tuple) and len(values) == 4 and values[0] <= values[3] <= values[1] and values[2] > 0:
        whole = all(isinstance(value, int) for value in values)
        low, high, step, start = values
        return (ipywidgets.IntSlider if whole else ipywidgets.FloatSlider)(start, min=low, max=high, step=step, **look)
    raise ValueError(
        f"The slider {name} is (lowest, highest, step, start), a list of options, a range or a string; got {values!r}."
    )


def _with_play(slider: Any, values: Range) -> Any:
    if not isinstance(values, range):
        return slider
    play = ipywidgets.Play(slider.value, min=slider.min, max=slider.max, step=slider.step, interval=100)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    return ipywidgets.HBox([play, slider])
