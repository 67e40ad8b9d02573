"""Wrong answers to hw8, from its text alone; unlike the others, by the one who had written its lists of mistakes."""

import math

import torch
from torch.nn import functional as F

from tests.blind import Bank

bank = Bank()


# 8.1


def similarities(image, text, temperature):
    return F.normalize(image, dim=1) @ F.normalize(text, dim=1).T / temperature


def both(s):
    pairs = torch.arange(len(s), device=s.device)
    return (F.cross_entropy(s, pairs) + F.cross_entropy(s.T, pairs)) / 2


@bank.wrong("clip_loss", "normalize", "length", "cosine")
def _(image, text, temperature):
    return both(image @ text.T / temperature)


@bank.wrong("clip_loss", "normalize", "softmax", "temperature")
def _(image, text, temperature):
    return both(image.softmax(1) @ text.softmax(1).T / temperature)


@bank.wrong("clip_loss", "temperature")
def _(image, text, temperature):
    return both(similarities(image, text, 1.0)) / temperature


@bank.wrong("clip_loss", "temperature")
def _(image, text, temperature):
    return both(similarities(image, text, 1.0)) * temperature


@bank.wrong("clip_loss", "transposed", "one question", "captions", "pictures")
def _(image, text, temperature):
    s = similarities(image, text, temperature)
    return -s.log_softmax(1).diagonal().mean()


@bank.wrong("clip_loss", "mean", "sum", "batch")
def _(image, text, temperature):
    s = similarities(image, text, temperature)
    return -(s.log_softmax(1).diagonal() + s.log_softmax(0).diagonal()).sum() / 2


@bank.wrong("clip_loss", "mean", "added", "twice", "2")
def _(image, text, temperature):
    s = similarities(image, text, temperature)
    return -(s.log_softmax(1).diagonal() + s.log_softmax(0).diagonal()).mean()


@bank.wrong("clip_loss", "shape", "mean")
def _(image, text, temperature):
    s = similarities(image, text, temperature)
    return -(s.log_softmax(1).diagonal() + s.log_softmax(0).diagonal()) / 2


@bank.wrong("clip_loss", "diagonal", "trace", "matching", "largest error")
def _(image, text, temperature):
    s = similarities(image, text, temperature)
    return -(s.log_softmax(1).trace() + s.log_softmax(0).trace()) / 2


@bank.wrong("clip_loss", "detach", "float", "gradient", "tensor")
def _(image, text, temperature):
    return both(similarities(image, text, temperature)).item()


@bank.wrong("clip_loss", "overflow", "nan", "inf", "exp")
def _(image, text, temperature):
    e = similarities(image, text, temperature).exp()
    return -(torch.log(e.diagonal() / e.sum(0)).mean() + torch.log(e.diagonal() / e.sum(1)).mean()) / 2


# 8.2


def heads_of(t, heads):
    return t.unflatten(-1, (heads, -1)).transpose(1, 2)


def attended(weights, v, w_out):
    return (weights @ v).transpose(1, 2).flatten(2) @ w_out.T


def split(x, context, w_q, w_kv, heads):
    k, v = (context @ w_kv.T).chunk(2, dim=-1)
    q, k, v = (heads_of(t, heads) for t in (x @ w_q.T, k, v))
    return q, k, v, q @ k.mT / math.sqrt(q.shape[-1])


@bank.wrong("cross_attention", "mask")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    return attended(s.softmax(-1), v, w_out)


@bank.wrong("cross_attention", "mask")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    return attended(s.masked_fill(mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "mask", "softmax")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    return attended(s.softmax(-1), v * mask[:, None, :, None], w_out)


@bank.wrong("cross_attention", "mask", "depends")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context * mask[..., None], w_q, w_kv, heads)
    return attended(s.softmax(-1), v, w_out)


@bank.wrong("cross_attention", "scale", "√", "root", "sharp")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    q, k, v, _ = split(x, context, w_q, w_kv, heads)
    return attended((q @ k.mT).masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "scale", "√", "C", "words")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    q, k, v, _ = split(x, context, w_q, w_kv, heads)
    s = q @ k.mT / math.sqrt(context.shape[1])
    return attended(s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "keys", "values", "k", "v")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    q, k, v, _ = split(x, context, w_q, torch.cat(w_kv.chunk(2)[::-1]), heads)
    s = q @ k.mT / math.sqrt(q.shape[-1])
    return attended(s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "residual", "x is added", "x")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    return x + attended(s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "w_out", "output")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    weights = s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


@bank.wrong("cross_attention", "heads", "head")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, 1)
    return attended(s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


@bank.wrong("cross_attention", "transpose", "heads", "mixed")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    weights = s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1)
    return (weights @ v).reshape(x.shape) @ w_out.T


@bank.wrong("cross_attention", "in place", "mask", "context")
def _(x, context, mask, w_q, w_kv, w_out, heads):
    with torch.no_grad():
        context[~mask] = 0.0
    _, _, v, s = split(x, context, w_q, w_kv, heads)
    return attended(s.masked_fill(~mask[:, None, None], -math.inf).softmax(-1), v, w_out)


# 8.3


@bank.wrong("controlled_features", "convolution", "zero_conv")
def _(features, control, zero_conv):
    return zero_conv(features) + zero_conv(control)


@bank.wrong("controlled_features", "features")
def _(features, control, zero_conv):
    return features + features * zero_conv(control)


@bank.wrong("controlled_features", "silu", "nonlinearity", "largest error")
def _(features, control, zero_conv):
    return features + zero_conv(F.silu(control))


@bank.wrong("controlled_features", "detach", "gradient")
def _(features, control, zero_conv):
    with torch.no_grad():
        return features + zero_conv(control)


@bank.wrong("controlled_features", "in place")
def _(features, control, zero_conv):
    with torch.no_grad():
        features += zero_conv(control)
    return features


@bank.wrong("controlled_features", "sign", "subtract", "-")
def _(features, control, zero_conv):
    return zero_conv(control) - features


@bank.wrong("controlled_features", "half", "average", "0.5", "½")
def _(features, control, zero_conv):
    return torch.stack([features, zero_conv(control)]).mean(0)


@bank.wrong("controlled_features", "largest error", "maximum", "add")
def _(features, control, zero_conv):
    return torch.maximum(features, zero_conv(control))


@bank.wrong("controlled_features", "features", "depend")
def _(features, control, zero_conv):
    return zero_conv(control)


@bank.wrong("controlled_features", "control", "depend", "effect")
def _(features, control, zero_conv):
    return features * 1.0


@bank.wrong("controlled_features", "batch", "row", "mean")
def _(features, control, zero_conv):
    return features + zero_conv(control).mean(0)


# 8.4


@bank.wrong("temporal_attention", "frames", "reshape", "permute", "order")
def _(x, attend):
    b, f, c, h, w = x.shape
    return attend(x.reshape(b * h * w, f, c)).reshape(x.shape)


@bank.wrong("temporal_attention", "frame", "pixels")
def _(x, attend):
    tokens = x.flatten(0, 1).flatten(2).mT
    return attend(tokens).mT.reshape(x.shape)


@bank.wrong("temporal_attention", "pixel", "row")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 1, 3, 4, 2).reshape(b, -1, c)
    return attend(tokens).reshape(b, f, h, w, c).permute(0, 1, 4, 2, 3)


@bank.wrong("temporal_attention", "residual", "x is added", "x")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(-1, f, c)
    return x + attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


@bank.wrong("temporal_attention", "residual", "x is added", "x")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(-1, f, c)
    return (tokens + attend(tokens)).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


@bank.wrong("temporal_attention", "height", "width", "order", "row")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 4, 3, 1, 2).reshape(-1, f, c)
    return attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


@bank.wrong("temporal_attention", "axes", "order", "permut", "shape")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(-1, f, c)
    return attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 2, 1)


@bank.wrong("temporal_attention", "channel")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 2, 1).reshape(-1, c, f)
    return attend(tokens).reshape(b, h, w, c, f).permute(0, 4, 3, 1, 2)


@bank.wrong("temporal_attention", "clip", "batch", "row")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(3, 4, 0, 1, 2).reshape(h * w, b * f, c)
    return attend(tokens).reshape(h, w, b, f, c).permute(2, 3, 4, 0, 1)


@bank.wrong("temporal_attention", "pixel", "average", "mean")
def _(x, attend):
    return attend(x.mean((3, 4)))[..., None, None].expand_as(x)


@bank.wrong("temporal_attention", "twice", "attend")
def _(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(-1, f, c)
    return ((attend(tokens) + attend(tokens)) / 2).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


# 8.5


def each(a, x):
    return a.reshape(-1, *[1] * (x.ndim - 1))


def noisy(x, alpha, sigma, noise):
    return each(alpha, x) * x + each(sigma, x) * noise


@bank.wrong("score_distillation", "sign", "ε̂ − ε")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight * alpha, x) * (noise - noise_prediction(noisy(x, alpha, sigma, noise)))


@bank.wrong("score_distillation", "α", "alpha")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight, x) * (noise_prediction(noisy(x, alpha, sigma, noise)) - noise)


@bank.wrong("score_distillation", "weight")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(alpha, x) * (noise_prediction(noisy(x, alpha, sigma, noise)) - noise)


@bank.wrong("score_distillation", "graph", "no_grad", "detach")
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight * alpha, x) * (noise_prediction(noisy(x, alpha, sigma, noise)).detach().requires_grad_() - noise)


@bank.wrong("score_distillation", "σ", "sigma")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight * alpha / sigma, x) * (noise_prediction(noisy(x, alpha, sigma, noise)) - noise)


@bank.wrong("score_distillation", "noise", "subtract")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight * alpha, x) * noise_prediction(noisy(x, alpha, sigma, noise))


@bank.wrong("score_distillation", "noisy", "without noise", "αx + σε")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return each(weight * alpha, x) * (noise_prediction(x) - noise)


@bank.wrong("score_distillation", "differentiat", "Jacobian")
def _(x, noise_prediction, alpha, sigma, noise, weight):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        wrong = noise_prediction(noisy(y, alpha, sigma, noise)) - noise
        return torch.autograd.grad((each(weight, x) * wrong.square()).sum() / 2, y)[0]


@bank.wrong("score_distillation", "row", "batch", "mean", "divide")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return (each(weight * alpha, x) * (noise_prediction(noisy(x, alpha, sigma, noise)) - noise)) / x.numel()


@bank.wrong("score_distillation", "shape", "sums", "axis", "mean")
@torch.no_grad()
def _(x, noise_prediction, alpha, sigma, noise, weight):
    return (each(weight * alpha, x) * (noise_prediction(noisy(x, alpha, sigma, noise)) - noise)).mean(0)


@bank.wrong("score_distillation", "requires_grad", "backward", "in place", "gradient stored")
def _(x, noise_prediction, alpha, sigma, noise, weight):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        z = noisy(y, alpha, sigma, noise)
        (each(weight, x) * (noise_prediction(z) - noise) * z).sum().backward()
    return y.grad


# 8.6


@bank.wrong("nearest_training", "memory", "numbers at once", "cdist", "pieces")
def _(samples, train):
    x, y = samples.flatten(1), train.flatten(1)
    return (x.unsqueeze(1) - y.unsqueeze(0)).pow(2).sum(2).sqrt().min(1)


@bank.wrong("nearest_training", "memory", "numbers at once", "cdist", "pieces")
def _(samples, train):
    differences = [(train - x).flatten(1) for x in samples]
    distances = torch.stack([d.norm(dim=1) for d in differences])
    return distances.amin(1), distances.argmin(1)


@bank.wrong("nearest_training", "root", "squared")
def _(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1)) ** 2
    return d.amin(1), d.argmin(1)


@bank.wrong("nearest_training", "flatten", "axis", "shape", "images")
def _(samples, train):
    d = torch.stack([(train - x).norm(dim=-1) for x in samples])
    return d.amin(1), d.argmin(1)


@bank.wrong("nearest_training", "minimum", "farthest", "nearest")
def _(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    return d.amax(1), d.argmax(1)


@bank.wrong("nearest_training", "order", "index")
def _(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    return d.argmin(1), d.amin(1)


@bank.wrong("nearest_training", "average", "adds up", "mean")
def _(samples, train):
    d = torch.stack([(train - x).flatten(1).square().mean(1).sqrt() for x in samples])
    return d.amin(1), d.argmin(1)


@bank.wrong("nearest_training", "absolute", "squares")
def _(samples, train):
    d = torch.stack([(train - x).flatten(1).abs().sum(1) for x in samples])
    return d.amin(1), d.argmin(1)


@bank.wrong("nearest_training", "sample", "training image", "shape")
def _(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    return d.amin(0), d.argmin(0)


@bank.wrong("nearest_training", "nan", "clamp")
def _(samples, train):
    x, y = samples.flatten(1), train.flatten(1)
    square = x.square().sum(1)[:, None] - 2 * x @ y.mT + y.square().sum(1)[None]
    return square.amin(1).sqrt(), square.argmin(1)


@bank.wrong("nearest_training", "index", "second", "one entry", "largest error")
def _(samples, train):
    d = torch.cdist(samples.flatten(1), train.flatten(1))
    return d.amin(1), d.argmin(1) + 1


# 8.7


def sorted_distances(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1)).sort(1).values


@bank.wrong("memorized_fraction", "second", "fixed")
def _(samples, train, ratio):
    return (sorted_distances(samples, train)[:, 0] < ratio).double().mean().item()


@bank.wrong("memorized_fraction", "second", "wrong side", "swapped", "other way")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] * ratio < d[:, 1]).double().mean().item()


@bank.wrong("memorized_fraction", "share", "number of samples")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return float((d[:, 0] < ratio * d[:, 1]).sum())


@bank.wrong("memorized_fraction", "tensor", "float")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] < ratio * d[:, 1]).double().mean()


@bank.wrong("memorized_fraction", "squared", "root")
def _(samples, train, ratio):
    d = sorted_distances(samples, train) ** 2
    return (d[:, 0] < ratio * d[:, 1]).double().mean().item()


@bank.wrong("memorized_fraction", "copies", "wrong way")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] > ratio * d[:, 1]).double().mean().item()


@bank.wrong("memorized_fraction", "second", "third", "place")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] < ratio * d[:, min(2, d.shape[1] - 1)]).double().mean().item()


@bank.wrong("memorized_fraction", "second", "mean", "typical")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] < ratio * d.mean(1)).double().mean().item()


@bank.wrong("memorized_fraction", "training image", "samples")
def _(samples, train, ratio):
    d = sorted_distances(train, samples)
    return (d[:, 0] < ratio * d[:, min(1, d.shape[1] - 1)]).double().mean().item()


@bank.wrong("memorized_fraction", "training image", "counts")
def _(samples, train, ratio):
    d = sorted_distances(samples, train)
    return (d[:, 0] < ratio * d[:, 1]).sum().item() / len(train)


@bank.wrong("memorized_fraction", "absolute", "Euclidean", "largest error")
def _(samples, train, ratio):
    d = torch.cdist(samples.flatten(1), train.flatten(1), p=1).sort(1).values
    return (d[:, 0] < ratio * d[:, 1]).double().mean().item()


# 8.8


@bank.wrong("membership_auc", "lower", "wrong way")
def _(member_losses, other_losses):
    return (member_losses[:, None] > other_losses).double().mean().item()


@bank.wrong("membership_auc", "tie")
def _(member_losses, other_losses):
    return (member_losses[:, None] < other_losses).double().mean().item()


@bank.wrong("membership_auc", "tie")
def _(member_losses, other_losses):
    return (member_losses[:, None] <= other_losses).double().mean().item()


@bank.wrong("membership_auc", "pair", "each", "raised")
def _(member_losses, other_losses):
    return (member_losses < other_losses).double().mean().item()


@bank.wrong("membership_auc", "mean", "typical", "compare")
def _(member_losses, other_losses):
    return (member_losses < other_losses.mean()).double().mean().item()


@bank.wrong("membership_auc", "tensor", "float")
def _(member_losses, other_losses):
    return 0.5 + 0.5 * torch.sign(other_losses - member_losses[:, None]).double().mean()


@bank.wrong("membership_auc", "−1", "½", "runs")
def _(member_losses, other_losses):
    return torch.sign(other_losses - member_losses[:, None]).double().mean().item()


@bank.wrong("membership_auc", "pairs", "N × M", "divide")
def _(member_losses, other_losses):
    lead = other_losses - member_losses[:, None]
    return ((lead > 0).sum() + 0.5 * (lead == 0).sum()).item() / len(other_losses)


@bank.wrong("membership_auc", "threshold", "accuracy")
def _(member_losses, other_losses):
    threshold = (member_losses.mean() + other_losses.mean()) / 2
    return 0.5 * ((member_losses < threshold).double().mean() + (other_losses >= threshold).double().mean()).item()


@bank.wrong("membership_auc", "only which", "differ", "largest error")
def _(member_losses, other_losses):
    return (other_losses.mean() - member_losses.mean()).item()


@bank.wrong("membership_auc", "below ½", "guessing", "round")
def _(member_losses, other_losses):
    auc = 0.5 + 0.5 * torch.sign(other_losses - member_losses[:, None]).double().mean().item()
    return max(auc, 1 - auc)


# 8.9


@bank.wrong("clipped_gradients", "mean is clipped", "every example", "each")
def _(gradients, max_norm):
    mean = gradients.mean(0)
    return mean * min(1.0, max_norm / (mean.norm().item() + 1e-12))


@bank.wrong("clipped_gradients", "number", "direction", "length")
def _(gradients, max_norm):
    return gradients.clip(-max_norm, max_norm).mean(0)


@bank.wrong("clipped_gradients", "longer", "short")
def _(gradients, max_norm):
    return (max_norm * F.normalize(gradients, dim=1)).mean(0)


@bank.wrong("clipped_gradients", "nan", "longer", "zero")
def _(gradients, max_norm):
    return (gradients / gradients.norm(dim=1, keepdim=True) * max_norm).mean(0)


@bank.wrong("clipped_gradients", "sum", "divide", "mean")
def _(gradients, max_norm):
    return (gradients * (max_norm / gradients.norm(dim=1, keepdim=True)).clamp(max=1)).sum(0)


@bank.wrong("clipped_gradients", "left out", "cut")
def _(gradients, max_norm):
    return (gradients * (gradients.norm(dim=1, keepdim=True) <= max_norm)).mean(0)


@bank.wrong("clipped_gradients", "examples", "dim", "own length")
def _(gradients, max_norm):
    return (gradients * (max_norm / gradients.norm(dim=0)).clamp(max=1)).mean(0)


@bank.wrong("clipped_gradients", "whole batch", "own")
def _(gradients, max_norm):
    return (gradients * (max_norm / gradients.norm()).clamp(max=1)).mean(0)


@bank.wrong("clipped_gradients", "minimum", "maximum", "short")
def _(gradients, max_norm):
    return (gradients * (max_norm / gradients.norm(dim=1, keepdim=True)).clamp(min=1, max=1e6)).mean(0)


@bank.wrong("clipped_gradients", "in place")
def _(gradients, max_norm):
    for g in gradients:
        g *= min(1.0, max_norm / max(g.norm().item(), 1e-30))
    return gradients.mean(0)


@bank.wrong("clipped_gradients", "shape", "mean")
def _(gradients, max_norm):
    return gradients * (max_norm / gradients.norm(dim=1, keepdim=True)).clamp(max=1)
