r"""Are the images new? A sample is a copy where it lies much nearer to one training image than to any other.

Carlini et al. (2023) compare samples of Stable Diffusion with 160 million training images, in patches, and call a
sample extracted only where many others agree with it; on small data, Yoon et al. (2023) compare the distance of the
nearest training image with the second-nearest's and call a third or less a copy. Here this ratio is taken over all
pixels, since digits are aligned, and exactly, without an approximate index: 10,000 images are few.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from course.tensors import check_real, positive, whole

CHUNK = 2048  # rows of a matrix of distances: at most 2048² numbers at a time, 16 MB


def nearest_training(samples: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    r"""The nearest training image of every sample, min_j ‖x_i − y_j‖ over all of D.

    Args:
        samples: x, shape (N, \*D).
        train: y, shape (M, \*D), M ≥ 1.

    Returns:
        The distance, shape (N,), exactly zero for a copy, and the index, shape (N,), the lowest of those at the same
        distance. At most 2048 × 2048 distances are held at a time, and never N × M × D differences.

    Raises:
        ValueError: if the shapes do not fit, there is no training image, or a number is not finite.
        TypeError: if the two are not of one floating-point dtype.
    """
    distances, index = two_nearest(samples, train)
    return distances[:, 0], index


def two_nearest(samples: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    r"""Distances of the nearest and the second-nearest training image, and the index of the nearest.

    Shapes: samples (N, \*D), train (M, \*D) → (N, 2), (N,). The second distance is that of another index, so it equals
    the first where a training image occurs twice, and infinite where M = 1. Errors are those of ``nearest_training``.
    """
    x, y = _comparable(samples, train)
    with torch.no_grad():
        found = [_two_nearest(rows, y) for rows in x.split(CHUNK)]
    return torch.cat([distances for distances, _ in found]), torch.cat([index for _, index in found])


def distance_ratio(samples: Tensor, train: Tensor) -> Tensor:
    r"""Nearest over second-nearest distance, from 0 (a copy) to 1; samples (N, \*D), train (M, \*D), M ≥ 2 → (N,).

    It is nan where both are zero: an image that the training set holds twice. Take duplicates out of ``train`` first.
    """
    distances = _two_or_more(samples, train)
    return distances[:, 0] / distances[:, 1]


def memorized_fraction(samples: Tensor, train: Tensor, ratio: float) -> float:
    r"""The share of samples whose nearest distance is below ``ratio`` times the second-nearest.

    .. math:: \frac1N \sum_i \mathbf 1\Bigl[d_{i,(1)} < r \, d_{i,(2)}\Bigr]

    Args:
        samples: shape (N, \*D), N ≥ 1.
        train: shape (M, \*D), M ≥ 2. A sample next to an image that occurs twice does not count.
        ratio: r > 0, usually 1/3.

    Raises:
        ValueError: if there is no sample, there are fewer than two training images, or the ratio is not positive; and
            those of ``nearest_training``.

    Source: Yoon et al. (2023), with r = 1/3; Gu et al. (2023).
    """
    positive(ratio=ratio)
    distances = _two_or_more(samples, train)
    if not len(distances):
        raise ValueError("A fraction of no samples is not defined; draw at least one.")
    return (distances[:, 0] < ratio * distances[:, 1]).double().mean().item()


def repeated_images(samples: Tensor, radius: float, least: int = 3) -> Tensor:
    r"""What a model draws again and again: one of every group of samples within a radius of it, the largest first.

    It needs no training data, so it is what an attacker can do. Groups are taken one after another: the sample with
    the most others around it, those others removed, and so on while there are ``least``, the sample included.

    Args:
        samples: shape (N, \*D); an N × N matrix of booleans is held.
        radius: Euclidean, over all of D.
        least: samples in a group, 2 or more.

    Returns:
        Indices of the groups' centres, shape (K,).

    Source: Carlini et al. (2023), section 4.2, who look for cliques.
    """
    positive(radius=radius)
    whole("least", least, 2)
    x, _ = _comparable(samples, samples)
    near = torch.cat([_distances(rows, x) <= radius for rows in x.split(CHUNK)]) if len(x) else torch.zeros(0, 0)
    left, centres = torch.ones(len(x), dtype=torch.bool, device=x.device), []
    while left.any():
        sizes = (near & left).sum(1) * left
        centre = int(sizes.argmax())
        if sizes[centre] < least:
            break
        centres.append(centre)
        left &= ~near[centre]
    return torch.tensor(centres, dtype=torch.long, device=x.device)


# -- distances in pieces -----------------------------------------------------------------------------------------------


def _comparable(samples: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    check_real(2, samples=samples, train=train)
    if samples.dtype != train.dtype:
        raise TypeError(f"Expected samples and train of one dtype; got {samples.dtype} and {train.dtype}.")
    if samples.shape[1:] != train.shape[1:]:
        shapes = f"{tuple(samples.shape)} and {tuple(train.shape)}"
        raise ValueError(f"Expected samples (N, *D) and train (M, *D) with the same D; got {shapes}.")
    if not len(train) and len(samples):
        raise ValueError("The nearest of no training image is not defined; give at least one.")
    if not (samples.isfinite().all() and train.isfinite().all()):
        raise ValueError("Only finite images have a nearest one; some of these hold nan or infinity.")
    return samples.flatten(1), train.flatten(1)


def _two_or_more(samples: Tensor, train: Tensor) -> Tensor:
    distances, _ = two_nearest(samples, train)
    if len(train) < 2:
        raise ValueError(f"A second-nearest training image is needed, so two or more; got {len(train)}.")
    return distances


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """(N, D) and (M, D) → (N, M) without a matrix product, whose rounding would hide that a copy is at distance 0."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _two_nearest(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Go through y in pieces, keeping the two smallest distances; earlier indices win, as ``argmin`` has it too."""
    best = x.new_full((len(x), 2), torch.inf)
    index = torch.zeros(len(x), dtype=torch.long, device=x.device)
    for start, piece in _pieces(y):
        distances = _distances(x, piece)
        first = distances.argmin(1, keepdim=True)
        here = distances.gather(1, first)
        nearer = here[:, 0] < best[:, 0]
        index = torch.where(nearer, start + first[:, 0], index)
        second = distances.scatter(1, first, torch.inf).amin(1, keepdim=True)
        best = torch.cat([best, here, second], dim=1).sort(1).values[:, :2]
    return best, index


def _pieces(y: Tensor) -> Iterator[tuple[int, Tensor]]:
    for i, piece in enumerate(y.split(CHUNK)):
        yield i * CHUNK, piece
