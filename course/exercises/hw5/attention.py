"""hw5: how every token hears from all others."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.networks import layers

# -- self_attention ----------------------------------------------------------------------------------------------------


def _attention_cases(draw: Draw) -> list[Case]:
    def case(b: int, n: int, c: int, heads: int, sharpness: float = 1.0, **how) -> Case:
        w_qkv, w_out = draw.normal(3 * c, c) * (sharpness / c) ** 0.5, draw.normal(c, c) / c**0.5
        return Case({"x": 0.3 + draw.normal(b, n, c), "w_qkv": w_qkv, "w_out": w_out, "heads": heads}, **how)

    return [
        case(2, 7, 12, 3, gradients=("x", "w_qkv", "w_out")),
        case(5, 3, 8, 4, no_grad=True),
        case(3, 5, 6, 1),
        case(4, 9, 10, 2, sharpness=2000.0, magnitude=1e6),  # scores of several thousand: exp overflows
    ]


def _attention_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, w = torch.randn(1, 64, 8, generator=generator), torch.randn(32, 8, generator=generator) / 8**0.5
    order = torch.randperm(64, generator=generator)
    moved = function(x[:, order], w[:24], w[24:], 2) - function(x, w[:24], w[24:], 2)[:, order]
    return (
        f"64 tokens shuffled give the same 64 results, shuffled (to {moved.abs().max():.0e}): attention does not know "
        "where a token is."
    )


self_attention = Exercise("self_attention", 16, layers.self_attention, _attention_cases, remark=_attention_remark)


def _split(x: Tensor, w_qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (B, heads, N, C/heads)."""
    q, k, v = (a.unflatten(2, (heads, -1)).transpose(1, 2) for a in F.linear(x, w_qkv).chunk(3, dim=2))
    return q, k, v


def _merge(gathered: Tensor, w_out: Tensor) -> Tensor:
    return F.linear(gathered.transpose(1, 2).flatten(2), w_out)


def _weights(q: Tensor, k: Tensor, scale: float | None = None) -> Tensor:
    return (q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)).softmax(-1)


@self_attention.misconception(
    "the scale is missing: divide the products of queries and keys by √(C/heads), or they grow with the dimension."
)
def scale_missing(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (x @ w_qkv.T).reshape(b, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
    weights = torch.softmax(q @ k.transpose(-1, -2), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@self_attention.misconception("you divide by √C: each head has only C/heads channels, so divide by √(C/heads).")
def scaled_by_all_channels(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge(_weights(q, k, x.shape[-1] ** -0.5) @ v, w_out)


@self_attention.misconception("you divide by C/heads: divide by its root.")
def scaled_without_root(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge(_weights(q, k, heads / x.shape[-1]) @ v, w_out)


@self_attention.misconception(
    "softmax runs over the queries: the weights of one query, over all keys (the last axis of q kᵀ), add to one."
)
def softmax_over_queries(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge((q @ k.mT / q.shape[-1] ** 0.5).softmax(-2) @ v, w_out)


@self_attention.misconception("softmax runs over the heads: it runs over the keys, the last axis of q kᵀ.")
def softmax_over_heads(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge((q @ k.mT / q.shape[-1] ** 0.5).softmax(1) @ v, w_out)


@self_attention.misconception("there is no softmax: the weights of every query are positive and add to one.")
def softmax_missing(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge(q @ k.mT / q.shape[-1] ** 0.5 @ v, w_out)


@self_attention.misconception(
    "`heads` has no effect on your weights: split the channels into heads, each with its own softmax."
)
def one_head(x, w_qkv, w_out, heads):
    return layers.self_attention(x, w_qkv, w_out, 1)


@self_attention.misconception("`heads` is used only in the scale: split the channels, and let each head attend alone.")
def one_head_scaled(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, 1)
    return _merge(_weights(q, k, (x.shape[-1] / heads) ** -0.5) @ v, w_out)


@self_attention.misconception(
    "your heads take every h-th channel: heads are consecutive blocks, so reshape to (heads, C/heads), in this order."
)
def heads_interleaved(x, w_qkv, w_out, heads):
    q, k, v = (a.unflatten(2, (-1, heads)).permute(0, 3, 1, 2) for a in F.linear(x, w_qkv).chunk(3, dim=2))
    return F.linear((_weights(q, k) @ v).permute(0, 2, 3, 1).flatten(2), w_out)


@self_attention.misconception(
    "the rows of w_qkv are all queries, then all keys, then all values: reshape to (3, heads, C/heads), the 3 first."
)
def qkv_within_heads(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = F.linear(x, w_qkv).reshape(b, n, heads, 3, c // heads).permute(3, 0, 2, 1, 4)
    return _merge(_weights(q, k) @ v, w_out)


@self_attention.misconception("queries and keys are exchanged: the first C rows of w_qkv are q, the next C are k.")
def keys_first(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return _merge(_weights(k, q) @ v, w_out)


@self_attention.misconception("the first rows of w_qkv are not the values: the order is q, k, v.")
def values_first(x, w_qkv, w_out, heads):
    v, q, k = _split(x, w_qkv, heads)
    return _merge(_weights(q, k) @ v, w_out)


@self_attention.misconception("the rows of w_qkv are read from the end: queries come first, then keys, then values.")
def read_from_the_end(x, w_qkv, w_out, heads):
    v, k, q = _split(x, w_qkv, heads)
    return _merge(_weights(q, k) @ v, w_out)


@self_attention.misconception(
    "heads and tokens are mixed up where they are joined: bring (B, heads, N, C/heads) to (B, N, heads, C/heads) "
    "before you reshape to (B, N, C)."
)
def joined_without_transposing(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    return F.linear((_weights(q, k) @ v).reshape(x.shape), w_out)


@self_attention.misconception(
    "your reshape to (B, heads, N, C/heads) tears tokens apart: reshape to (B, N, heads, C/heads), then transpose."
)
def split_without_transposing(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (a.reshape(b, heads, n, c // heads) for a in F.linear(x, w_qkv).chunk(3, dim=2))
    return _merge(_weights(q, k) @ v, w_out)


@self_attention.misconception(
    "each token attends to its own heads instead of to other tokens: tokens must stand on the last but one axis of q, "
    "k and v."
)
def heads_attend_to_heads(x, w_qkv, w_out, heads):
    q, k, v = (a.unflatten(2, (heads, -1)) for a in F.linear(x, w_qkv).chunk(3, dim=2))
    return F.linear((_weights(q, k) @ v).flatten(2), w_out)


@self_attention.misconception("x is added to the result: no residual here, whoever calls it adds x.")
def residual_added(x, w_qkv, w_out, heads):
    return x + layers.self_attention(x, w_qkv, w_out, heads)


@self_attention.misconception("the output weights w_out are not used: multiply the joined heads by them.")
def output_weights_missing(x, w_qkv, w_out, heads):
    return layers.self_attention(x, w_qkv, torch.eye(len(w_out), dtype=x.dtype, device=x.device), heads)


@self_attention.misconception("w_out is the wrong way round: as in F.linear, multiply by w_out.T from the right.")
def output_weights_transposed(x, w_qkv, w_out, heads):
    return layers.self_attention(x, w_qkv, w_out.T, heads)


@self_attention.misconception(
    "exp leaves the range of numbers where scores are large: use torch.softmax, which takes out each query's largest "
    "score first.",
    credit=0.5,
)
def exponential_overflows(x, w_qkv, w_out, heads):
    q, k, v = _split(x, w_qkv, heads)
    weights = (q @ k.mT / q.shape[-1] ** 0.5).exp()
    return _merge(weights / weights.sum(-1, keepdim=True) @ v, w_out)


@self_attention.misconception(
    "your tokens look only at those before them: here every token sees all the others, so mask none."
)
def causal(x, w_qkv, w_out, heads):
    return _merge(F.scaled_dot_product_attention(*_split(x, w_qkv, heads), is_causal=True), w_out)
