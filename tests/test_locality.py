"""The denoiser that sees a window: the whole image's at the largest, each pixel's own at the smallest."""

import pytest
import torch

from course.applications import locality
from course.applications.locality import local_denoiser
from course.densities import Empirical


@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
def test_a_window_that_holds_everything_gives_the_posterior_mean_over_whole_images(sigma, normal):
    images, x = normal(7, 2, 5, 4), normal(3, 2, 5, 4)
    exact = Empirical(images).diffuse(1.0, sigma).denoise(x)
    torch.testing.assert_close(local_denoiser(images, 4)(x, sigma), exact)


def test_a_window_of_one_pixel_gives_the_posterior_mean_of_that_pixel(normal):
    images, x = normal(9, 1, 3, 3), normal(4, 1, 3, 3)
    found = local_denoiser(images, 0)(x, 0.7)
    for row, column in ((0, 0), (1, 2)):
        alone = Empirical(images[:, :, row, column]).diffuse(1.0, 0.7).denoise(x[:, :, row, column])
        torch.testing.assert_close(found[:, :, row, column], alone)


def test_only_the_window_is_looked_at(normal):
    """Column 0 sees columns 0 to 2 of 6: what lies beyond may change, and the window's edge may not."""
    images, x = normal(9, 1, 6, 6), normal(1, 1, 6, 6)
    denoise, beyond, edge = local_denoiser(images, 2), x.clone(), x.clone()
    beyond[..., 3:] += 1.0
    edge[..., 2] += 1.0
    torch.testing.assert_close(denoise(beyond, 1.0)[..., 0], denoise(x, 1.0)[..., 0])
    assert not torch.allclose(denoise(edge, 1.0)[..., 0], denoise(x, 1.0)[..., 0])


def test_no_window_does_better_on_the_training_set_than_a_larger_one(generator):
    """Each is the minimum over functions of its window, and a larger window allows all functions of a smaller one."""
    images = torch.randn(8, 1, 4, 4, generator=generator)
    x = images.repeat(500, 1, 1, 1)
    noisy = x + 1.5 * torch.randn(x.shape, generator=generator)
    errors = [(local_denoiser(images, r)(noisy, 1.5) - x).square().mean().item() for r in (0, 1, 3)]
    assert errors[0] > 1.1 * errors[1] > 1.2 * errors[2]


def test_pieces_change_nothing(monkeypatch, normal):
    images, x = normal(5, 1, 4, 4), normal(6, 1, 4, 4)
    whole = local_denoiser(images, 1)(x, 1.0)
    monkeypatch.setattr(locality, "CHUNK", 1)
    torch.testing.assert_close(local_denoiser(images, 1)(x, 1.0), whole)


def test_what_does_not_fit_is_named(normal):
    with pytest.raises(ValueError, match="give at least one"):
        local_denoiser(normal(0, 1, 4, 4), 1)
    with pytest.raises(ValueError, match="radius of 0 or more"):
        local_denoiser(normal(3, 1, 4, 4), -1)
    with pytest.raises(ValueError, match=r"Expected x of shape \(B, 1, 4, 4\); got \(2, 1, 5, 5\)"):
        local_denoiser(normal(3, 1, 4, 4), 1)(normal(2, 1, 5, 5), 1.0)
    with pytest.raises(ValueError, match="positive"):
        local_denoiser(normal(3, 1, 4, 4), 1)(normal(2, 1, 4, 4), 0.0)
