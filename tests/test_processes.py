"""Processes: everything follows from α and σ, and agrees with the papers."""

import math

import pytest
import torch

from course.data import two_modes
from course.densities import GaussianMixture
from course.processes import EDM, VE, VP, Straight, SubVP

PROCESSES = [VE(0.01, 50.0), VP(), SubVP(), EDM(80.0), Straight()]
TIMES = torch.linspace(0.02, 0.95, 50, dtype=torch.float64)


def name(process):
    return type(process).__name__


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_decay_and_variance_rate_are_the_derivatives(process):
    t = TIMES.clone().requires_grad_()
    log_alpha = torch.autograd.grad((process.alpha(t) + 0 * t).log().sum(), t)[0]
    variance = torch.autograd.grad((process.sigma(t) ** 2).sum(), t)[0]
    assert torch.allclose(process.decay(TIMES), log_alpha, rtol=1e-10, atol=1e-10)
    assert torch.allclose(process.variance_rate(TIMES), variance, rtol=1e-8, atol=1e-10)


def closed_forms(process, t):
    """f and g² as the papers print them (Song et al., 2021, appendix B; Karras et al., 2022)."""
    if isinstance(process, VE):
        ratio = process.sigma_max / process.sigma_min
        return 0 * t, (process.sigma_min * ratio**t) ** 2 * 2 * math.log(ratio)
    if isinstance(process, VP):
        beta = 0.1 + t * 19.9
        integral = 0.1 * t + 9.95 * t**2
        return -beta / 2, beta * (1 - torch.exp(-2 * integral)) if isinstance(process, SubVP) else beta
    return (0 * t, 2 * t) if isinstance(process, EDM) else (-1 / (1 - t), 2 * t / (1 - t))


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_drift_and_diffusion_agree_with_the_papers(process):
    decay, squared = closed_forms(process, TIMES)
    assert torch.allclose(process.decay(TIMES), decay, rtol=1e-8, atol=1e-8)
    assert torch.allclose(process.diffusion(TIMES) ** 2, squared, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("process", PROCESSES, ids=name)
@pytest.mark.parametrize("coefficient", ["alpha", "sigma", "decay", "variance_rate", "diffusion"])
def test_floats_and_tensors_agree(process, coefficient):
    function = getattr(process, coefficient)
    values = [function(t) for t in TIMES.tolist()]
    assert all(type(value) is float for value in values)
    assert torch.allclose(torch.tensor(values, dtype=torch.float64), function(TIMES), rtol=1e-12)


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_the_sde_carries_the_moments_of_the_kernel(process):
    """Mean and variance obey m′ = f m and v′ = 2 f v + g²; integrated by RK4 they must be α and σ²."""
    t, end, n = 0.01, 0.9, 20_000
    m, v = process.kernel(t)[0], process.kernel(t)[1] ** 2
    h = (end - t) / n

    def rate(m, v, t):
        f = process.decay(t)
        return f * m, 2 * f * v + process.diffusion(t) ** 2

    for _ in range(n):
        a = rate(m, v, t)
        b = rate(m + h / 2 * a[0], v + h / 2 * a[1], t + h / 2)
        c = rate(m + h / 2 * b[0], v + h / 2 * b[1], t + h / 2)
        d = rate(m + h * c[0], v + h * c[1], t + h)
        m, v = (y + h / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]) for i, y in enumerate((m, v)))
        t += h
    assert (m, v) == (pytest.approx(process.alpha(end), rel=1e-8), pytest.approx(process.sigma(end) ** 2, rel=1e-8))


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_simulated_forwards_a_mixture_has_the_exact_moments(process, normal):
    """Euler–Maruyama in 400 steps, against the diffused mixture, within sampling and step error."""
    start, end, n = 0.05, 0.6, 400
    clean = two_modes(3.0, 0.5, 0.3)
    generator = torch.Generator().manual_seed(0)
    x = clean.diffuse(*process.kernel(start)).sample(20_000, generator)
    for i in range(n):
        t, h = start + (end - start) * i / n, (end - start) / n
        noise = torch.randn(x.shape, generator=generator)
        x = x + h * process.drift(x, t) + process.diffusion(t) * h**0.5 * noise
    exact = clean.diffuse(*process.kernel(end))
    scale = exact.covariance.trace().item()
    assert torch.allclose(x.mean(0), exact.mean, atol=0.04 * scale**0.5)
    assert torch.allclose(x.T.cov(), exact.covariance, atol=0.04 * scale)


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_the_flow_carries_a_gaussian_quantile_to_the_same_quantile(process):
    """In one dimension the probability flow keeps ranks: x_t = m_t + s_t q for any Gaussian."""
    mean, std = 0.7, 1.3
    one = torch.ones(1, dtype=torch.float64)
    clean = GaussianMixture(one, mean * one[:, None], std * one)
    field = process.flow(lambda x, t: clean.diffuse(*process.kernel(t)).score(x))
    q = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]

    def quantile(t):
        alpha, sigma = process.kernel(t)
        return alpha * mean + (alpha**2 * std**2 + sigma**2) ** 0.5 * q

    t, end, n = 0.05, 0.9, 2000
    x, h = quantile(t), (end - t) / n
    for i in range(n):
        now = t + i * h
        k = field(x + h / 2 * field(x, now), now + h / 2)
        x = x + h * k
    assert torch.allclose(x, quantile(end), atol=1e-4 * quantile(end).abs().max().item())


def test_reverse_and_flow_differ_by_half_the_score_term(normal):
    process, x = VP(), normal(7, 3)
    score = lambda x, t: -x
    t = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)
    expected = -0.5 * process.diffusion(t)[:, None] ** 2 * score(x, t)
    assert torch.allclose(process.reverse(score)(x, t) - process.flow(score)(x, t), expected)
    assert torch.allclose(process.reverse(score)(x, 0.3)[2], process.reverse(score)(x[2:3], 0.3)[0])


@pytest.mark.parametrize("process", PROCESSES, ids=name)
def test_perturb_gives_every_example_its_own_noise_level(process, normal):
    x0, noise, t = normal(5, 2, 3), normal(5, 2, 3), torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    together = process.perturb(x0, t, noise)
    for b in range(5):
        assert torch.allclose(together[b], process.perturb(x0[b : b + 1], t[b].item(), noise[b : b + 1])[0])


def test_the_prior_has_the_last_noise_level():
    x = EDM(80.0).prior(torch.zeros(20_000, 2), torch.Generator().manual_seed(0))
    assert x.std().item() == pytest.approx(80, rel=0.02)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"sigma_min > 0 to sigma_max; got 2.0 and 1.0"):
        VE(2.0, 1.0)
    with pytest.raises(ValueError, match=r"beta_min > 0 to beta_max; got -1.0 and 20.0"):
        VP(-1.0)
    with pytest.raises(ValueError, match="sigma_max is positive"):
        EDM(0.0)
    with pytest.raises(ValueError, match=r"noise of x.s shape \(2, 3\); got \(3,\)"):
        VP().perturb(torch.zeros(2, 3), 0.5, torch.zeros(3))
