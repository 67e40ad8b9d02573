r"""Telling generated images from real ones: a small classifier, its ROC, and what gives the images away.

A detector d(x) is trained as a GAN's discriminator is, against one network and one sampler that stand still,

.. math:: \min_d \; E_{\text{real}} \log(1 + e^{d(x)}) + E_{\text{generated}} \log(1 + e^{-d(x)}), \qquad
   d^*(x) = \log \frac{p_{\text{generated}}(x)}{p_{\text{real}}(x)}

and judged by the area under its ROC, the probability that a generated image has the higher score. Both kinds go through
``quantize`` first: real images are stored in 8 bits, and a detector would learn only that samples are not. Even then a
pixel statistic gives digits away: networks make a black background of levels 1 to 4 instead of 0. With 16 levels these
are all 0, and the detector has to look at the digit.

Peers (Wang et al., 2020) fine-tune a ResNet on 720,000 images of one GAN and find that it carries over to others if
blur and JPEG are among its training data. We train 30,000 weights on 6,000 digits, ask the same question of samplers
and networks that were never seen, and list the pixel statistics that would do as well.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course.applications.distortions import quantize
from course.networks.classifier import Classifier
from course.tensors import check_images, check_real, check_takes, shaped_as
from course.training import train


class Detector(Classifier):
    r"""One logit an image, which it sees twice: as it is, and with the levels v = 0 … 255 on a logarithmic scale,

    .. math:: 2 \log(1 + v) / \log 256 - 1

    where the first few levels lie far apart. On pixels alone it learned nothing in 600 steps (test AUC 0.51); with both
    it reaches 0.90, still less than the 0.96 of the share of nearly black pixels alone (``pixel_traces``).

    Shape: (B, 1, H, W) → (B, 1). Parameters: 30,177.
    """

    def __init__(self) -> None:
        super().__init__(channels=2, classes=1, width=16)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x=x)
        check_takes("This detector takes grey images", x, 1, *x.shape[2:])
        level = ((x + 1) * 127.5).clamp(0, 255)
        return super().forward(torch.cat([x, 2 * level.log1p() / math.log(256) - 1], dim=1))


def detection_pairs(real: Tensor, generated: Tensor, levels: int = 256) -> tuple[Tensor, Tensor]:
    """Both kinds with the same grey levels, real ones first, and whether each is generated.

    Args:
        real: shape (N, C, H, W), in [−1, 1].
        generated: shape (M, C, H, W).
        levels: of ``quantize``; 256 are 8 bits.

    Returns:
        Images (N + M, C, H, W) and labels (N + M,), 0.0 for real and 1.0 for generated.

    Raises:
        ValueError: if images of the two kinds differ in shape.
    """
    check_images(real=real, generated=generated)
    shaped_as(real[:1], generated=generated[:1])
    labels = torch.cat([real.new_zeros(len(real)), generated.new_ones(len(generated))])
    return quantize(torch.cat([real, generated]), levels), labels


def detector_loss(model: Detector, batch: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
    """Cross-entropy of images and labels as ``detection_pairs`` returns them; its minimizer is d*."""
    x, labels = batch
    return F.binary_cross_entropy_with_logits(model(x)[:, 0], labels)


def train_detector(real: Tensor, generated: Tensor, steps: int = 800, levels: int = 256, seed: int = 0) -> Detector:
    """A detector of ``generated`` against ``real``, shapes (N, 1, H, W) and (M, 1, H, W), best if N = M."""
    torch.manual_seed(seed)  # the first weights
    settings: dict[str, Any] = {"steps": steps, "batch_size": 64, "lr": 2e-3, "warmup": steps // 10, "seed": seed}
    pairs = detection_pairs(real, generated, levels)
    return train(Detector(), detector_loss, pairs, ema=0.99, progress=False, **settings).ema


def detection_scores(model: Detector, x: Tensor, levels: int = 256) -> Tensor:
    """d(x) of images, given the grey levels it was trained on; (B, C, H, W) → (B,), larger where generated."""
    with torch.no_grad():
        return torch.cat([model(batch)[:, 0] for batch in quantize(x, levels).split(500)])


def auc(positive: Tensor, negative: Tensor) -> tuple[float, float]:
    r"""Area under the ROC, P(s⁺ > s⁻) + ½ P(s⁺ = s⁻), and its standard error over the images.

    With V_i the share of the negatives that positive i exceeds, and W_j that of the positives that exceed negative j,

    .. math:: \text{s.e.}^2 = \frac{\operatorname{var} V}{N} + \frac{\operatorname{var} W}{M}

    Args:
        positive: scores of generated (or watermarked) images, shape (N,), N ≥ 2.
        negative: scores of the others, shape (M,), M ≥ 2.

    Returns:
        The area, ½ if scores tell nothing, and its standard error; the error is 0 where the two do not overlap.

    Raises:
        ValueError: if there are fewer than two of either.

    Source: DeLong, DeLong and Clarke-Pearson (1988).
    """
    check_real(1, positive=positive, negative=negative)
    if positive.ndim != 1 or negative.ndim != 1 or min(len(positive), len(negative)) < 2:
        shapes = f"{tuple(positive.shape)} and {tuple(negative.shape)}"
        raise ValueError(f"An ROC needs two scores or more of each kind, shapes (N,) and (M,); got {shapes}.")
    over_negatives, over_positives = _share_below(positive, negative), 1 - _share_below(negative, positive)
    variance = over_negatives.var() / len(positive) + over_positives.var() / len(negative)
    return over_negatives.mean().item(), variance.sqrt().item()


def _share_below(x: Tensor, others: Tensor) -> Tensor:
    """For each of x, the share of the others below it, equal ones by half; sorting, never (N, M) at once."""
    ordered = others.sort().values
    below, up_to = (torch.searchsorted(ordered, x.contiguous(), right=right) for right in (False, True))
    return (below + up_to).double() / (2 * len(others))


def pixel_traces(x: Tensor) -> dict[str, Tensor]:
    """Statistics of 8-bit images that need no network: each (B, C, H, W) → (B,), by name.

    Digits are white strokes on black, so that a sample's traces are where both should be exact: the background at level
    0 and not 1 to 4, the inside of a stroke at 255 and not a little less.
    """
    check_images(x=x)
    level = ((quantize(x) + 1) * 127.5).round()
    share = lambda mask: mask.double().flatten(1).mean(1)
    steps = [(level.diff(dim=axis) / 255).square().flatten(1).mean(1) for axis in (2, 3)]
    return {
        "black: level 0": share(level == 0),
        "nearly black: levels 1 to 4": share((level > 0) & (level < 5)),
        "white: level 255": share(level == 255),
        "nearly white: levels 251 to 254": share((level > 250) & (level < 255)),
        "mean level": level.double().flatten(1).mean(1),
        "roughness: mean squared step between neighbours": (steps[0] + steps[1]).double(),
    }
