"""Likelihoods along the probability flow, beside the mixture's log-density."""

import math

import pytest
import torch

from course.densities import GaussianMixture
from course.likelihood import bits_per_dimension, divergence, log_likelihood
from course.processes import EDM, VP
from course.sampling import geometric_sigmas, karras_times

MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7]).double(),
    torch.tensor([[-1.0, 0.2], [1.0, 0.5]]).double(),
    torch.tensor([0.6, 0.9]).double(),
)


def flow(process):
    return process.flow(lambda x, t: MIXTURE.diffuse(*process.kernel(t)).score(x))


def error(process, times):
    """Largest over points of the mixture, with the exact law at both ends, in nats."""
    x = MIXTURE.diffuse(*process.kernel(times[0].item())).sample(200, torch.Generator().manual_seed(0))
    start, end = (MIXTURE.diffuse(*process.kernel(t.item())).log_prob for t in (times[0], times[-1]))
    return (log_likelihood(x, flow(process), times, end) - start(x)).abs().max().item()


def test_sixty_four_heun_steps_give_the_mixtures_log_density():
    assert error(VP(), torch.linspace(1e-3**0.5, 1.0, 65).double() ** 2) < 1e-3


def test_the_error_is_of_second_order():
    coarse, fine = (error(EDM(20.0), karras_times(20.0, 1e-3, n + 1).flip(0).double()) for n in (128, 256))
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.1)


def test_hutchinsons_mean_is_within_its_standard_error():
    process, times = EDM(20.0), geometric_sigmas(0.01, 20.0, 33).double()
    end = MIXTURE.diffuse(*process.kernel(20.0)).log_prob
    x = torch.tensor([[0.3, -0.4]]).double()
    exact = log_likelihood(x, flow(process), times, end).item()
    probe = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0)).double()
    guesses = log_likelihood(x.expand(20_000, 2), flow(process), times, end, probe)
    assert abs(guesses.mean().item() - exact) < 4 * guesses.std().item() / 20_000**0.5


@pytest.mark.parametrize("exact", [True, False])
def test_images_have_likelihoods_too(exact, normal):
    """Three pixels by two, as a batch of images and as a batch of vectors; exactly, and along one probe."""
    means, x, v = normal(2, 1, 3, 2), normal(5, 1, 3, 2), normal(5, 1, 3, 2).sign()
    images = GaussianMixture(torch.tensor([0.4, 0.6]).double(), means, torch.tensor([0.7, 0.5]).double())
    vectors = GaussianMixture(images.weights, means.flatten(1), torch.tensor([0.7, 0.5]).double())
    process, times, found = VP(), torch.linspace(0.03, 1.0, 129).double() ** 2, []
    for mixture, at, probe in ((images, x, v), (vectors, x.flatten(1), v.flatten(1))):
        field = process.flow(lambda x, t, p=mixture: p.diffuse(*process.kernel(t)).score(x))
        end = mixture.diffuse(*process.kernel(1.0)).log_prob
        found.append(log_likelihood(at, field, times, end, None if exact else probe))
    torch.testing.assert_close(*found)
    if exact:
        torch.testing.assert_close(found[0], images.diffuse(*process.kernel(9e-4)).log_prob(x), atol=1e-3, rtol=0)


def test_the_field_is_evaluated_twice_a_step_and_no_graph_is_kept(normal):
    calls, linear = [], torch.nn.Linear(2, 2).double()
    field = lambda x, t: calls.append(t) or linear(x)
    assert not log_likelihood(normal(3, 2), field, [0.1, 0.4, 1.0], MIXTURE.log_prob).requires_grad
    assert calls == [0.1, 0.4, *[0.4] * 3, 0.4, 1.0]  # thrice more in the first step, to check the derivatives


def test_divergence_of_a_linear_field_is_its_quadratic_form(normal):
    a, x, v = normal(3, 3), normal(5, 3), normal(5, 3)
    torch.testing.assert_close(divergence(lambda x, t: t * x @ a.T, x, 2.0, v), 2 * ((v @ a) * v).sum(1))


def test_bits_of_a_uniform_density():
    """A density of 1 on [−1, 1]^D/2: 256 equal bins of 2/256 take 8 bits a dimension."""
    assert bits_per_dimension(torch.tensor([-5 * math.log(2.0)]), 5, 2 / 256).item() == pytest.approx(8.0)


def test_times_ascend(normal):
    with pytest.raises(ValueError, match="ascend from data to noise"):
        log_likelihood(normal(2, 2), flow(VP()), [1.0, 0.5], MIXTURE.log_prob)
