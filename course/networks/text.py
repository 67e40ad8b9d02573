"""Encoders of captions: a transformer, and a bag of words that cannot tell who does what to whom."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.layers import cross_attention
from course.tensors import check_mask, check_tensor, whole


class TextEncoder(nn.Module):
    """A transformer over the words of captions: a vector for every word in its context, and one for the caption.

    Args:
        words: size of the vocabulary.
        length: tokens of the longest caption.
        dim: C, of a word's vector.
        depth: number of blocks.
        heads: of attention, which divide C.
        out: E, of a caption's vector.

    Shape: tokens (B, M) int64 and mask (B, M) bool, true at real tokens → words (B, M, C), normalized, and captions
    (B, E), read from the first token. Words where the mask is false say nothing, and change nothing elsewhere.
    """

    def __init__(self, words: int, length: int, dim: int = 64, depth: int = 2, heads: int = 4, out: int = 64):
        super().__init__()
        self.word = nn.Embedding(words, dim)
        self.position = nn.Parameter(0.02 * torch.randn(whole("length", length, 1), dim))
        nn.init.normal_(self.word.weight, std=0.3)
        self.blocks = nn.ModuleList(TextBlock(dim, heads) for _ in range(whole("depth", depth, 1)))
        self.norm = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, out)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        check_tokens(tokens, mask)
        if tokens.shape[1] > len(self.position):
            raise ValueError(f"Captions have at most {len(self.position)} tokens; got {tokens.shape[1]}.")
        x = self.word(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        return x, self.project(x[:, 0])


class TextBlock(nn.Module):
    """Attention across the real tokens, then a perceptron at each, both on normalized tokens and added to them.

    Shape: x (B, M, C), mask (B, M) → (B, M, C). Parameters: 12C² + 9C.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(dim), nn.LayerNorm(dim), heads
        self.w_q = nn.Parameter(torch.randn(dim, dim) * dim**-0.5)
        self.w_kv = nn.Parameter(torch.randn(2 * dim, dim) * dim**-0.5)
        self.w_out = nn.Parameter(0.5 * torch.randn(dim, dim) * dim**-0.5)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        h = self.norm1(x)
        x = x + cross_attention(h, h, mask, self.w_q, self.w_kv, self.w_out, self.heads)
        return x + self.mlp(self.norm2(x))


class BagOfWords(nn.Module):
    """The mean of the words' vectors and a perceptron on it: whatever the order of the words, the same answer.

    Args:
        words: size of the vocabulary.
        dim: of a word's vector.
        out: E, of a caption's vector.

    Shape: tokens (B, M) and mask (B, M) → words (B, M, dim), each by itself, and captions (B, E).
    """

    def __init__(self, words: int, dim: int = 128, out: int = 64):
        super().__init__()
        self.word = nn.Embedding(words, dim)
        self.read = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, out))

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        check_tokens(tokens, mask)
        x = self.word(tokens) * mask[..., None]
        counts = F.one_hot(tokens * mask, self.word.num_embeddings).sum(1)[
            :, 1:
        ]  # summed in one order: equal bags give equal bits
        return x, self.read(counts.to(x) @ self.word.weight[1:])


def check_tokens(tokens: Tensor, mask: Tensor) -> None:
    """Raise an error where these are not tokens (B, M) and their mask, as ``course.data.tokenize`` makes them."""
    check_tensor(tokens=tokens, mask=mask)
    if tokens.is_floating_point() or tokens.ndim != 2:
        raise ValueError(f"Expected tokens of shape (B, M), int64; got {tuple(tokens.shape)} and {tokens.dtype}.")
    if mask.shape != tokens.shape:
        raise ValueError(f"Expected a mask of shape {tuple(tokens.shape)}, the tokens'; got {tuple(mask.shape)}.")
    check_mask(mask)
