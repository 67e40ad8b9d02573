r"""The parts that networks of images are made of, each a function of tensors and of weights that are handed in.

What a network adds to these is only where its weights are kept. N tokens or pixels, C channels, E embedding dimensions.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course.tensors import check_mask, check_real, check_tensor, one_dtype, positive, returned_as, whole

EPS = 1e-5  # added to every variance, as in PyTorch's own normalizations


def sinusoidal_embedding(t: Tensor, dim: int, max_period: float = 10_000.0) -> Tensor:
    r"""A number as a vector of waves, from fast to slow, in which near numbers are alike and far ones are not.

    .. math:: \bigl(\cos \omega_k t, \; \sin \omega_k t\bigr)_k, \qquad \omega_k = P^{-k / (d/2)},
       \quad k = 0, \dots, d/2 - 1

    Args:
        t: numbers, shape (B,).
        dim: d, even.
        max_period: P; the slowest wave has a period of almost 2πP.

    Returns:
        Shape (B, d), all cosines first.

    Raises:
        ValueError: if d is odd.

    Source: Vaswani et al. (2017), section 3.5, with the order of Ho et al. (2020).
    """
    check_real(t=t)
    if whole("dim", dim, 2) % 2:
        raise ValueError(f"An embedding has as many cosines as sines, so an even dimension; got {dim}.")
    positive(max_period=max_period)
    if t.ndim != 1:
        raise ValueError(f"Expected numbers t of shape (B,); got {tuple(t.shape)}.")
    half = dim // 2
    omega = torch.exp(-math.log(max_period) / half * torch.arange(half, dtype=t.dtype, device=t.device))
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def conditional_instance_norm(x: Tensor, gamma: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    r"""Instance norm++: every channel normalized over its pixels, its lost mean put back at a scale that is learned.

    .. math:: \gamma \, \Bigl(\frac{x - \mu}{\sqrt{\operatorname{var} x + 10^{-5}}}
       + \alpha \, \frac{\mu - \bar\mu}{\sqrt{\operatorname{var} \mu + 10^{-5}}}\Bigr) + \beta

    μ are the channels' means, with μ̄ and var μ (unbiased) over channels. γ, α and β depend on the noise level.

    Args:
        x: shape (B, C, H, W) with C ≥ 2.
        gamma: γ, shape (B, C); alpha and beta likewise.

    Returns:
        Shape (B, C, H, W).

    Raises:
        ValueError: if there is one channel only, whose mean has nothing to be compared with.

    Source: Song and Ermon (2019), appendix A.
    """
    check_real(4, x=x)
    if x.shape[1] < 2:
        raise ValueError(f"Channel means are compared with one another, so two channels or more; got {x.shape[1]}.")
    check_real(gamma=gamma, alpha=alpha, beta=beta)
    _one_per_channel(x, gamma=gamma, alpha=alpha, beta=beta)
    mean = x.mean((2, 3))
    between = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, keepdim=True) + EPS).sqrt()
    shift = gamma * alpha * between + beta
    return torch.addcmul(shift[:, :, None, None], gamma[:, :, None, None], F.instance_norm(x, eps=EPS))


def self_attention(x: Tensor, w_qkv: Tensor, w_out: Tensor, heads: int) -> Tensor:
    r"""Every token gathers from all others what its query finds in their keys.

    .. math:: \operatorname{softmax}\Bigl(\frac{Q K^\top}{\sqrt{C / h}}\Bigr) V \quad \text{for each head,}
       \text{ side by side, times } W_\text{out}^\top

    Args:
        x: tokens, shape (B, N, C).
        w_qkv: shape (3C, C), the rows of the queries, then the keys, then the values.
        w_out: shape (C, C).
        heads: h, which divides C; heads are consecutive blocks of channels.

    Returns:
        Shape (B, N, C), nothing added to it.

    Raises:
        ValueError: if the heads do not divide the channels.

    Source: Vaswani et al. (2017), section 3.2.
    """
    check_real(x=x, w_qkv=w_qkv, w_out=w_out)
    one_dtype(x=x, w_qkv=w_qkv, w_out=w_out)
    if x.ndim != 3:
        raise ValueError(f"Expected tokens of shape (B, N, C); got {tuple(x.shape)}.")
    b, n, c = x.shape
    if w_qkv.shape != (3 * c, c) or w_out.shape != (c, c):
        shapes = f"{tuple(w_qkv.shape)} and {tuple(w_out.shape)}"
        raise ValueError(f"Expected w_qkv {(3 * c, c)} and w_out {(c, c)} for tokens of {c} channels; got {shapes}.")
    if c % whole("heads", heads, 1):
        raise ValueError(f"Heads share the channels evenly; got {heads} heads and {c} channels.")
    q, k, v = F.linear(x, w_qkv).reshape(b, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
    if q.dtype is torch.bfloat16 and q.device.type == "cpu":  # the fused one is ten times slower there, backwards
        gathered = _looks(q, k) @ v
    else:
        gathered = F.scaled_dot_product_attention(q, k, v)
    return F.linear(gathered.transpose(1, 2).reshape(b, n, c), w_out)


def cross_attention(
    x: Tensor, context: Tensor, mask: Tensor, w_q: Tensor, w_kv: Tensor, w_out: Tensor, heads: int
) -> Tensor:
    r"""Every token gathers from those of another sequence, such as the words of a caption, what its query finds there.

    .. math:: \operatorname{softmax}\Bigl(\frac{Q K^\top}{\sqrt{C / h}}\Bigr) V \quad \text{for each head, where}
       \quad Q = x W_q^\top, \quad [K, V] = \text{context} \, W_{kv}^\top

    and the softmax runs over the real tokens of the context. With the context x itself it is self-attention.

    Args:
        x: tokens that ask, shape (B, N, C).
        context: tokens that answer, shape (B, M, C), or (B, M, D) where w_kv takes D channels.
        mask: true at real tokens of the context, at least one a row, shape (B, M), bool.
        w_q: shape (C, C).
        w_kv: shape (2C, C), or (2C, D), the rows of the keys, then the values.
        w_out: shape (C, C).
        heads: h, which divides C; heads are consecutive blocks of channels.

    Returns:
        Shape (B, N, C), nothing added to it.

    Raises:
        ValueError: if shapes do not fit, the heads do not divide the channels, or a row has no real token.
        TypeError: if the mask is not bool.

    Source: Vaswani et al. (2017), section 3.2.3; Rombach et al. (2022), section 3.3.
    """
    q, k, v = _queries_keys_values(x, context, mask, w_q, w_kv, heads)
    check_real(w_out=w_out)
    one_dtype(x=x, w_out=w_out)
    if w_out.shape != w_q.shape:
        raise ValueError(f"Expected w_out of shape {tuple(w_q.shape)}; got {tuple(w_out.shape)}.")
    gathered = _looks(q, k, mask) @ v  # a caption is short: quicker than the fused one with a mask
    return F.linear(gathered.transpose(1, 2).reshape(x.shape), w_out)


def attention_weights(x: Tensor, context: Tensor, mask: Tensor, w_q: Tensor, w_kv: Tensor, heads: int) -> Tensor:
    """Where each token of ``cross_attention`` looks: its softmax, shape (B, heads, N, M), whose rows sum to one."""
    q, k, _ = _queries_keys_values(x, context, mask, w_q, w_kv, heads)
    return _looks(q, k, mask)


def _looks(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    """The softmax of attention, shape (B, heads, N, M), computed along the last axis but one, which is quicker."""
    logits = (k / k.shape[-1] ** 0.5) @ q.mT
    if mask is not None:
        padding = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -math.inf)
        logits = logits + padding[:, None, :, None]
    return logits.softmax(-2).mT


def _queries_keys_values(
    x: Tensor, context: Tensor, mask: Tensor, w_q: Tensor, w_kv: Tensor, heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Of cross-attention, each of shape (B, heads, N or M, C / heads), once everything is found to fit."""
    check_real(x=x, context=context, w_q=w_q, w_kv=w_kv)
    one_dtype(x=x, context=context, w_q=w_q, w_kv=w_kv)
    if x.ndim != 3 or context.ndim != 3 or len(x) != len(context):
        shapes = f"{tuple(x.shape)} and {tuple(context.shape)}"
        raise ValueError(f"Expected x of shape (B, N, C) and context (B, M, C); got {shapes}.")
    (b, n, c), (_, m, d) = x.shape, context.shape
    if w_q.shape != (c, c) or w_kv.shape != (2 * c, d):
        shapes = f"{tuple(w_q.shape)} and {tuple(w_kv.shape)}"
        raise ValueError(f"Expected w_q {(c, c)} and w_kv {(2 * c, d)} for x of {c} channels; got {shapes}.")
    check_mask(mask)
    if mask.shape != (b, m):
        raise ValueError(
            f"Expected a mask of shape {(b, m)}, one entry per token of the context; got {tuple(mask.shape)}."
        )
    if not mask.any(1).all():
        raise ValueError("Every row of the mask has at least one real token; got a row of padding alone.")
    if c % whole("heads", heads, 1):
        raise ValueError(f"Heads share the channels evenly; got {heads} heads and {c} channels.")
    q = F.linear(x, w_q).reshape(b, n, heads, c // heads).transpose(1, 2)
    k, v = F.linear(context, w_kv).reshape(b, m, 2, heads, c // heads).permute(2, 0, 3, 1, 4)
    return q, k, v


def residual_block(
    x: Tensor,
    embedding: Tensor,
    conv1: Callable[[Tensor], Tensor],
    conv2: Callable[[Tensor], Tensor],
    project: Callable[[Tensor], Tensor],
) -> Tensor:
    r"""What two convolutions add to an image, told the time and the class in between.

    .. math:: x + \mathrm{conv}_2\bigl(\mathrm{silu}(\mathrm{conv}_1(\mathrm{silu}(x)) + \mathrm{project}(e))\bigr)

    Args:
        x: shape (B, C, H, W).
        embedding: e, shape (B, E).
        conv1, conv2: maps of images that keep the shape.
        project: (B, E) → (B, C), added at every pixel.

    Returns:
        Shape (B, C, H, W).

    Source: He et al. (2016); Ho et al. (2020), appendix B.
    """
    check_real(4, x=x)
    check_real(2, embedding=embedding)
    h, told = conv1(F.silu(x)), project(embedding)
    check_tensor(conv1=h, project=told)
    _one_per_channel(h, project=told)
    return x + returned_as(x, conv2(F.silu(h + told[:, :, None, None])), "conv2")


def patchify(x: Tensor, p: int) -> Tensor:
    """Cut images into p × p patches: (B, C, H, W) → (B, H/p · W/p, C·p·p), row by row; in a token channel, row, column.

    Raises:
        ValueError: if p does not divide height and width.
    """
    check_tensor(x=x)
    if x.ndim != 4:
        raise ValueError(f"Expected images of shape (B, C, H, W); got {tuple(x.shape)}.")
    b, c, h, w = x.shape
    if h % whole("p", p, 1) or w % p:
        raise ValueError(f"Patches of {p} × {p} do not tile an image of {h} × {w}.")
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).reshape(b, h // p * (w // p), c * p * p)


def unpatchify(tokens: Tensor, p: int, height: int, width: int) -> Tensor:
    """The inverse of ``patchify``: (B, H/p · W/p, C·p·p) → (B, C, H, W), height and width in pixels.

    Raises:
        ValueError: if these are not the tokens of such an image.
    """
    check_tensor(tokens=tokens)
    if tokens.ndim != 3:
        raise ValueError(f"Expected tokens of shape (B, N, C·p·p); got {tuple(tokens.shape)}.")
    b, n, d = tokens.shape
    if height % whole("p", p, 1) or width % p or n != (height // p) * (width // p) or d % p**2:
        raise ValueError(f"{n} tokens of dimension {d} are no image of {height} × {width} in patches of {p} × {p}.")
    grid = tokens.reshape(b, height // p, width // p, d // p**2, p, p)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(b, d // p**2, height, width)


def adaptive_layer_norm(
    x: Tensor, shift: Tensor, scale: Tensor, gate: Tensor, branch: Callable[[Tensor], Tensor]
) -> Tensor:
    r"""A residual branch whose input is normalized and modulated, and whose output is gated, by time and class.

    .. math:: x + g \odot \mathrm{branch}\bigl(\mathrm{LN}(x) \odot (1 + s) + b\bigr)

    Args:
        x: tokens, shape (B, N, C).
        shift, scale, gate: b, s and g, shape (B, C), the same for all tokens. At g = 0 the branch is not there.
        branch: (B, N, C) → (B, N, C).

    Returns:
        Shape (B, N, C).

    Source: Peebles and Xie (2023), adaLN-Zero.
    """
    check_real(3, x=x)
    check_real(2, shift=shift, scale=scale, gate=gate)
    if x.ndim != 3:
        raise ValueError(f"Expected tokens of shape (B, N, C); got {tuple(x.shape)}.")
    for name, told in (("shift", shift), ("scale", scale), ("gate", gate)):
        if told.shape != (x.shape[0], x.shape[-1]):
            raise ValueError(f"Expected {name} of shape {(x.shape[0], x.shape[-1])}; got {tuple(told.shape)}.")
    normalized = F.layer_norm(x, x.shape[-1:], eps=EPS)
    modulated = torch.addcmul(shift[:, None], normalized, 1 + scale[:, None])
    return x + gate[:, None] * returned_as(x, branch(modulated), "branch")


def _one_per_channel(x: Tensor, **told: Tensor) -> None:
    for name, values in told.items():
        if values.shape != x.shape[:2]:
            raise ValueError(
                f"Expected {name} of shape {tuple(x.shape[:2])}, one per channel; got {tuple(values.shape)}."
            )
