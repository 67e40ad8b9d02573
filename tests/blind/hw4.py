"""Wrong answers to hw4, from its text alone."""

import math

import torch

from tests.blind import Bank

bank = Bank()


def expand(values, like):
    """What the notebook imports: trailing axes of size one."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


# 4.1 perturb


@bank.wrong("perturb", "square", "variance", "standard deviation", "σ²")
def _(x0, sigma, noise):
    return x0 + expand(sigma**2, x0) * noise


@bank.wrong("perturb", "root", "√σ", "standard deviation")
def _(x0, sigma, noise):
    return x0 + expand(sigma.sqrt(), x0) * noise


@bank.wrong("perturb", "last axis", "expand", "axes", "axis", "example")
def _(x0, sigma, noise):
    return x0 + sigma * noise


@bank.wrong("perturb", "images", "axes", "axis", "expand", "dimensions")
def _(x0, sigma, noise):  # right for vectors only
    return x0 + sigma[:, None] * noise


@bank.wrong("perturb", "shape", "axes", "vectors", "expand", "dimensions")
def _(x0, sigma, noise):  # right for images only
    return x0 + sigma[:, None, None, None] * noise


@bank.wrong("perturb", "in place", "changes", "x0")
def _(x0, sigma, noise):
    x0 += expand(sigma, x0) * noise
    return x0


@bank.wrong("perturb", "in place", "changes", "noise")
def _(x0, sigma, noise):
    return x0 + noise.mul_(expand(sigma, x0))


@bank.wrong("perturb", "x0", "x₀", "data", "shrink", "scaled")
def _(x0, sigma, noise):  # variance preserving
    s = expand(sigma, x0)
    return (1 - s**2).sqrt() * x0 + s * noise


@bank.wrong("perturb", "x0", "x₀", "data", "1 − σ", "interpolat")
def _(x0, sigma, noise):  # flow matching's interpolation
    s = expand(sigma, x0)
    return (1 - s) * x0 + s * noise


@bank.wrong("perturb", "own", "each example", "first", "batch", "level")
def _(x0, sigma, noise):
    return x0 + sigma[0].item() * noise


@bank.wrong("perturb", "noise", "draw", "random", "handed")
def _(x0, sigma, noise):
    return x0 + expand(sigma, x0) * torch.randn_like(x0)


@bank.wrong("perturb", "sign", "minus", "add")
def _(x0, sigma, noise):
    return x0 - expand(sigma, x0) * noise


@bank.wrong("perturb", "x0", "x₀", "only", "noise", "multipl")
def _(x0, sigma, noise):
    return expand(sigma, x0) * (x0 + noise)


@bank.wrong("perturb", "dtype", "float64", "float32", "precision")
def _(x0, sigma, noise):
    return x0.float() + expand(sigma, x0).float() * noise.float()


@bank.wrong("perturb", "clamp", "clip", "range", "bound")
def _(x0, sigma, noise):
    return (x0 + expand(sigma, x0) * noise).clamp(-1, 1)


@bank.wrong("perturb", "sigma", "σ", "level")
def _(x0, sigma, noise):
    return x0 + noise


# 4.2 dsm_target


@bank.wrong("dsm_target", "sign", "minus", "negative", "away")
def _(noise, sigma):
    return noise / expand(sigma, noise)


@bank.wrong("dsm_target", "σ²", "square", "cancel", "once")
def _(noise, sigma):
    return -noise / expand(sigma, noise) ** 2


@bank.wrong("dsm_target", "sigma", "σ", "divide")
def _(noise, sigma):
    return -noise


@bank.wrong("dsm_target", "divide", "multipl", "σ")
def _(noise, sigma):
    return -noise * expand(sigma, noise)


@bank.wrong("dsm_target", "last axis", "expand", "axes", "axis", "example")
def _(noise, sigma):
    return -noise / sigma


@bank.wrong("dsm_target", "images", "axes", "axis", "expand", "dimensions")
def _(noise, sigma):
    return -noise / sigma.unsqueeze(1)


@bank.wrong("dsm_target", "epsilon", "small", "nothing added", "1e-3", "σ")
def _(noise, sigma):
    return -noise / (expand(sigma, noise) + 1e-3)


@bank.wrong("dsm_target", "root", "√σ", "σ")
def _(noise, sigma):
    return -noise / expand(sigma, noise).sqrt()


@bank.wrong("dsm_target", "half", "½", "factor", "2")
def _(noise, sigma):
    return -noise / (2 * expand(sigma, noise))


@bank.wrong("dsm_target", "own", "each example", "batch", "mean", "level")
def _(noise, sigma):
    return -noise / sigma.mean()


@bank.wrong("dsm_target", "in place", "changes", "noise")
def _(noise, sigma):
    return noise.div_(-expand(sigma, noise))


@bank.wrong("dsm_target", "dtype", "float64", "float32", "precision")
def _(noise, sigma):
    return (-noise / expand(sigma, noise)).float()


@bank.wrong("dsm_target", "gradient", "log density", "shape", "score")
def _(noise, sigma):  # the log density itself
    d = noise[0].numel()
    return -noise.flatten(1).square().sum(1) / 2 - d * torch.log(sigma) - d / 2 * math.log(2 * math.pi)


@bank.wrong("dsm_target", "length", "norm", "direction")
def _(noise, sigma):
    length = expand(noise.flatten(1).norm(dim=1), noise)
    return -noise / length / expand(sigma, noise)


@bank.wrong("dsm_target", "1 − σ²", "σ", "divide")
def _(noise, sigma):  # DDPM's convention
    return -noise / (1 - expand(sigma, noise) ** 2).sqrt()


@bank.wrong("dsm_target", "number", "dimension", "pixel", "factor")
def _(noise, sigma):
    return -noise / expand(sigma, noise) / noise[0].numel()


# 4.3 dsm_loss


@bank.wrong("dsm_loss", "½", "half", "factor", "twice")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = s * score(x0 + s * noise, sigma) + noise
    return difference.flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "mean", "sum", "add", "dimensions")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = s * score(x0 + s * noise, sigma) + noise
    return difference.square().mean() / 2


@bank.wrong("dsm_loss", "batch", "mean", "sum")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = s * score(x0 + s * noise, sigma) + noise
    return difference.square().sum() / 2


@bank.wrong("dsm_loss", "weight", "σ²")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) + noise / s
    return 0.5 * difference.flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "weight", "σ²", "square")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) + noise / s
    return 0.5 * (sigma * difference.flatten(1).square().sum(1)).mean()


@bank.wrong("dsm_loss", "weight", "σ²", "σ⁴", "inside", "twice")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = s**2 * (score(x0 + s * noise, sigma) + noise / s)
    return 0.5 * difference.flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "sign", "minus", "plus", "target")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) - noise / s
    return 0.5 * (sigma**2 * difference.flatten(1).square().sum(1)).mean()


@bank.wrong("dsm_loss", "target", "z/σ", "σ²", "square")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) + noise / s**2
    return 0.5 * (sigma**2 * difference.flatten(1).square().sum(1)).mean()


@bank.wrong("dsm_loss", "clean", "noisy", "x0", "x₀")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0, sigma) + noise / s
    return 0.5 * (sigma**2 * difference.flatten(1).square().sum(1)).mean()


@bank.wrong("dsm_loss", "shape", "(B,)", "network", "sigma")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = s * score(x0 + s * noise, s) + noise
    return 0.5 * difference.flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "own", "each example", "level", "mean", "network")
def _(score, x0, sigma, noise):  # the network is told the batch's mean level
    s = expand(sigma, x0)
    difference = s * score(x0 + s * noise, sigma.mean().expand(len(x0))) + noise
    return 0.5 * difference.flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "gradient", "detach", "differentiable", "parameters", "graph")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    with torch.no_grad():
        prediction = score(x0 + s * noise, sigma)
    return 0.5 * (s * prediction + noise).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "predict", "target", "noise", "score", "−z/σ")
def _(score, x0, sigma, noise):  # DDPM's loss: the network predicts the noise
    s = expand(sigma, x0)
    return 0.5 * (score(x0 + s * noise, sigma) - noise).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "noise", "random", "draw", "handed")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    z = torch.randn_like(x0)
    return 0.5 * (s * score(x0 + s * z, sigma) + z).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "images", "sum", "all of", "axes", "dimensions", "flatten")
def _(score, x0, sigma, noise):  # right for vectors only
    s = expand(sigma, x0)
    return 0.5 * (s * score(x0 + s * noise, sigma) + noise).square().sum(1).mean()


@bank.wrong("dsm_loss", "square", "norm")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) + noise / s
    return 0.5 * (sigma**2 * difference.flatten(1).norm(dim=1)).mean()


@bank.wrong("dsm_loss", "weight", "own", "each example", "batch", "broadcast", "keepdim")
def _(score, x0, sigma, noise):  # (B,) times (B, 1) is (B, B): every weight meets every error
    s = expand(sigma, x0)
    difference = score(x0 + s * noise, sigma) + noise / s
    return 0.5 * (sigma**2 * difference.flatten(1).square().sum(1, keepdim=True)).mean()


@bank.wrong("dsm_loss", "mean", "shape", "batch", "one number", "scalar")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    return 0.5 * (s * score(x0 + s * noise, sigma) + noise).flatten(1).square().sum(1)


@bank.wrong("dsm_loss", "tensor", "item", "differentiable", "gradient", "float")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    return 0.5 * (s * score(x0 + s * noise, sigma) + noise).flatten(1).square().sum(1).mean().item()


@bank.wrong("dsm_loss", "in place", "changes", "x0")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    x = x0.add_(s * noise)
    return 0.5 * (s * score(x, sigma) + noise).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "x0", "x₀", "target", "score", "−z/σ")
def _(score, x0, sigma, noise):  # a denoiser's loss
    x = x0 + expand(sigma, x0) * noise
    return 0.5 * (score(x, sigma) - x0).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "log", "network", "sigma", "told")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    return 0.5 * (s * score(x0 + s * noise, sigma.log()) + noise).flatten(1).square().sum(1).mean()


@bank.wrong("dsm_loss", "perturb", "noisy", "σ²", "square", "variance", "x₀ + σz")
def _(score, x0, sigma, noise):
    s = expand(sigma, x0)
    return 0.5 * (s * score(x0 + s**2 * noise, sigma) + noise).flatten(1).square().sum(1).mean()


# 4.4 denoise


@bank.wrong("denoise", "sign", "add", "minus", "plus", "towards")
def _(score, x, sigma):
    return x - expand(sigma, x) ** 2 * score(x, sigma)


@bank.wrong("denoise", "square", "σ²")
def _(score, x, sigma):
    return x + expand(sigma, x) * score(x, sigma)


@bank.wrong("denoise", "scale", "divide", "DDPM", "1 − σ²", "factor")
def _(score, x, sigma):
    s = expand(sigma, x)
    return (x + s**2 * score(x, sigma)) / (1 + s**2).sqrt()


@bank.wrong("denoise", "shape", "(B,)", "sigma", "score")
def _(score, x, sigma):
    s = expand(sigma, x)
    return x + s**2 * score(x, s)


@bank.wrong("denoise", "last axis", "axis", "axes", "expand", "example")
def _(score, x, sigma):
    return x + sigma**2 * score(x, sigma)


@bank.wrong("denoise", "half", "½", "factor", "2")
def _(score, x, sigma):
    return x + 0.5 * expand(sigma, x) ** 2 * score(x, sigma)


@bank.wrong("denoise", "noise", "random", "mean", "draw")
def _(score, x, sigma):  # Langevin's habit
    s = expand(sigma, x)
    return x + s**2 * score(x, sigma) + math.sqrt(2) * s * torch.randn_like(x)


@bank.wrong("denoise", "clamp", "clip", "range", "bound")
def _(score, x, sigma):
    return (x + expand(sigma, x) ** 2 * score(x, sigma)).clamp(-1, 1)


@bank.wrong("denoise", "own", "each example", "level", "first", "batch")
def _(score, x, sigma):
    return x + sigma[0] ** 2 * score(x, sigma[0].expand(len(x)))


@bank.wrong("denoise", "x itself", "x +", "add", "plus", "missing")
def _(score, x, sigma):
    return expand(sigma, x) ** 2 * score(x, sigma)


@bank.wrong("denoise", "in place", "changes")
def _(score, x, sigma):
    s = score(x, sigma)
    x += expand(sigma, x) ** 2 * s
    return x


@bank.wrong("denoise", "dtype", "float64", "float32", "precision")
def _(score, x, sigma):
    return (x + expand(sigma, x) ** 2 * score(x, sigma)).to(torch.float32)


@bank.wrong("denoise", "score", "σ²", "sigma", "handed", "level")
def _(score, x, sigma):
    variance = sigma**2
    return x + expand(variance, x) * score(x, variance)


@bank.wrong("denoise", "images", "axes", "axis", "expand", "dimensions")
def _(score, x, sigma):
    return x + sigma[:, None] ** 2 * score(x, sigma)


@bank.wrong("denoise", "x₀", "clean", "noise", "mean")
def _(score, x, sigma):  # the noise rather than the image
    return -expand(sigma, x) * score(x, sigma)


@bank.wrong("denoise", "once", "twice", "one step", "again", "calls")
def _(score, x, sigma):
    s2 = expand(sigma, x) ** 2
    for _ in range(2):
        x = x + s2 * score(x, sigma)
    return x


@bank.wrong("denoise", "predict", "noise", "score", "σ²", "sign")
def _(score, x, sigma):  # takes the score for a prediction of the noise
    return x - expand(sigma, x) * score(x, sigma)


# 4.5 geometric_sigmas


@bank.wrong("geometric_sigmas", "ratio", "equal steps", "log")
def _(sigma_max, sigma_min, n):
    return torch.linspace(sigma_max, sigma_min, n)


@bank.wrong("geometric_sigmas", "largest first", "order", "descending", "reverse")
def _(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_min), math.log(sigma_max), n).exp()


@bank.wrong("geometric_sigmas", "n + 1", "one too many", "shape", "how many", "number")
def _(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n + 1).exp()


@bank.wrong("geometric_sigmas", "last", "n − 1", "sigma_min", "σ_min", "end")
def _(sigma_max, sigma_min, n):
    return sigma_max * (sigma_min / sigma_max) ** (torch.arange(n) / n)


@bank.wrong("geometric_sigmas", "first", "sigma_max", "σ_max")
def _(sigma_max, sigma_min, n):
    return sigma_max * (sigma_min / sigma_max) ** (torch.arange(1, n + 1) / n)


@bank.wrong("geometric_sigmas", "dtype", "default", "float64")
def _(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n, dtype=torch.float64).exp()


@bank.wrong("geometric_sigmas", "base", "logarithm", "log", "exp", "10")
def _(sigma_max, sigma_min, n):
    return torch.logspace(math.log(sigma_max), math.log(sigma_min), n)


@bank.wrong("geometric_sigmas", "logarithm", "log", "exponent")
def _(sigma_max, sigma_min, n):
    return torch.logspace(sigma_max, sigma_min, n)


@bank.wrong("geometric_sigmas", "square", "variance", "σ²")
def _(sigma_max, sigma_min, n):
    return torch.linspace(2 * math.log(sigma_max), 2 * math.log(sigma_min), n).exp()


@bank.wrong("geometric_sigmas", "ratio", "1/σ", "log", "inverse")
def _(sigma_max, sigma_min, n):
    return 1 / torch.linspace(1 / sigma_max, 1 / sigma_min, n)


@bank.wrong("geometric_sigmas", "ratio", "log", "power", "between")
def _(sigma_max, sigma_min, n):  # Karras et al.
    rho = 7
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n) ** rho


@bank.wrong("geometric_sigmas", "tensor", "list", "type")
def _(sigma_max, sigma_min, n):
    ratio = (sigma_min / sigma_max) ** (1 / (n - 1))
    return [sigma_max * ratio**k for k in range(n)]


@bank.wrong("geometric_sigmas", "exp", "logarithm", "log", "back")
def _(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n)


@bank.wrong("geometric_sigmas", "zero", "0", "last", "shape", "how many")
def _(sigma_max, sigma_min, n):
    sigmas = torch.linspace(math.log(sigma_max), math.log(sigma_min), n).exp()
    return torch.cat([sigmas, torch.zeros(1)])


@bank.wrong("geometric_sigmas", "n", "how many", "shape", "number")
def _(sigma_max, sigma_min, n):  # the ten levels of the paper
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), 10).exp()


@bank.wrong("geometric_sigmas", "ends", "included", "first", "last")
def _(sigma_max, sigma_min, n):
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), n + 2).exp()[1:-1]


@bank.wrong("geometric_sigmas", "last", "sigma_min", "σ_min", "ratio", "half")
def _(sigma_max, sigma_min, n):
    return (sigma_max * 0.5 ** torch.arange(n)).clamp(min=sigma_min)


# 4.6 annealed_step_size


@bank.wrong("annealed_step_size", "square", "σ²")
def _(sigma, sigma_min, base):
    return base * sigma / sigma_min


@bank.wrong("annealed_step_size", "way up", "upside", "inverse", "ratio")
def _(sigma, sigma_min, base):
    return base * (sigma_min / sigma) ** 2


@bank.wrong("annealed_step_size", "all of it", "sigma_min", "σ_min", "square")
def _(sigma, sigma_min, base):
    return base * sigma**2 / sigma_min


@bank.wrong("annealed_step_size", "sigma_min", "σ_min", "divide", "last level")
def _(sigma, sigma_min, base):
    return base * sigma**2


@bank.wrong("annealed_step_size", "half", "½", "factor", "2", "exactly base")
def _(sigma, sigma_min, base):
    return 0.5 * base * (sigma / sigma_min) ** 2


@bank.wrong("annealed_step_size", "root", "square", "√")
def _(sigma, sigma_min, base):
    return base * (sigma / sigma_min) ** 0.5


@bank.wrong("annealed_step_size", "every level", "same", "sigma", "σ", "constant")
def _(sigma, sigma_min, base):
    return torch.full_like(sigma, base)


@bank.wrong("annealed_step_size", "sigma_min", "σ_min", "last", "argument")
def _(sigma, sigma_min, base):
    return base * (sigma / sigma[-1]) ** 2


@bank.wrong("annealed_step_size", "largest", "max", "sigma_min", "σ_min")
def _(sigma, sigma_min, base):
    return base * (sigma / sigma.max()) ** 2


@bank.wrong("annealed_step_size", "base", "last level")
def _(sigma, sigma_min, base):
    return (sigma / sigma_min) ** 2


@bank.wrong("annealed_step_size", "in place", "changes")
def _(sigma, sigma_min, base):
    return sigma.div_(sigma_min).square_() * base


@bank.wrong("annealed_step_size", "dtype", "float64", "float32", "precision")
def _(sigma, sigma_min, base):
    return base * (sigma.float() / sigma_min) ** 2


@bank.wrong("annealed_step_size", "base", "square", "bracket")
def _(sigma, sigma_min, base):
    return (base * sigma / sigma_min) ** 2


@bank.wrong("annealed_step_size", "clamp", "bound", "large", "limit")
def _(sigma, sigma_min, base):
    return (base * (sigma / sigma_min) ** 2).clamp(max=1.0)


@bank.wrong("annealed_step_size", "shape", "any shape", "flat")
def _(sigma, sigma_min, base):
    return base * (sigma.flatten() / sigma_min) ** 2


@bank.wrong("annealed_step_size", "ratio", "difference", "divide", "minus")
def _(sigma, sigma_min, base):
    return base * (sigma - sigma_min) ** 2


@bank.wrong("annealed_step_size", "tensor", "float", "type")
def _(sigma, sigma_min, base):
    return [base * (s.item() / sigma_min) ** 2 for s in sigma]


# 4.7 annealed_langevin


@bank.wrong("annealed_langevin", "√(2ε)", "√2", "noise", "variance", "half")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + eps.sqrt() * z
    return x


@bank.wrong("annealed_langevin", "ε/2", "half", "Song", "step size", "√ε", "√(2ε)")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):  # the paper's convention
    for sigma in sigmas:
        alpha = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + alpha / 2 * score(x, sigma.expand(len(x))) + alpha.sqrt() * z
    return x


@bank.wrong("annealed_langevin", "drift", "half", "½", "ε/2", "score")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + 0.5 * eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "square", "step size", "σ/σ_min")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * sigma / sigmas[-1]
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "first", "last", "σ_min", "largest", "step size")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[0]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "upside", "way up", "inverse", "step size", "σ/σ_min")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigmas[-1] / sigma) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "carried", "level to level", "start", "previous level")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        y = x.clone()
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            y = y + eps * score(y, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return y


@bank.wrong("annealed_langevin", "fresh", "every step", "noise", "same")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        for _ in range(n_per_level):
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "last step", "last", "noise", "too")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for level, sigma in enumerate(sigmas):
        eps = base * (sigma / sigmas[-1]) ** 2
        for step in range(n_per_level):
            x = x + eps * score(x, sigma.expand(len(x)))
            if level < len(sigmas) - 1 or step < n_per_level - 1:
                z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
                x = x + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "generator", "global", "randn_like")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * torch.randn_like(x)
    return x


@bank.wrong("annealed_langevin", "order", "largest", "descending", "reverse", "first")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas.flip(0):
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "outside", "inside", "order", "levels on", "loop")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for _ in range(n_per_level):
        for sigma in sigmas:
            eps = base * (sigma / sigmas[-1]) ** 2
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "n_per_level", "steps", "one step", "each level")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "shape", "(B,)", "expand", "each example")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "σ_min", "score", "level", "told", "handed")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):  # the score of the last level all along
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigmas[-1].expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "denoise", "last", "end", "once more", "variance")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x + sigmas[-1] ** 2 * score(x, sigmas[-1].expand(len(x)))


@bank.wrong("annealed_langevin", "sign", "minus", "towards", "away", "plus")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x - eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "in place", "changes")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x += eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "last level", "level", "left out", "skip", "all")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for i in range(len(sigmas) - 1):
        eps = base * (sigmas[i] / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigmas[i].expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "steps", "n_per_level", "one too few", "fewer", "number")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(1, n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "start", "scale", "handed", "σ_max")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    x = sigmas[0] * x  # from unit noise to wide noise
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "last states", "shape", "trajectory", "all states")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    states = []
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
            states.append(x)
    return torch.stack(states)


@bank.wrong("annealed_langevin", "batch", "own noise", "each example", "same noise", "chain")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape[1:], generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "dtype", "float64", "float32", "precision")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    x, sigmas = x.float(), sigmas.float()
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "start", "handed", "own", "x")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    x = sigmas[0] * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "same", "every level", "step size", "σ", "base")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + base * score(x, sigma.expand(len(x))) + math.sqrt(2 * base) * z
    return x


@bank.wrong("annealed_langevin", "generator", "seed", "handed", "same noise")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        generator = torch.Generator(x.device).manual_seed(0)
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "score", "every step", "once", "anew", "calls", "old")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        s = score(x, sigma.expand(len(x)))
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * s + (2 * eps).sqrt() * z
    return x


@bank.wrong("annealed_langevin", "before", "order", "noise", "score at", "first")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):  # noise first, and the score where it leads
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + (2 * eps).sqrt() * z
            x = x + eps * score(x, sigma.expand(len(x)))
    return x


@bank.wrong("annealed_langevin", "√", "root", "noise", "variance", "√(2ε)")
@torch.no_grad()
def _(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + 2 * eps * z
    return x


# 4.8 ddpm_schedule


@bank.wrong("ddpm_schedule", "product", "cumprod", "cumulative", "ᾱ")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, 1 - betas


@bank.wrong("ddpm_schedule", "product", "exp", "sum", "cumprod")
def _(beta_min, beta_max, n):  # right for small β only
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, torch.exp(-betas.cumsum(0))


@bank.wrong("ddpm_schedule", "late", "first", "1 − β", "starts", "shift")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    alpha_bars = torch.cat([torch.ones(1), (1 - betas).cumprod(0)[:-1]])
    return betas, alpha_bars


@bank.wrong("ddpm_schedule", "order", "first", "swap", "betas")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return torch.cumprod(1 - betas, dim=0), betas


@bank.wrong("ddpm_schedule", "1 − β", "product", "cumprod")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, 1 - torch.cumprod(betas, dim=0)


@bank.wrong("ddpm_schedule", "n + 1", "shape", "one too many", "how many", "steps")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n + 1)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "last", "included", "beta_max", "β_max", "n − 1")
def _(beta_min, beta_max, n):
    betas = beta_min + (beta_max - beta_min) * torch.arange(n) / n
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "equally spaced", "root", "square", "β", "spaced")
def _(beta_min, beta_max, n):  # latent diffusion's "scaled linear"
    betas = torch.linspace(beta_min**0.5, beta_max**0.5, n) ** 2
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "cosine", "equally spaced", "β", "spaced")
def _(beta_min, beta_max, n):  # Nichol and Dhariwal
    t = torch.linspace(0, 1, n + 1)
    f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "root", "√ᾱ", "√", "share")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, (1 - betas).sqrt().cumprod(0)


@bank.wrong("ddpm_schedule", "1 − ᾱ", "noise", "data", "share")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, 1 - torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "dtype", "default", "float64")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n, dtype=torch.float64)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "equally spaced", "ratio", "spaced", "log", "steps")
def _(beta_min, beta_max, n):
    betas = torch.linspace(math.log(beta_min), math.log(beta_max), n).exp()
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "betas", "two", "both", "tuple", "pair")
def _(beta_min, beta_max, n):
    return torch.cumprod(1 - torch.linspace(beta_min, beta_max, n), dim=0)


@bank.wrong("ddpm_schedule", "order", "beta_min", "β_min", "reverse", "first")
def _(beta_min, beta_max, n):
    betas = torch.linspace(beta_max, beta_min, n)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "betas", "1 − β", "alphas", "first")
def _(beta_min, beta_max, n):
    alphas = 1 - torch.linspace(beta_min, beta_max, n)
    return alphas, torch.cumprod(alphas, dim=0)


@bank.wrong("ddpm_schedule", "1000", "1,000", "scale", "n", "beta_min", "β_min")
def _(beta_min, beta_max, n):  # guided diffusion rescales for other numbers of steps
    scale = 1000 / n
    betas = torch.linspace(scale * beta_min, scale * beta_max, n)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "beta_min", "beta_max", "argument", "handed", "β_min")
def _(beta_min, beta_max, n):
    betas = torch.linspace(1e-4, 0.02, n)
    return betas, torch.cumprod(1 - betas, dim=0)


@bank.wrong("ddpm_schedule", "j ≤ i", "direction", "reverse", "first", "from the end")
def _(beta_min, beta_max, n):  # the product over what is still to come
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, torch.cumprod((1 - betas).flip(0), dim=0).flip(0)


# 4.9 ddpm_perturb


@bank.wrong("ddpm_perturb", "root", "√", "square")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a * x0 + (1 - a) * noise


@bank.wrong("ddpm_perturb", "root", "√ᾱ", "data", "x0", "x_clean")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a * x0 + (1 - a).sqrt() * noise


@bank.wrong("ddpm_perturb", "root", "√(1 − ᾱ)", "noise", "variance")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 + (1 - a) * noise


@bank.wrong("ddpm_perturb", "swap", "data", "noise", "exchange", "factors")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return (1 - a).sqrt() * x0 + a.sqrt() * noise


@bank.wrong("ddpm_perturb", "last axis", "axis", "axes", "expand", "example")
def _(x0, alpha_bar, noise):
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@bank.wrong("ddpm_perturb", "in place", "changes", "x0")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return x0.mul_(a.sqrt()).add_((1 - a).sqrt() * noise)


@bank.wrong("ddpm_perturb", "in place", "changes", "alpha_bar")
def _(x0, alpha_bar, noise):
    signal = expand(alpha_bar.sqrt_(), x0)
    return signal * x0 + (1 - signal**2).sqrt() * noise


@bank.wrong("ddpm_perturb", "scale", "√ᾱ", "data", "shrink", "divide")
def _(x0, alpha_bar, noise):  # the same image, not scaled: x₀ + σz
    a = expand(alpha_bar, x0)
    return x0 + ((1 - a) / a).sqrt() * noise


@bank.wrong("ddpm_perturb", "1 − √ᾱ", "√(1 − ᾱ)", "root", "add to one", "noise")
def _(x0, alpha_bar, noise):
    root = expand(alpha_bar, x0).sqrt()
    return root * x0 + (1 - root) * noise


@bank.wrong("ddpm_perturb", "images", "axes", "axis", "expand", "dimensions")
def _(x0, alpha_bar, noise):
    a = alpha_bar[:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


@bank.wrong("ddpm_perturb", "own", "each example", "first", "batch")
def _(x0, alpha_bar, noise):
    a = alpha_bar[0]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


@bank.wrong("ddpm_perturb", "noise", "random", "draw", "handed")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * torch.randn_like(x0)


@bank.wrong("ddpm_perturb", "dtype", "float64", "float32", "precision")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0).float()
    return a.sqrt() * x0.float() + (1 - a).sqrt() * noise.float()


@bank.wrong("ddpm_perturb", "sign", "minus", "plus", "add")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 - (1 - a).sqrt() * noise


@bank.wrong("ddpm_perturb", "product", "cumprod", "already", "batch", "each example")
def _(x0, alpha_bar, noise):  # takes the argument for 1 − β
    a = expand(alpha_bar.cumprod(0), x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


@bank.wrong("ddpm_perturb", "root", "square", "√ᾱ", "ᾱ²")
def _(x0, alpha_bar, noise):  # takes ᾱ for the factor, not its square
    a = expand(alpha_bar, x0)
    return a * x0 + (1 - a**2).sqrt() * noise


@bank.wrong("ddpm_perturb", "tuple", "two", "one", "noise", "alone", "tensor")
def _(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise, noise


@bank.wrong("ddpm_perturb", "noise", "mean", "missing")
def _(x0, alpha_bar, noise):
    return expand(alpha_bar, x0).sqrt() * x0


# 4.10 ddpm_step


@bank.wrong("ddpm_step", "i = 0", "alpha_bars[-1]", "last step", "i == 0", "no noise")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    beta_tilde = betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean + beta_tilde.sqrt() * noise


@bank.wrong("ddpm_step", "β̃", "variance", "tilde", "noise")
def _(x, eps, betas, i, noise):  # Ho et al.'s other choice
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean if i == 0 else mean + betas[i].sqrt() * noise


@bank.wrong("ddpm_step", "β̃", "upside", "way up", "ratio", "variance", "inverse")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i]) / (1 - alpha_bars[i - 1])).sqrt() * noise


@bank.wrong("ddpm_step", "root", "√β̃", "noise", "variance", "√")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i]) * noise


@bank.wrong("ddpm_step", "1 − β", "√(1 − β", "ᾱ", "divide", "bracket")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / alpha_bars[i].sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "root", "√(1 − ᾱ", "eps", "ε̂")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]) * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "√β", "root", "β_i", "eps", "ε̂")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - (betas[i] / (1 - alpha_bars[i])).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "bracket", "whole", "√(1 − β", "divide", "both")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = 1 / (1 - betas[i]).sqrt() * x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "sign", "minus", "subtract", "eps", "ε̂")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x + betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "i = 0", "i == 0", "last step", "still")
def _(x, eps, betas, i, noise):
    if i == 0:
        return x
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "noise", "mean", "random", "β̃")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    return (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()


@bank.wrong("ddpm_step", "clip", "clamp", "range")
def _(x, eps, betas, i, noise):  # as most libraries do
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    x0 = ((x - (1 - alpha_bars[i]).sqrt() * eps) / alpha_bars[i].sqrt()).clamp(-1, 1)
    if i == 0:
        return x0
    before = alpha_bars[i - 1]
    mean = before.sqrt() * betas[i] * x0 + (1 - betas[i]).sqrt() * (1 - before) * x
    return mean / (1 - alpha_bars[i]) + (betas[i] * (1 - before) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "β_i", "index", "i − 1", "off by one", "betas")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    beta = betas[max(i - 1, 0)]
    mean = (x - beta / (1 - alpha_bars[i]).sqrt() * eps) / (1 - beta).sqrt()
    if i == 0:
        return mean
    return mean + (beta * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "√(1 − β", "divide", "scale", "bracket")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "divide", "multipl", "√(1 − β", "bracket")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) * (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "score", "eps", "ε̂", "√(1 − ᾱ", "sign")
def _(x, eps, betas, i, noise):  # takes ε̂ for a score
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x + betas[i] * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "noise", "DDIM", "deterministic", "β̃", "ancestral")
def _(x, eps, betas, i, noise):  # DDIM
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    x0 = (x - (1 - alpha_bars[i]).sqrt() * eps) / alpha_bars[i].sqrt()
    if i == 0:
        return x0
    return alpha_bars[i - 1].sqrt() * x0 + (1 - alpha_bars[i - 1]).sqrt() * eps


@bank.wrong("ddpm_step", "noise", "random", "draw", "handed", "global")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean
    z = torch.randn_like(x)
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * z


@bank.wrong("ddpm_step", "in place", "changes")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    x -= betas[i] / (1 - alpha_bars[i]).sqrt() * eps
    x /= (1 - betas[i]).sqrt()
    if i > 0:
        x += (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise
    return x


@bank.wrong("ddpm_step", "i = 1", "only", "i = 0", "noise", "last step")
def _(x, eps, betas, i, noise):  # counts from 1, as the paper does
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    if i <= 1:
        return mean
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "product", "ᾱ", "cumprod", "cumulative")
def _(x, eps, betas, i, noise):  # α for ᾱ
    alphas = 1 - betas
    mean = (x - betas[i] / (1 - alphas[i]).sqrt() * eps) / alphas[i].sqrt()
    if i == 0:
        return mean
    return mean + (betas[i] * (1 - alphas[i - 1]) / (1 - alphas[i])).sqrt() * noise


@bank.wrong("ddpm_step", "i = 0", "i == 0", "no noise", "last step", "not used")
def _(x, eps, betas, i, noise):  # zero times what is not to be used: nan, if that is nan
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    before = alpha_bars[i - 1] if i > 0 else torch.ones_like(alpha_bars[0])
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean + (betas[i] * (1 - before) / (1 - alpha_bars[i])).sqrt() * noise


@bank.wrong("ddpm_step", "x₀", "x_clean", "guess", "i − 1", "clean")
def _(x, eps, betas, i, noise):
    alpha_bar = torch.prod(1 - betas[: i + 1])
    return (x - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()


@bank.wrong("ddpm_step", "dtype", "float64", "float32", "precision")
def _(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas.float(), dim=0)
    mean = (x.float() - betas[i] / (1 - alpha_bars[i]).sqrt() * eps.float()) / (1 - betas[i]).sqrt()
    if i == 0:
        return mean.float()
    return (mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise.float()).float()
