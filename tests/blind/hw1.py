"""Wrong answers to hw1, from its text alone."""

import math

import torch

from tests.blind import Bank

bank = Bank()


# 1.1 gaussian_log_prob


@bank.wrong("gaussian_log_prob", "dimension", "log σ", "each", "D log")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std**2) - std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "2π", "each", "dimension", "constant")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std**2) - d * std.log() - 0.5 * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "2π", "constant", "normal")
def _(x, mean, std):
    return -(x - mean).square().sum(1) / (2 * std**2) - x.shape[1] * std.log()


@bank.wrong("gaussian_log_prob", "variance", "standard deviation", "square", "σ²")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std) - 0.5 * d * torch.log(2 * math.pi * std)


@bank.wrong("gaussian_log_prob", "half", "½", "factor", "2σ²", "twice")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / std**2 - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "sign", "log σ", "minus", "subtract")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std**2) + d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "inf", "exponential", "underflow", "finite")
def _(x, mean, std):
    d = x.shape[1]
    density = torch.exp(-(x - mean).square().sum(1) / (2 * std**2)) / (2 * math.pi * std**2) ** (d / 2)
    return torch.log(density)


@bank.wrong("gaussian_log_prob", "half", "½", "2π", "constant")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().sum(1) / (2 * std**2) - d * std.log() - d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "mean over", "sum", "average", "norm")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).square().mean(1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "batch", "shape", "each point", "axis")
def _(x, mean, std):
    b, d = x.shape
    return -(x - mean).square().sum() / (2 * std**2) - b * d * std.log() - 0.5 * b * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "logarithm", "log", "density itself")
def _(x, mean, std):
    d = x.shape[1]
    return torch.exp(-(x - mean).square().sum(1) / (2 * std**2)) / (2 * math.pi * std**2) ** (d / 2)


@bank.wrong("gaussian_log_prob", "batch", "number of points", "dimension", "shape[0]")
def _(x, mean, std):
    d = len(x)
    return -(x - mean).square().sum(1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "shape", "sum", "dimension", "axis")
def _(x, mean, std):
    return torch.distributions.Normal(mean, std).log_prob(x)


@bank.wrong("gaussian_log_prob", "square", "norm", "root", "distance")
def _(x, mean, std):
    d = x.shape[1]
    return -(x - mean).norm(dim=1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "dtype", "float64", "float32")
def _(x, mean, std):
    d = x.shape[1]
    x, mean, std = x.float(), mean.float(), std.float()
    return -(x - mean).square().sum(1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("gaussian_log_prob", "in place", "change", "new tensor")
def _(x, mean, std):
    d = x.shape[1]
    x -= mean
    return -x.square().sum(1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


# 1.2 mixture_log_prob


@bank.wrong("mixture_log_prob", "outside", "logarithm", "average", "weights")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return (weights * log_n).sum(1)


@bank.wrong("mixture_log_prob", "inf", "logsumexp", "underflow", "finite", "far")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    n = torch.exp(-sq / (2 * stds**2)) / (2 * math.pi * stds**2) ** (d / 2)
    return (weights * n).sum(1).log()


@bank.wrong("mixture_log_prob", "weights", "weight", "log w")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(log_n, 1)


@bank.wrong("mixture_log_prob", "log w", "logarithm", "weights", "weight")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights + log_n, 1)


@bank.wrong("mixture_log_prob", "dimension", "D log", "each", "log s")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n, 1)


@bank.wrong("mixture_log_prob", "2π", "constant")
def _(x, weights, means, stds):
    sq = (x[:, None] - means).square().sum(2)
    return torch.logsumexp(weights.log() - sq / (2 * stds**2) - x.shape[1] * stds.log(), 1)


@bank.wrong("mixture_log_prob", "axis", "components", "shape", "batch")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n, 0)


@bank.wrong("mixture_log_prob", "variance", "standard deviation", "square", "s²")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds) - 0.5 * d * (2 * math.pi * stds).log()
    return torch.logsumexp(weights.log() + log_n, 1)


@bank.wrong("mixture_log_prob", "largest", "maximum", "max", "sum", "all components")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return (weights.log() + log_n).max(1).values


@bank.wrong("mixture_log_prob", "epsilon", "far", "floor", "added", "logsumexp")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    n = torch.exp(-sq / (2 * stds**2)) / (2 * math.pi * stds**2) ** (d / 2)
    return torch.log((weights * n).sum(1) + 1e-12)


@bank.wrong("mixture_log_prob", "mean over", "sum", "average", "norm", "coordinates")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().mean(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n, 1)


@bank.wrong("mixture_log_prob", "softmax", "weights", "weight", "logits")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log_softmax(0) + log_n, 1)


@bank.wrong("mixture_log_prob", "one Gaussian", "single", "each component", "components", "averages densities")
def _(x, weights, means, stds):
    d = x.shape[1]
    mean = weights @ means
    std = (weights @ stds**2).sqrt()
    return -(x - mean).square().sum(1) / (2 * std**2) - d * std.log() - 0.5 * d * math.log(2 * math.pi)


@bank.wrong("mixture_log_prob", "each point", "batch", "largest", "far", "inf")
def _(x, weights, means, stds):
    # log-sum-exp by hand, with one maximum for the whole batch
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = weights.log() - sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    top = log_n.max()
    return top + (log_n - top).exp().sum(1).log()


@bank.wrong("mixture_log_prob", "dtype", "float64", "float32")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n, 1).to(torch.float32)


@bank.wrong("mixture_log_prob", "clamp", "far", "floor", "cut")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n.clamp(min=-100.0), 1)


@bank.wrong("mixture_log_prob", "dimension", "number of components")
def _(x, weights, means, stds):
    d = len(means)
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log() + log_n, 1)


@bank.wrong("mixture_log_prob", "in place", "change", "weights")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    log_n = -sq / (2 * stds**2) - d * stds.log() - 0.5 * d * math.log(2 * math.pi)
    return torch.logsumexp(weights.log_() + log_n, 1)


# 1.3 mixture_score


@bank.wrong("mixture_score", "sign", "towards", "away", "m − x")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = x[:, None] - means
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "square", "s²", "variance", "standard deviation")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None]).sum(1)


@bank.wrong("mixture_score", "weights", "weight", "log w")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (-diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "log s", "D log", "width", "normali", "whole")
def _(x, weights, means, stds):
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2)).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "nan", "softmax", "0/0", "far", "finite")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    n = weights * (-diff.square().sum(2) / (2 * stds**2)).exp() / stds**d
    r = n / n.sum(1, keepdim=True)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "axis", "components", "each point", "batch", "over k")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(0)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "dimension", "D log", "log s", "each")
def _(x, weights, means, stds):
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "no_grad", "automatic", "closed form", "autograd")
def _(x, weights, means, stds):
    y = x.detach().clone().requires_grad_()
    d = y.shape[1]
    sq = (y[:, None] - means).square().sum(2)
    log_p = torch.logsumexp(weights.log() - sq / (2 * stds**2) - d * stds.log(), 1)
    return torch.autograd.grad(log_p.sum(), y)[0]


@bank.wrong("mixture_score", "epsilon", "far", "zero", "added", "softmax")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    n = weights * (-diff.square().sum(2) / (2 * stds**2)).exp() / stds**d
    r = n / (n.sum(1, keepdim=True) + 1e-10)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "share", "all components", "every component", "largest", "nearest", "one component")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (means - x[:, None]).square().sum(2)
    k = (weights.log() - sq / (2 * stds**2) - d * stds.log()).argmax(1)
    return (means[k] - x) / stds[k][:, None] ** 2


@bank.wrong("mixture_score", "responsib", "share", "weights", "depend")
def _(x, weights, means, stds):
    # the weights, instead of the shares at x
    return (weights[:, None] * (means - x[:, None]) / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "log p", "density", "logarithm", "divide", "normali")
def _(x, weights, means, stds):
    # the gradient of p, not of log p
    d = x.shape[1]
    diff = means - x[:, None]
    n = weights * (-diff.square().sum(2) / (2 * stds**2)).exp() / (2 * math.pi * stds**2) ** (d / 2)
    return (n[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "shape", "axis", "components", "dimension")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(2)


@bank.wrong("mixture_score", "mean over", "sum", "number of components")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).mean(1)


@bank.wrong("mixture_score", "own", "each component", "width", "s²", "variance")
def _(x, weights, means, stds):
    # mixes the means and the variances first, and divides afterwards
    d = x.shape[1]
    sq = (means - x[:, None]).square().sum(2)
    r = (weights.log() - sq / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r @ means - x) / (r @ stds**2)[:, None]


@bank.wrong("mixture_score", "half", "½", "2s²", "factor", "exponent")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / stds**2 - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1)


@bank.wrong("mixture_score", "clamp", "clip", "far", "cut", "large")
def _(x, weights, means, stds):
    d = x.shape[1]
    diff = means - x[:, None]
    r = (weights.log() - diff.square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    return (r[:, :, None] * diff / stds[:, None] ** 2).sum(1).clamp(-100, 100)


# 1.4 em_step


@bank.wrong("em_step", "dimension", "coordinates", "variance")
def _(x, weights, means, stds):
    d = x.shape[1]
    log_r = weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()
    r = log_r.softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    var = (r * (x[:, None] - m).square().sum(2)).sum(0) / n
    return n / len(x), m, var.sqrt()


@bank.wrong("em_step", "new mean", "old", "means")
def _(x, weights, means, stds):
    d = x.shape[1]
    sq = (x[:, None] - means).square().sum(2)
    r = (weights.log() - sq / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    return n / len(x), r.T @ x / n[:, None], ((r * sq).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "root", "variance", "standard deviation", "square")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, (r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)


@bank.wrong("em_step", "axis", "each point", "add to 1", "softmax")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(0)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "weights", "sum one", "divide", "add up", "number of points")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n, m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "weights", "weight", "old")
def _(x, weights, means, stds):
    # the weights are handed back as they came
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return weights.clone(), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "share", "hard", "soft", "one component", "responsib")
def _(x, weights, means, stds):
    # k-means: every point belongs to one component only
    d = x.shape[1]
    log_r = weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()
    r = torch.nn.functional.one_hot(log_r.argmax(1), len(means)).to(x.dtype)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "weights", "weight", "log w", "responsib")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (-(x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "log s", "D log", "width", "whole", "responsib")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2)).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "nan", "softmax", "far", "0/0", "finite")
def _(x, weights, means, stds):
    d = x.shape[1]
    p = weights * torch.exp(-(x[:, None] - means).square().sum(2) / (2 * stds**2)) / stds**d
    r = p / p.sum(1, keepdim=True)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "unbiased", "minus one", "− 1", "variance", "N_k", "Nₖ")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * (n - 1))).sqrt()


@bank.wrong("em_step", "in place", "change", "new tensor", "means")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    for k in range(len(means)):
        means[k] = r[:, k] @ x / n[k]
        stds[k] = (r[:, k] @ (x - means[k]).square().sum(1) / (d * n[k])).sqrt()
        weights[k] = n[k] / len(x)
    return weights, means, stds


@bank.wrong("em_step", "N_k", "Nₖ", "own", "means", "divide")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / len(x)
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt()


@bank.wrong("em_step", "added", "epsilon", "variance", "floor", "wide")
def _(x, weights, means, stds):
    # scikit-learn's reg_covar, but larger
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n) + 1e-2).sqrt()


@bank.wrong("em_step", "square", "root", "mean distance", "norm", "variance")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return n / len(x), m, (r * (x[:, None] - m).norm(dim=2)).sum(0) / (d**0.5 * n)


@bank.wrong("em_step", "own", "each component", "shared", "common", "same")
def _(x, weights, means, stds):
    # one width for all components
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    std = ((r * (x[:, None] - m).square().sum(2)).sum() / (d * len(x))).sqrt()
    return n / len(x), m, std.expand(len(n)).clone()


@bank.wrong("em_step", "order", "shape", "weights")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    return m, ((r * (x[:, None] - m).square().sum(2)).sum(0) / (d * n)).sqrt(), n / len(x)


@bank.wrong("em_step", "dtype", "float64", "float32")
def _(x, weights, means, stds):
    d, k = x.shape[1], len(weights)
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    w, m, s = torch.zeros(k), torch.zeros(k, d), torch.zeros(k)
    for j in range(k):
        n = r[:, j].sum()
        w[j] = n / len(x)
        m[j] = (r[:, j, None] * x).sum(0) / n
        s[j] = ((r[:, j] * (x - m[j]).square().sum(1)).sum() / (d * n)).sqrt()
    return w, m, s


@bank.wrong("em_step", "shape", "isotropic", "dimension", "every direction")
def _(x, weights, means, stds):
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    n = r.sum(0)
    m = r.T @ x / n[:, None]
    var = (r[:, :, None] * (x[:, None] - m).square()).sum(0) / n[:, None]
    return n / len(x), m, var.sqrt()


@bank.wrong("em_step", "responsib", "share", "twice", "recomputed", "again", "as they stand")
def _(x, weights, means, stds):
    # the shares are computed anew once the means have moved
    d = x.shape[1]
    r = (weights.log() - (x[:, None] - means).square().sum(2) / (2 * stds**2) - d * stds.log()).softmax(1)
    w = r.sum(0) / len(x)
    m = r.T @ x / r.sum(0)[:, None]
    sq = (x[:, None] - m).square().sum(2)
    r = (w.log() - sq / (2 * stds**2) - d * stds.log()).softmax(1)
    return w, m, ((r * sq).sum(0) / (d * r.sum(0))).sqrt()


# 1.5 kde_log_prob


@bank.wrong("kde_log_prob", "1/N", "log N", "mean", "number of")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1)


@bank.wrong("kde_log_prob", "log h", "D log", "constant", "h²")
def _(x, data, bandwidth):
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - x.shape[1] / 2 * math.log(2 * math.pi)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "dimension", "D log", "constant", "each", "one dimension")
def _(x, data, bandwidth):
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - 0.5 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "2π", "constant")
def _(x, data, bandwidth):
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - x.shape[1] * math.log(bandwidth)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "inf", "logsumexp", "far", "underflow", "finite")
def _(x, data, bandwidth):
    d = x.shape[1]
    k = torch.exp(-torch.cdist(x, data).square() / (2 * bandwidth**2)) / (2 * math.pi * bandwidth**2) ** (d / 2)
    return k.mean(1).log()


@bank.wrong("kde_log_prob", "variance", "standard deviation", "square", "h²")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth) - d / 2 * math.log(2 * math.pi * bandwidth)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "square", "distance", "norm", "cdist")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data) / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "logarithm", "average", "mean of", "logsumexp")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return log_k.mean(1)


@bank.wrong("kde_log_prob", "1/N", "log N", "number of", "batch")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(x))


@bank.wrong("kde_log_prob", "half", "½", "factor", "2h²", "exponent")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / bandwidth**2 - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "axis", "shape", "batch", "kernels")
def _(x, data, bandwidth):
    d = x.shape[1]
    log_k = -torch.cdist(x, data).square() / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 0) - math.log(len(data))


@bank.wrong("kde_log_prob", "itself", "own kernel", "left out", "leave", "every kernel", "all kernels")
def _(x, data, bandwidth):
    # a point does not count for itself
    d = x.shape[1]
    sq = (x[:, None] - data).square().sum(2)
    log_k = -sq / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k.masked_fill(sq == 0, -math.inf), 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "nearest", "largest", "all kernels", "every kernel", "sum")
def _(x, data, bandwidth):
    d = x.shape[1]
    nearest = torch.cdist(x, data).min(1).values
    log_k = -nearest.square() / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return log_k - math.log(len(data))


@bank.wrong("kde_log_prob", "dtype", "float64", "float32")
def _(x, data, bandwidth):
    d = x.shape[1]
    sq = torch.cdist(x.float(), data.float()).square()
    log_k = -sq / (2 * bandwidth**2) - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "std", "standard deviation", "bandwidth", "scale", "spread")
def _(x, data, bandwidth):
    # scipy's gaussian_kde: the bandwidth is a factor to the spread of the data
    d = x.shape[1]
    h = bandwidth * data.std()
    log_k = -torch.cdist(x, data).square() / (2 * h**2) - d * h.log() - d / 2 * math.log(2 * math.pi)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


@bank.wrong("kde_log_prob", "bandwidth", "ignore")
def _(x, data, bandwidth):
    # Scott's rule instead of the argument
    n, d = data.shape
    h = n ** (-1 / (d + 4))
    log_k = -torch.cdist(x, data).square() / (2 * h**2) - d / 2 * math.log(2 * math.pi * h**2)
    return torch.logsumexp(log_k, 1) - math.log(n)


@bank.wrong("kde_log_prob", "in place", "change", "data")
def _(x, data, bandwidth):
    d = x.shape[1]
    x /= bandwidth
    data /= bandwidth
    log_k = -torch.cdist(x, data).square() / 2 - d / 2 * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(log_k, 1) - math.log(len(data))


# 1.6 best_bandwidth


@bank.wrong("best_bandwidth", "held", "train", "own kernel", "judge")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(train, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "lowest", "worst", "highest", "argmin", "sign")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmin()].item()


@bank.wrong("best_bandwidth", "index", "position", "place", "bandwidth itself")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return float(torch.stack(scores).argmax())


@bank.wrong("best_bandwidth", "tensor", "item", "float")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()]


@bank.wrong("best_bandwidth", "log h", "D log", "largest", "wide", "constant")
def _(train, held_out, bandwidths):
    sq = torch.cdist(held_out, train).square()
    scores = [torch.logsumexp(-sq / (2 * h**2), 1).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "swap", "kernels", "train", "held", "exchanged")
def _(train, held_out, bandwidths):
    # kernels on the held-out points, and the training points judge
    sq, d = torch.cdist(train, held_out).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "held", "train", "leave", "judge")
def _(train, held_out, bandwidths):
    # leave-one-out on the training points
    sq, d = torch.cdist(train, train).square(), train.shape[1]
    sq.fill_diagonal_(math.inf)
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "logarithm", "mean of", "mean log", "average", "densities")
def _(train, held_out, bandwidths):
    # the logarithm of the mean density
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [torch.logsumexp((-sq / (2 * h**2)).flatten(), 0) - d * math.log(h) for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "inf", "underflow", "far", "logsumexp", "finite")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [((-sq / (2 * h**2)).exp().mean(1) / h**d).log().mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "order", "first", "all", "sorted", "every bandwidth")
def _(train, held_out, bandwidths):
    # stops as soon as it gets worse
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    best, best_h = -math.inf, bandwidths[0].item()
    for h in bandwidths.tolist():
        score = (torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean().item()
        if score < best:
            break
        best, best_h = score, h
    return best_h


@bank.wrong("best_bandwidth", "order", "sorted", "index", "sort")
def _(train, held_out, bandwidths):
    # the index into the sorted bandwidths, used on the unsorted ones
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    ordered = bandwidths.sort().values.tolist()
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in ordered]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "likelihood", "one of", "bandwidth itself", "score")
def _(train, held_out, bandwidths):
    sq, (n, d) = torch.cdist(held_out, train).square(), train.shape
    c = d / 2 * math.log(2 * math.pi) + math.log(n)
    return max((torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h) - c).mean().item() for h in bandwidths.tolist())


@bank.wrong("best_bandwidth", "median", "mean")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).median() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "dimension", "D log", "log h", "each")
def _(train, held_out, bandwidths):
    sq = torch.cdist(held_out, train).square()
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "one of", "bandwidths", "ignore", "rule")
def _(train, held_out, bandwidths):
    # Silverman's rule of thumb
    n, d = train.shape
    return (4 / (d + 2)) ** (1 / (d + 4)) * n ** (-1 / (d + 4)) * train.std(0).mean().item()


@bank.wrong("best_bandwidth", "variance", "h²", "square", "standard deviation")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h), 1) - d / 2 * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "kernels", "held", "both", "own kernel", "smallest")
def _(train, held_out, bandwidths):
    # the kernels sit on all the data there are
    centres = torch.cat([train, held_out])
    sq, d = torch.cdist(held_out, centres).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return bandwidths[torch.stack(scores).argmax()].item()


@bank.wrong("best_bandwidth", "round", "one of", "exactly")
def _(train, held_out, bandwidths):
    sq, d = torch.cdist(held_out, train).square(), train.shape[1]
    scores = [(torch.logsumexp(-sq / (2 * h**2), 1) - d * math.log(h)).mean() for h in bandwidths.tolist()]
    return round(bandwidths[torch.stack(scores).argmax()].item(), 1)


# 1.7 mmd_squared


@bank.wrong("mmd_squared", "i = j", "diagonal", "itself", "bias")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    return k(x, x).mean() + k(y, y).mean() - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "N(N", "N²", "N − 1", "number of pairs", "divide")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / n**2 + (k(y, y).sum() - m) / m**2 - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "root", "square", "MMD²")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xx, yy = (k(x, x).sum() - n) / (n * (n - 1)), (k(y, y).sum() - m) / (m * (m - 1))
    return (xx + yy - 2 * k(x, y).mean()).abs().sqrt()


@bank.wrong("mmd_squared", "negative", "below zero", "cut", "clamp")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xx, yy = (k(x, x).sum() - n) / (n * (n - 1)), (k(y, y).sum() - m) / (m * (m - 1))
    return (xx + yy - 2 * k(x, y).mean()).clamp(min=0)


@bank.wrong("mmd_squared", "twice", "factor", "cross", "across", "last")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - k(x, y).mean()


@bank.wrong("mmd_squared", "2h²", "half", "½", "factor", "kernel")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / bandwidth**2)
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "square", "distance", "norm", "kernel")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b) / (2 * bandwidth**2))
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "cross", "last", "diagonal", "across", "nothing is left out")
def _(x, y, bandwidth):
    # leaves the diagonal out of the cross term too
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xy = k(x, y)
    cross = (xy.sum() - xy.diagonal().sum()) / (n * m - min(n, m))
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - 2 * cross


@bank.wrong("mmd_squared", "sign", "cross", "minus", "last", "subtract")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) + 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "bandwidth", "median", "ignore")
def _(x, y, bandwidth):
    # the median heuristic
    h = torch.pdist(torch.cat([x, y])).median()
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * h**2))
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "twice", "half", "both", "pairs", "triangle")
def _(x, y, bandwidth):
    # every pair once, but divided as if it came twice
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xx, yy = k(x, x).triu(1).sum() / (n * (n - 1)), k(y, y).triu(1).sum() / (m * (m - 1))
    return xx + yy - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "gamma", "1/", "divide", "2h²", "bandwidth", "kernel")
def _(x, y, bandwidth):
    # scikit-learn's rbf_kernel: exp(−γ‖a − b‖²)
    k = lambda a, b: torch.exp(-bandwidth * torch.cdist(a, b).square())
    n, m = len(x), len(y)
    return (k(x, x).sum() - n) / (n * (n - 1)) + (k(y, y).sum() - m) / (m * (m - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "number", "equal", "differ", "M − 1", "size")
def _(x, y, bandwidth):
    # takes it that both sets have N samples
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n = len(x)
    return (k(x, x).sum() + k(y, y).sum() - 2 * n) / (n * (n - 1)) - 2 * k(x, y).sum() / n**2


@bank.wrong("mmd_squared", "second", "missing", "three")
def _(x, y, bandwidth):
    # drops the term of y alone, "a constant"
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n = len(x)
    return (k(x, x).sum() - n) / (n * (n - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "equal points", "same", "diagonal", "duplicate", "i = j")
def _(x, y, bandwidth):
    # leaves out all pairs of equal points, not only i = j
    k = lambda a, b: torch.exp(-(a[:, None] - b).square().sum(2) / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xx, yy = k(x, x), k(y, y)
    return xx[xx < 1].sum() / (n * (n - 1)) + yy[yy < 1].sum() / (m * (m - 1)) - 2 * k(x, y).mean()


@bank.wrong("mmd_squared", "float", "tensor", "item")
def _(x, y, bandwidth):
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / (2 * bandwidth**2))
    n, m = len(x), len(y)
    xx, yy = (k(x, x).sum() - n) / (n * (n - 1)), (k(y, y).sum() - m) / (m * (m - 1))
    return (xx + yy - 2 * k(x, y).mean()).item()


@bank.wrong("mmd_squared", "all pairs", "every pair", "pairs")
def _(x, y, bandwidth):
    # the linear-time estimate: unbiased, but from a few of the pairs only
    n = 2 * (min(len(x), len(y)) // 2)
    a, b, c, d = x[:n:2], x[1:n:2], y[:n:2], y[1:n:2]
    k = lambda u, v: torch.exp(-(u - v).square().sum(1) / (2 * bandwidth**2))
    return (k(a, b) + k(c, d) - k(a, d) - k(b, c)).mean()


# 1.8 sliced_wasserstein


@bank.wrong("sliced_wasserstein", "root", "mean of", "last", "average")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().mean(0).sqrt().mean()


@bank.wrong("sliced_wasserstein", "sort", "order")
def _(x, y, directions):
    return (x @ directions.T - y @ directions.T).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "sort", "both", "order")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, y @ directions.T
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "sort", "axis", "over the points", "each direction")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(1).values, (y @ directions.T).sort(1).values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "square", "absolute", "W₁", "W₂")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).abs().mean()


@bank.wrong("sliced_wasserstein", "root", "square")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().mean()


@bank.wrong("sliced_wasserstein", "mean", "sum", "1/N", "points")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().sum(0).mean().sqrt()


@bank.wrong("sliced_wasserstein", "mean", "sum", "1/P", "directions")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().mean(0).sum().sqrt()


@bank.wrong("sliced_wasserstein", "random", "directions", "ignore", "draw")
def _(x, y, directions):
    theta = torch.randn_like(directions)
    theta = theta / theta.norm(dim=1, keepdim=True)
    a, b = (x @ theta.T).sort(0).values, (y @ theta.T).sort(0).values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "max", "largest", "mean over", "average")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().mean(0).max().sqrt()


@bank.wrong("sliced_wasserstein", "each direction", "sort", "by itself", "together")
def _(x, y, directions):
    # all directions sorted in one heap
    a, b = (x @ directions.T).flatten().sort().values, (y @ directions.T).flatten().sort().values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "sort", "own", "order", "both")
def _(x, y, directions):
    # y in the order of x
    a, order = (x @ directions.T).sort(0)
    b = (y @ directions.T).gather(0, order)
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "dimension", "factor", "√", "scale")
def _(x, y, directions):
    # scaled so that a shift keeps its length on average
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (x.shape[1] * (a - b).square().mean()).sqrt()


@bank.wrong("sliced_wasserstein", "mean", "shift", "centre", "subtract")
def _(x, y, directions):
    # both sets centred first
    a = ((x - x.mean(0)) @ directions.T).sort(0).values
    b = ((y - y.mean(0)) @ directions.T).sort(0).values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "sort", "project", "coordinates", "order")
def _(x, y, directions):
    # sorts the coordinates, and projects afterwards
    a, b = x.sort(0).values @ directions.T, y.sort(0).values @ directions.T
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "order", "descending", "smallest", "sort")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0, descending=True).values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "dtype", "float64", "float32")
def _(x, y, directions):
    x, y, directions = x.float(), y.float(), directions.float()
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).square().mean().sqrt()


@bank.wrong("sliced_wasserstein", "transpose", "directions", "shape", "project")
def _(x, y, directions):
    a, b = (x @ directions).sort(0).values, (y @ directions).sort(0).values
    return (a - b).square().mean().sqrt()


# 1.9 mode_coverage


@bank.wrong("mode_coverage", "samples", "modes", "axis", "count")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes).min(1).values <= radius).float().mean().item()


@bank.wrong("mode_coverage", "share", "divide", "number", "count", "1/K")
def _(samples, modes, radius):
    return float((torch.cdist(samples, modes).min(0).values <= radius).sum().item())


@bank.wrong("mode_coverage", "float", "tensor", "item")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes).min(0).values <= radius).float().mean()


@bank.wrong("mode_coverage", "square", "distance", "radius")
def _(samples, modes, radius):
    sq = (samples[:, None] - modes).square().sum(2)
    return (sq <= radius).any(0).float().mean().item()


@bank.wrong("mode_coverage", "missing", "missed", "without", "one minus")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes).min(0).values > radius).float().mean().item()


@bank.wrong("mode_coverage", "radius", "ignore", "nearest")
def _(samples, modes, radius):
    # a mode counts if it is the nearest to some sample, however far
    return len(torch.cdist(samples, modes).argmin(1).unique()) / len(modes)


@bank.wrong("mode_coverage", "all", "any", "one sample", "every sample")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes) <= radius).all(0).float().mean().item()


@bank.wrong("mode_coverage", "coordinate", "distance", "norm", "Euclid", "box")
def _(samples, modes, radius):
    inside = (samples[:, None] - modes).abs().amax(2) <= radius
    return inside.any(0).float().mean().item()


@bank.wrong("mode_coverage", "number of modes", "number of samples", "divide", "share")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes).min(0).values <= radius).sum().item() / len(samples)


@bank.wrong("mode_coverage", "nearest", "two modes", "several modes", "every mode", "more than one")
def _(samples, modes, radius):
    # a sample counts only for the mode nearest to it
    near, k = torch.cdist(samples, modes).min(1)
    return len(k[near <= radius].unique()) / len(modes)


@bank.wrong("mode_coverage", "distance", "norm", "Euclid", "coordinate")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes, p=1).min(0).values <= radius).float().mean().item()


@bank.wrong("mode_coverage", "mean", "nearest", "min", "average", "one sample")
def _(samples, modes, radius):
    return (torch.cdist(samples, modes).mean(0) <= radius).float().mean().item()


@bank.wrong("mode_coverage", "twice", "once", "every sample", "pairs", "more than 1", "above 1", "count")
def _(samples, modes, radius):
    # a mode counts once for each of its samples
    return (torch.cdist(samples, modes) <= radius).sum().item() / len(modes)


@bank.wrong("mode_coverage", "share", "whole", "integer", "division", "0 to 1", "fraction")
def _(samples, modes, radius):
    return float((torch.cdist(samples, modes).min(0).values <= radius).sum().item() // len(modes))


@bank.wrong("mode_coverage", "radius", "twice", "half", "diameter")
def _(samples, modes, radius):
    # the radius taken as a diameter
    return (torch.cdist(samples, modes).min(0).values <= radius / 2).float().mean().item()


@bank.wrong("mode_coverage", "two", "one sample", "single", "at least one")
def _(samples, modes, radius):
    # off by one: more than one sample
    return ((torch.cdist(samples, modes) <= radius).sum(0) > 1).float().mean().item()
