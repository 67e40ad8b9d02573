r"""Score matching: a score is learned from data, without the normalizing constant.

What is wanted is the Fisher divergence to an unknown score; integration by parts (Hyvärinen), a random projection
(Song et al.) or noise (Vincent) turn it into something that data alone can estimate, up to a constant. Reported losses
are means over the batch, in which a squared norm sums over all of D.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.processes import Process
from course.tensors import expand, randn_like
from course.types import Field, Score, StationaryScore


def fisher_divergence(score: StationaryScore, true_score: StationaryScore, x: Tensor) -> Tensor:
    r"""Explicit score matching, ½ E‖s(x) − ∇ log p(x)‖²; x (B, \*D) from p → ().

    Source: Hyvärinen (2005), eq. 2.
    """
    return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


def jacobian_trace(score: StationaryScore, x: Tensor) -> Tensor:
    r"""tr ∇s(x) = Σ_i ∂s_i/∂x_i, with D backward passes; x (B, \*D) → (B,), differentiable in s's parameters."""
    return value_and_trace(score, x)[1]


def implicit_score_matching(score: StationaryScore, x: Tensor) -> Tensor:
    r"""Hyvärinen's loss, which differs from the Fisher divergence by a constant that no score changes.

    .. math:: E\bigl[\tfrac12 \lVert s(x) \rVert^2 + \operatorname{tr} \nabla s(x)\bigr]

    Args:
        score: (B, \*D) → (B, \*D), example by example.
        x: data, shape (B, \*D).

    Returns:
        Shape (), differentiable in the score's parameters.

    Source: Hyvärinen (2005), eq. 4.
    """
    s, trace = value_and_trace(score, x)
    return (0.5 * s.flatten(1).square().sum(1) + trace).mean()


def hutchinson_trace(score: StationaryScore, x: Tensor, probe: Tensor) -> Tensor:
    r"""vᵀ∇s(x)v with one backward pass; its mean over probes with E[vvᵀ] = I is the trace.

    Args:
        score: (B, \*D) → (B, \*D), example by example.
        x: shape (B, \*D).
        probe: v, shape (B, \*D).

    Returns:
        Shape (B,), differentiable in the score's parameters.

    Raises:
        ValueError: if probe and x differ in shape.

    Source: Hutchinson (1990).
    """
    return value_and_trace(score, x, probe)[1]


def sliced_score_matching(score: StationaryScore, x: Tensor, probe: Tensor) -> Tensor:
    r"""Implicit score matching along random directions, in the form that projects only the Jacobian.

    .. math:: E\bigl[\tfrac12 \lVert s(x) \rVert^2 + v^\top \nabla s(x) \, v\bigr]

    Args, shapes and errors are those of ``hutchinson_trace``; returns shape ().

    Source: Song et al. (2019), eq. 8.
    """
    s, trace = value_and_trace(score, x, probe)
    return (0.5 * s.flatten(1).square().sum(1) + trace).mean()


@torch.enable_grad()
def value_and_trace(
    score: StationaryScore, x: Tensor, probe: Tensor | None = None, differentiable: bool = True
) -> tuple[Tensor, Tensor]:
    r"""s(x) and the trace of its Jacobian, from one evaluation of the score.

    Args:
        score: (B, \*D) → (B, \*D), example by example.
        x: shape (B, \*D).
        probe: v, shape (B, \*D); with it the trace is ``hutchinson_trace``, else the exact ``jacobian_trace``.
        differentiable: keep the graph, to train the score. Without it both results are plain numbers.

    Returns:
        Shapes (B, \*D) and (B,).

    Raises:
        ValueError: if probe and x differ in shape.
    """
    if probe is not None and probe.shape != x.shape:
        raise ValueError(f"A probe has the shape of x, {tuple(x.shape)}; got {tuple(probe.shape)}.")
    x = x.detach().requires_grad_()
    s = score(x)

    def gradient(values: Tensor) -> Tensor:
        """Of the sum of values, zero where they do not depend on x."""
        if not values.requires_grad:
            return torch.zeros_like(x).flatten(1)
        (found,) = torch.autograd.grad(
            values.sum(), x, retain_graph=True, create_graph=differentiable, materialize_grads=True
        )
        return found.flatten(1)

    if probe is None:
        trace = torch.stack([gradient(s_i)[:, i] for i, s_i in enumerate(s.flatten(1).unbind(1))]).sum(0)
    else:
        trace = (gradient(s * probe) * probe.flatten(1)).sum(1)
    return (s, trace) if differentiable else (s.detach(), trace)


def error_by_density(
    score: StationaryScore, true_score: StationaryScore, x: Tensor, log_density: Tensor, edges: Tensor
) -> Tensor:
    r"""Where a score is wrong: the mean of ‖s − ∇ log p‖² in each bin of log-density.

    Args:
        score, true_score: (B, \*D) → (B, \*D).
        x: shape (B, \*D).
        log_density: log p(x), shape (B,).
        edges: ascending, shape (M + 1,); bin j is [edge j, edge j + 1), and points outside all bins are left out.

    Returns:
        Shape (M,), nan in a bin without points.
    """
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.where(inside, error[:, None], 0.0).sum(0) / inside.sum(0)


# -- denoising ---------------------------------------------------------------------------------------------------------


def perturb(x0: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    r"""x₀ + σz, each example at its own noise level; x₀ and z (B, \*D), σ (B,) → (B, \*D)."""
    return x0 + expand(sigma, x0) * noise


def dsm_target(noise: Tensor, sigma: Tensor) -> Tensor:
    r"""∇ₓ log N(x; x₀, σ²I) = −z/σ at x = x₀ + σz; z (B, \*D), σ (B,) → (B, \*D)."""
    return -noise / expand(sigma, noise)


def dsm_loss(score: Score, x0: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    r"""Denoising score matching, weighted by σ² so that every noise level counts alike.

    .. math:: \tfrac12 \, E \, \sigma^2 \Bigl\lVert s(x_0 + \sigma z, \sigma) + \frac{z}{\sigma} \Bigr\rVert^2

    Args:
        score: s(x, σ) with σ of shape (B,).
        x0: data, shape (B, \*D).
        sigma: σ > 0, shape (B,).
        noise: z ~ N(0, I), of the data's shape.

    Returns:
        Shape (). Its minimizer is the score of the data under noise.

    Source: Vincent (2011); Song and Ermon (2019), eq. 5 and 6.
    """
    residual = score(perturb(x0, sigma, noise), sigma) - dsm_target(noise, sigma)
    return 0.5 * (expand(sigma, x0) * residual).flatten(1).square().sum(1).mean()


def denoise(score: Score, x: Tensor, sigma: Tensor) -> Tensor:
    r"""Tweedie's formula, E[x₀ | x] = x + σ² s(x, σ); x (B, \*D), σ (B,) → (B, \*D)."""
    return x + expand(sigma**2, x) * score(x, sigma)


def noise_loss(noise: Field, process: Process, x0: Tensor, t: Tensor, z: Tensor) -> Tensor:
    r"""Mean squared error of a predicted noise, E‖ε̂(α x₀ + σz, t) − z‖² per dimension: DDPM's loss, for any process.

    It is denoising score matching for s = −ε̂/σ, twice ``dsm_loss`` over D. Shapes: x₀ and z (B, \*D), t (B,) → ().

    Source: Ho et al. (2020), eq. 14.
    """
    return (noise(process.perturb(x0, t, z), t) - z).square().mean()


def velocity_loss(velocity: Field, process: Process, x0: Tensor, t: Tensor, z: Tensor) -> Tensor:
    r"""Mean squared error of a predicted velocity, E‖v̂(α x₀ + σz, t) − (α′x₀ + σ′z)‖² per dimension: flow matching.

    Shapes: x₀ and z (B, \*D), t (B,) → ().

    Source: Lipman et al. (2023), eq. 9.
    """
    alpha, sigma = (expand(a, x0) for a in process.kernel(t))
    slope = expand(process.variance_rate(t), x0) / (2 * sigma)
    target = expand(process.decay(t), x0) * alpha * x0 + slope * z
    return (velocity(process.perturb(x0, t, z), t) - target).square().mean()


def edm_loss(
    denoiser: Callable[..., Tensor],
    x0: Tensor,
    generator: torch.Generator | None = None,
    *given: Tensor,
    sigma_data: float = 0.5,
    mean: float = -1.2,
    std: float = 1.2,
) -> Tensor:
    r"""Denoising at noise levels log σ ~ N(mean, std²), weighted so that a preconditioned network sees unit errors.

    .. math:: E\,\frac{\sigma^2 + \sigma_d^2}{(\sigma \sigma_d)^2} \lVert D(x_0 + \sigma z, \sigma) - x_0 \rVert^2 / D

    Args:
        denoiser: D(x, σ, \*given), such as ``Preconditioned``.
        x0: data, shape (B, \*D).
        generator: draws σ and z.
        given: handed on, such as labels.

    Returns:
        Shape ().

    Source: Karras et al. (2022), table 1.
    """
    level = torch.randn(len(x0), generator=generator, dtype=x0.dtype, device=x0.device)
    sigma = (mean + std * level).exp()
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    error = denoiser(perturb(x0, sigma, randn_like(x0, generator)), sigma, *given) - x0
    return (expand(weight, x0) * error.square()).mean()
