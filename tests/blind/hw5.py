"""Wrong answers to hw5, from its text alone."""

import math

import torch
from torch.nn import functional as F

from tests.blind import Bank

bank = Bank()


# 5.1 sinusoidal_embedding


@bank.wrong("sinusoidal_embedding", "cosines first", "order", "sine", "first")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@bank.wrong("sinusoidal_embedding", "interleave", "alternat", "order", "all cosines", "cosines first")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.stack([angle.cos(), angle.sin()], dim=2).reshape(len(t), dim)


@bank.wrong("sinusoidal_embedding", "d/2 − 1", "divided by d/2", "frequenc", "d/2")
def _(t, dim, max_period):  # Ho et al.: the last frequency is 1/P itself
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / (half - 1))
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "d/2", "exponent", "frequenc", "power")
def _(t, dim, max_period):
    omega = max_period ** (-torch.arange(dim // 2, dtype=t.dtype, device=t.device) / dim)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "sign", "minus", "negative", "fall", "grow", "exponent")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "max_period", "10000", "10,000", "P")
def _(t, dim, max_period):
    half = dim // 2
    omega = 10000.0 ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "2π", "factor", "frequenc")
def _(t, dim, max_period):
    half = dim // 2
    omega = 2 * math.pi * max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "all 1", "//", "frequenc", "same", "integer")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-(torch.arange(half, dtype=t.dtype, device=t.device) // half))
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "sine", "cosine", "half", "twice")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.cos()], dim=1)


@bank.wrong("sinusoidal_embedding", "from 0", "k", "first", "from 1", "frequenc")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(1, half + 1, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "dtype", "float64", "float32", "precision")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=torch.float32, device=t.device) / half)
    angle = t[:, None].float() * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "shape", "(B, d)", "transpose", "axis", "batch")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = omega[:, None] * t[None, :]
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "shape", "d/2", "twice", "length", "(B, d)")
def _(t, dim, max_period):
    omega = max_period ** (-torch.arange(dim, dtype=t.dtype, device=t.device) / dim)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "1000", "1,000", "scale", "t")
def _(t, dim, max_period):  # for times between 0 and 1
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = 1000 * t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "norm", "scale", "factor", "length", "√")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1) / math.sqrt(half)


@bank.wrong("sinusoidal_embedding", "gradient", "detach", "graph", "no_grad")
def _(t, dim, max_period):
    with torch.no_grad():
        half = dim // 2
        omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
        angle = t[:, None] * omega
        return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "equal factors", "frequenc", "ratio", "geometric", "spaced")
def _(t, dim, max_period):
    omega = torch.linspace(1, 1 / max_period, dim // 2, dtype=t.dtype, device=t.device)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "log", "frequenc", "base", "power", "P")
def _(t, dim, max_period):
    half = dim // 2
    omega = torch.exp(-math.log10(max_period) * torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "integer", "whole", "round", "any size", "fraction")
def _(t, dim, max_period):  # time steps are whole numbers, are they not
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t.long()[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "sign", "negative", "abs")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t.abs()[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "divide", "max_period", "scale", "P", "from 1")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = (t / max_period)[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "device", "cpu")
def _(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half).to(t.dtype) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@bank.wrong("sinusoidal_embedding", "order", "reverse", "fast to slow", "frequenc", "fall")
def _(t, dim, max_period):
    half = dim // 2
    k = torch.arange(half - 1, -1, -1, dtype=t.dtype, device=t.device)
    angle = t[:, None] * max_period ** (-k / half)
    return torch.cat([angle.cos(), angle.sin()], dim=1)


# 5.2 conditional_instance_norm


@bank.wrong("conditional_instance_norm", "biased", "H·W", "pixels", "unbiased")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "unbiased", "C − 1", "biased", "channels")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "alpha", "α", "means", "put back", "second fraction")
def _(x, gamma, alpha, beta):
    return gamma[:, :, None, None] * F.instance_norm(x) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "second fraction", "divide", "channels", "normal", "means", "var")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = mu - mu.mean(1, keepdim=True)
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "means", "μ̄", "subtract", "second fraction", "mu")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = mu / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "batch", "one image", "other images", "each image", "dim")
def _(x, gamma, alpha, beta):  # the channels' means compared over the batch
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(0)) / (mu.var(0) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "batch", "each image", "other images", "own", "dim")
def _(x, gamma, alpha, beta):  # batch norm
    center, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    mu = x.mean((2, 3))
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    normed = (x - center) / (variance + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "each channel", "layer", "pixels", "dim", "own")
def _(x, gamma, alpha, beta):  # layer norm
    mu = x.mean((2, 3))
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    normed = F.layer_norm(x, x.shape[1:])
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "gamma", "γ", "bracket", "alpha", "α", "both")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * normed + (alpha * means + beta)[:, :, None, None]


@bank.wrong("conditional_instance_norm", "1 + γ", "gamma", "γ", "add")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return (1 + gamma)[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "10⁻⁵", "1e-5", "under the root", "inside", "epsilon", "ε")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.std((2, 3), unbiased=False, keepdim=True) + 1e-5)
    means = (mu - mu.mean(1, keepdim=True)) / (mu.std(1, keepdim=True) + 1e-5)
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "10⁻⁵", "1e-5", "nan", "zero", "0", "epsilon", "ε")
def _(x, gamma, alpha, beta):  # nan, if all channels are equally bright
    mu = x.mean((2, 3))
    means = (mu - mu.mean(1, keepdim=True)) / mu.std(1, keepdim=True)
    normed = F.instance_norm(x)
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "1e-3", "10⁻⁵", "1e-5", "epsilon", "ε", "small")
def _(x, gamma, alpha, beta):  # Keras' epsilon
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-3).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-3).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "subtract", "float32", "E[x²]", "bright", "difference", "precision")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    variance = (x**2).mean((2, 3)) - mu**2
    normed = (x - mu[:, :, None, None]) / (variance + 1e-5).sqrt()[:, :, None, None]
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "gamma", "beta", "γ", "β", "swap", "exchange")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return beta[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + gamma[:, :, None, None]


@bank.wrong("conditional_instance_norm", "beta", "β", "bracket", "outside", "multipl")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means + beta)[:, :, None, None])


@bank.wrong("conditional_instance_norm", "in place", "changes")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    std = (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    x -= mu[:, :, None, None]
    x /= std
    return gamma[:, :, None, None] * (x + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "gradient", "detach", "graph", "statistics")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3)).detach()
    std = (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt().detach()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    normed = (x - mu[:, :, None, None]) / std
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "root", "√", "variance", "standard deviation")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5)
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5)
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "pixels", "rows", "both", "dim", "axis", "height", "width")
def _(x, gamma, alpha, beta):  # each row by itself
    center, variance = x.mean(3, keepdim=True), x.var(3, unbiased=False, keepdim=True)
    mu = x.mean((2, 3))
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    normed = (x - center) / (variance + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "dtype", "float64", "float32", "precision")
def _(x, gamma, alpha, beta):
    x, gamma, alpha, beta = x.float(), gamma.float(), alpha.float(), beta.float()
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "sign", "minus", "μ − μ̄", "means")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu.mean(1, keepdim=True) - mu) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "second fraction", "variance", "var_C", "channels", "pixels", "means")
def _(x, gamma, alpha, beta):  # the pixels' variance under both
    mu = x.mean((2, 3))
    std = (x.var((2, 3), unbiased=False) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / std
    normed = (x - mu[:, :, None, None]) / std[:, :, None, None]
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


@bank.wrong("conditional_instance_norm", "each image", "own", "first", "batch", "gamma", "γ")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = (x - mu[:, :, None, None]) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return (
        gamma[0, :, None, None] * (normed + alpha[0, :, None, None] * means[:, :, None, None]) + beta[0, :, None, None]
    )


@bank.wrong("conditional_instance_norm", "mean", "subtract", "first fraction", "μ", "mu")
def _(x, gamma, alpha, beta):
    mu = x.mean((2, 3))
    normed = x / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    means = (mu - mu.mean(1, keepdim=True)) / (mu.var(1, keepdim=True) + 1e-5).sqrt()
    return gamma[:, :, None, None] * (normed + (alpha * means)[:, :, None, None]) + beta[:, :, None, None]


# 5.3 self_attention


@bank.wrong("self_attention", "√(C/h)", "√C", "scale", "per head", "divide")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = ((x @ w_qkv.T)[..., i * c : (i + 1) * c].reshape(b, n, heads, -1).transpose(1, 2) for i in range(3))
    weights = torch.softmax(q @ k.mT / math.sqrt(c), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "√(C/h)", "scale", "divide")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "root", "√(C/h)", "√", "scale")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / (c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "√(C/h)", "√h", "scale", "heads", "divide")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    out = F.scaled_dot_product_attention(q, k, v, scale=heads**-0.5)
    return out.transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "over the keys", "softmax", "last axis", "queries", "add to one")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-2)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "over the keys", "softmax", "heads", "axis", "last")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "consecutive", "blocks", "every h-th", "heads")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, c // heads, heads).permute(0, 3, 1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).permute(0, 2, 3, 1).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "transposed", "w_out", ".T", "output weights")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out


@bank.wrong("self_attention", "w_out", "output weights", "missing")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c)


@bank.wrong("self_attention", "order", "rows", "queries", "keys", "values", "first")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    v, k, q = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "x added", "add", "residual", "not added", "calls")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return x + (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "way back", "transpose", "side by side", "heads", "back together")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "overflow", "nan", "largest", "exp", "large")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = (q @ k.transpose(-1, -2) / math.sqrt(c // heads)).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "heads", "one head", "each", "split")
def _(x, w_qkv, w_out, heads):
    q, k, v = (x @ w_qkv.T).chunk(3, dim=-1)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(x.shape[-1]), dim=-1)
    return weights @ v @ w_out.T


@bank.wrong("self_attention", "split", "heads", "transpose", "tokens", "mix", "blocks")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, heads, n, c // heads) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "tokens", "heads", "transpose", "each other", "far", "other tokens")
def _(x, w_qkv, w_out, heads):  # the heads of one token attend to each other
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "batch", "other images", "each image", "example", "own")
def _(x, w_qkv, w_out, heads):  # the tokens of all images in one heap
    b, n, c = x.shape
    q, k, v = (part.reshape(b * n, heads, c // heads).transpose(0, 1) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(0, 1).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "before", "inside", "softmax", "scale", "√(C/h)", "add to one")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2), dim=-1) / math.sqrt(c // heads)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "causal", "mask", "all tokens", "later", "every token")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return out.transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "rows", "w_qkv", "first C", "queries", "head", "order")
def _(x, w_qkv, w_out, heads):  # query, key and value of each head in turn, as in GPT-NeoX
    b, n, c = x.shape
    q, k, v = (x @ w_qkv.T).reshape(b, n, heads, 3, c // heads).permute(3, 0, 2, 1, 4)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "gradient", "detach", "graph", "queries", "keys")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1).detach()
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "query", "key", "queries", "keys", "swap", "exchange", "transpose")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(k @ q.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "values", "value", "x", "w_qkv", "last")
def _(x, w_qkv, w_out, heads):  # what is heard is the token itself
    b, n, c = x.shape
    q, k, _ = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    v = x.reshape(b, n, heads, c // heads).transpose(1, 2)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "dtype", "float64", "float32", "precision")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    qkv = x.float() @ w_qkv.float().T
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    out = F.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2).reshape(b, n, c) @ w_out.float().T


@bank.wrong("self_attention", "random", "dropout", "same", "draw")
def _(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1)
    return out.transpose(1, 2).reshape(b, n, c) @ w_out.T


@bank.wrong("self_attention", "w_out", "output weights", "side by side", "heads", "sum", "mean")
def _(x, w_qkv, w_out, heads):  # the heads averaged, not put side by side
    b, n, c = x.shape
    q, k, v = (part.reshape(b, n, heads, c // heads).transpose(1, 2) for part in (x @ w_qkv.T).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c // heads), dim=-1)
    return (weights @ v).mean(1).repeat(1, 1, heads) @ w_out.T


# 5.4 residual_block


@bank.wrong("residual_block", "skip", "x +", "add", "x itself", "input")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return conv2(F.silu(h))


@bank.wrong("residual_block", "silu", "first", "before", "conv1")
def _(x, embedding, conv1, conv2, project):
    h = conv1(x) + project(embedding)[:, :, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "silu", "second", "before", "conv2")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return x + conv2(h)


@bank.wrong("residual_block", "relu", "silu")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.relu(x)) + project(embedding)[:, :, None, None]
    return x + conv2(F.relu(h))


@bank.wrong("residual_block", "sigmoid", "silu", "u·sigmoid")
def _(x, embedding, conv1, conv2, project):
    h = conv1(torch.sigmoid(x)) + project(embedding)[:, :, None, None]
    return x + conv2(torch.sigmoid(h))


@bank.wrong("residual_block", "embedding", "before", "silu", "inside", "time")
def _(x, embedding, conv1, conv2, project):
    h = F.silu(conv1(F.silu(x))) + project(embedding)[:, :, None, None]
    return x + conv2(h)


@bank.wrong("residual_block", "between", "after", "conv1", "embedding", "time")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x) + project(embedding)[:, :, None, None])
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "between", "embedding", "end", "conv2", "time")
def _(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x)))) + project(embedding)[:, :, None, None]


@bank.wrong("residual_block", "embedding", "project", "time")
def _(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x))))


@bank.wrong("residual_block", "in place", "inplace", "changes")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x, inplace=True)) + project(embedding)[:, :, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "in place", "changes", "+=")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    x += conv2(F.silu(h))
    return x


@bank.wrong("residual_block", "x itself", "silu", "skip", "x,", "added")
def _(x, embedding, conv1, conv2, project):
    x = F.silu(x)
    h = conv1(x) + project(embedding)[:, :, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "conv1", "conv2", "twice", "same")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return x + conv1(F.silu(h))


@bank.wrong("residual_block", "conv1", "conv2", "order", "swap", "exchange")
def _(x, embedding, conv1, conv2, project):
    h = conv2(F.silu(x)) + project(embedding)[:, :, None, None]
    return x + conv1(F.silu(h))


@bank.wrong("residual_block", "√2", "scale", "divide", "factor")
def _(x, embedding, conv1, conv2, project):  # as in Song et al.'s code
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return (x + conv2(F.silu(h))) / math.sqrt(2)


@bank.wrong("residual_block", "embedding", "silu", "project", "itself")
def _(x, embedding, conv1, conv2, project):  # as in Ho et al.'s code
    h = conv1(F.silu(x)) + project(F.silu(embedding))[:, :, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "add", "multipl", "scale", "embedding")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) * (1 + project(embedding)[:, :, None, None])
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "silu", "after", "end", "sum", "last")
def _(x, embedding, conv1, conv2, project):  # the first ResNets
    h = F.silu(conv1(x) + project(embedding)[:, :, None, None])
    return F.silu(x + conv2(h))


@bank.wrong("residual_block", "batch", "each image", "own", "first", "embedding")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding[:1])[:, :, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "gradient", "detach", "skip", "graph")
def _(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return x.detach() + conv2(F.silu(h))


@bank.wrong("residual_block", "gradient", "detach", "embedding", "project", "graph")
def _(x, embedding, conv1, conv2, project):
    with torch.no_grad():
        told = project(embedding)[:, :, None, None]
    return x + conv2(F.silu(conv1(F.silu(x)) + told))


@bank.wrong("residual_block", "channel", "own", "mean", "embedding", "project")
def _(x, embedding, conv1, conv2, project):  # one number for all channels
    h = conv1(F.silu(x)) + project(embedding).mean(1)[:, None, None, None]
    return x + conv2(F.silu(h))


@bank.wrong("residual_block", "width", "pixel", "shape", "axis", "axes", "channel", "None")
def _(x, embedding, conv1, conv2, project):  # (B, C) along the last two axes
    h = conv1(F.silu(x)) + project(embedding)[:, None, None, :]
    return x + conv2(F.silu(h))


# 5.5 unet


@bank.wrong("unet", "last first", "last in", "order", "reverse", "pop")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u, skip in zip(up, skips):
        h = u(torch.cat([h, skip], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "keep", "kept", "stem", "after", "result")
def _(x, embedding, stem, down, middle, up, head):  # what goes into each part is kept
    h = stem(x)
    skips = []
    for d in down:
        skips.append(h)
        h = d(h, embedding)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "joined", "cat", "added", "side by side", "channels")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(h + skips.pop(), embedding)
    return head(h)


@bank.wrong("unet", "h first", "order", "skip", "first", "swap")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([skips.pop(), h], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "channels", "dim=1", "dim 1", "width", "axis")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=-1), embedding)
    return head(h)


@bank.wrong("unet", "channels", "dim=1", "dim 1", "batch", "axis")
def _(x, embedding, stem, down, middle, up, head):  # cat's own default
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()]), embedding)
    return head(h)


@bank.wrong("unet", "middle", "missing")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "embedding", "up", "told", "zero")
def _(x, embedding, stem, down, middle, up, head):  # the time is told on the way down only
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), torch.zeros_like(embedding))
    return head(h)


@bank.wrong("unet", "head", "missing")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return h


@bank.wrong("unet", "stem", "missing")
def _(x, embedding, stem, down, middle, up, head):
    h = x
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "x", "add", "residual", "input", "head")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return x + head(h)


@bank.wrong("unet", "middle", "kept", "keep", "skip", "down")
def _(x, embedding, stem, down, middle, up, head):  # the middle's result is kept as well
    h = stem(x)
    skips = []
    for part in [*down, middle]:
        h = part(h, embedding)
        skips.append(h)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "up", "order", "reverse", "first")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in reversed(up):
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "changes", "in place", "list", "down", "pop")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    while down:
        h = down.pop(0)(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "gradient", "detach", "skip", "graph")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h.detach())
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "middle", "twice", "once", "calls")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    for _ in range(2):
        h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "skip", "kept", "twice", "h twice", "itself")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    for d in down:
        h = d(h, embedding)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, h], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "same skip", "pop", "last", "each", "own")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips[-1]], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "√2", "scale", "divide", "skip", "factor")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop() / math.sqrt(2)], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "middle", "add", "residual", "replace")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = h + middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "previous", "each d", "down", "stem", "carried")
def _(x, embedding, stem, down, middle, up, head):  # every part of the way down sees the stem's result
    first = stem(x)
    skips = [d(first, embedding) for d in down]
    h = middle(skips[-1], embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "each u", "up", "last", "one too few", "all", "every")
def _(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for i in range(len(up) - 1):
        h = up[i](torch.cat([h, skips[-1 - i]], dim=1), embedding)
    return head(h)


@bank.wrong("unet", "changes", "in place", "kept", "keep", "overwrit", "gradient")
def _(x, embedding, stem, down, middle, up, head):  # one buffer: every skip is the last one
    h = stem(x).clone()
    skips = []
    for d in down:
        result = d(h, embedding)
        if result.shape == h.shape:
            h.copy_(result)
        else:
            h = result
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


# 5.6 patchify


@bank.wrong("patchify", "consecutive", "(H/p, p)", "reshape", "pieces", "neighbour", "all over")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 1, 2, 4).reshape(b, -1, c * p * p)


@bank.wrong("patchify", "channel", "order", "within a token", "last", "first")
def _(x, p):  # most vision transformers' order
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, c * p * p)


@bank.wrong("patchify", "row by row", "column", "order of the patches", "order")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 4, 2, 1, 3, 5).reshape(b, -1, c * p * p)


@bank.wrong("patchify", "reshape", "permute", "squares", "pixels", "all over", "order")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, (h // p) * (w // p), c * p * p)


@bank.wrong("patchify", "transpose", "row", "column", "within", "inside")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 5, 3).reshape(b, -1, c * p * p)


@bank.wrong("patchify", "shape", "transpose", "axes", "axis", "tokens", "unfold")
def _(x, p):
    return F.unfold(x, p, stride=p)


@bank.wrong("patchify", "square", "width", "height", "W/p", "W")
def _(x, p):  # right for square images only
    b, c, h, _ = x.shape
    n = h // p
    return x.reshape(b, c, n, p, n, p).permute(0, 2, 4, 1, 3, 5).reshape(b, n * n, c * p * p)


@bank.wrong("patchify", "overlap", "stride", "shape", "number", "tokens")
def _(x, p):
    return F.unfold(x, p).transpose(1, 2)


@bank.wrong("patchify", "channel", "shape", "one token", "own", "C·p·p")
def _(x, p):  # each channel makes tokens of its own
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).transpose(3, 4).reshape(b, -1, p * p)


@bank.wrong("patchify", "mean", "average", "each pixel", "shape", "C·p·p", "pixels")
def _(x, p):
    return F.avg_pool2d(x, p).flatten(2).transpose(1, 2)


@bank.wrong("patchify", "channel", "first", "grey", "C", "all")
def _(x, p):  # right for grey images only
    b, _, h, w = x.shape
    return x[:, 0].reshape(b, h // p, p, w // p, p).transpose(2, 3).reshape(b, -1, p * p)


@bank.wrong("patchify", "p", "patch", "argument", "size", "shape")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * 4)


@bank.wrong("patchify", "batch", "images", "shape", "(B,", "each image")
def _(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).reshape(-1, c * p * p)


@bank.wrong("patchify", "dtype", "float64", "float32", "precision")
def _(x, p):
    b, c, h, w = x.shape
    tokens = torch.zeros(b, (h // p) * (w // p), c * p * p, device=x.device)
    for i in range(h // p):
        for j in range(w // p):
            tokens[:, i * (w // p) + j] = x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p].flatten(1)
    return tokens


@bank.wrong("patchify", "last", "number", "shape", "missing", "row", "edge")
def _(x, p):  # stops one patch early
    _, _, h, w = x.shape
    patches = [x[:, :, i : i + p, j : j + p].flatten(1) for i in range(0, h - p, p) for j in range(0, w - p, p)]
    return torch.stack(patches, dim=1)


@bank.wrong("patchify", "gradient", "detach", "graph", "flow")
def _(x, p):
    b, c, h, w = x.shape
    return x.detach().reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * p * p)


@bank.wrong("patchify", "axes", "shape", "axis", "batch", "tokens")
def _(x, p):  # a list is stacked along the batch
    _, _, h, w = x.shape
    return torch.stack(
        [x[:, :, i : i + p, j : j + p].flatten(1) for i in range(0, h, p) for j in range(0, w, p)], dim=0
    )


@bank.wrong("patchify", "channel", "row", "order", "within", "between")
def _(x, p):  # row, channel, column within a token
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 1, 5).reshape(b, -1, c * p * p)


# 5.7 unpatchify


@bank.wrong("unpatchify", "reshape", "permute", "shuffled", "order", "patches")
def _(tokens, p, height, width):
    return tokens.reshape(len(tokens), -1, height, width)


@bank.wrong("unpatchify", "rows", "columns", "height", "width", "swap", "exchange")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.reshape(b, width // p, height // p, -1, p, p)
    return x.permute(0, 3, 2, 4, 1, 5).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "permute", "behind", "axis", "shuffled", "p stands")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 1, 2, 4, 5).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "square", "height", "width", "handed", "2 × 8")
def _(tokens, p, height, width):  # right for square images only
    b, n, _ = tokens.shape
    side = int(n**0.5)
    x = tokens.reshape(b, side, side, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "channel", "within a token", "order", "last", "first")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, p, p, -1)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "transpose", "row", "column", "within", "inside")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 1, 5, 2, 4).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "channel", "C", "grey", "one channel")
def _(tokens, p, height, width):  # right for grey images only
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, p, p)
    return x.transpose(2, 3).reshape(b, 1, height, width)


@bank.wrong("unpatchify", "shape", "last", "channel", "(B, C, H, W)", "axes", "axis")
def _(tokens, p, height, width):  # for matplotlib
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(b, height, width, -1)


@bank.wrong("unpatchify", "behind", "permute", "consecutive", "(H/p, p)", "axis", "p stands")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "fold", "transpose", "reshape", "order", "shuffled")
def _(tokens, p, height, width):
    b, n, d = tokens.shape
    return F.fold(tokens.reshape(b, d, n), (height, width), p, stride=p)


@bank.wrong("unpatchify", "transpose", "height", "width", "H", "W", "shape")
def _(tokens, p, height, width):  # the image lies on its side
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 2, 5, 1, 4).reshape(b, -1, width, height)


@bank.wrong("unpatchify", "p", "channel", "size", "patch", "argument")
def _(tokens, p, height, width):  # guesses p from the length of a token
    b, _, d = tokens.shape
    p = int(d**0.5)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "dtype", "float64", "float32", "precision")
def _(tokens, p, height, width):
    b, _, d = tokens.shape
    x = torch.zeros(b, d // (p * p), height, width, device=tokens.device)
    for i in range(height // p):
        for j in range(width // p):
            patch = tokens[:, i * (width // p) + j].reshape(b, -1, p, p)
            x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p] = patch
    return x


@bank.wrong("unpatchify", "clamp", "clip", "range")
def _(tokens, p, height, width):  # an image lies between −1 and 1
    b = len(tokens)
    x = tokens.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, height, width).clamp(-1, 1)


@bank.wrong("unpatchify", "gradient", "detach", "graph", "flow")
def _(tokens, p, height, width):
    b = len(tokens)
    x = tokens.data.reshape(b, height // p, width // p, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, height, width)


@bank.wrong("unpatchify", "pixels", "patches", "height", "shape")
def _(tokens, p, height, width):  # takes height and width for numbers of patches
    b = len(tokens)
    x = tokens.reshape(b, height, width, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, height * p, width * p)


@bank.wrong("unpatchify", "batch", "first", "each image", "shape", "images")
def _(tokens, p, height, width):
    x = tokens[0].reshape(height // p, width // p, -1, p, p)
    return x.permute(2, 0, 3, 1, 4).reshape(-1, height, width)


@bank.wrong("unpatchify", "row by row", "column", "width", "W/p", "order of the patches", "tokens", "square")
def _(tokens, p, height, width):  # counts the tokens of a row by the height
    b, _, d = tokens.shape
    x = tokens.new_zeros(b, d // p**2, height, width)
    for i in range(height // p):
        for j in range(width // p):
            patch = tokens[:, i * (height // p) + j].reshape(b, -1, p, p)
            x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p] = patch
    return x


# 5.8 adaptive_layer_norm


@bank.wrong("adaptive_layer_norm", "1 + s", "scale", "(1 +", "1")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * scale[:, None] + shift[:, None]
    return x + gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "shift", "scale", "swap", "exchange")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + shift[:, None]) + scale[:, None]
    return x + gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "gate", "output", "after", "outside")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + branch(gate[:, None] * h)


@bank.wrong("adaptive_layer_norm", "x +", "add", "skip", "residual", "identity")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "gate", "g = 0")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + branch(h)


@bank.wrong("adaptive_layer_norm", "gate", "1 + g", "identity", "g = 0")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + (1 + gate[:, None]) * branch(h)


@bank.wrong("adaptive_layer_norm", "biased", "unbiased", "C − 1", "variance")
def _(x, shift, scale, gate, branch):
    normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-5).sqrt()
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "each token", "channels", "tokens", "axis", "dim")
def _(x, shift, scale, gate, branch):  # over the tokens, each channel by itself
    normed = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "each token", "own", "channels", "all tokens", "axis")
def _(x, shift, scale, gate, branch):
    normed = F.layer_norm(x, x.shape[1:])
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "after", "before", "sum", "input", "post")
def _(x, shift, scale, gate, branch):  # the first transformers
    h = x * (1 + scale[:, None]) + shift[:, None]
    return F.layer_norm(x + gate[:, None] * branch(h), x.shape[-1:])


@bank.wrong("adaptive_layer_norm", "x itself", "normalized", "skip", "LN", "not")
def _(x, shift, scale, gate, branch):
    x = F.layer_norm(x, x.shape[-1:])
    return x + gate[:, None] * branch(x * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "input", "before", "output", "scale", "shift", "modulat")
def _(x, shift, scale, gate, branch):
    h = branch(F.layer_norm(x, x.shape[-1:]))
    return x + gate[:, None] * (h * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "1e-5", "10⁻⁵", "1e-6", "epsilon", "ε")
def _(x, shift, scale, gate, branch):  # DiT's own
    h = F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]
    return x + gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "under the root", "inside", "1e-5", "10⁻⁵", "epsilon", "ε")
def _(x, shift, scale, gate, branch):
    normed = (x - x.mean(-1, keepdim=True)) / (x.std(-1, unbiased=False, keepdim=True) + 1e-5)
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "in place", "changes")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    x += gate[:, None] * branch(h)
    return x


@bank.wrong("adaptive_layer_norm", "in place", "changes", "scale")
def _(x, shift, scale, gate, branch):
    scale += 1
    h = F.layer_norm(x, x.shape[-1:]) * scale[:, None] + shift[:, None]
    return x + gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "gradient", "detach", "graph", "statistics", "mean")
def _(x, shift, scale, gate, branch):
    with torch.no_grad():
        normed = F.layer_norm(x, x.shape[-1:])
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "shift", "outside", "order", "bracket", "added after", "scale")
def _(x, shift, scale, gate, branch):
    h = (F.layer_norm(x, x.shape[-1:]) + shift[:, None]) * (1 + scale[:, None])
    return x + gate[:, None] * branch(h)


@bank.wrong("adaptive_layer_norm", "each image", "own", "first", "batch", "row")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[0]) + shift[0]
    return x + gate[0] * branch(h)


@bank.wrong("adaptive_layer_norm", "shape", "broadcast", "[:, None]", "(B, 1, C)", "tokens", "image")
def _(x, shift, scale, gate, branch):  # (B, C) against (B, N, C): runs if B is N or 1
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift
    return x + gate * branch(h)


@bank.wrong("adaptive_layer_norm", "mean", "subtract", "RMS", "center")
def _(x, shift, scale, gate, branch):
    normed = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "root", "√", "variance", "standard deviation")
def _(x, shift, scale, gate, branch):
    normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5)
    return x + gate[:, None] * branch(normed * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "normal", "layer norm", "LN", "mean 0")
def _(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(x * (1 + scale[:, None]) + shift[:, None])


@bank.wrong("adaptive_layer_norm", "sigmoid", "gate", "g = 0", "as it is")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + torch.sigmoid(gate[:, None]) * branch(h)


@bank.wrong("adaptive_layer_norm", "gate", "x", "branch only", "bracket", "only")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return gate[:, None] * (x + branch(h))


@bank.wrong("adaptive_layer_norm", "dtype", "float64", "float32", "precision")
def _(x, shift, scale, gate, branch):
    normed = F.layer_norm(x.float(), x.shape[-1:]).to(x.dtype)
    h = normed * (1 + scale[:, None]) + shift[:, None]
    return (x + gate[:, None] * branch(h)).float()


@bank.wrong("adaptive_layer_norm", "branch", "tokens", "together", "(B, N, C)", "one by one", "loop")
def _(x, shift, scale, gate, branch):  # the branch sees one token at a time
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    out = torch.cat([branch(h[:, i : i + 1]) for i in range(x.shape[1])], dim=1)
    return x + gate[:, None] * out


@bank.wrong("adaptive_layer_norm", "branch", "twice", "once", "calls")
def _(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + gate[:, None] * branch(branch(h))
