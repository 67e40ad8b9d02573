"""Laws that hold for any shape and any process: views invert each other, steps know no order of the batch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor

from course import matching, sampling, scores
from course.densities import GaussianMixture
from course.guidance import classifier_free
from course.langevin import langevin_step, mala_step
from course.likelihood import log_likelihood
from course.processes import EDM, VE, VP, Process, Straight, SubVP

PROCESSES = [VE(), VP(), SubVP(), EDM(), Straight()]

batches = some.tuples(
    some.integers(1, 6), some.lists(some.integers(1, 4), min_size=1, max_size=3), some.integers(0, 99)
)
times = some.floats(0.05, 0.9)
processes = some.sampled_from(PROCESSES)
quickly = settings(max_examples=40, deadline=None, derandomize=True)


def draw(batch: tuple[int, list[int], int], more: int = 0) -> Tensor:
    b, dims, seed = batch
    generator = torch.Generator().manual_seed(seed + 1000 * more)
    return torch.randn(b, *dims, generator=generator, dtype=torch.float64)


def mixture_like(x: Tensor) -> GaussianMixture:
    generator = torch.Generator().manual_seed(7)
    means = torch.randn(3, *x.shape[1:], generator=generator, dtype=x.dtype)
    return GaussianMixture(torch.tensor([0.2, 0.3, 0.5], dtype=x.dtype), means, torch.tensor([0.4, 0.7, 1.1]).to(x))


def exact(process: Process, mixture: GaussianMixture):
    return lambda x, t: mixture.diffuse(*process.kernel(t)).score(x)


@quickly
@given(batches, times, processes, some.booleans())
def test_views_of_a_score_invert_each_other(batch, t, process, each):
    x = draw(batch)
    t = torch.full((len(x),), t, dtype=x.dtype) if each else t
    score = exact(process, mixture_like(x))
    truth = score(x, t)
    noise, denoiser = scores.noise_from_score(score, process), scores.denoiser_from_score(score, process)
    for again in (
        scores.score_from_noise(noise, process),
        scores.score_from_denoiser(denoiser, process),
        scores.score_from_velocity(process.flow(score), process),
    ):
        torch.testing.assert_close(again(x, t), truth, rtol=1e-7, atol=1e-7)
    alpha_rate, sigma_rate = process.rates(t)
    by_parts = scores.expand(alpha_rate, x) * denoiser(x, t) + scores.expand(sigma_rate, x) * noise(x, t)
    torch.testing.assert_close(process.flow(score)(x, t), by_parts, rtol=1e-7, atol=1e-7 * by_parts.abs().max().item())


@quickly
@given(batches, times, processes)
def test_the_kernel_s_rates_are_its_derivatives(batch, t, process):
    at = torch.tensor([t], dtype=torch.float64, requires_grad=True)
    for value, rate in zip(process.kernel(at), process.rates(t)):
        (slope,) = torch.autograd.grad(value.sum(), at) if value.requires_grad else (torch.zeros(1),)
        assert slope.item() == pytest.approx(rate, rel=1e-9, abs=1e-12)


def steps(process: Process, score) -> dict:
    flow = process.flow(score)
    return {
        "ddim": sampling.ddim(process, score),
        "dpm_solver": sampling.dpm_solver(process, score),
        "adams": sampling.adams(process, score),
        "heun": sampling.heun(flow),
        "rk4": sampling.rk4(flow),
    }


NAMES = list(steps(VP(), None))


@pytest.mark.parametrize("name", NAMES)
@quickly
@given(batches, processes, some.randoms(use_true_random=False))
def test_a_step_knows_no_order_and_a_batch_equals_its_examples(name, batch, process, random):
    x = draw(batch)
    score = exact(process, mixture_like(x))
    order = list(range(len(x)))
    random.shuffle(order)
    grid = [0.8 * process.end, 0.5 * process.end, 0.3 * process.end]

    def end(start: Tensor) -> Tensor:
        *_, last = sampling.walk(steps(process, score)[name], start, grid)
        return last

    together = end(x)
    torch.testing.assert_close(end(x[order]), together[order], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(torch.cat([end(one[None]) for one in x]), together, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@quickly
@given(some.integers(1, 5), some.integers(2, 5), some.integers(0, 99), processes)
def test_a_step_turns_with_a_density_that_turns(name, b, d, seed, process):
    """A standard Gaussian looks the same from every side, so a turned start has a turned end."""
    x = draw((b, [d], seed))
    turn, _ = torch.linalg.qr(draw((d, [d], seed), more=1))
    one = GaussianMixture(torch.ones(1).to(x), torch.zeros(1, d).to(x), torch.ones(1).to(x))
    grid = [0.8 * process.end, 0.5 * process.end, 0.3 * process.end]
    *_, ended = sampling.walk(steps(process, exact(process, one))[name], x, grid)
    *_, turned = sampling.walk(steps(process, exact(process, one))[name], x @ turn, grid)
    torch.testing.assert_close(turned, ended @ turn, rtol=1e-9, atol=1e-9)


@quickly
@given(batches, some.floats(1e-3, 0.5))
def test_langevin_steps_know_no_order(batch, size):
    x, z = draw(batch), draw(batch, more=1)
    mixture, uniform = mixture_like(x), torch.linspace(0.1, 0.9, len(x), dtype=x.dtype)
    order = list(reversed(range(len(x))))
    step = langevin_step(x, mixture.score, size, z)
    torch.testing.assert_close(langevin_step(x[order], mixture.score, size, z[order]), step[order])
    moved, accepted = mala_step(x, mixture.log_prob, mixture.score, size, z, uniform)
    again, also = mala_step(x[order], mixture.log_prob, mixture.score, size, z[order], uniform[order])
    torch.testing.assert_close(again, moved[order])
    assert torch.equal(also, accepted[order])


@quickly
@given(batches)
def test_losses_are_means_over_the_batch(batch):
    x, z = draw(batch), draw(batch, more=1)
    mixture, sigma = mixture_like(x), torch.linspace(0.5, 2.0, len(x), dtype=x.dtype)
    score = lambda x, s: mixture.diffuse(1.0, s).score(x)
    whole = matching.dsm_loss(score, x, sigma, z)
    each = [matching.dsm_loss(score, x[i : i + 1], sigma[i : i + 1], z[i : i + 1]) for i in range(len(x))]
    assert whole.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-9)
    whole = matching.implicit_score_matching(mixture.score, x)
    each = [matching.implicit_score_matching(mixture.score, one[None]) for one in x]
    assert whole.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-9)


@quickly
@given(batches, some.floats(-3, 3))
def test_guidance_is_affine_in_its_scale(batch, scale):
    a, b = draw(batch), draw(batch, more=1)
    torch.testing.assert_close(classifier_free(a, b, scale), b + scale * (a - b), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(classifier_free(a, b, 1.0), a)
    torch.testing.assert_close(classifier_free(a, b, 0.0), b)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(some.integers(1, 3), some.integers(1, 3), some.integers(0, 99))
def test_a_likelihood_is_the_density_whatever_the_shape(b, d, seed):
    x = draw((b, [d, 1], seed))
    mixture, process = mixture_like(x), VP()
    grid = torch.linspace(1e-4 ** (1 / 3), 1, 200).pow(3).tolist()
    prior = lambda x: -0.5 * (x.flatten(1).square().sum(1) + d * math.log(2 * math.pi))
    found = log_likelihood(x, process.flow(exact(process, mixture)), grid, prior)
    torch.testing.assert_close(found, mixture.diffuse(*process.kernel(1e-4)).log_prob(x), rtol=5e-3, atol=5e-3)
