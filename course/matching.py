r"""Score matching: a score is learned from data, without the normalizing constant.

What is wanted is the Fisher divergence to an unknown score; integration by parts (Hyvärinen), a random projection
(Song et al.) or noise (Vincent) turn it into something that data alone can estimate, up to a constant. Reported losses
are means over the batch, in which a squared norm sums over all of D.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.processes import Process
from course.tensors import (
    check_generator,
    check_real,
    expand,
    leaf,
    not_empty,
    one_each,
    positive,
    randn_like,
    returned_as,
    shaped_as,
    with_gradients,
)
from course.types import Field, Score, StationaryScore


def fisher_divergence(score: StationaryScore, true_score: StationaryScore, x: Tensor) -> Tensor:
    r"""Explicit score matching, ½ E‖s(x) − ∇ log p(x)‖²; x (B, \*D) from p → ().

    Raises a ValueError where one of the two does not return the shape of x.

    Source: Hyvärinen (2005), eq. 2.
    """
    return 0.5 * _residual(score, true_score, x).flatten(1).square().sum(1).mean()


def _residual(score: StationaryScore, true_score: StationaryScore, x: Tensor) -> Tensor:
    not_empty(x=x)
    check_real(2, x=x)
    return returned_as(x, score(x), "score") - returned_as(x, true_score(x), "true_score")


def jacobian_trace(score: StationaryScore, x: Tensor) -> Tensor:
    r"""tr ∇s(x) = Σ_i ∂s_i/∂x_i, with D backward passes; x (B, \*D) → (B,), differentiable in s's parameters.

    Raises a ValueError where s detaches a part of itself, which three evaluations more find out (``value_and_trace``).
    """
    return value_and_trace(score, x, checked=True)[1]


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
    not_empty(x=x)
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
    shaped_as(x, probe=probe)
    return value_and_trace(score, x, probe)[1]


def sliced_score_matching(score: StationaryScore, x: Tensor, probe: Tensor) -> Tensor:
    r"""Implicit score matching along random directions, in the form that projects only the Jacobian.

    .. math:: E\bigl[\tfrac12 \lVert s(x) \rVert^2 + v^\top \nabla s(x) \, v\bigr]

    Args, shapes and errors are those of ``hutchinson_trace``; returns shape ().

    Source: Song et al. (2019), eq. 8.
    """
    not_empty(x=x)
    shaped_as(x, probe=probe)
    s, trace = value_and_trace(score, x, probe)
    return (0.5 * s.flatten(1).square().sum(1) + trace).mean()


def value_and_trace(
    score: StationaryScore,
    x: Tensor,
    probe: Tensor | None = None,
    differentiable: bool = True,
    checked: bool = False,
) -> tuple[Tensor, Tensor]:
    r"""s(x) and the trace of its Jacobian, from one evaluation of the score.

    Args:
        score: (B, \*D) → (B, \*D), example by example.
        x: shape (B, \*D).
        probe: v, shape (B, \*D); with it the trace is ``hutchinson_trace``, else the exact ``jacobian_trace``.
        differentiable: keep the graph, to train the score. Without it both results are plain numbers.
        checked: compare derivatives with differences of the score, from three evaluations more. Without it, as in
            losses, a score that detaches only a part of what depends on x gives a wrong trace.

    Returns:
        Shapes (B, \*D) and (B,).

    Raises:
        ValueError: if probe, s(x) and x differ in shape, or the score depends on x but returns no graph that leads to
            it, or, where checked, one that tells only a part of how it depends.
    """
    check_real(2, x=x)
    if probe is not None:
        shaped_as(x, probe=probe)
    with with_gradients():
        x = leaf(x)
        s = returned_as(x, score(x), "score")
        columns = s.flatten(1).unbind(1) if probe is None else [s * probe]
        slopes = [_slope(values, x, differentiable) for values in columns]
        lost = all(slope is None for slope in slopes) and _depends_on_x(score, x, s)
        if lost or (checked and _tells_a_part(score, x, s, slopes, probe)):
            raise ValueError(
                f"The score depends on x but returned no graph that leads to x{'' if lost else ' all the way'}, so its "
                "Jacobian is unknown: it detaches (`.detach()`, `torch.no_grad`, or a gradient without a graph)."
            )
        if probe is None:
            parts = [slope[:, i] for i, slope in enumerate(slopes) if slope is not None]
        else:
            parts = [(slope * probe.flatten(1)).sum(1) for slope in slopes if slope is not None]
        trace = torch.stack(parts).sum(0) if parts else x.new_zeros(len(x))
    return (s, trace) if differentiable else (s.detach(), trace.detach())


def _slope(values: Tensor, x: Tensor, differentiable: bool) -> Tensor | None:
    """The gradient of the values' sum by x, shape (B, D); None where no graph leads from them to x."""
    if not values.requires_grad:
        return None
    (found,) = torch.autograd.grad(values.sum(), x, retain_graph=True, create_graph=differentiable, allow_unused=True)
    return None if found is None else found.flatten(1)


def _depends_on_x(score: StationaryScore, x: Tensor, s: Tensor) -> bool:
    """Whether the score is another one a little further on: a constant one has no graph, and is right to have none."""
    return not torch.equal(_elsewhere(score, x, 0.01 * (x.detach().abs() + 1) * _direction(x)), s.detach())


def _tells_a_part(
    score: StationaryScore, x: Tensor, s: Tensor, slopes: list[Tensor | None], probe: Tensor | None
) -> bool:
    """Whether derivatives along a direction are not the differences of the score, in most examples and beyond doubt.

    Three differences, ahead, behind and twice as far, say how well they are known: at kinks, jumps and details that
    they step over, and where rounding or chance is as large as they are, they differ, and nothing is said; nor of less
    than six numbers, which may agree by chance.
    """
    read = lambda s: s.flatten(1) if probe is None else (s * probe).flatten(1)
    total = lambda s: read(s) if probe is None else read(s).sum(1, keepdim=True)
    s, along, eps = s.detach(), _direction(x), torch.finfo(x.dtype).eps
    told = torch.stack(
        [(0 * x if g is None else g.detach()).flatten(1).mul(along.flatten(1)).sum(1) for g in slopes], 1
    )
    size = x.detach().flatten(1).abs().amax(1)
    h = eps ** (1 / 3) * torch.where(size > 0, size, 1.0)
    steps = [k * expand(h, x) for k in (1, -1, 2)]
    seen = torch.stack([total(_elsewhere(score, x, a * along) - s) / a.flatten(1) for a in steps])
    spread, length = (seen - seen[0]).norm(dim=2).amax(0), seen.norm(dim=2).amin(0)
    error, rounding = (seen - told).norm(dim=2).amin(0), eps * read(s).norm(dim=1) / h
    sure = (error > 10 * spread + 100 * rounding + 0.02 * length) & (spread < 0.1 * length)
    return told.numel() >= 6 and sure.float().mean().item() > 0.5


def _direction(x: Tensor) -> Tensor:
    return randn_like(x.detach(), torch.Generator(x.device).manual_seed(0))


def _elsewhere(score: StationaryScore, x: Tensor, change: Tensor) -> Tensor:
    """The score at x + change, leaving the global generators as they are."""
    with torch.random.fork_rng([x.device] if x.is_cuda else []):
        return returned_as(x, score(leaf(x + change)), "score").detach()


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
    one_each(x, log_density=log_density)
    error = _residual(score, true_score, x).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.where(inside, error[:, None], 0.0).sum(0) / inside.sum(0)


# -- denoising ---------------------------------------------------------------------------------------------------------


def perturb(x0: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    r"""x₀ + σz, each example at its own noise level; x₀ and z (B, \*D), σ (B,) → (B, \*D)."""
    check_real(x0=x0)
    shaped_as(x0, noise=noise)
    return x0 + expand(sigma, x0) * noise


def dsm_target(noise: Tensor, sigma: Tensor) -> Tensor:
    r"""∇ₓ log N(x; x₀, σ²I) = −z/σ at x = x₀ + σz; z (B, \*D), σ (B,) → (B, \*D)."""
    check_real(noise=noise)
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
    not_empty(x0=x0)
    check_real(2, x0=x0)
    residual = returned_as(x0, score(perturb(x0, sigma, noise), sigma), "score") - dsm_target(noise, sigma)
    return 0.5 * (expand(sigma, x0) * residual).flatten(1).square().sum(1).mean()


def denoise(score: Score, x: Tensor, sigma: Tensor) -> Tensor:
    r"""Tweedie's formula, E[x₀ | x] = x + σ² s(x, σ); x (B, \*D), σ (B,) → (B, \*D)."""
    check_real(x=x, sigma=sigma)
    return x + expand(sigma**2, x) * returned_as(x, score(x, sigma), "score")


def noise_loss(noise: Field, process: Process, x0: Tensor, t: Tensor, z: Tensor) -> Tensor:
    r"""Mean squared error of a predicted noise, E‖ε̂(α x₀ + σz, t) − z‖² per dimension: DDPM's loss, for any process.

    It is denoising score matching for s = −ε̂/σ, twice ``dsm_loss`` over D. Shapes: x₀ and z (B, \*D), t (B,) → ().

    Source: Ho et al. (2020), eq. 14.
    """
    not_empty(x0=x0)
    return (returned_as(x0, noise(process.perturb(x0, t, z), t), "noise") - z).square().mean()


def velocity_loss(velocity: Field, process: Process, x0: Tensor, t: Tensor, z: Tensor) -> Tensor:
    r"""Mean squared error of a predicted velocity, E‖v̂(α x₀ + σz, t) − (α′x₀ + σ′z)‖² per dimension: flow matching.

    Shapes: x₀ and z (B, \*D), t (B,) → ().

    Source: Lipman et al. (2023), eq. 9.
    """
    not_empty(x0=x0)
    shaped_as(x0, z=z)
    alpha_rate, sigma_rate = (expand(a, x0) for a in process.rates(t))
    target = alpha_rate * x0 + sigma_rate * z
    return (returned_as(x0, velocity(process.perturb(x0, t, z), t), "velocity") - target).square().mean()


def edm_loss(
    denoiser: Callable[..., Tensor],
    x0: Tensor,
    generator: torch.Generator | None = None,
    *given: Tensor,
    sigma_data: float = 0.5,
    mean: float = -1.2,
    std: float = 1.2,
    left: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    r"""Denoising at noise levels log σ ~ N(mean, std²), weighted so that a preconditioned network sees unit errors.

    .. math:: E\,\frac{\sigma^2 + \sigma_d^2}{(\sigma \sigma_d)^2} \lVert D(x_0 + \sigma z, \sigma) - x_0 \rVert^2 / D

    Args:
        denoiser: D(x, σ, \*given), such as ``Preconditioned``.
        x0: data, shape (B, \*D).
        generator: draws σ and z.
        given: handed on, such as labels.
        left: σ → the loss that is left at it, (B,) → (B,): each level is divided by it, so that none drowns another.

    Returns:
        Shape ().

    Source: Karras et al. (2022), table 1; Karras et al. (2024), EDM2, learn what is left.
    """
    not_empty(x0=x0)
    check_generator(generator)
    positive(sigma_data=sigma_data)
    level = torch.randn(len(x0), generator=generator, dtype=x0.dtype, device=x0.device)
    sigma = (mean + std * level).exp()
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    if left is not None:
        weight = weight / left(sigma)
    error = returned_as(x0, denoiser(perturb(x0, sigma, randn_like(x0, generator)), sigma, *given), "denoiser") - x0
    return (expand(weight, x0) * error.square()).mean()
