"""Data in the plane: mixtures whose density is known, and shapes whose density is not."""

import math

import torch
from torch import Tensor

from course.densities import GaussianMixture
from course.tensors import check_generator, finite, positive, whole


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.1) -> GaussianMixture:
    """Equal Gaussians on a circle around zero."""
    whole("modes", modes, 1)
    positive(std=std)
    finite(radius=radius)
    angle = 2 * math.pi * torch.arange(modes) / modes
    means = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return GaussianMixture(torch.full((modes,), 1 / modes), means, torch.full((modes,), std))


def two_modes(separation: float = 4.0, std: float = 0.5, weight: float = 0.5) -> GaussianMixture:
    """Two Gaussians on the first axis, ``separation`` apart; the left one holds ``weight`` of the mass."""
    positive(std=std)
    finite(separation=separation)
    if not 0 < weight < 1:
        raise ValueError(f"Expected weight between 0 and 1; got {weight}.")
    means = torch.tensor([[-separation / 2, 0.0], [separation / 2, 0.0]])
    return GaussianMixture(torch.tensor([weight, 1 - weight]), means, torch.full((2,), std))


def grid(side: int = 5, spacing: float = 1.5, std: float = 0.1) -> GaussianMixture:
    """side × side equal Gaussians on a square grid around zero."""
    whole("side", side, 1)
    positive(std=std)
    finite(spacing=spacing)
    axis = spacing * (torch.arange(side) - (side - 1) / 2)
    means = torch.cartesian_prod(axis, axis)
    return GaussianMixture(torch.full((side**2,), 1 / side**2), means, torch.full((side**2,), std))


def moons(n: int, noise: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """Two interleaved half circles with Gaussian noise, shape (n, 2)."""
    _check_draws(n, generator, noise)
    angle = math.pi * torch.rand(n, generator=generator)
    lower = torch.rand(n, generator=generator) < 0.5
    x = torch.where(lower, 1 - angle.cos(), angle.cos()) - 0.5
    y = torch.where(lower, 0.5 - angle.sin(), angle.sin()) - 0.25
    return 2 * torch.stack([x, y], 1) + noise * torch.randn(n, 2, generator=generator)


def spiral(n: int, noise: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """Two arms of a spiral, three quarters of a turn each, with Gaussian noise, shape (n, 2)."""
    _check_draws(n, generator, noise)
    t = torch.rand(n, generator=generator).sqrt()  # nearly as many points for every unit of length
    arm = 2 * torch.randint(2, (n,), generator=generator) - 1
    points = 3 * (arm * t)[:, None] * torch.stack([(1.5 * math.pi * t).cos(), (1.5 * math.pi * t).sin()], 1)
    return points + noise * torch.randn(n, 2, generator=generator)


def checkerboard(n: int, generator: torch.Generator | None = None) -> Tensor:
    """Uniform on the dark squares of a 4 × 4 board over [−2, 2]², shape (n, 2)."""
    _check_draws(n, generator)
    column = torch.randint(4, (n,), generator=generator)
    row = 2 * torch.randint(2, (n,), generator=generator) + column % 2
    return torch.stack([column, row], 1) - 2 + torch.rand(n, 2, generator=generator)


def pinwheel(n: int, arms: int = 5, generator: torch.Generator | None = None) -> Tensor:
    """Gaussian arms bent into a wheel, shape (n, 2).

    Source: Johnson et al. (2016).
    """
    _check_draws(n, generator)
    whole("arms", arms, 1)
    arm = torch.randint(arms, (n,), generator=generator)
    radial = 1 + 0.3 * torch.randn(n, generator=generator)
    across = 0.1 * torch.randn(n, generator=generator)
    angle = 2 * math.pi * arm / arms + 0.25 * radial.exp()
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(n, 2, 2)
    return 1.6 * torch.einsum("ni,nij->nj", torch.stack([radial, across], 1), rotation)


def _check_draws(n: int, generator: torch.Generator | None, noise: float = 0.0) -> None:
    whole("n", n)
    check_generator(generator)
    if not 0 <= noise < math.inf:
        raise ValueError(f"Expected noise of 0 or more; got {noise}.")
