"""The diffusion transformer: an image as a set of patches that look at one another."""

import math

import torch
from torch import Tensor, nn

from course.networks.condition import Condition
from course.networks.layers import (
    adaptive_layer_norm,
    patchify,
    self_attention,
    sinusoidal_embedding,
    unpatchify,
)
from course.tensors import check_takes, whole
from course.types import Time


class DiTBlock(nn.Module):
    """Attention across tokens, then a perceptron at each token, both modulated; at first the identity.

    Shape: tokens (B, N, C), embedding (B, C) → (B, N, C). Parameters: 18C² + 11C.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.w_qkv = nn.Parameter(torch.randn(3 * dim, dim) * dim**-0.5)
        self.w_out = nn.Parameter(torch.randn(dim, dim) * dim**-0.5)
        self.heads = heads
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.modulation = nn.Linear(dim, 6 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(embedding).chunk(6, dim=1)
        x = adaptive_layer_norm(x, shift1, scale1, gate1, self.attend)
        return adaptive_layer_norm(x, shift2, scale2, gate2, self.mlp)

    def attend(self, tokens: Tensor) -> Tensor:
        return self_attention(tokens, self.w_qkv, self.w_out, self.heads)


class DiT(nn.Module):
    """A transformer over the patches of an image, told the time, and the class where there are classes.

    Args:
        size: height and width of the images.
        patch: p, which divides the size.
        channels: of the images.
        dim: C, of a token; a multiple of 4 and of the heads.
        depth: number of blocks.
        heads: of attention.
        classes: K, or None. Without labels, or where a label is K, nothing is known of the class.

    Shape: x (B, channels, size, size), t of order one, a float or (B,), labels (B,) or None → the shape of x.
    Parameters: 18C² + 11C a block and about 4C² besides; 705,892 for 16 × 16, p = 2, C = 96, four blocks.

    Raises:
        ValueError: if patches do not tile the image, heads or 4 do not divide C, images are of another size, or there
            are labels without classes.

    Source: Peebles and Xie (2023).
    """

    position: Tensor

    def __init__(
        self,
        size: int = 16,
        patch: int = 2,
        channels: int = 1,
        dim: int = 96,
        depth: int = 4,
        heads: int = 4,
        classes: int | None = None,
    ):
        super().__init__()
        if whole("size", size, 1) % whole("patch", patch, 1):
            raise ValueError(f"Patches of {patch} × {patch} do not tile an image of {size} × {size}.")
        whole("depth", depth, 1)
        if whole("dim", dim, 4) % 4 or dim % whole("heads", heads, 1):
            raise ValueError(f"A token's dim is a multiple of 4 and of the heads; got dim = {dim} and {heads} heads.")
        self.channels = channels
        self.size, self.patch = size, patch
        self.condition = Condition(dim, classes)
        self.read = nn.Linear(channels * patch**2, dim)
        self.register_buffer("position", _positions(size // patch, dim), persistent=False)
        self.blocks = nn.ModuleList(DiTBlock(dim, heads) for _ in range(depth))
        self.modulation = nn.Linear(dim, 2 * dim)
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.write = nn.Linear(dim, channels * patch**2)
        for layer in (self.modulation, self.write):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, t: Time, labels: Tensor | None = None) -> Tensor:
        check_takes("This DiT takes images", x, self.channels, self.size, self.size)
        embedding = self.condition(x, t, labels)
        h = self.read(patchify(x, self.patch)) + self.position
        for block in self.blocks:
            h = block(h, embedding)
        shift, scale = self.modulation(embedding)[:, None].chunk(2, dim=-1)
        return unpatchify(self.write(self.norm(h) * (1 + scale) + shift), self.patch, self.size, self.size)


def _positions(side: int, dim: int) -> Tensor:
    """Row and column of every patch, each as waves over half of the channels; shape (side², dim)."""
    waves = sinusoidal_embedding(torch.arange(side, dtype=torch.float32), dim // 2, max_period=10.0 * math.pi)
    rows, columns = waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)
    return torch.cat([rows, columns], dim=-1).reshape(side**2, dim)
