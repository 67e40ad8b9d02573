"""The U-Net: an image is made small and large again, and what was seen on the way down is used on the way up."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.condition import Condition
from course.networks.layers import (
    conditional_instance_norm,
    cross_attention,
    residual_block,
    self_attention,
)
from course.tensors import check_real, whole
from course.types import Time

Part = Callable[[Tensor, Tensor], Tensor]


def unet(
    x: Tensor,
    embedding: Tensor,
    stem: Callable[[Tensor], Tensor],
    down: Sequence[Part],
    middle: Part,
    up: Sequence[Part],
    head: Callable[[Tensor], Tensor],
) -> Tensor:
    """Down, keeping every result; then up, joining each of them again, the last first.

    Args:
        x: images, shape (B, C, H, W).
        embedding: what every part but stem and head is told, shape (B, E).
        stem: image → features.
        down: parts (h, embedding) → h, each of whose results is kept.
        middle: one more part.
        up: as many parts as ``down``, each taking its input and one kept result joined along the channels.
        head: features → image.

    Returns:
        Shape (B, C, H, W).

    Raises:
        ValueError: if there are not as many parts up as down.

    Source: Ronneberger et al. (2015).
    """
    if len(down) != len(up):
        raise ValueError(f"Every part of `down` has its partner in `up`; got {len(down)} and {len(up)}.")
    h, kept = stem(x), []
    for part in down:
        h = part(h, embedding)
        kept.append(h)
    h = middle(h, embedding)
    for part in up:
        h = part(torch.cat([h, kept.pop()], dim=1), embedding)
    return head(h)


class TimeBlock(nn.Module):
    """A residual block that is told the embedding by an addition at every pixel (Ho et al., 2020).

    Shape: x (B, C, H, W), embedding (B, E) → (B, C, H, W). Parameters: 18C² + 5C + EC.
    """

    def __init__(self, channels: int, dim: int):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.GroupNorm(8, channels))
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.project = nn.Linear(dim, channels)
        nn.init.zeros_(self.conv2.weight)  # at first a block adds a number to every channel, whatever it sees

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        return residual_block(x, embedding, self.conv1, self.conv2, self.project)


class InstanceNormBlock(nn.Module):
    """A residual block that is told the embedding by conditional instance norm (Song and Ermon, 2019).

    Shape: x (B, C, H, W), embedding (B, E) → (B, C, H, W). Parameters: 18C² + 5C + 3EC.
    """

    def __init__(self, channels: int, dim: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.project = nn.Linear(dim, 3 * channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        gamma, alpha, beta = self.project(embedding).chunk(3, dim=1)
        h = conditional_instance_norm(self.conv1(F.silu(x)), 1 + gamma, alpha, beta)
        return x + self.conv2(F.silu(h))


class Attention(nn.Module):
    """Self-attention across the pixels of a normalized image, added to it.

    Shape: (B, C, H, W) → (B, C, H, W). Parameters: 4C² + 2C.
    """

    def __init__(self, channels: int, heads: int = 4):
        super().__init__()
        self.norm, self.heads = nn.GroupNorm(1, channels), heads
        self.w_qkv = nn.Parameter(torch.randn(3 * channels, channels) * channels**-0.5)
        self.w_out = nn.Parameter(torch.zeros(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x).flatten(2).mT
        return x + self_attention(tokens, self.w_qkv, self.w_out, self.heads).mT.reshape(x.shape)


class CrossAttention(nn.Module):
    """Cross-attention from the pixels of a normalized image to the tokens of a context, added to it; at first nothing.

    Shape: x (B, C, H, W), context (B, M, D), mask (B, M) → (B, C, H, W). Parameters: 2C² + 2CD + 2C.
    """

    def __init__(self, channels: int, context: int, heads: int = 4):
        super().__init__()
        self.norm, self.heads = nn.GroupNorm(1, channels), heads
        self.w_q = nn.Parameter(torch.randn(channels, channels) * channels**-0.5)
        self.w_kv = nn.Parameter(torch.randn(2 * channels, context) * context**-0.5)
        self.w_out = nn.Parameter(torch.zeros(channels, channels))

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        found = cross_attention(self.tokens(x), context, mask, self.w_q, self.w_kv, self.w_out, self.heads)
        return x + found.mT.reshape(x.shape)

    def tokens(self, x: Tensor) -> Tensor:
        """The normalized pixels as tokens, shape (B, H · W, C)."""
        return self.norm(x).flatten(2).mT


class _Level(nn.Module):
    """Change size and channels, run a block, attend, and change size again where the way up asks for it."""

    def __init__(
        self, fan_in: int, fan_out: int, block: nn.Module, before: bool, after: bool, attend: bool, context: int | None
    ):
        super().__init__()
        self.mix = nn.Conv2d(fan_in, fan_out, 1)
        self.block, self.before, self.after = block, before, after
        self.attention = Attention(fan_out) if attend else None
        self.cross = CrossAttention(fan_out, context) if context else None

    def forward(self, h: Tensor, embedding: Tensor, *context: Tensor) -> Tensor:
        if self.before:
            h = F.avg_pool2d(h, 2)
        h = self.block(self.mix(h), embedding)
        if self.attention:
            h = self.attention(h)
        if self.cross:
            h = self.cross(h, *context)
        return F.interpolate(h, scale_factor=2.0) if self.after else h


class UNet(nn.Module):
    """A U-Net that knows the time, and the class where there are classes.

    Args:
        channels: of the images.
        widths: channels of the features at full size, half size, a quarter, ...
        depth: blocks at each size, down and again up.
        classes: K, or None. Without labels, or where a label is K, nothing is known of the class.
        attention: attend across the pixels at the smallest size.
        block: ``TimeBlock`` or ``InstanceNormBlock``: how features are told time and class.
        out: channels of the result; the images' where None.
        condition: such as ``Condition``: (x, t, labels) → embedding (B, E), E its ``dim``, whatever labels are.
            Where None, E is four times the first width.
        context: channels of the tokens that features of every size look at by cross-attention, or None.

    Shape: x (B, C, H, W), t of order one, a float or (B,), labels (B,) or None, then, where there is a context, its
    tokens (B, M, D) and their mask (B, M) → (B, C, H, W); height and width are
    multiples of 2^(number of widths − 1). Parameters: 485,537 for one channel, and 11 · 128 more with ten classes.

    Raises:
        ValueError: if widths are no multiples of 8, the image cannot be halved so often or has other channels, or there
            are labels without classes.
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (32, 64, 64),
        depth: int = 1,
        classes: int | None = None,
        attention: bool = True,
        block: Callable[[int, int], nn.Module] = TimeBlock,
        out: int | None = None,
        condition: nn.Module | None = None,
        context: int | None = None,
    ):
        super().__init__()
        if not widths or any(whole("a width", width, 8) % 8 for width in widths):
            raise ValueError(f"The widths are multiples of 8, which are normalized in 8 groups; got {list(widths)}.")
        whole("depth", depth, 1)
        self.channels = channels
        self.factor = 2 ** (len(widths) - 1)
        made: Any = condition or Condition(4 * widths[0], classes)
        self.condition, dim = made, made.dim
        self.context = context
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        fan_in, smallest = widths[0], len(widths) - 1
        for i, width in enumerate(widths):
            for j in range(depth):
                first, attend = i > 0 and j == 0, attention and i == smallest
                self.down.append(_Level(fan_in, width, block(width, dim), first, False, attend, context))
                self.up.insert(0, _Level(2 * width, fan_in, block(fan_in, dim), False, first, attend, context))
                fan_in = width
        self.middle = block(fan_in, dim)
        last = nn.Conv2d(widths[0], out or channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.head = nn.Sequential(nn.GroupNorm(8, widths[0]), nn.SiLU(), last)

    def forward(self, x: Tensor, t: Time, labels: Tensor | None = None, *context: Tensor) -> Tensor:
        check_real(x=x)
        if len(context) != (2 if self.context else 0):
            expected = "a context and its mask" if self.context else "no context"
            raise ValueError(f"This U-Net takes {expected} after the labels; got {len(context)} tensors.")
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"This U-Net takes images (B, {self.channels}, H, W); got {tuple(x.shape)}.")
        if x.shape[-1] % self.factor or x.shape[-2] % self.factor:
            raise ValueError(f"This U-Net takes sides that are multiples of {self.factor}; got {tuple(x.shape[-2:])}.")
        embedding = self.condition(x, t, labels)
        down, up = ([lambda h, e, part=part: part(h, e, *context) for part in parts] for parts in (self.down, self.up))
        return unet(x, embedding, self.stem, down, self.middle, up, self.head)
