r"""Edges and text: a branch that sees where lines are whispers into a frozen text-to-image network.

ControlNet (Zhang et al., 2023) copies the encoder of Stable Diffusion, trains the copy on 50,000 to millions of pairs
of picture and condition, and leads its results into the frozen decoder through convolutions that are zero at first, so
that training starts from a network that works. Here the same is done to a million weights and 60,000 scenes; edges are
found by Sobel's filter (theirs by Canny's), and are drawn back from the samples to see whether they were heeded.
"""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.applications import text_to_image
from course.applications.text_to_image import SIGMA_DATA, CaptionUNet
from course.scores import Preconditioned
from course.tensors import check_takes, finite, returned_as
from course.types import Time

THRESHOLD = 0.5
"""Of the gradient of the brightest colour, for a line; across an edge from black to full it is about one."""


@torch.no_grad()
def edges(pictures: Tensor) -> Tensor:
    r"""Where pictures have lines: the gradient of their brightest channel, by Sobel's filter, above a threshold.

    .. math:: e = \mathbb 1\bigl[\sqrt{(S * b)^2 + (S^\top * b)^2} > \tfrac12\bigr], \qquad
       b = \max_c \tfrac12(x_c + 1)

    Args:
        pictures: shape (N, 3, 32, 32), in [−1, 1].

    Returns:
        Shape (N, 1, 32, 32), 0 or 1.
    """
    check_takes("Edges are found in pictures", pictures, 3, 32, 32)
    bright = (pictures.clamp(-1, 1).amax(1, keepdim=True) + 1) / 2
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=bright.dtype, device=bright.device) / 4
    gradient = F.conv2d(F.pad(bright, (1, 1, 1, 1)), torch.stack([across, across.T])[:, None])
    return (gradient.square().sum(1, keepdim=True) > THRESHOLD**2).to(bright.dtype)


@torch.no_grad()
def edge_agreement(drawn: Tensor, wanted: Tensor) -> Tensor:
    r"""F₁ of edges up to one pixel: the harmonic mean of precision and recall.

    A drawn pixel is right if a wanted one is within one pixel of it, and the other way round.

    Args:
        drawn, wanted: of ``edges``, shape (N, 1, H, W).

    Returns:
        Shape (N,), in [0, 1]; 1 where there are no edges at all.

    Source: Martin et al. (2004), with one pixel's tolerance.
    """
    returned_as(wanted, drawn, "drawn")
    near = [F.max_pool2d(e, 3, stride=1, padding=1) for e in (drawn, wanted)]
    count = lambda e: e.flatten(1).sum(1)
    precision = count(drawn * near[1]) / count(drawn).clamp(min=1)
    recall = count(wanted * near[0]) / count(wanted).clamp(min=1)
    both = 2 * precision * recall / (precision + recall).clamp(min=1e-9)
    return torch.where(count(drawn) + count(wanted) == 0, 1.0, both)


class Control(nn.Module):
    r"""A copy of a U-Net's way down that sees edges, and says what to add to the frozen one's way up; at first nothing.

    .. math:: c_i = Z_i \, h_i(x + Z_0 e), \qquad Z_i = 0 \text{ at first}

    Args:
        network: whose way down is copied, with its weights.

    Shape: x (B, 3, 32, 32), t, edges (B, 1, 32, 32), and what the network is told → tensors for its ``added``.

    Source: Zhang et al. (2023), section 3.
    """

    def __init__(self, network: CaptionUNet):
        super().__init__()
        self.patch, self.by_words = network.patch, network.by_words
        self.unet: Any = deepcopy(network.unet).requires_grad_(True)
        self.unet.up, self.unet.head = nn.ModuleList(), nn.Sequential()
        down: Any = self.unet.down
        widths = [part.mix.out_channels for part in down]
        self.hint = _zero(nn.Conv2d(self.patch**2, widths[0], 3, padding=1))
        self.zeros = nn.ModuleList(_zero(nn.Conv2d(width, width, 1)) for width in [*widths, widths[-1]])

    def forward(self, x: Tensor, t: Time, lines: Tensor, *told: Tensor) -> list[Tensor]:
        hint = self.hint(F.pixel_unshuffle(returned_as(x[:, :1], lines, "lines"), self.patch))
        given = (None, *told) if self.by_words else told
        found = self.unet.features(F.pixel_unshuffle(x, self.patch), t, *given, hint=hint)
        return [zero(h) for zero, h in zip(self.zeros, found)]


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Controlled(nn.Module):
    """A network and its branch as one network of pictures, which are to have the lines given here.

    Args:
        network: of the frozen model.
        control: its branch.
        lines: of ``edges``, shape (N, 1, 32, 32); for batches of N, or of some times N, such as guidance makes.
        strength: what the branch says is multiplied by it.
    """

    def __init__(self, network: CaptionUNet, control: Control, lines: Tensor, strength: float = 1.0):
        super().__init__()
        check_takes("Lines come in images", lines, 1, 32, 32)
        finite(strength=strength)
        self.strength = strength
        self.network, self.control, self.lines, self.by_words = network, control, lines, network.by_words

    def forward(self, x: Tensor, t: Time, *told: Tensor) -> Tensor:
        if len(x) % len(self.lines):
            raise ValueError(f"There are lines for {len(self.lines)} pictures; got {len(x)} pictures.")
        lines = self.lines.to(x.dtype).repeat(len(x) // len(self.lines), 1, 1, 1)
        added = [self.strength * part for part in self.control(x, t, lines, *told)]
        return self.network(x, t, *told, added=added)


def controlled(model: Preconditioned, control: Control, lines: Tensor, strength: float = 1.0) -> Preconditioned:
    """The denoiser of pictures with these lines, told captions as ``model`` is; with strength 0, ``model`` itself."""
    network: Any = model.network
    return Preconditioned(Controlled(network, control, lines, strength), SIGMA_DATA)


def sample(
    lines: Tensor,
    captions: Sequence[str],
    scale: float = 2.0,
    generator: torch.Generator | None = None,
    steps: int = 20,
    strength: float = 1.0,
) -> Tensor:
    """Pictures of captions along lines, by the networks that ship; as ``text_to_image.sample``.

    Args:
        lines: of ``edges``, shape (N, 1, 32, 32).
        captions: N of them; an empty one leaves all but the lines open.
        scale, generator, steps: as there.
        strength: of the branch, 1 as it was trained, 0 for none.

    Raises:
        ValueError: if there are not as many lines as captions, or a word is unknown.
    """
    if len(lines) != len(captions):
        raise ValueError(f"Lines and captions come in pairs; got {len(lines)} and {len(captions)}.")
    model = controlled(text_to_image.shipped(), _shipped(), lines, strength)
    return text_to_image.sample(captions, scale, generator, steps, model)


@cache
def _shipped() -> Control:
    from course.pretrained import load

    return load("edges")
