"""Heads seen from all around at 32 × 32: a prior of their pictures that is told the view, and a reader of the view."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course import matching
from course.data.solids import head_views, over, turned
from course.networks.view import ViewReader, ViewUNet, view_of
from course.pretrained.recipe import Recipe
from course.scores import Preconditioned

_FORGET = 0.2


def _heads(n: int, seed: int) -> tuple[Tensor, Tensor]:
    return head_views(n, torch.Generator().manual_seed(seed))


def _on_any_ground(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures over a colour each: what is told apart from every ground cannot be painted into the air."""
    ground = 2 * torch.rand(len(pictures), 3, 1, 1, generator=generator, device=pictures.device) - 1
    return over(pictures, ground)


def prior_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Karras et al.'s loss, told the view four times in five."""
    pictures, azimuth = batch
    x = _on_any_ground(pictures, generator)
    told = torch.rand(len(x), 1, generator=generator, device=x.device) >= _FORGET
    return matching.edm_loss(model, x, generator, told * view_of(azimuth, x), mean=0.2, std=1.4)


def reader_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Squared error of (cos a, sin a), of pictures blurred and noisy by chance, as rendered ones are."""
    pictures, azimuth = batch
    x = _on_any_ground(pictures, generator)
    blur, noise = torch.rand(2, len(x), 1, 1, 1, generator=generator, device=x.device)
    x = torch.lerp(x, F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1), blur)
    x = x + 0.2 * noise * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return (model(x) - view_of(azimuth, x)).square().sum(1).mean()


def _prior_quality(model: Any, pictures: Tensor, azimuth: Tensor) -> dict[str, float]:
    """The denoising loss of new heads, told the view and not, under the same noise."""
    x = _on_any_ground(pictures, torch.Generator().manual_seed(1))
    view, loss = view_of(azimuth, x), partial(matching.edm_loss, mean=0.2, std=1.4)
    told, untold = (loss(model, x, torch.Generator().manual_seed(2), given) for given in (view, 0 * view))
    return {"test_loss": told.item(), "test_loss_untold": untold.item()}


def _reader_quality(model: Any, pictures: Tensor, azimuth: Tensor) -> dict[str, float]:
    """Of new heads: the share read within 10° and 20°, and the mean error in degrees."""
    x = _on_any_ground(pictures, torch.Generator().manual_seed(1))
    error = torch.rad2deg(turned(model.azimuth(x), azimuth)).abs()
    shares = {f"test_within_{d}": (error <= d).float().mean().item() for d in (10, 20)}
    return {**shares, "test_error_degrees": error.mean().item()}


_SOURCE = "Heads 32 × 32 of course.data.solids, {:,} different ones, each from an azimuth of its own, over any colour"

RECIPES: dict[str, Recipe] = {
    "head_prior": Recipe(
        "D(x, σ, view), the denoiser of pictures of a head seen from (cos a, sin a); (0, 0) says nothing",
        lambda: Preconditioned(ViewUNet()),
        prior_loss,
        _prior_quality,
        steps=8_000,
        data=partial(_heads, 8192, 0),
        test=partial(_heads, 1024, 2),
        source=_SOURCE.format(8192),
    ),
    "head_reader": Recipe(
        "(cos a, sin a) of the azimuth that a head is seen from",
        ViewReader,
        reader_loss,
        _reader_quality,
        steps=5_000,
        data=partial(_heads, 8192, 1),
        test=partial(_heads, 1024, 2),
        source=_SOURCE.format(8192),
    ),
}
