r"""Three dimensions from a prior of pictures: score distillation (slide 33).

A volume is right when its picture from every side is probable. So render it from somewhere, add noise, let the prior
say what the noise was, and move the picture, and through the renderer the volume, against the error:

.. math:: \nabla_\theta = E \Bigl[ w \, \alpha \, \bigl(\hat\varepsilon(\alpha x + \sigma \varepsilon) - \varepsilon
   \bigr) \frac{\partial x}{\partial \theta} \Bigr]

This descends the KL divergence from the noisy picture's law to the prior's, so it seeks modes and does not sample: on
a Gaussian every start ends at the mean.

DreamFusion distils Imagen at guidance weight 100, without which its volumes stay blurred, and tells the view in words
("back view"). Our prior has seen heads alone and is told the azimuth itself, so that it needs no guidance; w = σ makes
the error x − x̂₀, in a picture's own units, and noise that falls as the volume grows makes it sharp.

Source: Poole et al. (2023), eq. 3; Wang et al. (2023) on the noise.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course.applications.volumes import pictures_of
from course.data.solids import over
from course.guidance import classifier_free
from course.networks.view import view_of
from course.tensors import (
    check_generator,
    check_real,
    expand,
    finite,
    one_each,
    positive,
    randn_like,
    returned_as,
    shaped_as,
    whole,
)

Prior = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(noisy pictures x₀ + σε (B, C, H, W), σ (B,), azimuth (B,)) → ε̂ (B, C, H, W)."""


@torch.no_grad()
def score_distillation(
    x: Tensor,
    noise_prediction: Callable[[Tensor], Tensor],
    alpha: Tensor,
    sigma: Tensor,
    noise: Tensor,
    weight: Tensor,
) -> Tensor:
    r"""The gradient w·α·(ε̂(αx + σε) − ε) with respect to x that score distillation descends.

    The derivative of ε̂ is left out: the prior is asked, not differentiated.

    Args:
        x: what was rendered, shape (B, \*D).
        noise_prediction: ε̂, a function of the noisy x alone, (B, \*D) → (B, \*D).
        alpha, sigma: of the noise process at some time, shape (B,).
        noise: ε ~ N(0, I), of x's shape.
        weight: w, shape (B,).

    Returns:
        Shape (B, \*D), without a graph. ``x.backward(gradient)`` hands it on to whatever x was rendered from.

    Source: Poole et al. (2023), eq. 3.
    """
    check_real(2, x=x)
    shaped_as(x, noise=noise)
    one_each(x, alpha=alpha, sigma=sigma, weight=weight)
    noisy = expand(alpha, x) * x + expand(sigma, x) * noise
    return expand(weight * alpha, x) * (returned_as(x, noise_prediction(noisy), "noise_prediction") - noise)


def view_prior(denoiser: Callable[..., Tensor], scale: float = 1.0, told: bool = True) -> Prior:
    r"""ε̂ = (x − D) / σ of a denoiser D(x, σ, view), guided towards the view by ``scale``, or not told of it at all."""
    finite(scale=scale)

    def noise_prediction(x: Tensor, sigma: Tensor, azimuth: Tensor) -> Tensor:
        view = view_of(azimuth, x)
        check_real(sigma=sigma)
        one_each(x, sigma=sigma)
        if not told or scale == 0:
            clean = denoiser(x, sigma, 0 * view)
        elif scale == 1:
            clean = denoiser(x, sigma, view)
        else:
            both = denoiser(torch.cat([x, x]), torch.cat([sigma, sigma]), torch.cat([view, 0 * view]))
            clean = classifier_free(both[: len(x)], both[len(x) :], scale)
        return (x - returned_as(x, clean, "denoiser")) / expand(sigma, x)

    return noise_prediction


def distill(
    prior: Prior,
    volume: nn.Module,
    steps: int = 600,
    *,
    views: int = 8,
    sigmas: tuple[float, float] = (3.0, 0.1),
    lr: float = 0.1,
    azimuths: Tensor | None = None,
    background: float | None = None,
    regularizer: Callable[[], Tensor] | None = None,
    generator: torch.Generator | None = None,
    each: Callable[[int, nn.Module], Any] | None = None,
) -> nn.Module:
    r"""Teach a volume, in place, until its pictures from all around please a prior.

    Each step renders views at equal distances, turned together by a random angle, or some of those that are given.
    Their noise falls from σ_max to σ_min along a geometric sequence, give or take half an octave.

    Args:
        prior: ε̂(x₀ + σε, σ, azimuth), such as ``view_prior``.
        volume: azimuth (B,) → pictures with coverage (B, 4, H, W), such as ``Volume``.
        steps: of Adam.
        views: rendered at each step.
        sigmas: σ_max and σ_min.
        lr: Adam's learning rate, which falls linearly to zero.
        azimuths: the only ones that are rendered, shape (A,), A ≥ views; None for any.
        background: a number, or None for a random colour behind each picture, which only density can hide.
        regularizer: a scalar to be small beside, such as a multiple of ``volume.variation``.
        generator: draws angles, backgrounds and noise.
        each: called with the step's number and the volume after each step, to watch.

    Returns:
        The volume.

    Raises:
        ValueError: if a number is out of range, or the prior's result has another shape.
    """
    check_generator(generator)
    whole("steps", steps), whole("views", views, 1)
    positive(sigma_max=sigmas[0], sigma_min=sigmas[1], lr=lr)
    if not isinstance(volume, nn.Module):
        raise TypeError(
            f"Expected a volume with parameters, an nn.Module; got a value of type {type(volume).__name__}."
        )
    if azimuths is not None:
        check_real(azimuths=azimuths)
        if azimuths.ndim != 1 or len(azimuths) < views:
            raise ValueError(f"Expected {views} azimuths or more, as many as views; got {tuple(azimuths.shape)}.")
    optimizer = torch.optim.Adam(volume.parameters(), lr=lr, betas=(0.9, 0.99))
    uniform = partial(torch.rand, generator=generator)
    for k in range(steps):
        azimuth = 2 * math.pi * (torch.arange(views) + uniform(1)) / views
        if azimuths is not None:
            azimuth = azimuths[torch.randperm(len(azimuths), generator=generator)[:views]]
        x = over(pictures_of(volume, azimuth), 2 * uniform(views, 3, 1, 1) - 1 if background is None else background)
        share = k / steps
        level = sigmas[0] * (sigmas[1] / sigmas[0]) ** share
        sigma = level * 2 ** (uniform(views) - 0.5)
        told = lambda noisy, sigma=sigma, azimuth=azimuth: prior(noisy, sigma, azimuth)
        gradient = score_distillation(x, told, torch.ones(views), sigma, randn_like(x, generator), sigma)
        loss = (gradient * x).sum() / views
        if regularizer:
            loss = loss + regularizer()
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - share)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if each:
            each(k, volume)
    return volume
