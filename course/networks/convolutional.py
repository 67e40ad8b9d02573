"""The U-Net: an image is made small and large again, and what was seen on the way down is used on the way up."""

from collections.abc import Callable, Sequence
from functools import partial
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


class ModulatedBlock(nn.Module):
    r"""A residual block whose normalized features are scaled and shifted by what it is told, at every pixel its own.

    .. math:: x + \mathrm{conv}_2\bigl(\mathrm{silu}\bigl((1 + \gamma) \odot
       \mathrm{GN}(\mathrm{conv}_1(\mathrm{silu}(x))) + \beta\bigr)\bigr), \qquad (\gamma, \beta) = W_e e + W_a a

    e is the embedding, and a what the pixel finds in a context, such as a caption's words, by cross-attention. The
    product of "a seven" and "its upper left corner" says what to draw; their sum would have to be disentangled first.

    Args:
        channels: C, a multiple of 8.
        dim: E.
        context: D, the channels of the context's tokens, or None.

    Shape: x (B, C, H, W), embedding (B, E), then, where there is a context, its tokens (B, M, D) and their mask (B, M).
    Parameters: 18C² + 4C + 2EC, and 4C² + 2CD + 4C more with a context.

    Source: Perez et al. (2018), FiLM; Dhariwal and Nichol (2021), AdaGN; Park et al. (2019), SPADE, for the pixels.
    """

    def __init__(self, channels: int, dim: int, context: int | None = None):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(8, channels, affine=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.project = nn.Linear(dim, 2 * channels)
        self.cross = CrossAttention(channels, context) if context else None
        self.found = nn.Conv2d(channels, 2 * channels, 1) if context else None
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedding: Tensor, *context: Tensor) -> Tensor:
        told = self.project(embedding)[:, :, None, None]
        if self.cross and self.found:
            told = told + self.found(self.cross(x, *context))
        scale, shift = told.chunk(2, dim=1)
        return x + self.conv2(F.silu(torch.addcmul(shift, self.norm(self.conv1(F.silu(x))), 1 + scale)))


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
    """What the pixels of a normalized image find among the tokens of a context.

    Shape: x (B, C, H, W), context (B, M, D), mask (B, M) → (B, C, H, W). Parameters: 2C² + 2CD + 2C.
    """

    def __init__(self, channels: int, context: int, heads: int = 4):
        super().__init__()
        self.norm, self.heads = nn.GroupNorm(1, channels), heads
        self.w_q = nn.Parameter(torch.randn(channels, channels) * channels**-0.5)
        self.w_kv = nn.Parameter(torch.randn(2 * channels, context) * context**-0.5)
        self.w_out = nn.Parameter(torch.randn(channels, channels) * channels**-0.5)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        found = cross_attention(self.tokens(x), context, mask, self.w_q, self.w_kv, self.w_out, self.heads)
        return found.mT.reshape(x.shape)

    def tokens(self, x: Tensor) -> Tensor:
        """The normalized pixels as tokens, shape (B, H · W, C)."""
        return self.norm(x).flatten(2).mT


class _Level(nn.Module):
    """Change size and channels, run a block, attend, and change size again where the way up asks for it."""

    def __init__(self, fan_in: int, fan_out: int, block: nn.Module, before: bool, after: bool, attend: bool):
        super().__init__()
        self.mix = nn.Conv2d(fan_in, fan_out, 1)
        self.block, self.before, self.after = block, before, after
        self.attention = Attention(fan_out) if attend else None

    def forward(self, h: Tensor, embedding: Tensor, *context: Tensor) -> Tensor:
        if self.before:
            h = F.avg_pool2d(h, 2)
        h = self.block(self.mix(h), embedding, *context)
        if self.attention:
            h = self.attention(h)
        return F.interpolate(h, scale_factor=2.0) if self.after else h


class UNet(nn.Module):
    """A U-Net that knows the time, and the class where there are classes.

    Args:
        channels: of the images.
        widths: channels of the features at full size, half size, a quarter, ...
        depth: blocks at each size, down and again up.
        classes: K, or None. Without labels, or where a label is K, nothing is known of the class.
        attention: attend across the pixels at the smallest size.
        block: ``TimeBlock``, ``InstanceNormBlock`` or ``ModulatedBlock``: how features are told time and class.
        out: channels of the result; the images' where None.
        condition: such as ``Condition``: (x, t, labels) → embedding (B, E), E its ``dim``, whatever labels are.
            Where None, E is four times the first width.
        context: channels of the tokens that every block looks at by cross-attention, or None; then blocks take it as
            their third argument, as ``ModulatedBlock`` does.

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
        block: Callable[..., nn.Module] = TimeBlock,
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
        make = partial(block, context=context) if context else block
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        fan_in, smallest = widths[0], len(widths) - 1
        for i, width in enumerate(widths):
            for j in range(depth):
                first, attend = i > 0 and j == 0, attention and i == smallest
                self.down.append(_Level(fan_in, width, make(width, dim), first, False, attend))
                self.up.insert(0, _Level(2 * width, fan_in, make(fan_in, dim), False, first, attend))
                fan_in = width
        self.middle = make(fan_in, dim)
        last = nn.Conv2d(widths[0], out or channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.head = nn.Sequential(nn.GroupNorm(8, widths[0]), nn.SiLU(), last)

    def forward(
        self, x: Tensor, t: Time, labels: Tensor | None = None, *context: Tensor, added: Sequence[Tensor] = ()
    ) -> Tensor:
        """``added``: to what is kept on the way down, in order, and to the middle's result (see ``features``)."""
        embedding, down, middle, up = self._told(x, t, labels, *context)
        if added:
            if len(added) != len(down) + 1:
                raise ValueError(f"This U-Net takes {len(down) + 1} tensors to be added; got {len(added)}.")
            *beside, on_top = added
            up = [_with(part, c) for part, c in zip(up, reversed(beside))]
            return unet(x, embedding, self.stem, down, lambda h, e: middle(h, e) + on_top, up, self.head)
        return unet(x, embedding, self.stem, down, middle, up, self.head)

    def features(
        self, x: Tensor, t: Time, labels: Tensor | None = None, *context: Tensor, hint: Tensor | float = 0.0
    ) -> list[Tensor]:
        """What is kept on the way down, in order, and the middle's result, with a hint added to the stem's."""
        embedding, down, middle, _ = self._told(x, t, labels, *context)
        kept = [self.stem(x) + hint]
        for part in [*down, middle]:
            kept.append(part(kept[-1], embedding))
        return kept[1:]

    def _told(
        self, x: Tensor, t: Time, labels: Tensor | None, *context: Tensor
    ) -> tuple[Tensor, list[Part], Part, list[Part]]:
        """The embedding, and the parts down, in the middle and up, with the context in their hands."""
        check_real(x=x)
        if len(context) != (2 if self.context else 0):
            expected = "a context and its mask" if self.context else "no context"
            raise ValueError(f"This U-Net takes {expected} after the labels; got {len(context)} tensors.")
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"This U-Net takes images (B, {self.channels}, H, W); got {tuple(x.shape)}.")
        if x.shape[-1] % self.factor or x.shape[-2] % self.factor:
            raise ValueError(f"This U-Net takes sides that are multiples of {self.factor}; got {tuple(x.shape[-2:])}.")

        def told(part: nn.Module) -> Part:
            return lambda h, e: part(h, e, *context)

        down, up = ([told(part) for part in parts] for parts in (self.down, self.up))
        return self.condition(x, t, labels), down, told(self.middle), up


def _with(part: Part, c: Tensor) -> Part:
    """A part on the way up with c added to what was kept, the last channels of its input."""
    return lambda h, e: part(h + F.pad(c, (0, 0, 0, 0, h.shape[1] - c.shape[1], 0)), e)
