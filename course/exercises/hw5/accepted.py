"""hw5: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math

import torch
from torch.nn import functional as F

from course.exercises.hw5.attention import self_attention
from course.exercises.hw5.conditioning import conditional_instance_norm, sinusoidal_embedding
from course.exercises.hw5.convolutional import residual_block
from course.exercises.hw5.patches import patchify, unpatchify
from course.exercises.hw5.skips import unet
from course.exercises.hw5.transformer import adaptive_layer_norm


@sinusoidal_embedding.accept
def by_powers(t, dim, max_period):
    omega = max_period ** (-torch.arange(0, dim, 2, dtype=t.dtype, device=t.device) / dim)
    return torch.cat([torch.cos(torch.outer(t, omega)), torch.sin(torch.outer(t, omega))], dim=-1)


@sinusoidal_embedding.accept
def geometric_ratio(t, dim, max_period):
    half = dim // 2
    ratio = max_period ** (-1 / half)
    columns = [t * ratio**k for k in range(half)]
    return torch.stack([torch.cos(a) for a in columns] + [torch.sin(a) for a in columns], dim=1)


@sinusoidal_embedding.accept
def filled_in(t, dim, max_period):
    half = dim // 2
    out = t.new_empty(len(t), dim)
    omega = torch.exp(torch.arange(half, device=t.device) * (-math.log(max_period) / half)).to(t.dtype)
    out[:, :half] = (t.unsqueeze(1) * omega.unsqueeze(0)).cos()
    out[:, half:] = (t.unsqueeze(1) * omega.unsqueeze(0)).sin()
    return out


@sinusoidal_embedding.accept
def as_a_complex_wave(t, dim, max_period):
    omega = torch.logspace(0, -1 + 2 / dim, dim // 2, base=max_period, dtype=t.dtype, device=t.device)
    wave = torch.polar(torch.ones_like(t[:, None] * omega), t[:, None] * omega)
    return torch.cat([wave.real, wave.imag], 1)


@conditional_instance_norm.accept
def by_hand(x, gamma, alpha, beta):
    wide = lambda a: a[:, :, None, None]
    mean = x.mean((2, 3))
    normalized = (x - wide(mean)) / torch.sqrt(wide(x.var((2, 3), unbiased=False)) + 1e-5)
    between = (mean - mean.mean(1, keepdim=True)) / torch.sqrt(mean.var(1, keepdim=True) + 1e-5)
    return wide(gamma) * (normalized + wide(alpha) * wide(between)) + wide(beta)


@conditional_instance_norm.accept
def as_published(x, gamma, alpha, beta):
    """As Song's own code has it."""
    means = torch.mean(x, dim=(2, 3))
    m, v = means.mean(dim=-1, keepdim=True), means.var(dim=-1, keepdim=True)
    means = (means - m) / torch.sqrt(v + 1e-5)
    h = torch.nn.InstanceNorm2d(x.shape[1], affine=False)(x)
    h = h + means[..., None, None] * alpha[..., None, None]
    return gamma.view(*gamma.shape, 1, 1) * h + beta.view(*beta.shape, 1, 1)


@conditional_instance_norm.accept
def image_by_image(x, gamma, alpha, beta):
    def one(x, gamma, alpha, beta):
        mean = x.flatten(1).mean(1)
        centred = x - mean[:, None, None]
        unit = centred * (centred.square().flatten(1).mean(1) + 1e-5).rsqrt()[:, None, None]
        c = mean - mean.mean()
        between = c * (c.square().sum() / (len(c) - 1) + 1e-5).rsqrt()
        return torch.einsum("c,chw->chw", gamma, unit + (alpha * between)[:, None, None]) + beta[:, None, None]

    return torch.stack([one(*row) for row in zip(x, gamma, alpha, beta)])


@conditional_instance_norm.accept
def by_group_norm(x, gamma, alpha, beta):
    mean = x.mean((-2, -1), keepdim=True)
    between = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, keepdim=True) + 1e-5) ** 0.5
    gamma, alpha, beta = (a.unsqueeze(-1).unsqueeze(-1) for a in (gamma, alpha, beta))
    return F.group_norm(x, x.shape[1], eps=1e-5).mul(gamma) + between * alpha * gamma + beta


@self_attention.accept
def written_out(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (a.reshape(b, n, heads, c // heads).transpose(1, 2) for a in (x @ w_qkv.T).split(c, dim=-1))
    weights = (q @ k.transpose(-1, -2) / math.sqrt(c // heads)).softmax(dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@self_attention.accept
def head_by_head(x, w_qkv, w_out, heads):
    wq, wk, wv = w_qkv.chunk(3)
    d = x.shape[-1] // heads
    total = 0
    for h in range(heads):
        rows = slice(h * d, (h + 1) * d)
        q, k, v = x @ wq[rows].T, x @ wk[rows].T, x @ wv[rows].T
        weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)) * d**-0.5, dim=2)
        total = total + torch.bmm(weights, v) @ w_out[:, rows].T
    return total


@self_attention.accept
def in_einstein_notation(x, w_qkv, w_out, heads):
    w = w_qkv.reshape(3, heads, -1, w_qkv.shape[1])
    q, k, v = torch.einsum("bnc,shdc->sbhnd", x, w)
    scores = torch.einsum("bhnd,bhmd->bhnm", q / q.shape[-1] ** 0.5, k)
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("bhnm,bhmd,ehd->bne", weights, v, w_out.reshape(len(w_out), heads, -1))


@self_attention.accept
def torchs_own(x, w_qkv, w_out, heads):
    nothing, y = torch.zeros(len(w_qkv), dtype=x.dtype, device=x.device), x.transpose(0, 1)
    c = x.shape[-1]
    out, _ = F.multi_head_attention_forward(
        y, y, y, c, heads, w_qkv, nothing, None, None, False, 0.0, w_out, nothing[:c], need_weights=False
    )
    return out.transpose(0, 1)


@residual_block.accept
def step_by_step(x, embedding, conv1, conv2, project):
    h = x * x.sigmoid()
    h = conv1(h)
    told = project(embedding)
    h = h + told.reshape(*told.shape, 1, 1).expand_as(h)
    h = conv2(h * h.sigmoid())
    return h + x


@residual_block.accept
def in_place_on_its_own(x, embedding, conv1, conv2, project):
    h = conv1(torch.nn.functional.silu(x)) + project(embedding).unsqueeze(-1).unsqueeze(-1)
    return torch.add(conv2(torch.nn.SiLU(inplace=True)(h)), x)


@unet.accept
def popped(x, embedding, stem, down, middle, up, head):
    h, skips = stem(x), []
    for d in down:
        h = d(h, embedding)
        skips += [h]
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat((h, skips.pop()), dim=1), embedding)
    return head(h)


@unet.accept
def reversed_pairs(x, embedding, stem, down, middle, up, head):
    states = [stem(x)]
    for part in down:
        states.append(part(states[-1], embedding))
    h = middle(states[-1], embedding)
    for part, skip in zip(up, reversed(states[1:])):
        h = part(torch.concat([h, skip], dim=-3), embedding)
    return head(h)


@unet.accept
def recursive(x, embedding, stem, down, middle, up, head):
    def level(h, i):
        if i == len(down):
            return middle(h, embedding)
        skip = down[i](h, embedding)
        return up[len(up) - 1 - i](torch.cat([level(skip, i + 1), skip], dim=1), embedding)

    return head(level(stem(x), 0))


@patchify.accept
def unfolded(x, p):
    return F.unfold(x, p, stride=p).transpose(1, 2)


@patchify.accept
def by_unshuffling_pixels(x, p):
    return F.pixel_unshuffle(x, p).flatten(2).mT


@patchify.accept
def patch_by_patch(x, p):
    _, _, h, w = x.shape
    corners = [(i, j) for i in range(0, h, p) for j in range(0, w, p)]
    return torch.stack([x[:, :, i : i + p, j : j + p].flatten(1) for i, j in corners], dim=1)


@patchify.accept
def by_sliding_windows(x, p):
    windows = x.unfold(2, p, p).unfold(3, p, p)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2).contiguous()


@unpatchify.accept
def folded(tokens, p, height, width):
    return F.fold(tokens.transpose(1, 2), (height, width), p, stride=p)


@unpatchify.accept
def by_shuffling_pixels(tokens, p, height, width):
    return F.pixel_shuffle(tokens.mT.unflatten(2, (height // p, width // p)), p)


@unpatchify.accept
def placed_one_by_one(tokens, p, height, width):
    b, _, d = tokens.shape
    x = tokens.new_zeros(b, d // p**2, height, width)
    for k in range(tokens.shape[1]):
        i, j = divmod(k, width // p)
        x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p] = tokens[:, k].reshape(b, -1, p, p)
    return x


@unpatchify.accept
def in_einstein_summation(tokens, p, height, width):
    grid = tokens.unflatten(2, (-1, p, p)).unflatten(1, (height // p, width // p))
    return torch.einsum("bhwcpq->bchpwq", grid).flatten(4).flatten(2, 3)


@adaptive_layer_norm.accept
def normalized_by_hand(x, shift, scale, gate, branch):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    h = (x - mean) / torch.sqrt(var + 1e-5)
    h = h * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)
    return gate.unsqueeze(1) * branch(h) + x


@adaptive_layer_norm.accept
def by_a_module(x, shift, scale, gate, branch):
    norm = torch.nn.LayerNorm(x.shape[-1], elementwise_affine=False, dtype=x.dtype, device=x.device)
    shift, scale, gate = (a[:, None].expand_as(x) for a in (shift, scale, gate))
    y = norm(x)
    return torch.addcmul(x, gate, branch(y + y * scale + shift))
