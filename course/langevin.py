r"""Langevin dynamics: samples from a density of which only the score is known.

.. math:: \mathrm d x = \nabla \log p(x) \, \mathrm d t + \sqrt 2 \, \mathrm d w
   \qquad\Longrightarrow\qquad
   x' = x + \varepsilon \nabla \log p(x) + \sqrt{2\varepsilon} \, z

The diffusion keeps p unchanged; its discretization (the *unadjusted* Langevin algorithm, ULA) keeps a density that is
off by O(ε). The Metropolis-adjusted algorithm (MALA) corrects that by rejecting some of the steps.

Source: Roberts and Tweedie (1996), with ε for their h²/2.
"""

from functools import partial

import torch
from torch import Tensor

from course.tensors import (
    check_number,
    check_real,
    evaluate,
    expand,
    one_each,
    positive,
    randn_like,
    returned_one_each,
    shaped_as,
    whole,
)
from course.types import LogDensity, Score, StationaryScore, Step


def langevin_step(x: Tensor, score: StationaryScore, step_size: float, noise: Tensor) -> Tensor:
    r"""One step of unadjusted Langevin dynamics.

    .. math:: x' = x + \varepsilon \nabla \log p(x) + \sqrt{2 \varepsilon} \, z

    Args:
        x: states, shape (B, *D).
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.
        noise: z ~ N(0, I), of x's shape.

    Returns:
        The next states, shape (B, *D).

    Raises:
        ValueError: if the step size is not positive, noise and x differ in shape, or the score modifies x in place.
    """
    _check_step(x, step_size, noise=noise)
    return x + step_size * evaluate("score", score, x) + (2 * step_size) ** 0.5 * noise


@torch.no_grad()
def langevin_chain(
    x: Tensor, score: StationaryScore, step_size: float, n_steps: int, generator: torch.Generator | None = None
) -> Tensor:
    """Every state of n_steps of Langevin dynamics, from the start on; noise is fresh at every step, no graph is kept.

    Args:
        x: the start, shape (B, *D).
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.
        n_steps: how many steps; 0 gives the start alone.
        generator: draws the noise; None draws it from torch's global stream.

    Returns:
        Shape (n_steps + 1, B, *D).

    Raises:
        ValueError: if the step size is not positive, or n_steps is negative.
    """
    _check_step(x, step_size)
    chain = [x]
    for _ in range(whole("n_steps", n_steps)):
        chain.append(langevin_step(chain[-1], score, step_size, randn_like(x, generator)))
    return torch.stack(chain)


def mala_log_accept(
    x: Tensor, proposal: Tensor, log_prob: LogDensity, score: StationaryScore, step_size: float
) -> Tensor:
    r"""Log of the Metropolis–Hastings ratio of a Langevin proposal, not clipped.

    .. math:: \log \frac{p(x') \, q(x \mid x')}{p(x) \, q(x' \mid x)},
       \qquad q(x' \mid x) = \mathcal N(x'; \, x + \varepsilon \nabla \log p(x), \, 2 \varepsilon I)

    Args:
        x: states, shape (B, *D).
        proposal: x′, shape (B, *D).
        log_prob: log p up to a constant, (B, *D) → (B,).
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.

    Returns:
        Shape (B,). Swapping x and x′ changes its sign.

    Raises:
        ValueError: if the step size is not positive, x′ and x differ in shape, or log_prob does not return shape (B,).
    """
    _check_step(x, step_size, proposal=proposal)
    here, there = (evaluate("score", score, at) for at in (x, proposal))
    forward = (proposal - x - step_size * here).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * there).flatten(1).square().sum(1)
    gain = returned_one_each(x, log_prob(proposal), "log_prob") - returned_one_each(x, log_prob(x), "log_prob")
    return gain + (forward - backward) / (4 * step_size)


def mala_step(
    x: Tensor, log_prob: LogDensity, score: StationaryScore, step_size: float, noise: Tensor, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    r"""One step of the Metropolis-adjusted Langevin algorithm: propose a Langevin step, accept it chain by chain.

    .. math:: x' \text{ with probability }
       \min\Bigl(1, \frac{p(x') \, q(x \mid x')}{p(x) \, q(x' \mid x)}\Bigr), \text{ else } x

    Args:
        x: states, shape (B, *D).
        log_prob: log p up to a constant, (B, *D) → (B,).
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.
        noise: z ~ N(0, I), of x's shape.
        uniform: u in (0, 1), shape (B,); a chain accepts where log u < log ratio.

    Returns:
        The next states, shape (B, *D), and which chains moved, shape (B,), bool.

    Raises:
        ValueError: as ``langevin_step`` and ``mala_log_accept`` do, and if there is not one uniform a chain.
    """
    one_each(x, uniform=uniform)
    proposal = langevin_step(x, score, step_size, noise)
    accepted = uniform.log() < mala_log_accept(x, proposal, log_prob, score, step_size)
    return torch.where(expand(accepted, x), proposal, x), accepted


def langevin(score: StationaryScore, step_size: float, generator: torch.Generator | None = None) -> Step:
    """Langevin dynamics as a Step for ``walk``; the times only count the steps.

    Args:
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.
        generator: draws the noise; None draws it from torch's global stream.

    Returns:
        A step that draws fresh noise for ``langevin_step``, and raises what it raises.
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        return langevin_step(x, score, step_size, randn_like(x, generator))

    return step


def mala(
    log_prob: LogDensity, score: StationaryScore, step_size: float, generator: torch.Generator | None = None
) -> Step:
    """Metropolis-adjusted Langevin dynamics as a Step for ``walk``; the times only count the steps.

    Args:
        log_prob: log p up to a constant, (B, *D) → (B,).
        score: ∇ log p, a function of x alone.
        step_size: ε > 0.
        generator: draws the uniforms and the noise; None draws them from torch's global stream.

    Returns:
        A step that draws fresh randomness for ``mala_step``, and raises what it raises.
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        check_real(x=x)
        uniform = torch.rand(len(x), generator=generator, dtype=x.dtype, device=x.device)
        return mala_step(x, log_prob, score, step_size, randn_like(x, generator), uniform)[0]

    return step


def annealed_step_size(sigma: Tensor, sigma_min: float, base: float) -> Tensor:
    """base · (σ/σ_min)²: steps in proportion to the variance, so that every level moves by the same share of its width.

    Raises a ValueError if σ_min is not positive.

    Source: Song and Ermon (2019), algorithm 1.
    """
    positive(sigma_min=sigma_min)
    return base * (sigma / sigma_min) ** 2


@torch.no_grad()
def annealed_langevin(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    base: float,
    n_per_level: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Langevin dynamics at one noise level after another, each starting where the last one ended.

    Args:
        score: s(x, σ), called with σ of shape (B,).
        x: the start, shape (B, \*D), about as wide as the first level.
        sigmas: noise levels, descending, shape (L,).
        base: the step size at the last level; see ``annealed_step_size``.
        n_per_level: steps at each level.
        generator: draws the noise; None draws it from torch's global stream.

    Returns:
        The last states, shape (B, \*D).

    Raises:
        ValueError: if there is no level, they do not descend to a positive one, or a count or size is not positive.

    Source: Song and Ermon (2019), algorithm 1, in our convention ε s + √(2ε) z.
    """
    check_real(x=x)
    sigmas = torch.as_tensor(sigmas).to(x)
    if sigmas.ndim != 1 or not len(sigmas) or not (sigmas > 0).all() or (sigmas.diff() > 0).any():
        raise ValueError(f"Noise levels are positive and descend, shape (L,); got {sigmas.tolist()}.")
    for sigma in sigmas:
        at_level = partial(_at_level, score, sigma)
        size = annealed_step_size(sigma, sigmas[-1].item(), base).item()
        for _ in range(whole("n_per_level", n_per_level, 1)):
            x = langevin_step(x, at_level, size, randn_like(x, generator))
    return x


def _at_level(score: Score, sigma: Tensor, x: Tensor) -> Tensor:
    return score(x, sigma.expand(len(x)))


def _check_step(x: Tensor, step_size: float, **beside: Tensor) -> None:
    check_number(step_size=step_size)
    if not 0 < step_size < float("inf"):
        raise ValueError(f"A step size is positive and finite; got {step_size}.")
    check_real(x=x)
    shaped_as(x, **beside)
