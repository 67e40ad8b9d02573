"""One score, four faces: all agree with the exact posterior of a mixture, and lead back to one another."""

import pytest
import torch

from course.data import two_modes
from course.ddpm import ancestral, ddpm_perturb, ddpm_schedule, ddpm_step
from course.densities import GaussianMixture
from course.processes import EDM, VE, VP, Straight, SubVP
from course.sampling import ddim, walk
from course.scores import (
    NoiseConditionalScore,
    Preconditioned,
    denoiser_from_score,
    noise_from_score,
    score_from_denoiser,
    score_from_noise,
    score_from_velocity,
)

PROCESSES = [VE(0.1, 5.0), VP(), SubVP(), EDM(), Straight()]
TIMES = [0.4, torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64)]
MODES = two_modes(3.0, 0.5, 0.3)
CLEAN = GaussianMixture(MODES.weights.double(), MODES.means.double(), MODES.stds.double())


def exact(process):
    return lambda x, t: CLEAN.diffuse(*process.kernel(t)).score(x)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("t", TIMES, ids=["number", "batch"])
def test_tweedie_is_the_posterior_mean_of_a_mixture(process, t, normal):
    x = normal(5, 2)
    torch.testing.assert_close(
        denoiser_from_score(exact(process), process)(x, t), CLEAN.diffuse(*process.kernel(t)).denoise(x)
    )


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("t", TIMES, ids=["number", "batch"])
def test_every_face_leads_back_to_the_score(process, t, normal):
    x, score = normal(5, 2), exact(process)
    faces = [
        score_from_noise(noise_from_score(score, process), process),
        score_from_denoiser(denoiser_from_score(score, process), process),
        score_from_velocity(process.flow(score), process),
    ]
    for face in faces:
        torch.testing.assert_close(face(x, t), score(x, t), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: type(p).__name__)
def test_the_estimates_mix_to_what_was_seen(process, normal):
    x, (alpha, sigma) = normal(5, 2), process.kernel(0.4)
    score = exact(process)
    clean, noise = denoiser_from_score(score, process)(x, 0.4), noise_from_score(score, process)(x, 0.4)
    torch.testing.assert_close(alpha * clean + sigma * noise, x)


class Zero(torch.nn.Module):
    def forward(self, x, t, labels=None):
        return 0 * x


def test_preconditioned_without_a_network_is_the_best_linear_denoiser(normal):
    """For Gaussian data of deviation σ_d, E[x₀ | x] = σ_d² x / (σ² + σ_d²)."""
    gaussian = GaussianMixture(torch.ones(1).double(), torch.zeros(1, 2).double(), torch.full((1,), 0.5).double())
    x, sigma = normal(5, 2), TIMES[1]
    torch.testing.assert_close(Preconditioned(Zero(), 0.5)(x, sigma), gaussian.diffuse(1.0, sigma).denoise(x))


def test_preconditioned_inputs_and_targets_have_unit_variance():
    """The network's target is (D* − c_skip x)/c_out, in expectation over data with deviation σ_d."""
    generator, sigma, data_std = torch.Generator().manual_seed(0), 0.7, 0.5
    x0, z = (torch.randn(200_000, 1, generator=generator) for _ in range(2))
    seen = []

    class Spy(Zero):
        def forward(self, x, t, labels=None):
            seen.append((x, t))
            return torch.ones_like(x)

    x = data_std * x0 + sigma * z
    with_one, without = Preconditioned(Spy(), data_std)(x, sigma), Preconditioned(Zero(), data_std)(x, sigma)
    target = (data_std * x0 - without) / (with_one - without)
    assert seen[0][0].var().item() == pytest.approx(1, abs=0.02)
    assert target.var().item() == pytest.approx(1, abs=0.02)
    assert seen[0][1][0].item() == pytest.approx(torch.tensor(sigma).log().item() / 4)


def test_noise_conditional_score_is_its_network_over_sigma(normal):
    class Same(torch.nn.Module):
        def forward(self, x, t):
            return x

    x, sigma = normal(5, 2), TIMES[1]
    expected = x / (1 + sigma**2).sqrt()[:, None] / sigma[:, None]
    torch.testing.assert_close(NoiseConditionalScore(Same())(x, sigma), expected)


# -- DDPM's chain ------------------------------------------------------------------------------------------------------


def test_chain_and_vp_mix_alike_at_matching_times():
    """VP reaches ᾱ_i at the time that ``time_at`` gives, and for n = 1,000 that is almost (i + 1)/n."""
    betas, alpha_bars = ddpm_schedule()
    assert alpha_bars[9].item() == pytest.approx(torch.prod(1 - betas[:10]).item())
    process, alphas = VP(), alpha_bars.double().sqrt()
    t = process.time_at(alphas)
    torch.testing.assert_close(process.alpha(t), alphas, rtol=1e-10, atol=0.0)
    assert (t - (torch.arange(1000) + 1) / 1000).abs().max() < 0.006
    assert process.time_at(alphas[500].item()) == pytest.approx(t[500].item())


def test_one_step_at_a_time_is_all_at_once(normal):
    """Mean and variance of x_i by the chain's own recursion are ᾱ's."""
    betas, alpha_bars = ddpm_schedule(1e-3, 0.3, 20)
    mean, variance = 1.0, 0.0
    for beta in betas.tolist():
        mean, variance = (1 - beta) ** 0.5 * mean, (1 - beta) * variance + beta
    one, bar = torch.ones(1, 1).double(), alpha_bars[-1:].double()
    assert ddpm_perturb(one, bar, 0 * one).item() == pytest.approx(mean, rel=1e-5)
    assert ddpm_perturb(0 * one, bar, one).item() ** 2 == pytest.approx(variance, rel=1e-5)


@pytest.mark.parametrize("i", [0, 1, 7, 19])
def test_ancestral_step_is_ddim_with_all_noise_at_matching_times(i, normal):
    """Mean and variance agree with DDIM at η = 1 on VP, for one predicted noise."""
    betas, _ = ddpm_schedule(1e-3, 0.3, 20)
    betas = betas.double()
    alphas = (1 - betas).cumprod(0).sqrt()
    process, x, eps = VP(), normal(1, 2), normal(1, 2)
    t, s = process.time_at(alphas[i].item()), process.time_at(alphas[i - 1].item()) if i else 0.0
    score = score_from_noise(lambda x, t: eps.expand(len(x), -1), process)
    still, moved = (ddpm_step(x, eps, betas, i, torch.full_like(x, z)) for z in (0.0, 1.0))
    many = ddim(process, score, 1.0, torch.Generator().manual_seed(0))(x.expand(200_000, 2), t, s)
    std = (moved - still).mean().item()
    torch.testing.assert_close(many.mean(0), still[0], atol=5 * std / 200_000**0.5 + 1e-9, rtol=0)
    assert many[:, 0].std().item() == pytest.approx(std, rel=0.01, abs=1e-9)


def test_walking_the_chain_is_ddpm_step_after_ddpm_step(normal):
    """From n to 0 by ``walk``; with exact predictions of a Gaussian's noise, the end has its mean and variance."""
    betas, alpha_bars = ddpm_schedule(n=400, beta_max=0.05)
    mean, std = 0.7, 0.4

    def noise(x, i):
        a = alpha_bars[i].item()
        return (1 - a) ** 0.5 * (x - a**0.5 * mean) / (a * std**2 + 1 - a)

    start = normal(20_000, 1)
    *_, walked = walk(ancestral(noise, betas, torch.Generator().manual_seed(0)), start, range(400, -1, -1))
    x, generator = start, torch.Generator().manual_seed(0)
    for i in reversed(range(400)):
        x = ddpm_step(x, noise(x, i), betas, i, torch.randn(x.shape, generator=generator, dtype=x.dtype))
    torch.testing.assert_close(walked, x)
    assert x.mean().item() == pytest.approx(mean, abs=5 * std / 20_000**0.5)
    assert x.std().item() == pytest.approx(std, rel=0.04)
    with pytest.raises(ValueError, match="from 400 to 0, one step at a time; got 400 to 398"):
        list(walk(ancestral(noise, betas), start, [400, 398]))


def test_chain_refuses_what_is_not_there(normal):
    betas, _ = ddpm_schedule()
    with pytest.raises(ValueError, match="from 0 to 999; got 1000"):
        ddpm_step(normal(1, 2), normal(1, 2), betas, 1000, normal(1, 2))
    with pytest.raises(ValueError, match="beta_min <= beta_max"):
        ddpm_schedule(0.5, 0.1)


@pytest.mark.parametrize(
    "returned",
    [lambda x: x.sum(), lambda x: x[:, 0], lambda x: x[:, :1], lambda x: x.expand(3, *x.shape)],
    ids=["a number", "one each", "one channel", "an axis more"],
)
def test_a_network_s_shape_is_not_broadcast(returned, normal):
    for around in (Preconditioned, NoiseConditionalScore):
        with pytest.raises(ValueError, match=r"Expected network\(x, …\) to return x's shape \(2, 2\)"):
            around(Returning(returned))(normal(2, 2), 0.5)


class Returning(torch.nn.Module):
    def __init__(self, returned):
        super().__init__()
        self.returned = returned

    def forward(self, x, t):
        return self.returned(x)
