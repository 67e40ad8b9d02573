"""Clips as pictures: a strip of frames on paper, files that move, and films in a notebook."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from course.plots import images
from course.tensors import check_tensor, positive, whole


def filmstrip(ax: Axes, clips: Tensor, captions: Sequence[str] = ()) -> Axes:
    """Clips as rows of frames, time running to the right, each row under its caption.

    Args:
        clips: shape (N, F, C, H, W) in [−1, 1], grey or colour.
        captions: one for each clip, or none.

    Raises:
        ValueError: if these are no clips, or there are not as many captions.
    """
    _check(clips)
    n, f, _, h, _ = clips.shape
    if captions and len(captions) != n:
        raise ValueError(f"Expected a caption for each clip, {n} of them, or none; got {len(captions)}.")
    room = max(3, round(0.3 * h)) if captions else 0
    padded = torch.nn.functional.pad(clips, (0, 0, room, 0), value=1.0)  # white above each row, for its caption
    images(ax, padded.flatten(0, 1), f)
    for i, text in enumerate(captions):
        ax.text(0, i * (h + room + 1) + room - 1.5, text, fontsize=10, va="bottom")
    return ax


def animate(
    clips: Tensor, file: str | Path, columns: int | None = None, frames_per_second: float = 8.0, enlarge: int = 6
) -> Path:
    """Write clips, side by side in a sheet, as one animated picture that starts over when it ends.

    Args:
        clips: shape (N, F, C, H, W) in [−1, 1], grey or colour.
        file: ends in .gif or .webp.
        columns: of the sheet.
        frames_per_second: speed.
        enlarge: pixels of the file per pixel of a frame, along each axis.

    Returns:
        The file's path.

    Raises:
        ValueError: if these are no clips, or the file's name ends otherwise.
    """
    path = Path(file)
    if path.suffix not in (".gif", ".webp"):
        raise ValueError(f"A file that moves ends in .gif or .webp; got {path.name!r}.")
    _write(path, path.suffix[1:], clips, columns, frames_per_second, enlarge)
    return path


def player(
    clips: Tensor,
    alt: str,
    columns: int | None = None,
    frames_per_second: float = 8.0,
    enlarge: int = 6,
    title: str = "Play the film",
) -> Any:
    """Clips as a film to be unfolded in a notebook's output, with or without a kernel; folded, nothing moves.

    Args:
        clips: shape (N, F, C, H, W) in [−1, 1], grey or colour.
        alt: what is seen, in words.
        columns, frames_per_second, enlarge: as in ``animate``.
        title: what is unfolded.

    Returns:
        HTML, to be the last line of a cell or displayed.
    """
    from IPython.display import HTML

    webp = BytesIO()
    _write(webp, "webp", clips, columns, frames_per_second, enlarge)
    source = f"data:image/webp;base64,{b64encode(webp.getvalue()).decode()}"
    look = "max-width: 100%; image-rendering: pixelated"
    return HTML(
        f'<details><summary style="cursor: pointer">▶ {escape(title)}</summary>'
        f'<img alt="{escape(alt)}" style="{look}" src="{source}"></details>'
    )


def _write(file: Any, kind: str, clips: Tensor, columns: int | None, frames_per_second: float, enlarge: int) -> None:
    from PIL import Image

    _check(clips)
    positive(frames_per_second=frames_per_second)
    n, f, c, h, w = clips.shape
    columns = min(n, whole("columns", columns, 1) if columns else int(np.ceil(n**0.5)))
    rows = -(-n // columns)
    sheet = torch.ones(f, c, rows * (h + 1) - 1, columns * (w + 1) - 1)
    for i, clip in enumerate(clips.detach().cpu().clamp(-1, 1)):
        top, left = i // columns * (h + 1), i % columns * (w + 1)
        sheet[:, :, top : top + h, left : left + w] = clip
    big = (127.5 * (sheet + 1)).round().byte().repeat_interleave(whole("enlarge", enlarge, 1), 2)
    pixels = big.repeat_interleave(enlarge, 3).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
    first, *rest = [Image.fromarray(np.ascontiguousarray(frame)) for frame in pixels]
    timing = {"duration": round(1000 / frames_per_second), "loop": 0}
    first.save(file, kind, save_all=True, append_images=rest, lossless=True, **timing)


def _check(clips: Tensor) -> None:
    check_tensor(clips=clips)
    if clips.ndim != 5 or clips.shape[2] not in (1, 3) or 0 in clips.shape:
        raise ValueError(f"Expected clips (N, F, 1, H, W) or (N, F, 3, H, W); got {tuple(clips.shape)}.")
