r"""What happens to an image on its way: 8 bits, blur, noise, shifts, crops, JPEG.

Each function takes images (B, C, H, W) in [−1, 1], and a strength at one end of which the image is unchanged. What
enters at a border is black, −1.
"""

import io

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course.tensors import check_images, check_real, finite, randn_like, whole


def quantize(x: Tensor, levels: int = 256) -> Tensor:
    """Clamp to [−1, 1] and round to equally spaced levels, both ends among them; 256 are 8 bits."""
    check_real(x=x)
    half = (whole("levels", levels, 2) - 1) / 2
    return ((x.clamp(-1, 1) + 1) * half).round() / half - 1


def blur(x: Tensor, width: float) -> Tensor:
    r"""Convolution with a Gaussian of standard deviation ``width`` pixels, cut off at 3; 0 is the image itself.

    Raises a ValueError where the width is negative, or larger than the image.
    """
    check_images(x=x)
    finite(0, width=width)
    if width > max(x.shape[2:]):
        raise ValueError(f"A blur's width is at most that of the image, {max(x.shape[2:])} pixels; got {width}.")
    if width == 0:
        return x
    reach = max(1, round(3 * width))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device) / width) ** 2)
    taps = taps / taps.sum()
    flat = F.pad(x.flatten(0, 1)[:, None], [reach] * 4, value=-1.0)
    return F.conv2d(F.conv2d(flat, taps[None, None, None]), taps[None, None, :, None]).reshape(x.shape)


def add_noise(x: Tensor, sigma: float, generator: torch.Generator | None = None) -> Tensor:
    """x + σz, clamped to [−1, 1] as a stored image is."""
    check_real(x=x)
    finite(0, sigma=sigma)
    return (x + sigma * randn_like(x, generator)).clamp(-1, 1) if sigma else x


def shift(x: Tensor, rows: int, columns: int) -> Tensor:
    """Move images down and to the right by whole pixels, up and to the left if negative.

    Raises a ValueError where nothing of them would be left.
    """
    check_images(x=x)
    height, width = x.shape[2:]
    if abs(whole("rows", rows, -height)) > height or abs(whole("columns", columns, -width)) > width:
        raise ValueError(f"Images of {height} × {width} pixels are shifted by no more; got {rows} and {columns}.")
    moved = F.pad(x, (abs(columns), abs(columns), abs(rows), abs(rows)), value=-1.0)
    top, left = abs(rows) - rows, abs(columns) - columns
    return moved[:, :, top : top + height, left : left + width]


def crop(x: Tensor, margin: int) -> Tensor:
    """Blacken a margin of that many pixels on every side: what is left of a crop that is put back in its place."""
    check_images(x=x)
    if 2 * whole("margin", margin) >= min(x.shape[2:]):
        raise ValueError(f"A margin of {margin} leaves nothing of images of {x.shape[2]} × {x.shape[3]} pixels.")
    inside = torch.zeros_like(x, dtype=torch.bool)
    inside[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin] = True
    return torch.where(inside, x, -1.0)


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Through an actual JPEG file in memory, quality from 1 to 100; one or three channels."""
    check_images(x=x)
    if x.shape[1] not in (1, 3) or not 1 <= whole("quality", quality) <= 100:
        raise ValueError(f"JPEG takes 1 or 3 channels and a quality from 1 to 100; got {x.shape[1]} and {quality}.")
    levels = ((quantize(x) + 1) * 127.5).round().byte().cpu().permute(0, 2, 3, 1)
    read = np.stack([_through_jpeg(image.squeeze(-1).numpy(), quality) for image in levels])
    return torch.from_numpy(read).reshape(levels.shape).permute(0, 3, 1, 2).to(x) / 127.5 - 1


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
