"""Video: a U-Net of images applied to every frame, and attention across frames after each of its parts."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.convolutional import Part, UNet, unet
from course.networks.layers import self_attention, sinusoidal_embedding
from course.tensors import check_real, check_tensor, one_dtype, returned_as, whole
from course.types import Time


def temporal_attention(x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
    r"""Attention across frames: the F vectors at one pixel of a clip are tokens, and pixels don't see one another.

    Args:
        x: features of the frames, shape (B, F, C, H, W).
        attend: tokens (B·H·W, F, C) → the same shape, each row by itself, such as ``self_attention`` with its weights.

    Returns:
        Shape (B, F, C, H, W), nothing added to it.

    Raises:
        ValueError: if x has other axes, or ``attend`` returns another shape.

    Source: Ho et al. (2022), Video Diffusion Models, section 3.
    """
    check_real(x=x)
    if x.ndim != 5:
        raise ValueError(f"Expected features of frames, shape (B, F, C, H, W); got {tuple(x.shape)}.")
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(b * h * w, f, c)
    return returned_as(tokens, attend(tokens), "attend").reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


class TemporalAttention(nn.Module):
    """Attention across normalized frames, added to them; at first the identity, and always on a clip of one frame.

    Attention knows no order: tokens are told their frame's number, by an addition of the embedding.

    Args:
        channels: C.
        dim: E.
        heads: of attention, which divide C.

    Shape: x (B, F, C, H, W), embedding (B, F, E) → (B, F, C, H, W). Parameters: 4C² + 3C + EC.
    """

    def __init__(self, channels: int, dim: int, heads: int = 2):
        super().__init__()
        self.norm, self.heads = nn.GroupNorm(1, channels), heads
        self.project = nn.Linear(dim, channels)
        self.w_qkv = nn.Parameter(torch.randn(3 * channels, channels) * channels**-0.5)
        self.w_out = nn.Parameter(torch.zeros(channels, channels))

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        normalized = self.norm(x.flatten(0, 1)).reshape(x.shape)
        told = normalized + self.project(embedding)[..., None, None]
        return x + temporal_attention(told, lambda tokens: self_attention(tokens, self.w_qkv, self.w_out, self.heads))


class VideoUNet(nn.Module):
    """A U-Net of clips that knows the time, what a caption says, the first frame, and each frame's number.

    Frames are cut into patches, which become channels, and go through the parts of ``UNet`` one by one, as images do.
    After each part comes attention across frames. A first frame that is given is further channels of every frame. Clips
    may have any number of frames; of one frame, the network is one of images, told which frame of a clip to make.

    Args:
        channels: of the frames.
        size: height and width of the frames.
        patch: side of the patches, which divides the size.
        words: how many words there are for each thing that a caption says, such as digit, motion, pace.
        widths: of ``UNet``.

    Shape: x (B, F, C, size, size), t of order one, a float or (B,); told (B, len(words)), int64, None or the number of
    words where nothing is said; first (B, C, size, size) or None; at, frame numbers (B, F), 0, 1, ... where None
    → (B, F, C, size, size). Parameters: 900,612 at the defaults.

    Raises:
        ValueError: if frames are of another size, what is told isn't, or the first frame has another shape.
    """

    def __init__(
        self,
        channels: int = 1,
        size: int = 24,
        patch: int = 2,
        words: Sequence[int] = (10, 5, 2),
        widths: Sequence[int] = (32, 64, 96),
    ):
        super().__init__()
        whole("channels", channels, 1)
        if whole("size", size, 1) % whole("patch", patch, 1):
            raise ValueError(f"Patches of {patch} × {patch} do not tile a frame of {size} × {size}.")
        self.channels, self.size, self.patch, self.words = channels, size, patch, tuple(words)
        inner = channels * patch**2
        self.images = UNet(2 * inner + 1, widths, out=inner)
        dim = self.images.condition.dim
        self.tell = nn.ModuleList(nn.Embedding(n + 1, dim) for n in words)
        self.mix = nn.Linear(dim, dim)
        after = [*widths, widths[-1], *reversed(widths[:-1]), widths[0]]  # channels after each part
        self.across = nn.ModuleList(TemporalAttention(width, dim) for width in after)

    def forward(
        self, x: Tensor, t: Time, told: Tensor | None = None, first: Tensor | None = None, at: Tensor | None = None
    ) -> Tensor:
        check_real(x=x)
        frame = (self.channels, self.size, self.size)
        if x.ndim != 5 or x.shape[2:] != frame:
            shape = f"(B, F, {', '.join(map(str, frame))})"
            raise ValueError(f"This network takes clips {shape}; got {tuple(x.shape)}.")
        f = x.shape[1]
        embedding = self._embed(x, t, told, at)
        known = F.pixel_unshuffle(self._first(x, first), self.patch)
        mask = torch.full_like(known[:, :1], float(first is not None))
        given = torch.cat([known, mask], 1).repeat_interleave(f, 0)
        h = torch.cat([F.pixel_unshuffle(x.flatten(0, 1), self.patch), given], 1)
        net, across = self.images, list(self.across)
        parts = [self._with(part, after, f) for part, after in zip([*net.down, net.middle, *net.up], across)]
        n = len(net.down)
        h = unet(h, embedding.flatten(0, 1), net.stem, parts[:n], parts[n], parts[n + 1 :], net.head)
        return F.pixel_shuffle(h, self.patch).reshape(x.shape)

    def _with(self, part: nn.Module, across: nn.Module, frames: int) -> Part:
        """A part of the U-Net on all frames, and attention across them after it."""

        def both(h: Tensor, embedding: Tensor) -> Tensor:
            h = part(h, embedding)
            return across(h.unflatten(0, (-1, frames)), embedding.unflatten(0, (-1, frames))).flatten(0, 1)

        return both

    def _embed(self, x: Tensor, t: Time, told: Tensor | None, at: Tensor | None) -> Tensor:
        """Time, caption and frame number as one vector of each frame, shape (B, F, E)."""
        b, f = x.shape[:2]
        if told is None:
            told = torch.tensor(self.words, device=x.device).expand(b, -1)
        check_tensor(told=told)
        if told.shape != (b, len(self.words)) or told.is_floating_point():
            raise ValueError(
                f"Expected what captions say as whole numbers, shape {(b, len(self.words))}, such as "
                f"`read_captions` makes; got {told.dtype}, {tuple(told.shape)}."
            )
        limit = torch.tensor(self.words, device=told.device)
        if (told < 0).any() or (told > limit).any():
            raise ValueError(f"What captions say goes from 0 to {self.words}; got {told.amin(0)} to {told.amax(0)}.")
        said = torch.stack([tell(word) for tell, word in zip(self.tell, told.unbind(1))]).sum(0)
        e = self.images.condition(x, t) + said
        if at is None:
            at = torch.arange(f, device=x.device).expand(b, -1)
        check_tensor(at=at)
        if at.shape != (b, f) or at.is_floating_point():
            raise ValueError(
                f"Expected a whole number of each frame, shape {(b, f)}; got {at.dtype}, {tuple(at.shape)}."
            )
        waves = sinusoidal_embedding(at.flatten().to(x.dtype), e.shape[1], max_period=10.0)
        return F.silu(self.mix(e[:, None] + waves.reshape(b, f, -1)))

    def _first(self, x: Tensor, first: Tensor | None) -> Tensor:
        if first is None:
            return torch.zeros_like(x[:, 0])
        check_real(first=first)
        one_dtype(x=x, first=first)
        if first.shape != x[:, 0].shape:
            raise ValueError(f"Expected a first frame of shape {tuple(x[:, 0].shape)}; got {tuple(first.shape)}.")
        return first
