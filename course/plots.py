"""One look for every figure of the course: each function draws into the Axes it is given and returns it.

What is exact is drawn in black; what was measured, sampled or learned is in colour. The colours are Okabe and Ito's,
which colour-blind readers can tell apart; densities use a blue whose lightness falls in equal steps. Importing this
module sets matplotlib's defaults, so that plain ``ax.plot`` looks the same.

An extent is a number e for [-e, e] on both axes, or (left, right, bottom, top).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from torch import Tensor

from course.tensors import positive, whole
from course.types import LogDensity, StationaryScore

Extent: TypeAlias = float | tuple[float, float, float, float]

EXACT = "#000000"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9",
)  # fmt: skip
CHAINS = COLOURS[1:5]
"""Taken in turn by chains, wherever they are drawn: the blue is the density's."""

DENSITY = LinearSegmentedColormap.from_list(  # L* = 100, 90.6, ... 25 in CIELAB, all at the hue of BLUE
    "density",
    ["#ffffff", "#d7e5fa", "#aeccf3", "#86b4e8", "#609cd7", "#3d84c0", "#236ca3", "#185481", "#1a3e5d"],
)

plt.rcParams.update(
    {
        "font.size": 13,
        "axes.titlesize": 14,
        "axes.labelsize": 13,
        "xtick.labelsize": 12,
        "ytick.labelsize": 12,
        "legend.fontsize": 12,
        "legend.frameon": False,
        "lines.linewidth": 2,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=COLOURS),
        "figure.constrained_layout.use": True,
    }
)


def figure(columns: int = 1, rows: int = 1, height: float = 4.4) -> tuple[Figure, Any]:
    """A figure with room for legible text, and its Axes: one, a row of them, or an array (rows, columns)."""
    width = (0, 6.4, 9.6, 12.8)[min(whole("columns", columns, 1), 3)]
    positive(height=height)
    shape = (whole("rows", rows, 1), columns)
    fig, axes = plt.subplots(*shape, figsize=(width, height * rows), squeeze=False)
    return fig, axes if rows > 1 else axes[0] if columns > 1 else axes[0, 0]


def density(ax: Axes, log_prob: LogDensity, extent: Extent, resolution: int = 200) -> Axes:
    """A density in the plane; darker is denser.

    Args:
        log_prob: log p up to a constant, (B, 2) → (B,). The image is normalized to integrate to one over the extent.
        extent: the square or rectangle to show; it stays in view whatever else is drawn.
        resolution: pixels along each axis.
    """
    left, right, bottom, top = _plane(ax, extent)
    values = _evaluate(log_prob, _grid(left, right, bottom, top, resolution), "log-density")
    if values.shape != (resolution**2,) or values.max() == -np.inf:
        raise ValueError(
            f"A log-density gives a number at each point, shape ({resolution**2},), not all -inf; got {values.shape}."
        )
    p = np.exp(values - values.max()).reshape(resolution, resolution)
    p /= p.sum() * (right - left) * (top - bottom) / resolution**2
    ax.imshow(p, origin="lower", extent=(left, right, bottom, top), cmap=DENSITY, vmin=0, interpolation="bilinear")
    return ax


def arrows(ax: Axes, score: StationaryScore, extent: Extent, resolution: int = 17, color: str = EXACT) -> Axes:
    """A vector field such as a score, (B, 2) → (B, 2), as arrows centred on a grid.

    Directions are exact. Lengths are compressed: an arrow is as long as r/(r + m) of the grid's spacing, where r is the
    field's norm there and m the median norm, so that weak and strong pulls can be read off the same figure.
    """
    left, right, bottom, top = _plane(ax, extent)
    x = _grid(left, right, bottom, top, resolution)
    field = _evaluate(score, x, "field")
    if field.shape != tuple(x.shape):
        raise ValueError(f"A field gives a vector at each point, shape {tuple(x.shape)}; got {field.shape}.")
    norm = np.linalg.norm(field, axis=1, keepdims=True)
    spacing = min(right - left, top - bottom) / resolution
    field = spacing * field / np.maximum(norm + np.median(norm), np.finfo(norm.dtype).tiny)
    (x1, x2), (u, v) = x.T.numpy(), field.T
    ax.quiver(x1, x2, u, v, angles="xy", scale_units="xy", scale=1, pivot="mid", width=0.004, color=color)
    return ax


def points(ax: Axes, x: Tensor, color: str = VERMILLION, size: float = 10, label: str | None = None) -> Axes:
    """Samples in the plane, (B, 2)."""
    _expect(x, "points", "(B, 2)", x.ndim == 2 and x.shape[-1] == 2)
    x1, x2 = _array(x).T
    ax.scatter(x1, x2, s=size, color=color, alpha=0.7, linewidths=0, label=label, zorder=3)
    return _plane_labels(ax)


def chains(ax: Axes, path: Tensor, colors: Sequence[str] = CHAINS, tail: int | None = None) -> Axes:
    """Chains in the plane, (n+1, B, 2): a trail that fades into the past, an open dot at the start, a full one now.

    Args:
        path: every state of every chain, as ``langevin_chain`` returns it.
        colors: taken in turn by the chains.
        tail: how many of the last steps to draw; all, if not given, and then the start too.
    """
    _expect(path, "chains", "(n+1, B, 2)", path.ndim == 3 and path.shape[-1] == 2)
    states = _array(path if tail is None else path[-tail - 1 :])
    n, b, _ = states.shape
    own = [to_rgba(colors[i % len(colors)]) for i in range(b)]
    lines = np.broadcast_to(own, (n - 1, b, 4)).copy()
    lines[..., 3] = np.linspace(0.08, 0.9, n - 1)[:, None]
    segments = np.stack([states[:-1], states[1:]], 2).reshape(-1, 2, 2)
    ax.add_collection(LineCollection(list(segments), colors=lines.reshape(-1, 4), linewidths=1.2))
    if tail is None:
        ax.scatter(states[0, :, 0], states[0, :, 1], s=30, c="white", edgecolors=own, zorder=3)
    ax.scatter(states[-1, :, 0], states[-1, :, 1], s=30, c=own, edgecolors="white", linewidths=0.6, zorder=4)
    ax.autoscale_view()
    return _plane_labels(ax)


def histogram(
    ax: Axes,
    samples: Tensor,
    log_prob: LogDensity | None = None,
    extent: tuple[float, float] | None = None,
    bins: int = 60,
    color: str = SKY,
    label: str = "samples",
) -> Axes:
    """Samples on the line, (B,) or (B, 1), as a histogram, with the exact density over it.

    Args:
        log_prob: log p, (N, 1) → (N,), normalized.
        extent: (left, right), by default where the samples are. Heights count all samples, those outside it too.
    """
    _expect(samples, "samples on the line", "(B,) or (B, 1)", samples.ndim == 1 or samples.shape[1:] == (1,))
    x = _array(samples).reshape(-1)
    left, right = extent if extent is not None else (x.min(), x.max())
    heights, edges = np.histogram(x, bins, (left, right))
    ax.stairs(heights * bins / (right - left) / len(x), edges, fill=True, color=color, alpha=0.6, label=label)
    if log_prob is not None:
        line = torch.linspace(left, right, 400)
        ax.plot(line, np.exp(_evaluate(log_prob, line[:, None], "log-density")), color=EXACT, label="exact density")
    ax.set(xlim=(left, right), xlabel=ax.get_xlabel() or "$x$", ylabel=ax.get_ylabel() or "density")
    return ax


def trace(ax: Axes, path: Tensor, color: str | None = None) -> Axes:
    """One number of each chain over its steps, (n+1, B), by default in the colours that ``chains`` gives them."""
    _expect(path, "traces", "(n+1, B)", path.ndim == 2)
    for i, states in enumerate(_array(path).T):
        ax.plot(states, linewidth=1, alpha=0.8, color=color or CHAINS[i % len(CHAINS)])
    ax.set(xlabel=ax.get_xlabel() or "step", ylabel=ax.get_ylabel() or "$x$")
    return ax


def compare(
    ax: Axes,
    x: Sequence[float] | Tensor,
    measured: Sequence[float] | Tensor,
    exact: Callable[[Tensor], Tensor] | Sequence[float] | Tensor | None = None,
    error: Sequence[float] | Tensor | None = None,
    color: str = BLUE,
    label: str = "measured",
    exact_label: str | None = "exact",
) -> Axes:
    """What was measured, as dots with error bars, beside what is exactly true, as a black line.

    Args:
        x, measured: shape (N,).
        exact: the truth at x, or a function of x that is drawn as a smooth curve.
        error: one standard error of each measured value.
    """
    at, found = _array(x), _array(measured)
    if at.ndim != 1 or at.shape != found.shape:
        raise ValueError(f"Measured values go with x, both of shape (N,); got {at.shape} and {found.shape}.")
    if exact is not None:
        line, truth = at, exact
        if callable(exact):
            line = np.linspace(at.min(), at.max(), 400)
            truth = exact(torch.from_numpy(line))
        ax.plot(line, _array(truth), color=EXACT, label=exact_label)
    bars = None if error is None else _array(error)
    ax.errorbar(at, found, bars, fmt="o", color=color, capsize=3, label=label, zorder=3)
    return ax


def shares(ax: Axes, found: Mapping[str, Mapping[str, Tensor]], legend_columns: int = 2) -> Axes:
    """How often something is right: groups of bars, a mean and one standard error each, the legend above them.

    Args:
        found: by the bar's label, then by the group's: numbers from 0 to 1, such as 1 where one is right and 0 where it
            is not, shape (N,). All labels have the same groups; an empty one has no bar.
    """
    groups = list(next(iter(found.values())))
    width = 0.84 / len(found)
    for j, (label, of) in enumerate(found.items()):
        if list(of) != groups:
            raise ValueError(f"Every label has the same groups, {groups}; got {list(of)} for {label!r}.")
        at = np.arange(len(groups)) + (j - (len(found) - 1) / 2) * width
        values = [_array(of[group].double()) for group in groups]
        mean = [v.mean() if len(v) else np.nan for v in values]
        error = [v.std(ddof=1) / len(v) ** 0.5 if len(v) > 1 else np.nan for v in values]
        ax.bar(at, mean, 0.9 * width, yerr=error, capsize=2, label=label, error_kw={"linewidth": 1})
    rows = -(-len(found) // legend_columns)
    ax.set(xticks=range(len(groups)), ylim=(0, 1.1 + 0.16 * rows), ylabel=ax.get_ylabel() or "share right")
    ax.set_xticklabels(groups)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.legend(ncols=legend_columns, loc="upper center", columnspacing=1)
    return ax


def images(ax: Axes, x: Tensor, columns: int | None = None) -> Axes:
    """A contact sheet of images (N, C, H, W) in [-1, 1], grey or colour, row by row."""
    _expect(x, "images", "(N, 1, H, W) or (N, 3, H, W)", x.ndim == 4 and x.shape[1] in (1, 3) and len(x) > 0)
    columns = min(columns or int(np.ceil(len(x) ** 0.5)), len(x))
    rows, gap = -(-len(x) // columns), 1
    c, h, w = x.shape[1:]
    sheet = np.ones((rows * (h + gap) - gap, columns * (w + gap) - gap, c))
    for i, image in enumerate(_array(x).clip(-1, 1)):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        sheet[top : top + h, left : left + w] = image.transpose(1, 2, 0) / 2 + 0.5
    ax.imshow(sheet if c == 3 else sheet[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _array(x: Any) -> np.ndarray:
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else np.asarray(x)


def _expect(x: Tensor, what: str, shape: str, fits: bool) -> None:
    if not fits:
        raise ValueError(f"Expected {what} of shape {shape}; got {tuple(x.shape)}.")
    if not x.isfinite().all():
        raise ValueError(f"Only finite numbers can be drawn; {int((~x.isfinite()).sum())} of these {what} are not.")


def _evaluate(function: Callable[[Tensor], Tensor], x: Tensor, what: str) -> np.ndarray:
    with torch.no_grad():
        values = _array(function(x))
    if np.isnan(values).any() or (values == np.inf).any():
        raise ValueError(f"The {what} is nan or infinite at some of the points to draw.")
    return values


def _grid(left: float, right: float, bottom: float, top: float, n: int) -> Tensor:
    """Centres of n × n cells, row by row from the bottom, shape (n², 2)."""
    u = (torch.arange(n) + 0.5) / n
    x, y = torch.meshgrid(left + (right - left) * u, bottom + (top - bottom) * u, indexing="xy")
    return torch.stack([x.flatten(), y.flatten()], 1)


def _plane(ax: Axes, extent: Extent) -> tuple[float, float, float, float]:
    """Fix what is in view, with equal units on both axes."""
    left, right, bottom, top = box = extent if isinstance(extent, tuple) else (-extent, extent, -extent, extent)
    if not (left < right and bottom < top):
        raise ValueError(f"An extent is a positive number or (left, right, bottom, top) in that order; got {extent}.")
    ax.set(xlim=(left, right), ylim=(bottom, top))
    _plane_labels(ax)
    return box


def _plane_labels(ax: Axes) -> Axes:
    ax.set_aspect("equal")
    ax.set(xlabel=ax.get_xlabel() or "$x_1$", ylabel=ax.get_ylabel() or "$x_2$")
    return ax
