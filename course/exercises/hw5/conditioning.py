"""hw5: how a network is told the noise level, by waves and by the statistics of its channels."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.networks import layers

# -- sinusoidal_embedding ----------------------------------------------------------------------------------------------


def _embedding_cases(draw: Draw) -> list[Case]:
    def case(b: int, dim: int, max_period: float, **how) -> Case:
        t = draw.uniform(b, low=-1.5, high=3.0)  # of order one: single precision in the frequencies is no mistake there
        return Case({"t": t, "dim": dim, "max_period": max_period}, **how)

    return [case(7, 10, 10_000.0), case(4, 12, draw.number(20, 60), gradients=("t",)), case(3, 8, 500.0, no_grad=True)]


def _embedding_remark(function) -> str:
    e = function(torch.tensor([10.0, 13.0, 500.0, 503.0]), 64, 10_000.0)
    near, far = (e[0] @ e[1]).item(), (e[2] @ e[3]).item()
    return f"e(10)·e(13) = {near:.2f} and e(500)·e(503) = {far:.2f}: only the difference of two times counts."


sinusoidal_embedding = Exercise(
    "sinusoidal_embedding", 10, layers.sinusoidal_embedding, _embedding_cases, remark=_embedding_remark
)


def _waves(t: Tensor, omega: Tensor) -> Tensor:
    angle = t[:, None] * omega.to(t)
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def _k(dim: int) -> Tensor:
    return torch.arange(dim // 2, dtype=torch.float64)


@sinusoidal_embedding.misconception("your sines come first: here all cosines stand before all sines.")
def sines_first(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@sinusoidal_embedding.misconception(
    "cosines and sines alternate: put all cosines first, then all sines (torch.cat, not a stack that is flattened)."
)
def alternating(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.stack([angle.cos(), angle.sin()], dim=2).flatten(1)


@sinusoidal_embedding.misconception(
    "you divide k by dim/2 − 1, as some published code does: the exponent here is −k/(dim/2)."
)
def last_frequency_included(t, dim, max_period):
    return _waves(t, max_period ** (-_k(dim) / (dim // 2 - 1)))


@sinusoidal_embedding.misconception(
    "your frequencies fall too slowly: k is divided by dim/2, the number of frequencies, not by dim."
)
def divided_by_dim(t, dim, max_period):
    return _waves(t, max_period ** (-_k(dim) / dim))


@sinusoidal_embedding.misconception("your frequencies fall too fast: the exponent is −k/(dim/2), which is −2k/dim.")
def exponent_doubled(t, dim, max_period):
    return _waves(t, max_period ** (-2 * _k(dim) / (dim // 2)))


@sinusoidal_embedding.misconception("your frequencies grow with k: the exponent is negative, max_period^(−k/(dim/2)).")
def frequencies_grow(t, dim, max_period):
    return _waves(t, max_period ** (_k(dim) / (dim // 2)))


@sinusoidal_embedding.misconception("k starts at 0, so that the fastest wave has frequency 1; yours starts at 1.")
def starts_at_one(t, dim, max_period):
    return _waves(t, max_period ** (-(_k(dim) + 1) / (dim // 2)))


@sinusoidal_embedding.misconception("there is no 2π here: the angle is frequency × time.")
def with_two_pi(t, dim, max_period):
    return _waves(t, 2 * math.pi * max_period ** (-_k(dim) / (dim // 2)))


@sinusoidal_embedding.misconception(
    "`max_period` has no effect: it is the base of the powers, not always ten thousand.", credit=0.5
)
def period_ignored(t, dim, max_period):
    return _waves(t, 10_000.0 ** (-_k(dim) / (dim // 2)))


@sinusoidal_embedding.misconception(
    "your frequencies are equally spaced: they are powers of max_period, each smaller than the last by one factor."
)
def equally_spaced(t, dim, max_period):
    return _waves(t, torch.linspace(1, 1 / max_period, dim // 2, dtype=torch.float64))


@sinusoidal_embedding.misconception(
    "exp(−k/(dim/2)) has the base e: multiply the exponent by log(max_period), or take powers of max_period."
)
def base_e(t, dim, max_period):
    return _waves(t, torch.exp(-_k(dim) / (dim // 2)))


@sinusoidal_embedding.misconception(
    "integer division (//) makes every exponent zero, so all frequencies are 1: divide with /."
)
def integer_division(t, dim, max_period):
    return _waves(t, max_period ** (-(_k(dim) // (dim // 2))))


# -- conditional_instance_norm -----------------------------------------------------------------------------------------


def _norm_cases(draw: Draw) -> list[Case]:
    def case(contrast: float, offset: float, b: int, c: int, h: int, w: int, **how) -> Case:
        spread = draw.uniform(b, c, 1, 1, low=0.5, high=2.0)
        x = offset + contrast * (2 * draw.normal(b, c, 1, 1) + spread * draw.normal(b, c, h, w))
        told = {"gamma": 1 + draw.normal(b, c) / 2, "alpha": 1 + draw.normal(b, c), "beta": draw.normal(b, c)}
        return Case({"x": x, **told}, **how)

    return [
        case(1.0, 0.5, 2, 3, 4, 5, gradients=("x", "gamma", "alpha", "beta")),
        case(0.005, 0.0, 6, 4, 3, 2, magnitude=5),  # variances of the order of 10⁻⁵
        case(1.0, 1000.0, 3, 5, 6, 4, no_grad=True, magnitude=1000),
    ]


def _norm_remark(function) -> str:
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    brighter = x + torch.tensor([-2.0, 3.0, 1.0]).reshape(1, 3, 1, 1)
    one, zero = torch.ones(1, 3), torch.zeros(1, 3)
    blind, seeing = ((function(x, one, a, zero) - function(brighter, one, a, zero)).abs().max() for a in (zero, one))
    return (
        f"channels made brighter or darker: at α = 0 the result moves by {blind:.0e}, at α = 1 by {seeing:.1f}: "
        "α decides what is remembered."
    )


conditional_instance_norm = Exercise(
    "conditional_instance_norm", 14, layers.conditional_instance_norm, _norm_cases, remark=_norm_remark
)

EPS = 1e-5


def _wide(a: Tensor) -> Tensor:
    return a[:, :, None, None]


def _unit(a: Tensor, dim, unbiased: bool) -> Tensor:
    return (a - a.mean(dim, keepdim=True)) / (a.var(dim, unbiased=unbiased, keepdim=True) + EPS).sqrt()


def _plus_plus(normalized, means, gamma, alpha, beta):
    return _wide(gamma) * (normalized + _wide(alpha * means)) + _wide(beta)


@conditional_instance_norm.misconception(
    "the channels' means are lost, since α has no effect: add α times the normalized means before γ multiplies."
)
def means_not_put_back(x, gamma, alpha, beta):
    mean = x.mean(dim=(2, 3), keepdim=True)
    var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
    return gamma[:, :, None, None] * (x - mean) / torch.sqrt(var + 1e-5) + beta[:, :, None, None]


@conditional_instance_norm.misconception(
    "the variance over pixels is the biased one: divide by H·W, with unbiased=False.", credit=0.5
)
def pixels_unbiased(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (2, 3), True), _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "the variance of the means over channels is the unbiased one: divide by C − 1, torch's default.", credit=0.5
)
def channels_biased(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (2, 3), False), _unit(x.mean((2, 3)), 1, False), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "α multiplies the means as they are: normalize them over the channels first (subtract their mean, divide by √(var "
    "+ 1e-5))."
)
def raw_means(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (2, 3), False), x.mean((2, 3)), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "your means are only centred: divide them by √(their variance over channels + 1e-5) too."
)
def means_only_centred(x, gamma, alpha, beta):
    mean = x.mean((2, 3))
    return _plus_plus(_unit(x, (2, 3), False), mean - mean.mean(1, keepdim=True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "your means are normalized over the batch, so that images influence one another: normalize over channels, dim 1."
)
def means_over_batch(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (2, 3), False), _unit(x.mean((2, 3)), 0, True), gamma, alpha, beta)


@conditional_instance_norm.misconception("that is batch norm: each image's own pixels, dims 2 and 3, not those of all.")
def batch_norm(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (0, 2, 3), False), _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "that is layer norm: each channel is normalized by its own mean and variance over dims 2 and 3 alone."
)
def layer_norm(x, gamma, alpha, beta):
    return _plus_plus(_unit(x, (1, 2, 3), False), _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "γ multiplies the sum of both terms, the normalized means too: γ·(x̂ + α·μ̂) + β."
)
def gamma_on_pixels_alone(x, gamma, alpha, beta):
    shift = alpha * _unit(x.mean((2, 3)), 1, True) + beta
    return _wide(gamma) * _unit(x, (2, 3), False) + _wide(shift)


@conditional_instance_norm.misconception("γ multiplies β as well: β is added last, γ·(x̂ + α·μ̂) + β.")
def gamma_on_beta(x, gamma, alpha, beta):
    return _wide(gamma) * (_unit(x, (2, 3), False) + _wide(alpha * _unit(x.mean((2, 3)), 1, True) + beta))


@conditional_instance_norm.misconception("you multiply by 1 + γ: here the scale is γ itself.")
def one_plus_gamma(x, gamma, alpha, beta):
    return layers.conditional_instance_norm(x, 1 + gamma, alpha, beta)


@conditional_instance_norm.misconception("the mean stays in x̂: subtract it before you divide.")
def mean_not_subtracted(x, gamma, alpha, beta):
    deviation = (x.var((2, 3), unbiased=False, keepdim=True) + EPS).sqrt()
    return _plus_plus(x / deviation, _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "1e-5 is added to the variances, under the root: √(var + 1e-5), not √var + 1e-5.", credit=0.5
)
def epsilon_outside(x, gamma, alpha, beta):
    def unit(a, dim, unbiased):
        return (a - a.mean(dim, keepdim=True)) / (a.std(dim, unbiased=unbiased, keepdim=True) + EPS)

    return _plus_plus(unit(x, (2, 3), False), unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "without 1e-5 under the root, a flat channel divides by zero: √(var + 1e-5), for pixels and for means.", credit=0.5
)
def epsilon_missing(x, gamma, alpha, beta):
    def unit(a, dim, unbiased):
        return (a - a.mean(dim, keepdim=True)) / a.std(dim, unbiased=unbiased, keepdim=True)

    return _plus_plus(unit(x, (2, 3), False), unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception(
    "every image gets the γ, α and β of the first: each row of them belongs to one image, at its own noise level."
)
def one_row_for_all(x, gamma, alpha, beta):
    return layers.conditional_instance_norm(x, *(a[:1].expand_as(a) for a in (gamma, alpha, beta)))


@conditional_instance_norm.misconception(
    "the variance as E[x²] − E[x]² subtracts two huge numbers where an image is bright: use x.var or centre x first.",
    credit=0.5,
)
def variance_by_difference(x, gamma, alpha, beta):
    mean = x.mean((2, 3), keepdim=True)
    var = ((x * x).mean((2, 3), keepdim=True) - mean * mean).relu()
    normalized = (x - mean) / (var + EPS).sqrt()
    return _plus_plus(normalized, _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)


@conditional_instance_norm.misconception("you divide by the variance: divide by its root, the standard deviation.")
def divided_by_variance(x, gamma, alpha, beta):
    normalized = F.instance_norm(x, eps=EPS) / (x.var((2, 3), unbiased=False, keepdim=True) + EPS).sqrt()
    return _plus_plus(normalized, _unit(x.mean((2, 3)), 1, True), gamma, alpha, beta)
