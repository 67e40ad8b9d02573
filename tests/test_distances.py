"""Distances against closed forms for Gaussians, against scipy, and in cases whose answer can be counted."""

import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from course import distances
from course.data import mnist
from course.densities import Gaussian


def test_kl_of_gaussians_on_a_grid():
    grid = torch.linspace(-12, 12, 4001).double()[:, None]
    normal = lambda mean, std: Gaussian(torch.tensor([mean]).double(), torch.tensor([[std**2]]).double())
    p, q = normal(0.5, 0.8), normal(-0.3, 1.5)
    exact = math.log(1.5 / 0.8) + (0.8**2 + 0.8**2) / (2 * 1.5**2) - 0.5
    assert distances.kl_on_grid(p.log_prob(grid), q.log_prob(grid), 24 / 4000).item() == pytest.approx(exact, rel=1e-6)
    nowhere = torch.tensor([-math.inf, 0.0])
    assert distances.kl_on_grid(nowhere, torch.zeros(2), 1.0).item() == 0
    assert distances.kl_on_grid(torch.zeros(2), nowhere, 1.0).item() == math.inf


def test_mmd_is_without_bias(normal):
    """Its mean over many small samples is the closed form for N(0, I) and N(m, I), and zero where they are the same."""
    h, d, shift = 1.3, 2, 0.8
    within = (h**2 / (h**2 + 2)) ** (d / 2)
    for m in (0.0, shift):
        exact = 2 * within * (1 - math.exp(-(d * m**2) / (2 * (h**2 + 2))))
        values = torch.stack([distances.mmd_squared(normal(5, d), m + normal(7, d), h) for _ in range(4000)])
        assert abs(values.mean().item() - exact) < 4 * values.std().item() / 4000**0.5


def test_mmd_keeps_its_digits_far_from_the_origin(normal):
    x, y = normal(20, 2).float(), normal(30, 2).float()
    near, far = (distances.mmd_squared(x + c, y + c, 1.0).item() for c in (0.0, 1000.0))
    assert far == pytest.approx(near, abs=1e-3)


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_wasserstein_of_a_shift_is_its_length(p, normal):
    x, order = normal(50, 3), torch.randperm(50, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 4.0, 0.0]).double()
    assert distances.wasserstein(x, (x + shift)[order], p) == pytest.approx(5)


def test_wasserstein_agrees_with_scipy(normal):
    x, y = normal(80, 1), 2 * normal(80, 1) + 1
    assert distances.wasserstein(x, y, 1.0) == pytest.approx(wasserstein_distance(x[:, 0].numpy(), y[:, 0].numpy()))
    one = torch.ones(1, 1).double()
    assert distances.sliced_wasserstein(x, y, one).item() == pytest.approx(distances.wasserstein(x, y))


def test_sliced_wasserstein_of_a_shift(normal):
    """Along direction u a shift m is u·m: the root of the mean of squares."""
    x, directions = normal(50, 2), torch.nn.functional.normalize(normal(9, 2), dim=1)
    shift = torch.tensor([3.0, -1.0]).double()
    exact = (directions @ shift).square().mean().sqrt().item()
    assert distances.sliced_wasserstein(x, x.flip(0) + shift, directions).item() == pytest.approx(exact)


def test_frechet_distance_of_gaussians(normal):
    """With diagonal covariances, ‖μ − ν‖² + Σ (a − b)²; the samples are made to have these moments exactly."""
    x = normal(500, 3)
    white = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T
    a, b, shift = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.5, 2.5, 3.0]), torch.tensor([1.0, 0.0, -2.0])
    exact = (shift.square().sum() + (a - b).square().sum()).item()
    assert distances.frechet_distance(white * a, white * b + shift) == pytest.approx(exact)
    assert distances.frechet_distance(white * b + shift, white * a) == pytest.approx(exact)
    assert distances.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_features_tell_digits_from_digits_in_noise():
    x = mnist(16, "test")[0]
    clean = [distances.digit_features(half) for half in x.split(1000)]
    noisy = distances.digit_features(
        x[:1000] + 0.5 * torch.randn(1000, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    )
    assert distances.frechet_distance(*clean) < 0.2 * distances.frechet_distance(clean[0], noisy)


def test_coverage_counts_modes(normal):
    modes = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [9.0, 9.0]]).double()
    assert distances.mode_coverage(modes[:3] + 0.1, modes, 0.2) == 0.75
    assert distances.mode_coverage(modes[:3] + 0.3, modes, 0.2) == 0


def test_precision_and_recall_of_a_collapsed_generator(normal):
    real = torch.cat([normal(100, 2), normal(100, 2) + 50])
    assert distances.precision_recall(real, real) == (1, 1)
    assert distances.precision_recall(real, real + 1000) == (0, 0)
    precision, recall = distances.precision_recall(real, 0.5 * normal(200, 2))
    assert precision > 0.9
    assert recall < 0.55


def test_what_does_not_fit_is_refused(normal):
    x = normal(5, 2)
    with pytest.raises(ValueError, match="two points of each are needed; got 5 and 1"):
        distances.mmd_squared(x, x[:1], 1.0)
    with pytest.raises(ValueError, match=r"got \(5, 2\) and \(4, 2\)"):
        distances.wasserstein(x, x[:4])
    with pytest.raises(ValueError, match="needs 5 neighbours"):
        distances.precision_recall(x, x, 5)
    with pytest.raises(ValueError, match=r"log_q of x.s shape"):
        distances.kl_on_grid(x[0], x[0, :1], 1.0)


def test_one_bad_sample_is_named():
    points = torch.zeros(5, 2)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="Only finite points"):
            distances.mode_coverage(torch.cat([points, torch.full((1, 2), bad)]), points[:1], 0.1)


def test_frechet_distance_of_single_features(normal):
    x, y = normal(50, 1), 2 * normal(50, 1) + 1
    expected = (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    assert distances.frechet_distance(x, y) == pytest.approx(expected.item())


def test_directions_are_unit_vectors(normal):
    with pytest.raises(ValueError, match=r"unit vectors; got lengths from .*normalize"):
        distances.sliced_wasserstein(normal(5, 2), normal(5, 2), 3 * normal(4, 2))
