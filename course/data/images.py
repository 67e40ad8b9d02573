"""MNIST as tensors: a subset that ships with the package, or all of it through torchvision."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SHIPPED = Path(__file__).with_name("mnist.npz")


def mnist(size: int = 28, split: str = "train", full: bool = False, root: str | Path = "data") -> tuple[Tensor, Tensor]:
    """Handwritten digits and their labels.

    Args:
        size: 28, or 16: padded to 32 × 32 and averaged over 2 × 2 pixels, the homework's size.
        split: "train" (10,000 images of the shipped subset, 60,000 of the full set) or "test" (2,000 or 10,000).
        full: all of MNIST through ``torchvision.datasets.MNIST``, which downloads it to ``root`` if it is not there.
        root: where torchvision keeps data sets; its files are in ``root/MNIST/raw``.

    Returns:
        Images, shape (N, 1, size, size), float32 in [−1, 1], and labels, shape (N,), int64.

    Raises:
        ValueError: if the size or the split is not one of those named.
        FileNotFoundError: if the data are neither here nor to be downloaded.

    Source: LeCun et al. (1998); licence: CC BY-SA 3.0, see LICENSE-MNIST.md.
    """
    if size not in (16, 28):
        raise ValueError(f"MNIST comes in size 28 or 16; got {size}.")
    if split not in ("train", "test"):
        raise ValueError(f'MNIST has the splits "train" and "test"; got {split!r}.')
    images, labels = _full(split, root) if full else _shipped(split)
    x = images[:, None].float() / 127.5 - 1
    return (x if size == 28 else halve(x)), labels.long()


def halve(x: Tensor) -> Tensor:
    """28 × 28 to 16 × 16: a black border of two pixels, then the mean of every 2 × 2 block; (N, 1, 28, 28)."""
    return F.avg_pool2d(F.pad(x, (2, 2, 2, 2), value=-1.0), 2)


def _shipped(split: str) -> tuple[Tensor, Tensor]:
    if not SHIPPED.is_file():
        raise FileNotFoundError(
            f"The shipped MNIST subset is missing from {SHIPPED}; install the package again, or make the file with "
            "`python -m course.data.subset RAW_DIR`."
        )
    with np.load(SHIPPED) as arrays:
        return torch.from_numpy(arrays[f"{split}_images"]), torch.from_numpy(arrays[f"{split}_labels"])


def _full(split: str, root: str | Path) -> tuple[Tensor, Tensor]:
    from torchvision.datasets import MNIST

    try:
        data = MNIST(str(root), train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"The full MNIST is not in {Path(root) / 'MNIST' / 'raw'} and could not be downloaded; put its four idx "
            "files there, unzipped, or use the shipped subset with full=False."
        ) from error
    return data.data, data.targets
