"""Losses of score matching, held against Gaussians and mixtures whose scores are known."""

import pytest
import torch
from torch import nn

from course.data import two_modes
from course.densities import Gaussian, GaussianMixture
from course.matching import (
    denoise,
    dsm_loss,
    dsm_target,
    edm_loss,
    error_by_density,
    fisher_divergence,
    hutchinson_trace,
    implicit_score_matching,
    jacobian_trace,
    noise_loss,
    perturb,
    sliced_score_matching,
    velocity_loss,
)
from course.networks import MLP
from course.processes import VP, Straight

MODES = two_modes(3.0, 0.5, 0.3)
CLEAN = GaussianMixture(MODES.weights.double(), MODES.means.double(), MODES.stds.double())


def network(seed=0):
    torch.manual_seed(seed)
    return MLP(2, [16], 2, activation=nn.Tanh).double()


def test_implicit_and_explicit_differ_by_one_constant_for_every_score():
    """½ E‖∇ log p‖² whatever the score, within the standard error of the difference."""
    x = CLEAN.sample(200_000, torch.Generator().manual_seed(0))
    constant = 0.5 * CLEAN.score(x).square().sum(1)
    for score in (network(0), network(1), CLEAN.score, lambda x: -x):
        explicit = 0.5 * (score(x) - CLEAN.score(x)).square().sum(1)
        implicit = 0.5 * score(x).square().sum(1) + jacobian_trace(score, x)
        gap = (explicit - implicit - constant).detach()
        assert abs(gap.mean()) < 5 * gap.std() / len(x) ** 0.5
        assert fisher_divergence(score, CLEAN.score, x).item() == pytest.approx(explicit.mean().item())
        assert implicit_score_matching(score, x).item() == pytest.approx(implicit.mean().item())


def test_trace_is_that_of_the_jacobian(normal):
    x, net = normal(5, 2), network()
    full = torch.stack([torch.autograd.functional.jacobian(net, row).trace() for row in x])
    torch.testing.assert_close(jacobian_trace(net, x), full)
    with torch.no_grad():
        torch.testing.assert_close(jacobian_trace(net, x), full)
    axes = [hutchinson_trace(net, x, torch.eye(2).double()[i].expand(5, 2)) for i in range(2)]
    torch.testing.assert_close(sum(axes), full)


def test_hutchinsons_mean_is_the_trace(normal):
    x, net = normal(1, 2), network()
    probe = normal(100_000, 2)
    guesses = hutchinson_trace(net, x.expand(100_000, 2), probe).detach()
    assert abs(guesses.mean() - jacobian_trace(net, x).item()) < 5 * guesses.std() / 1e5**0.5
    sliced = sliced_score_matching(net, x, probe[:1])
    assert sliced.item() == pytest.approx((0.5 * net(x).square().sum() + guesses[0]).item())


def test_traces_teach_the_network_and_forgive_a_constant(normal):
    x, net = normal(5, 2), network()
    implicit_score_matching(net, x).backward()
    assert all(p.grad is not None for p in net.parameters())
    assert jacobian_trace(lambda x: torch.ones_like(x), x).tolist() == [0] * 5
    with pytest.raises(ValueError, match=r"probe of x.s shape"):
        hutchinson_trace(net, x, x[:3])


def test_denoising_is_minimized_by_the_closed_form_on_a_gaussian():
    """Among scores −a(x − m), σ fixed: a = 1/(s² + σ²), m the mean; found by least squares on noisy data."""
    generator, sigma, mean, std = torch.Generator().manual_seed(0), 0.8, 0.7, 1.3
    x0 = mean + std * torch.randn(400_000, 1, generator=generator, dtype=torch.float64)
    z = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    levels = torch.full((len(x0),), sigma, dtype=torch.float64)
    a = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([a, b], max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = dsm_loss(lambda x, s: a * x + b, x0, levels, z)
        loss.backward()
        return loss

    optimizer.step(closure)
    precision = 1 / (std**2 + sigma**2)
    assert a.item() == pytest.approx(-precision, abs=0.01)
    assert b.item() == pytest.approx(mean * precision, abs=0.01)


def test_denoising_and_explicit_differ_by_one_constant():
    """Vincent's identity at one noise level: σ²/2 E‖s − ∇ log p_σ‖² and the loss differ alike for every score."""
    generator, sigma = torch.Generator().manual_seed(0), 0.6
    x0 = CLEAN.sample(200_000, generator)
    z, levels = torch.randn(x0.shape, generator=generator).double(), torch.full((len(x0),), sigma).double()
    x, noisy = perturb(x0, levels, z), CLEAN.diffuse(1.0, sigma)
    gaps = []
    for score in (network(0), network(1), noisy.score):
        loss = dsm_loss(lambda x, s, score=score: score(x), x0, levels, z)
        gaps.append((loss - sigma**2 * fisher_divergence(score, noisy.score, x)).item())
    assert gaps == pytest.approx([gaps[0]] * 3, abs=0.02)


def test_target_is_the_kernels_score_and_tweedie_the_posterior_mean(normal):
    x0, z, sigma = normal(5, 2), normal(5, 2), normal(5).exp()
    x = perturb(x0, sigma, z)
    for i in range(5):
        kernel = Gaussian(x0[i], sigma[i] ** 2 * torch.eye(2).double())
        torch.testing.assert_close(dsm_target(z, sigma)[i], kernel.score(x[i : i + 1])[0])
    noisy = CLEAN.diffuse(1.0, sigma)
    torch.testing.assert_close(denoise(lambda x, s: CLEAN.diffuse(1.0, s).score(x), x, sigma), noisy.denoise(x))


def test_error_by_density_averages_each_bin_and_leaves_out_the_rest():
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]])
    error = error_by_density(lambda x: x, lambda x: 0 * x, x, -x[:, 0], torch.tensor([-3.0, -2.0, -0.5, -0.25, 0.0]))
    assert error[:2].tolist() == [9.0, 2.5]
    assert error[2:].isnan().all()


def test_predicting_noise_is_denoising(normal):
    """noise_loss is 2/D of dsm_loss where α = 1; its gradient is zero at the exact posterior mean, whatever process."""
    from course.processes import EDM

    x0, z, t = normal(50, 2), normal(50, 2), normal(50).exp()
    net = network()
    loss = noise_loss(lambda x, t: net(x), EDM(), x0, t, z)
    score = lambda x, s: -net(x) / s[:, None]
    assert loss.item() == pytest.approx(dsm_loss(score, x0, t, z).item())  # D = 2


@pytest.mark.parametrize("process", [VP(), Straight()], ids=["VP", "straight"])
def test_velocity_is_the_time_derivative_and_its_best_guess_the_flow(process):
    generator = torch.Generator().manual_seed(0)
    x0 = CLEAN.sample(100_000, generator)
    z = torch.randn(x0.shape, generator=generator).double()
    t = torch.full((len(x0),), 0.4).double()
    h = 1e-5
    slope = (process.perturb(x0, t + h, z) - process.perturb(x0, t - h, z)) / (2 * h)
    assert velocity_loss(lambda x, t: slope, process, x0, t, z).item() < 1e-12
    flow = process.flow(lambda x, t: CLEAN.diffuse(*process.kernel(t)).score(x))
    best = velocity_loss(flow, process, x0, t, z)
    for other in (lambda x, t: 1.05 * flow(x, t), lambda x, t: flow(x, t) + 0.05):
        assert velocity_loss(other, process, x0, t, z) > best


def test_edm_loss_weighs_errors_by_noise_level():
    """A denoiser that answers c_skip x has unit loss on Gaussian data of deviation σ_d."""
    x0 = 0.5 * torch.randn(100_000, 1, generator=torch.Generator().manual_seed(0))
    linear = lambda x, sigma: x * (0.25 / (0.25 + sigma**2))[:, None]
    assert edm_loss(linear, x0, torch.Generator().manual_seed(1)).item() == pytest.approx(1, abs=0.02)
