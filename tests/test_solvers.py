"""Steps: order of convergence where everything is affine, agreement with one another, and the moments of a mixture.

For a Gaussian the exact score is affine in x, so a step maps x to a x + b + c z. Following two points without noise
gives a and b, and mean and variance propagate exactly: orders of convergence are deterministic assertions.
"""

import math
from itertools import pairwise

import pytest
import torch

from course.data import two_modes
from course.densities import GaussianMixture
from course.processes import EDM, VE, VP
from course.sampling import (
    CLEAN_PREDICTION,
    NOISE_PREDICTION,
    VELOCITY_PREDICTION,
    adams,
    adaptive,
    ddim,
    ddim_step,
    dpm_solver,
    edm_step,
    euler_maruyama,
    euler_maruyama_step,
    geometric_sigmas,
    heun,
    karras_times,
    langevin_corrector,
    predictor_corrector,
    rk4,
    stochastic_heun,
    stochastic_heun_step,
    uniform_times,
    walk,
)

MEAN, STD, START, END = 0.7, 1.3, 0.8, 0.1
ONE = torch.ones(1, dtype=torch.float64)
CLEAN = GaussianMixture(ONE, MEAN * ONE[:, None], STD * ONE)


def gaussian(process):
    """The exact score of the Gaussian under the process."""
    return lambda x, t: CLEAN.diffuse(*process.kernel(t)).score(x)


def moments(process, t):
    alpha, sigma = process.kernel(t)
    return alpha * MEAN, (alpha * STD) ** 2 + sigma**2


def slope(errors):
    """Of log error against log step size, from the two finest of grids that halve the step."""
    return math.log2(errors[-2] / errors[-1])


def flow_error(make, n, process):
    """End-point error of two points that the exact flow carries from quantile to quantile."""
    times = torch.linspace(START, END, n + 1, dtype=torch.float64)
    q = torch.tensor([[-1.0], [2.0]], dtype=torch.float64)
    (m0, v0), (m1, v1) = moments(process, START), moments(process, END)
    *_, x = walk(make(process, gaussian(process)), m0 + v0**0.5 * q, times)
    return (x - (m1 + v1**0.5 * q)).abs().max().item()


@pytest.mark.parametrize("process", [VP(), VE(0.1, 5.0)], ids=["VP", "VE"])
@pytest.mark.parametrize(
    ("make", "order", "grids"),
    [
        (lambda process, score: ddim(process, score), 1, (64, 128, 256)),
        (lambda process, score: heun(process.flow(score)), 2, (512, 1024, 2048)),
        (lambda process, score: dpm_solver(process, score), 2, (128, 256, 512)),
        (lambda process, score: rk4(process.flow(score)), 4, (32, 64, 128)),
        (lambda process, score: adams(process, score, 1, corrected=False), 1, (64, 128, 256)),
        (lambda process, score: adams(process, score, 2, corrected=False), 2, (128, 256, 512)),
        (lambda process, score: adams(process, score, 2), 3, (128, 256, 512)),
        (lambda process, score: adams(process, score, 2, False, NOISE_PREDICTION), 2, (128, 256, 512)),
        (lambda process, score: adams(process, score, 2, False, CLEAN_PREDICTION), 2, (128, 256, 512)),
    ],
    ids=["ddim", "heun", "dpm_solver", "rk4", "adams1", "adams2", "adams2_corrected", "adams2_noise", "adams2_clean"],
)
def test_order_of_convergence(make, order, grids, process):
    errors = [flow_error(make, n, process) for n in grids]
    assert errors[-1] > 1e-12  # not yet rounding
    assert slope(errors) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("process", [VP(), VE(0.1, 5.0)], ids=["VP", "VE"])
@pytest.mark.parametrize(
    ("kind", "order"), [(euler_maruyama_step, 1), (stochastic_heun_step, 2)], ids=["euler", "stochastic_heun"]
)
def test_weak_order_of_convergence(kind, order, process):
    drift = process.reverse(gaussian(process))
    points, zero = torch.tensor([[0.0], [1.0]], dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)

    def error(n):
        mean, variance = moments(process, START)
        times = torch.linspace(START, END, n + 1).double().tolist()
        for t, s in pairwise(times):
            still = kind(points, t, s, drift, process.diffusion, zero)
            kicked = kind(points, t, s, drift, process.diffusion, zero + 1)
            b, a, c = still[0].item(), (still[1] - still[0]).item(), (kicked - still)[0].item()
            mean, variance = a * mean + b, a**2 * variance + c**2
        exact = moments(process, END)
        return abs(mean - exact[0]), abs(variance - exact[1])

    orders = [math.log2(coarse / fine) for coarse, fine in zip(error(400), error(800)) if coarse > 1e-12]
    assert orders == pytest.approx([order] * len(orders), abs=0.15)
    assert orders  # VE has no drift; for a mean that is zero in error nothing can be said


def test_ddim_with_noise_is_ddpms_ancestral_step(normal):
    """At η = 1 on VP: mean and variance of Ho et al.'s posterior, with β = 1 − α_t²/α_s² (eq. 7)."""
    process, t, s, x = VP(), 0.5, 0.45, normal(400_000, 1)
    score = gaussian(process)
    (a, sigma), (a_s, sigma_s) = process.kernel(t), process.kernel(s)
    beta = 1 - (a / a_s) ** 2
    clean = (x[:1] + sigma**2 * score(x[:1], t)) / a
    mean = (a_s * beta * clean + (a / a_s) * sigma_s**2 * x[:1]) / sigma**2
    ends = ddim(process, score, 1.0, torch.Generator().manual_seed(0))(x[:1].expand(400_000, 1), t, s)
    variance = beta * sigma_s**2 / sigma**2
    assert ends.mean().item() == pytest.approx(mean.item(), abs=5 * (variance / 4e5) ** 0.5)
    assert ends.var().item() == pytest.approx(variance, rel=5 * (2 / 4e5) ** 0.5)


def test_first_dpm_step_is_ddim_and_state_does_not_leak(normal):
    process, x = VP(), normal(5, 1)
    score = gaussian(process)
    step = dpm_solver(process, score)
    first = step(x, 0.8, 0.6)
    assert torch.allclose(first, ddim(process, score)(x, 0.8, 0.6), rtol=1e-10)
    second = step(first, 0.6, 0.4)
    assert not torch.allclose(second, ddim(process, score)(first, 0.6, 0.4))
    assert torch.equal(step(x, 0.8, 0.6), first)  # a new walk starts anew
    times = [0.8, 0.6, 0.4, 0.2]
    once, again = (torch.stack(list(walk(step, x, times))) for _ in range(2))
    assert torch.equal(once, again)


def test_to_zero_noise_a_step_ends_on_the_estimate(normal):
    process, x = EDM(), normal(5, 1)
    score = gaussian(process)
    for step in (ddim(process, score), dpm_solver(process, score)):
        assert torch.allclose(step(x, 0.5, 0.0), x + 0.25 * score(x, 0.5))


@pytest.mark.parametrize("process", [VP(), VE(0.01, 20.0)], ids=["VP", "VE"])
@pytest.mark.parametrize("name", ["sde", "heun_sde", "flow", "adams", "ancestral", "corrected"])
def test_a_mixture_is_recovered(process, name):
    """Mean, covariance and weights of two unequal modes, from noise, with the exact score."""
    clean = two_modes(3.0, 0.5, 0.3)
    score = lambda x, t: clean.diffuse(*process.kernel(t)).score(x)
    generator = torch.Generator().manual_seed(0)
    euler = euler_maruyama(process.reverse(score), process.diffusion, generator)
    step = {
        "sde": euler,
        "heun_sde": stochastic_heun(process.reverse(score), process.diffusion, generator),
        "flow": heun(process.flow(score)),
        "adams": adams(process, score),
        "ancestral": ddim(process, score, 1.0, generator),
        "corrected": predictor_corrector(euler, langevin_corrector(score, 0.05, generator)),
    }[name]
    *_, x = walk(step, process.prior(torch.zeros(8000, 2), generator), geometric_sigmas(1.0, 1e-3, 400))
    assert (x[:, 0] < 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.allclose(x.mean(0), clean.mean, atol=0.1)
    assert torch.allclose(x.T.cov(), clean.covariance, atol=0.15)


def test_karras_times_are_the_papers():
    times = karras_times(80.0, 0.002, 18)
    paper = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    assert times.tolist() == pytest.approx(paper, rel=1e-5)


@pytest.mark.parametrize("make", [uniform_times, geometric_sigmas, karras_times])
def test_times_descend_from_end_to_end(make):
    times = make(5.0, 0.5, 7)
    assert times.shape == (7,)
    assert (times[0].item(), times[-1].item()) == (pytest.approx(5.0), pytest.approx(0.5))
    assert (times.diff() < 0).all()
    with pytest.raises(ValueError, match="n of 2 or more; got 1"):
        make(5.0, 0.5, 1)


def test_eta_is_a_share():
    with pytest.raises(ValueError, match="eta is between 0"):
        ddim(VP(), lambda x, t: x, eta=2.0)


def test_ddim_step_mixes_the_two_estimates(normal):
    process, x = VP(), normal(5, 1)
    score = gaussian(process)
    (a, sigma), (a_s, sigma_s) = process.kernel(0.6), process.kernel(0.4)
    s = score(x, 0.6)
    expected = a_s * (x + sigma**2 * s) / a - sigma_s * sigma * s
    torch.testing.assert_close(ddim_step(x, 0.6, 0.4, score, process.kernel), expected)
    torch.testing.assert_close(ddim(process, score)(x, 0.6, 0.4), expected)


@pytest.mark.parametrize("process", [VP(), VE(0.1, 5.0)], ids=["VP", "VE"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_correction_reduces_the_error(process, order):
    without = flow_error(lambda process, score: adams(process, score, order, corrected=False), 256, process)
    assert flow_error(lambda process, score: adams(process, score, order), 256, process) < 0.2 * without


def test_adams_of_order_one_is_ddim_and_two_walks_are_alike(normal):
    process, x = VP(), normal(5, 1)
    score, times = gaussian(process), [0.8, 0.6, 0.4, 0.2]
    *_, euler = walk(ddim(process, score), x, times)
    for prediction in (CLEAN_PREDICTION, NOISE_PREDICTION, VELOCITY_PREDICTION):
        *_, first = walk(adams(process, score, 1, corrected=False, prediction=prediction), x, times)
        torch.testing.assert_close(first, euler)
    step = adams(process, score)
    once, again = (torch.stack(list(walk(step, x, times))) for _ in range(2))
    assert torch.equal(once, again)
    with pytest.raises(ValueError, match="1 or more; got 0"):
        adams(process, score, 0)


def test_adams_calls_the_score_once_a_step(normal):
    calls = []
    process, exact = VP(), gaussian(VP())
    list(walk(adams(process, lambda x, t: calls.append(t) or exact(x, t), 4), normal(5, 1), [0.8, 0.6, 0.4, 0.2, 0.1]))
    assert calls == [0.8, 0.6, 0.4, 0.2]


@pytest.mark.parametrize("process", [VP(), EDM()], ids=["VP", "EDM"])
def test_the_adaptive_solver_is_exact_in_one_step(process):
    q = torch.tensor([[-1.0], [2.0]], dtype=torch.float64)
    (m0, v0), (m1, v1) = moments(process, START), moments(process, END)
    x = adaptive(process.flow(gaussian(process)), rtol=1e-9, atol=1e-9)(m0 + v0**0.5 * q, START, END)
    torch.testing.assert_close(x, m1 + v1**0.5 * q, rtol=1e-7, atol=1e-7)


def test_edm_step_is_the_published_algorithm(normal):
    """Algorithm 2 of Karras et al. written out with their symbols, the noise drawn from the same seed."""
    score, x = gaussian(EDM()), normal(5, 1)
    denoise = lambda x, t: x + t**2 * score(x, t)
    for s in (0.3, 0.0):
        eps = 1.003 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3), dtype=x.dtype)
        t, gamma = 0.5, 0.2
        t_hat = t + gamma * t
        x_hat = x + (t_hat**2 - t**2) ** 0.5 * eps
        d = (x_hat - denoise(x_hat, t_hat)) / t_hat
        expected = x_hat + (s - t_hat) * d
        if s != 0:
            expected = x_hat + (s - t_hat) * (0.5 * d + 0.5 * (expected - denoise(expected, s)) / s)
        found = edm_step(score, gamma, 1.003, torch.Generator().manual_seed(3))(x, t, s)
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(edm_step(score)(x, 0.5, 0.3), heun(EDM().flow(score))(x, 0.5, 0.3))
    churned = edm_step(score, 0.2, 1.0, torch.Generator().manual_seed(3), between=(0.1, 1.0))
    for t, as_without in ((2.0, True), (0.5, False), (0.05, True)):
        assert torch.equal(churned(x, t, 0.03), edm_step(score)(x, t, 0.03)) == as_without
    with pytest.raises(ValueError, match="churn adds noise"):
        edm_step(score, -0.1)


def test_edm_with_churn_keeps_the_law():
    """Mean and variance of a Gaussian under many churned steps."""
    generator, times = torch.Generator().manual_seed(0), karras_times(20.0, 0.01, 80)
    (mean, variance), n = moments(EDM(), 20.0), 40_000
    x = mean + variance**0.5 * torch.randn(n, 1, generator=generator).double()
    *_, x = walk(edm_step(gaussian(EDM()), 0.2, 1.0, generator), x, times)
    assert x.mean().item() == pytest.approx(MEAN, abs=5 * STD / n**0.5)
    assert x.var().item() == pytest.approx(STD**2, rel=0.03)
