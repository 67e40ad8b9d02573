"""Wrong answers to hw6, from its text alone."""

import math

import torch

from tests.blind import Bank

bank = Bank()


def expand(a, x):
    """The notebook's helper: (B,) with trailing axes for x; a float passes."""
    return a.reshape(-1, *[1] * (x.dim() - 1)) if torch.is_tensor(a) and a.dim() else a


def with_divergence(field, x, t):
    """A student's own helper for 6.14: the field and its exact divergence, without a graph."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = field(x, t)
        total = torch.zeros_like(x[:, 0])
        for i in range(x.shape[1]):
            (row,) = torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)
            total = total + row[:, i]
    return v.detach(), total.detach()


# 6.1


@bank.wrong("ve_kernel", "float", "tensor", "ones_like")
def _(t, sigma_min, sigma_max):
    return 1.0, sigma_min * (sigma_max / sigma_min) ** t


@bank.wrong("ve_kernel", "linear", "geometric", "power", "factor")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min + t * (sigma_max - sigma_min)


@bank.wrong("ve_kernel", "variance", "square")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min**2 * (sigma_max / sigma_min) ** (2 * t)


@bank.wrong("ve_kernel", "swapped", "exchanged", "falls", "wrong way", "t = 0")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_max * (sigma_min / sigma_max) ** t


@bank.wrong("ve_kernel", "σ_min", "sigma_min", "t = 0")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), (sigma_max / sigma_min) ** t


@bank.wrong("ve_kernel", "exponent", "twice", "2t", "square", "t = 1")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * (sigma_max / sigma_min) ** (2 * t)


# Song's appendix: the noise added since t = 0
@bank.wrong("ve_kernel", "t = 0", "σ_min", "sigma_min", "subtract")
def _(t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return torch.ones_like(t), (sigma**2 - sigma_min**2).sqrt()


# VP's habit
@bank.wrong("ve_kernel", "α", "alpha", "one", "shrink")
def _(t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return (1 - sigma**2).clamp(min=0).sqrt(), sigma


@bank.wrong("ve_kernel", "order", "swapped", "exchanged", "first")
def _(t, sigma_min, sigma_max):
    return sigma_min * (sigma_max / sigma_min) ** t, torch.ones_like(t)


@bank.wrong("ve_kernel", "dtype", "float64", "device")
def _(t, sigma_min, sigma_max):
    return torch.ones(len(t)), sigma_min * (sigma_max / sigma_min) ** t


@bank.wrong("ve_kernel", "ratio", "divide", "σ_max", "t = 1")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * sigma_max**t


@bank.wrong("ve_kernel", "log", "exp", "power")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * torch.exp(t * sigma_max / sigma_min)


@bank.wrong("ve_kernel", "natural", "log", "log10", "power", "t = 1")
def _(t, sigma_min, sigma_max):
    return torch.ones_like(t), sigma_min * torch.exp(t * math.log10(sigma_max / sigma_min))


@bank.wrong("ve_kernel", "batch", "each", "one time")
def _(t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t[0].item()
    return torch.ones_like(t), torch.full_like(t, sigma)


@bank.wrong("ve_kernel", "in place", "changed", "modif")
def _(t, sigma_min, sigma_max):
    alpha = torch.ones_like(t)
    t *= math.log(sigma_max / sigma_min)
    return alpha, sigma_min * t.exp()


# flow matching's α
@bank.wrong("ve_kernel", "α", "alpha", "one")
def _(t, sigma_min, sigma_max):
    return 1 - t, sigma_min * (sigma_max / sigma_min) ** t


# 6.2


@bank.wrong("vp_kernel", "half", "½", "factor", "twice")
def _(t, beta_min, beta_max):
    log_alpha = -(beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "half", "t²/2", "integral")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + t**2 * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "integral", "integrate")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min + t * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "digits", "expm1", "difference")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    alpha = torch.exp(log_alpha)
    return alpha, torch.sqrt(1 - alpha**2)


@bank.wrong("vp_kernel", "variance", "root", "σ²", "square")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), -torch.expm1(2 * log_alpha)


# 1 − α for 1 − α²
@bank.wrong("vp_kernel", "square", "α²", "2 log α", "half")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(log_alpha)).sqrt()


@bank.wrong("vp_kernel", "epsilon", "digits", "small", "clamp", "added")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha) + 1e-5).sqrt()


@bank.wrong("vp_kernel", "β_min", "beta_min", "difference", "slope")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * beta_max)
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "sign", "grows", "minus", "shrink")
def _(t, beta_min, beta_max):
    log_alpha = 0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), torch.expm1(2 * log_alpha).sqrt()


@bank.wrong("vp_kernel", "order", "swapped", "exchanged", "first")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return (-torch.expm1(2 * log_alpha)).sqrt(), log_alpha.exp()


# DDPM's ᾱ
@bank.wrong("vp_kernel", "α²", "square", "root", "half")
def _(t, beta_min, beta_max):
    integral = beta_min * t + 0.5 * t**2 * (beta_max - beta_min)
    return torch.exp(-integral), torch.sqrt(-torch.expm1(-integral))


@bank.wrong("vp_kernel", "integral", "constant", "rises", "average")
def _(t, beta_min, beta_max):
    log_alpha = -0.25 * (beta_min + beta_max) * t
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "dtype", "float64", "double", "float32")
def _(t, beta_min, beta_max):
    t = t.double()
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()


@bank.wrong("vp_kernel", "one minus", "1 − α", "root", "squares", "variance")
def _(t, beta_min, beta_max):
    log_alpha = -0.5 * (beta_min * t + 0.5 * t**2 * (beta_max - beta_min))
    return log_alpha.exp(), -torch.expm1(log_alpha)


# first term of the series only
@bank.wrong("vp_kernel", "expm1", "approximation", "large", "t = 1", "1 − α²")
def _(t, beta_min, beta_max):
    integral = beta_min * t + 0.5 * t**2 * (beta_max - beta_min)
    return torch.exp(-0.5 * integral), torch.sqrt(integral)


# 6.3


@bank.wrong("ve_sde", "σ", "derivative", "rate", "log")
def _(x, t, sigma_min, sigma_max):
    return torch.zeros_like(x), sigma_min * (sigma_max / sigma_min) ** t


@bank.wrong("ve_sde", "derivative of σ", "variance", "standard deviation")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_min * ratio**t * math.log(ratio)


@bank.wrong("ve_sde", "√2", "factor", "half")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_min * ratio**t * math.sqrt(math.log(ratio))


@bank.wrong("ve_sde", "root", "g²", "square")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), 2 * (sigma_min * ratio**t) ** 2 * math.log(ratio)


@bank.wrong("ve_sde", "√2", "factor", "twice")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), 2 * sigma_min * ratio**t * math.sqrt(math.log(ratio))


@bank.wrong("ve_sde", "log", "logarithm")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_min * ratio**t * math.sqrt(2 * ratio)


@bank.wrong("ve_sde", "drift", "shape", "zeros_like(x)")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(t), sigma_min * ratio**t * math.sqrt(2 * math.log(ratio))


@bank.wrong("ve_sde", "dtype", "float64", "device")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros(x.shape), sigma_min * ratio**t * math.sqrt(2 * math.log(ratio))


@bank.wrong("ve_sde", "drift", "zero")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    g = sigma_min * ratio**t * math.sqrt(2 * math.log(ratio))
    return -0.5 * expand(g, x) ** 2 * x, g


@bank.wrong("ve_sde", "shape", "(B,)", "diffusion")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    g = sigma_min * ratio**t * math.sqrt(2 * math.log(ratio))
    return torch.zeros_like(x), expand(g, x)


@bank.wrong("ve_sde", "reversed", "time", "falls", "grows", "wrong way")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_max * ratio ** (-t) * math.sqrt(2 * math.log(ratio))


@bank.wrong("ve_sde", "σ_min", "sigma_min", "factor")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), ratio**t * math.sqrt(2 * math.log(ratio))


@bank.wrong("ve_sde", "natural", "log")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_min * ratio**t * math.sqrt(2 * math.log10(ratio))


# the root taken of the constants, but not of the power
@bank.wrong("ve_sde", "exponent", "2t", "square", "root", "power")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), sigma_min * ratio ** (2 * t) * math.sqrt(2 * math.log(ratio))


@bank.wrong("ve_sde", "time", "constant", "depend")
def _(x, t, sigma_min, sigma_max):
    return torch.zeros_like(x), torch.full_like(t, math.sqrt(sigma_max**2 - sigma_min**2))


@bank.wrong("ve_sde", "order", "swapped", "exchanged", "first")
def _(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return sigma_min * ratio**t * math.sqrt(2 * math.log(ratio)), torch.zeros_like(x)


# 6.4


@bank.wrong("vp_sde", "sign", "minus", "drift")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return 0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "half", "½", "twice")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "root", "g²", "square", "√")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, beta


@bank.wrong("vp_sde", "half", "√2", "factor", "diffusion")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, (0.5 * beta).sqrt()


@bank.wrong("vp_sde", "axis", "axes", "expand", "shape", "dimension")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * beta[:, None] * x, beta.sqrt()


@bank.wrong("vp_sde", "σ", "β", "rate", "diffusion")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    integral = beta_min * t + 0.5 * t**2 * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, torch.sqrt(-torch.expm1(-integral))


@bank.wrong("vp_sde", "β_min", "beta_min", "t = 0")
def _(x, t, beta_min, beta_max):
    beta = t * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "integral", "rate", "β(t)")
def _(x, t, beta_min, beta_max):
    beta = beta_min * t + 0.5 * t**2 * (beta_max - beta_min)
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "root", "drift", "√β")
def _(x, t, beta_min, beta_max):
    g = (beta_min + t * (beta_max - beta_min)).sqrt()
    return -0.5 * expand(g, x) * x, g


@bank.wrong("vp_sde", "batch", "each", "own time")
def _(x, t, beta_min, beta_max):
    beta = (beta_min + t * (beta_max - beta_min)).mean().expand(len(t))
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "shape", "(B,)", "diffusion")
def _(x, t, beta_min, beta_max):
    beta = expand(beta_min + t * (beta_max - beta_min), x)
    return -0.5 * beta * x, beta.sqrt()


@bank.wrong("vp_sde", "in place", "changed", "modif")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    x *= -0.5 * expand(beta, x)
    return x, beta.sqrt()


@bank.wrong("vp_sde", "drift", "state", "shrink")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * (beta_max - beta_min)
    return -0.5 * expand(beta, x).expand_as(x), beta.sqrt()


@bank.wrong("vp_sde", "β_min", "beta_min", "difference", "t = 1")
def _(x, t, beta_min, beta_max):
    beta = beta_min + t * beta_max
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "time", "reversed", "swapped", "exchanged", "t = 0")
def _(x, t, beta_min, beta_max):
    beta = beta_max + t * (beta_min - beta_max)
    return -0.5 * expand(beta, x) * x, beta.sqrt()


@bank.wrong("vp_sde", "dtype", "float64", "float32")
def _(x, t, beta_min, beta_max):
    beta = (beta_min + t * (beta_max - beta_min)).float()
    return -0.5 * expand(beta, x) * x, beta.sqrt()


# 6.5


@bank.wrong("euler_maruyama_step", "root", "noise", "√")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) * noise


@bank.wrong("euler_maruyama_step", "sign", "backwards", "drift")
def _(x, t, s, drift, diffusion, noise):
    dt = abs(s - t)
    return x + dt * drift(x, t) + diffusion(t) * math.sqrt(dt) * noise


# only ever thought of walking back
@bank.wrong("euler_maruyama_step", "forwards", "noise", "size", "direction")
def _(x, t, s, drift, diffusion, noise):
    dt = max(t - s, 0.0)
    return x + (s - t) * drift(x, t) + diffusion(t) * math.sqrt(dt) * noise


@bank.wrong("euler_maruyama_step", "negative", "backwards", "size", "math domain", "|s")
def _(x, t, s, drift, diffusion, noise):
    dt = s - t
    return x + dt * drift(x, t) + diffusion(t) * math.sqrt(dt) * noise


@bank.wrong("euler_maruyama_step", "diffusion", "time", "start")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(s) * math.sqrt(abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "drift", "time", "start")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, s) + diffusion(t) * math.sqrt(abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "square", "g²", "diffusion")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) ** 2 * math.sqrt(abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "root", "diffusion")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + math.sqrt(diffusion(t) * abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "noise", "random", "own")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * math.sqrt(abs(s - t)) * torch.randn_like(x)


# Langevin's √2
@bank.wrong("euler_maruyama_step", "√2", "noise", "variance", "factor")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * math.sqrt(2 * abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "sign", "noise", "backwards")
def _(x, t, s, drift, diffusion, noise):
    root = math.copysign(math.sqrt(abs(s - t)), s - t)
    return x + (s - t) * drift(x, t) + diffusion(t) * root * noise


@bank.wrong("euler_maruyama_step", "in place", "changed", "modif")
def _(x, t, s, drift, diffusion, noise):
    x += (s - t) * drift(x, t)
    x += diffusion(t) * math.sqrt(abs(s - t)) * noise
    return x


@bank.wrong("euler_maruyama_step", "length", "noise", "root", "√")
def _(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * noise


@bank.wrong("euler_maruyama_step", "drift", "before", "noise", "place")
def _(x, t, s, drift, diffusion, noise):
    x = x + diffusion(t) * math.sqrt(abs(s - t)) * noise
    return x + (s - t) * drift(x, t)


@bank.wrong("euler_maruyama_step", "drift", "length", "s − t")
def _(x, t, s, drift, diffusion, noise):
    return x + drift(x, t) + diffusion(t) * math.sqrt(abs(s - t)) * noise


@bank.wrong("euler_maruyama_step", "sign", "s − t", "drift", "direction")
def _(x, t, s, drift, diffusion, noise):
    return x + (t - s) * drift(x, t) + diffusion(t) * math.sqrt(abs(s - t)) * noise


# 6.6


@bank.wrong("reverse_drift", "sign", "minus")
def _(x, t, drift, diffusion, score):
    return drift(x, t) + expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "half", "½", "twice")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "square", "g²")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - expand(diffusion(t), x) * score(x, t)


# turned the signs round for the walk back
@bank.wrong("reverse_drift", "sign", "drift", "backward")
def _(x, t, drift, diffusion, score):
    return expand(diffusion(t), x) ** 2 * score(x, t) - drift(x, t)


@bank.wrong("reverse_drift", "drift", "missing")
def _(x, t, drift, diffusion, score):
    return -(expand(diffusion(t), x) ** 2) * score(x, t)


@bank.wrong("reverse_drift", "sign", "drift", "forward")
def _(x, t, drift, diffusion, score):
    return -drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "expand", "shape", "axes", "(B,)")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - diffusion(t) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "as it is", "time", "each", "batch")
def _(x, t, drift, diffusion, score):
    t = t[0].item() if torch.is_tensor(t) else t
    return drift(x, t) - diffusion(t) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "time", "clock", "1 − t", "turned")
def _(x, t, drift, diffusion, score):
    u = 1 - t
    return drift(x, u) - expand(diffusion(u), x) ** 2 * score(x, u)


@bank.wrong("reverse_drift", "as it is", "float", "time")
def _(x, t, drift, diffusion, score):
    if not torch.is_tensor(t):
        t = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
    return drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "drift", "g²", "only the score")
def _(x, t, drift, diffusion, score):
    return expand(diffusion(t), x) ** 2 * (drift(x, t) - score(x, t))


@bank.wrong("reverse_drift", "square", "g²", "twice")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - 2 * expand(diffusion(t), x) * score(x, t)


@bank.wrong("reverse_drift", "batch", "mean", "each")
def _(x, t, drift, diffusion, score):
    g2 = torch.as_tensor(diffusion(t)).square().mean().item()
    return drift(x, t) - g2 * score(x, t)


@bank.wrong("reverse_drift", "score", "missing")
def _(x, t, drift, diffusion, score):
    return drift(x, t)


# the flow of a new state rather than its velocity
@bank.wrong("reverse_drift", "state", "drift")
def _(x, t, drift, diffusion, score):
    return x + drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("reverse_drift", "score", "square", "g²")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - (expand(diffusion(t), x) * score(x, t)) ** 2


# 6.7


@bank.wrong("probability_flow", "half", "½", "twice", "double")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("probability_flow", "half", "drift", "whole")
def _(x, t, drift, diffusion, score):
    return 0.5 * (drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t))


@bank.wrong("probability_flow", "half", "quarter", "square")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - (0.5 * expand(diffusion(t), x)) ** 2 * score(x, t)


@bank.wrong("probability_flow", "sign", "minus")
def _(x, t, drift, diffusion, score):
    return drift(x, t) + 0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("probability_flow", "square", "g²")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * expand(diffusion(t), x) * score(x, t)


@bank.wrong("probability_flow", "drift", "missing")
def _(x, t, drift, diffusion, score):
    return -0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("probability_flow", "axis", "axes", "expand", "shape", "dimension")
def _(x, t, drift, diffusion, score):
    g = diffusion(t)
    g = g[:, None] if torch.is_tensor(g) else g
    return drift(x, t) - 0.5 * g**2 * score(x, t)


@bank.wrong("probability_flow", "sign", "backward")
def _(x, t, drift, diffusion, score):
    return 0.5 * expand(diffusion(t), x) ** 2 * score(x, t) - drift(x, t)


@bank.wrong("probability_flow", "half", "drift", "score")
def _(x, t, drift, diffusion, score):
    return 0.5 * drift(x, t) - expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("probability_flow", "noise", "random")
def _(x, t, drift, diffusion, score):
    g = expand(diffusion(t), x)
    return drift(x, t) - 0.5 * g**2 * score(x, t) + g * torch.randn_like(x)


@bank.wrong("probability_flow", "batch", "mean", "each", "as it is")
def _(x, t, drift, diffusion, score):
    t = t.mean().item() if torch.is_tensor(t) else t
    return drift(x, t) - 0.5 * diffusion(t) ** 2 * score(x, t)


@bank.wrong("probability_flow", "as it is", "float", "time")
def _(x, t, drift, diffusion, score):
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))
    return drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


@bank.wrong("probability_flow", "time", "clock", "1 − t", "turned")
def _(x, t, drift, diffusion, score):
    t = 1 - t
    return drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t)


# 6.13 and 6.14 differentiate the flow
@bank.wrong("probability_flow", "graph", "detach", "gradient", "differentia")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * expand(diffusion(t), x) ** 2 * score(x, t).detach()


@bank.wrong("probability_flow", "square", "score", "g²")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - 0.5 * (expand(diffusion(t), x) * score(x, t)) ** 2


@bank.wrong("probability_flow", "root", "square", "power", "g²")
def _(x, t, drift, diffusion, score):
    return drift(x, t) - expand(diffusion(t), x) ** 0.5 * score(x, t)


# 6.8


@bank.wrong("heun_step", "time", "stale")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h * a, t)
    return x + h / 2 * (a + b)


@bank.wrong("heun_step", "place", "prediction", "stale")
def _(x, t, s, field):
    h = s - t
    return x + h / 2 * (field(x, t) + field(x, s))


@bank.wrong("heun_step", "midpoint", "middle", "average", "end")
def _(x, t, s, field):
    h = s - t
    return x + h * field(x + h / 2 * field(x, t), t + h / 2)


@bank.wrong("heun_step", "half", "average", "sum", "twice")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h * a, s)
    return x + h * (a + b)


@bank.wrong("heun_step", "start", "from x", "prediction", "go back")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    guess = x + h * a
    return guess + h / 2 * (a + field(guess, s))


@bank.wrong("heun_step", "sign", "backwards", "s − t")
def _(x, t, s, field):
    h = abs(s - t)
    a = field(x, t)
    b = field(x + h * a, s)
    return x + h / 2 * (a + b)


@bank.wrong("heun_step", "evaluations", "calls", "twice", "three")
def _(x, t, s, field):
    guess = x + (s - t) * field(x, t)
    return x + (s - t) / 2 * (field(x, t) + field(guess, s))


@bank.wrong("heun_step", "average", "mean", "both", "first")
def _(x, t, s, field):
    h = s - t
    return x + h * field(x + h * field(x, t), s)


# Ralston's method, of order two as well
@bank.wrong("heun_step", "average", "weights", "end", "thirds", "Ralston")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + 2 / 3 * h * a, t + 2 / 3 * h)
    return x + h * (a / 4 + 3 * b / 4)


@bank.wrong("heun_step", "in place", "changed", "modif")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    start = x.clone()
    x += h * a
    return start + h / 2 * (a + field(x, s))


@bank.wrong("heun_step", "sign", "direction", "s − t")
def _(x, t, s, field):
    h = t - s
    a = field(x, t)
    b = field(x + h * a, s)
    return x + h / 2 * (a + b)


@bank.wrong("heun_step", "half", "prediction", "full", "whole")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, s)
    return x + h / 2 * (a + b)


@bank.wrong("heun_step", "Euler", "average", "second", "order", "order two")
def _(x, t, s, field):
    return x + (s - t) * field(x, t)


# the trapezoid's rule, iterated
@bank.wrong("heun_step", "evaluations", "calls", "three", "once")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    guess = x + h * a
    for _ in range(2):
        guess = x + h / 2 * (a + field(guess, s))
    return guess


@bank.wrong("heun_step", "float", "time", "(B,)")
def _(x, t, s, field):
    h = s - t
    at = lambda time: torch.full((len(x),), time, dtype=x.dtype, device=x.device)
    a = field(x, at(t))
    return x + h / 2 * (a + field(x + h * a, at(s)))


# the order of s and t in the two calls
@bank.wrong("heun_step", "time", "swapped", "exchanged", "start")
def _(x, t, s, field):
    h = s - t
    a = field(x, s)
    return x + h / 2 * (a + field(x + h * a, t))


# 6.9


@bank.wrong("rk4_step", "third", "order")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * a, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "half", "full", "whole", "last")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h / 2 * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "time", "stale", "t + h")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t)
    c = field(x + h / 2 * b, t)
    d = field(x + h * c, t)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "weights", "average", "sixth")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 4 * (a + b + c + d)


# Kutta's other rule of order four
@bank.wrong("rk4_step", "weights", "3/8", "third", "classic", "midpoint")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 3 * a, t + h / 3)
    c = field(x + h * (b - a / 3), t + 2 * h / 3)
    d = field(x + h * (a - b + c), s)
    return x + h / 8 * (a + 3 * b + 3 * c + d)


@bank.wrong("rk4_step", "time", "last")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, t + h / 2)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "sign", "backwards", "s − t")
def _(x, t, s, field):
    h = abs(s - t)
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, t + h)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "sixth", "sum", "weights", "factor")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "start at x", "place", "from x", "start")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    at_b = x + h / 2 * a
    b = field(at_b, t + h / 2)
    at_c = at_b + h / 2 * b
    c = field(at_c, t + h / 2)
    d = field(at_c + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "weights", "order")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 4 * b + d)


# half the step's length for the time in its middle
@bank.wrong("rk4_step", "time", "middle", "midpoint", "t + h")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, h / 2)
    c = field(x + h / 2 * b, h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "in place", "changed", "modif")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x.add_(h / 6 * (a + 2 * b + 2 * c + d))


@bank.wrong("rk4_step", "evaluations", "calls", "four")
def _(x, t, s, field):
    h = s - t
    b = lambda: field(x + h / 2 * field(x, t), t + h / 2)
    c = lambda: field(x + h / 2 * b(), t + h / 2)
    return x + h / 6 * (field(x, t) + 2 * b() + 2 * c() + field(x + h * c(), s))


@bank.wrong("rk4_step", "weights", "middle", "ends")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (2 * a + b + c + 2 * d)


@bank.wrong("rk4_step", "half", "h/2", "place")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h * a, t + h / 2)
    c = field(x + h * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


@bank.wrong("rk4_step", "last", "order")
def _(x, t, s, field):
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * b, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


# 6.10


@bank.wrong("ddim_step", "square", "σ²", "variance")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma * v) / a - sigma_s * sigma * v


@bank.wrong("ddim_step", "divide", "α", "clean")
def _(x, t, s, score, kernel):
    (_, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) - sigma_s * sigma * v


@bank.wrong("ddim_step", "sign", "noise", "minus")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a + sigma_s * sigma * v


@bank.wrong("ddim_step", "time", "swapped", "exchanged", "at t")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(s), kernel(t)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a - sigma_s * sigma * v


@bank.wrong("ddim_step", "score", "time", "at t")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, s)
    return a_s * (x + sigma**2 * v) / a - sigma_s * sigma * v


@bank.wrong("ddim_step", "squares", "one", "kernel", "σ", "process")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, _) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a - math.sqrt(max(1 - a_s**2, 0)) * sigma * v


@bank.wrong("ddim_step", "σ", "noise", "factor")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a - sigma_s * v


@bank.wrong("ddim_step", "α", "shrink", "clean")
def _(x, t, s, score, kernel):
    (a, sigma), (_, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return (x + sigma**2 * v) / a - sigma_s * sigma * v


@bank.wrong("ddim_step", "σ", "time", "noise", "at s")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, _) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a - sigma * sigma * v


@bank.wrong("ddim_step", "clamp", "clip", "range", "large")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    clean = ((x + sigma**2 * v) / a).clamp(-1, 1)
    return a_s * clean - sigma_s * sigma * v


@bank.wrong("ddim_step", "noise", "random", "without noise")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    clean = (x + sigma**2 * score(x, t)) / a
    return a_s * clean + sigma_s * torch.randn_like(x)


@bank.wrong("ddim_step", "sign", "plus", "clean")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x - sigma**2 * v) / a - sigma_s * sigma * v


# ε̂ from x and x̂₀, without α
@bank.wrong("ddim_step", "α", "noise", "shrink")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    clean = (x + sigma**2 * score(x, t)) / a
    return a_s * clean + sigma_s * (x - clean) / sigma


# takes the kernel's second number for a variance
@bank.wrong("ddim_step", "variance", "standard deviation", "σ", "root", "square")
def _(x, t, s, score, kernel):
    (a, var), (a_s, var_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + var * v) / a - math.sqrt(var_s) * math.sqrt(var) * v


# at s = 0 a process may have some noise left, as VE has
@bank.wrong("ddim_step", "s = 0", "last", "σ_min", "noise", "clean")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    clean = (x + sigma**2 * v) / a
    return clean if s == 0 else a_s * clean - sigma_s * sigma * v


@bank.wrong("ddim_step", "order", "α first", "swapped", "exchanged", "kernel")
def _(x, t, s, score, kernel):
    (sigma, a), (sigma_s, a_s) = kernel(t), kernel(s)
    v = score(x, t)
    return a_s * (x + sigma**2 * v) / a - sigma_s * sigma * v


# takes α for DDPM's ᾱ
@bank.wrong("ddim_step", "root", "α", "square")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    v = score(x, t)
    return math.sqrt(a_s) * (x + sigma**2 * v) / math.sqrt(a) - sigma_s * sigma * v


# takes the score for the network's noise
@bank.wrong("ddim_step", "score", "noise", "σ")
def _(x, t, s, score, kernel):
    (a, sigma), (a_s, sigma_s) = kernel(t), kernel(s)
    noise = score(x, t)
    return a_s * (x - sigma * noise) / a + sigma_s * noise


# 6.11


@bank.wrong("karras_times", "n − 1", "last", "gaps", "σ_min", "sigma_min")
def _(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (a + torch.arange(n) / n * (b - a)) ** rho


@bank.wrong("karras_times", "descending", "ascending", "order", "reversed", "first")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), n) ** rho


@bank.wrong("karras_times", "zero", "append", "n levels", "shape")
def _(sigma_max, sigma_min, n, rho):
    levels = torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n) ** rho
    return torch.cat([levels, torch.zeros(1)])


@bank.wrong("karras_times", "1/ρ", "inverse", "root", "power")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max**rho, sigma_min**rho, n) ** (1 / rho)


@bank.wrong("karras_times", "rho", "ρ", "argument")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / 7), sigma_min ** (1 / 7), n) ** 7


@bank.wrong("karras_times", "dtype", "default", "float64")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n, dtype=torch.float64) ** rho


@bank.wrong("karras_times", "ratio", "geometric", "ρ", "rho")
def _(sigma_max, sigma_min, n, rho):
    return torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n)


@bank.wrong("karras_times", "linear", "equally", "ρ", "rho", "root")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max, sigma_min, n)


@bank.wrong("karras_times", "n levels", "n + 1", "shape", "gaps", "one too many")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n + 1) ** rho


@bank.wrong("karras_times", "power", "root", "ρ", "rho")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n)


@bank.wrong("karras_times", "tensor", "list")
def _(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(a + i / (n - 1) * (b - a)) ** rho for i in range(n)]


@bank.wrong("karras_times", "zero", "last", "σ_min", "sigma_min")
def _(sigma_max, sigma_min, n, rho):
    levels = torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n) ** rho
    levels[-1] = 0
    return levels


@bank.wrong("karras_times", "variance", "square")
def _(sigma_max, sigma_min, n, rho):
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n) ** (2 * rho)


@bank.wrong("karras_times", "first", "σ_max", "sigma_max", "i = 0", "off by one")
def _(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (a + torch.arange(1, n + 1) / n * (b - a)) ** rho


@bank.wrong("karras_times", "middle", "first", "ends", "σ_max", "sigma_max")
def _(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (a + (torch.arange(n) + 0.5) / n * (b - a)) ** rho


# spaces the levels equally, then bends the position instead of the root
@bank.wrong("karras_times", "root", "ρ", "rho", "power")
def _(sigma_max, sigma_min, n, rho):
    return sigma_max + torch.linspace(0, 1, n) ** (1 / rho) * (sigma_min - sigma_max)


# 6.12


@bank.wrong("corrector_step", "square", "ε")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * snr * ratio
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "half", "twice", "factor", "ε")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "√2", "noise", "half", "√(2ε)")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + eps.sqrt() * noise


@bank.wrong("corrector_step", "batch", "mean", "one ε", "each")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1) / v.flatten(1).norm(dim=1)
    eps = expand(2 * (snr * ratio) ** 2, x)
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "batch", "each", "norm", "mean")
def _(x, t, score, snr, noise):
    v = score(x, t)
    eps = 2 * (snr * noise.norm() / v.norm()) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "axis", "axes", "flatten", "dimension", "norm")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.norm(dim=-1).mean() / v.norm(dim=-1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "ratio", "inverse", "upside down", "divide", "swapped")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = v.flatten(1).norm(dim=1).mean() / noise.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "snr", "square")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * snr * ratio**2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "noise", "random", "own")
def _(x, t, score, snr, noise):
    noise = torch.randn_like(x)
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "sign", "uphill", "plus", "score")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x - eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "mean", "ratio", "batch")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = (noise.flatten(1).norm(dim=1) / v.flatten(1).norm(dim=1)).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


# the noise's norm is about √D
@bank.wrong("corrector_step", "noise", "norm", "√D")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = math.sqrt(x[0].numel()) / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "snr", "argument", "0.16")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (0.16 * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "norm", "square", "absolute")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).abs().sum(1).mean() / v.flatten(1).abs().sum(1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "norm", "root", "square")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).square().sum(1).mean() / v.flatten(1).square().sum(1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + (2 * eps).sqrt() * noise


@bank.wrong("corrector_step", "in place", "changed", "modif")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    x += eps * v + (2 * eps).sqrt() * noise
    return x


@bank.wrong("corrector_step", "root", "noise", "√")
def _(x, t, score, snr, noise):
    v = score(x, t)
    ratio = noise.flatten(1).norm(dim=1).mean() / v.flatten(1).norm(dim=1).mean()
    eps = 2 * (snr * ratio) ** 2
    return x + eps * v + 2 * eps * noise


# 6.13


@bank.wrong("divergence", "shape", "sum", "(B,)", "number")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return row * probe


@bank.wrong("divergence", "graph", "create_graph", "parameters", "differentiable")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x)
    return (row * probe).sum(1)


@bank.wrong("divergence", "no_grad", "enable_grad", "gradients")
def _(field, x, t, probe):
    x = x.detach().requires_grad_()
    (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
    return (row * probe).sum(1)


@bank.wrong("divergence", "caller", "requires_grad", "detach", "changed", "in place")
def _(field, x, t, probe):
    with torch.enable_grad():
        x.requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).sum(1)


@bank.wrong("divergence", "batch", "shape", "each", "(B,)")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).sum()


@bank.wrong("divergence", "mean", "sum")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).mean(1)


@bank.wrong("divergence", "probe", "second", "twice", "product")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return row.sum(1)


@bank.wrong("divergence", "probe", "first", "twice", "left", "product")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad(field(x, t).sum(), x, create_graph=True)
        return (row * probe).sum(1)


@bank.wrong("divergence", "probe", "random", "own")
def _(field, x, t, probe):
    probe = torch.randn_like(x).sign()
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).sum(1)


@bank.wrong("divergence", "finite", "difference", "digits", "exact", "autograd")
def _(field, x, t, probe):
    h = 1e-3
    return (probe * (field(x + h * probe, t) - field(x, t)) / h).sum(1)


@bank.wrong("divergence", "norm", "length", "divide", "probe")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).sum(1) / probe.square().sum(1) * x.shape[1]


@bank.wrong("divergence", "probe", "exact", "trace", "one backward")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = field(x, t)
        rows = [torch.autograd.grad(v[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1])]
        return torch.stack(rows).sum(0)


# the sign that log p gets
@bank.wrong("divergence", "sign", "minus")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return -(row * probe).sum(1)


@bank.wrong("divergence", "as it is", "float", "time")
def _(field, x, t, probe):
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe).sum(1)


# gradients stay on for whoever called
@bank.wrong("divergence", "gradients", "no_grad", "set_grad_enabled", "switch")
def _(field, x, t, probe):
    torch.set_grad_enabled(True)
    x = x.detach().requires_grad_()
    (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
    return (row * probe).sum(1)


@bank.wrong("divergence", "backward", "parameters", ".grad", "accumulate")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (field(x, t) * probe).sum().backward(create_graph=True)
        return (x.grad * probe).sum(1)


@bank.wrong("divergence", "mean", "sum", "batch")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(1).mean(), x, create_graph=True)
        return (row * probe).sum(1)


@bank.wrong("divergence", "batch", "each", "probe", "axis")
def _(field, x, t, probe):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (row,) = torch.autograd.grad((field(x, t) * probe).sum(), x, create_graph=True)
        return (row * probe[0]).sum(1)


# 6.14


@bank.wrong("log_likelihood", "sign", "plus", "integral")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) - integral


@bank.wrong("log_likelihood", "integral", "divergence", "volume", "missing")
def _(x, field, times, prior_log_prob):
    steps = times.tolist()
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0 = field(x, t)
        v1 = field(x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
    return prior_log_prob(x)


@bank.wrong("log_likelihood", "prior", "end", "last", "start", "state")
def _(x, field, times, prior_log_prob):
    steps, integral, start = times.tolist(), torch.zeros_like(x[:, 0]), x
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(start) + integral


@bank.wrong("log_likelihood", "divergence", "average", "both", "end", "Euler")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1 = field(x + (s - t) * v0, s).detach()
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) * d0
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "state", "Heun", "Euler", "average", "field")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        x = x + (s - t) * v0
        d1 = with_divergence(field, x, s)[1]
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "prediction", "divergence", "place", "Euler")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1 = field(x + (s - t) * v0, s).detach()
        x = x + (s - t) / 2 * (v0 + v1)
        d1 = with_divergence(field, x, s)[1]
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "time", "stale")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, t)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "equally spaced", "step", "length", "spac")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    h = (steps[-1] - steps[0]) / (len(steps) - 1)
    for i in range(len(steps) - 1):
        v0, d0 = with_divergence(field, x, steps[i])
        v1, d1 = with_divergence(field, x + h * v0, steps[i + 1])
        x = x + h / 2 * (v0 + v1)
        integral = integral + h / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "exact", "probe", "random", "Hutchinson")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    probe = torch.randn_like(x)

    def both(x, t):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = field(x, t)
            (row,) = torch.autograd.grad((v * probe).sum(), x)
        return v.detach(), (row * probe).sum(1)

    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = both(x, t)
        v1, d1 = both(x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "nats", "bits", "log 2")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return (prior_log_prob(x) + integral) / math.log(2)


@bank.wrong("log_likelihood", "dimension", "divide", "mean")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return (prior_log_prob(x) + integral) / x.shape[1]


@bank.wrong("log_likelihood", "divergence", "sum", "mean", "trace")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1) / x.shape[1]
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "batch", "each", "example")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), 0.0
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral += (s - t) / 2 * (d0 + d1).sum().item()
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "ascending", "order", "reversed", "direction", "from data")
def _(x, field, times, prior_log_prob):
    steps, integral = times.flip(0).tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "no_grad", "enable_grad", "gradients")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])

    def both(x, t):
        x = x.detach().requires_grad_()
        v = field(x, t)
        d = sum(torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1]))
        return v.detach(), d

    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = both(x, t)
        v1, d1 = both(x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "last", "step", "off by one", "pair")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 2):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "half", "average", "twice", "integral")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) * (d0 + d1)
    return prior_log_prob(x) + integral


# ones for a probe: all entries of the Jacobian, not its trace
@bank.wrong("log_likelihood", "diagonal", "trace", "unit", "probe", "Jacobian")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])

    def both(x, t):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = field(x, t)
            (row,) = torch.autograd.grad(v.sum(), x)
        return v.detach(), row.sum(1)

    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = both(x, t)
        v1, d1 = both(x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral = integral + (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


@bank.wrong("log_likelihood", "in place", "changed", "modif")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros_like(x[:, 0])
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x += (s - t) / 2 * (v0 + v1)
        integral += (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral


# float32 swallows the digits of float64, and stays on the CPU
@bank.wrong("log_likelihood", "dtype", "float64", "float32", "digits")
def _(x, field, times, prior_log_prob):
    steps, integral = times.tolist(), torch.zeros(len(x))
    for i in range(len(steps) - 1):
        t, s = steps[i], steps[i + 1]
        v0, d0 = with_divergence(field, x, t)
        v1, d1 = with_divergence(field, x + (s - t) * v0, s)
        x = x + (s - t) / 2 * (v0 + v1)
        integral += (s - t) / 2 * (d0 + d1)
    return prior_log_prob(x) + integral
