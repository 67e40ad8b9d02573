"""ULA has the bias that theory says, MALA has none, and walk drives both."""

import math

import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from torch import Tensor, distributions, nn

from course.data import two_modes
from course.densities import Gaussian, GaussianMixture
from course.langevin import (
    annealed_langevin,
    annealed_step_size,
    langevin,
    langevin_chain,
    langevin_step,
    mala,
    mala_log_accept,
    mala_step,
)
from course.sampling import geometric_sigmas, walk


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian_on_a_line(mean: float, std: float, **options) -> Gaussian:
    return Gaussian(torch.tensor([mean], **options), torch.tensor([[std**2]], **options))


def two_hills(**options) -> GaussianMixture:
    """Unequal in weight and width, and near enough for chains to cross."""
    means = torch.tensor([[-1.5], [1.0]], **options)
    return GaussianMixture(torch.tensor([0.3, 0.7], **options), means, torch.tensor([0.9, 0.5], **options))


def deviations(x: Tensor, mean: float, variance: float, fourth: float) -> tuple[float, float]:
    """How many standard errors mean and variance of independent numbers are off; fourth is E(x − mean)⁴."""
    x, n = x.double().flatten(), x.numel()
    squares = (x - mean).square().mean().item()
    return (x.mean().item() - mean) / (variance / n) ** 0.5, (squares - variance) / ((fourth - variance**2) / n) ** 0.5


# -- the unadjusted step -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_size", [0.01, 0.2, 0.5])
def test_ula_on_a_gaussian_is_the_affine_map_of_theory(normal, step_size):
    """x′ = A x + N z + b with A = I − ε Σ⁻¹, N = √(2ε) I, and a fixed covariance Σ (I − ε Σ⁻¹/2)⁻¹."""
    root, eye = normal(3, 3), torch.eye(3).double()
    target = Gaussian(normal(3), root @ root.mT + eye)
    zeros = torch.zeros(3, 3).double()
    b = langevin_step(zeros, target.score, step_size, zeros)
    a = (langevin_step(eye, target.score, step_size, zeros) - b).mT  # column j is where basis vector j goes
    n = (langevin_step(zeros, target.score, step_size, eye) - b).mT

    x, z = normal(20, 3), normal(20, 3)
    torch.testing.assert_close(langevin_step(x, target.score, step_size, z), x @ a.mT + z @ n.mT + b[0])

    mean = torch.linalg.solve(eye - a, b[0])
    torch.testing.assert_close(mean, target.mean)
    covariance = torch.as_tensor(solve_discrete_lyapunov(a.numpy(), (n @ n.mT).numpy()))
    theory = target.covariance @ torch.linalg.inv(eye - step_size / 2 * torch.linalg.inv(target.covariance))
    torch.testing.assert_close(covariance, theory)


@pytest.mark.parametrize(("std", "step_size"), [(1.0, 0.1), (0.5, 0.2), (3.0, 5.0)])
def test_ula_settles_at_the_variance_of_theory(std, step_size):
    """v ← a² v + b² has the fixed point s² / (1 − ε / 2s²)."""
    target = gaussian_on_a_line(0.7, std, dtype=torch.float64)
    one, zero = torch.ones(1, 1).double(), torch.zeros(1, 1).double()
    start = langevin_step(zero, target.score, step_size, zero)
    a = (langevin_step(one, target.score, step_size, zero) - start).item()
    b = (langevin_step(zero, target.score, step_size, one) - start).item()
    assert b**2 / (1 - a**2) == pytest.approx(std**2 / (1 - step_size / (2 * std**2)), rel=1e-12)


def test_chains_have_the_exact_moments_at_every_step(device, generator):
    """From a point x₀: mean m + aⁿ (x₀ − m), variance v (1 − a²ⁿ), and lag-one covariance a times the variance."""
    m, s, step_size, n = 1.0, 0.8, 0.3, 50_000
    a, v = 1 - step_size / s**2, s**2 / (1 - step_size / (2 * s**2))
    start = torch.full((n, 1), 4.0, device=device)
    chain = langevin_chain(start, gaussian_on_a_line(m, s, device=device).score, step_size, 12, generator)
    assert chain.shape == (13, n, 1)
    assert torch.equal(chain[0], start)
    for i, x in enumerate(chain[1:], start=1):
        mean, variance = m + a**i * (4 - m), v * (1 - a ** (2 * i))
        assert max(map(abs, deviations(x, mean, variance, 3 * variance**2))) < 5
        if i > 1:
            before = chain[i - 1].double() - (m + a ** (i - 1) * (4 - m))
            residual = x.double() - m - a * (chain[i - 1].double() - m)  # this step's noise: of no memory
            product = (before * residual).mean().item()
            assert abs(product) < 5 * (v * (1 - a ** (2 * i - 2)) * 2 * step_size / n) ** 0.5


def test_images_step_pixel_by_pixel(normal):
    """On (B, C, H, W) the step is the one on flattened pixels."""
    x, z = normal(4, 2, 3, 3), normal(4, 2, 3, 3)
    flat = langevin_step(x.flatten(1), torch.tanh, 0.1, z.flatten(1))
    torch.testing.assert_close(langevin_step(x, torch.tanh, 0.1, z), flat.reshape(x.shape))


# -- the ratio ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3, 4)], ids=str)
def test_ratio_is_the_one_of_the_definition(normal, shape):
    """log p(x′) q(x|x′) − log p(x) q(x′|x), with q from torch.distributions and an unnormalized p."""
    x, y, eps = normal(6, *shape), normal(6, *shape), 0.3
    log_prob = lambda x: -x.cosh().flatten(1).sum(1)
    score = lambda x: -x.sinh()

    def log_q(there, here):
        return distributions.Normal(here + eps * score(here), (2 * eps) ** 0.5).log_prob(there).flatten(1).sum(1)

    expected = log_prob(y) + log_q(x, y) - log_prob(x) - log_q(y, x)
    torch.testing.assert_close(mala_log_accept(x, y, log_prob, score, eps), expected)


@pytest.mark.parametrize("step_size", [1e-6, 0.1, 10.0])
def test_ratio_changes_sign_when_the_move_is_reversed(normal, step_size):
    target, x, y = two_hills(dtype=torch.float64), 2 * normal(50, 1), 2 * normal(50, 1)
    arguments = target.log_prob, target.score, step_size
    torch.testing.assert_close(
        mala_log_accept(x, y, *arguments), -mala_log_accept(y, x, *arguments), rtol=1e-12, atol=0
    )


def grid(target, step_size: float, n: int = 701) -> tuple[Tensor, Tensor]:
    """Log-ratios and probabilities of (x, z), x from the target and z standard Gaussian, over a grid."""
    axis = torch.linspace(-7, 7, n, dtype=torch.float64)
    x, z = torch.cartesian_prod(axis, axis)[:, :, None].unbind(1)
    y = langevin_step(x, target.score, step_size, z)
    log_ratio = mala_log_accept(x, y, target.log_prob, target.score, step_size)
    p = target.log_prob(x).exp() * (-0.5 * z[:, 0] ** 2).exp() / (2 * math.pi) ** 0.5
    return log_ratio, p * (axis[1] - axis[0]) ** 2


def rejection(step_size: float) -> float:
    """MALA's rejection rate on N(0, 1), exactly.

    The log-ratio is (ε/4)(x² − x′²), and E min(1, r) = 2 P(r > 1) = 2 P((x′ − x)(x′ + x) < 0), for two correlated
    Gaussians.
    """
    rho = step_size**1.5 / ((step_size + 2) * (step_size**2 - 2 * step_size + 4)) ** 0.5
    return 2 / math.pi * math.asin(rho)


def test_ratio_on_a_gaussian_in_closed_form(normal):
    target, x, y = gaussian_on_a_line(0.0, 1.0, dtype=torch.float64), normal(50, 1), normal(50, 1)
    expected = 0.3 / 4 * (x**2 - y**2).squeeze(1)
    torch.testing.assert_close(mala_log_accept(x, y, target.log_prob, target.score, 0.3), expected)


@pytest.mark.parametrize("step_size", [0.05, 0.3])
def test_ratio_is_one_on_average(step_size):
    """E p(x′) q(x|x′) / p(x) q(x′|x) = 1 over the target and its proposals, here two hills by quadrature."""
    log_ratio, p = grid(two_hills(dtype=torch.float64), step_size)
    assert p.sum().item() == pytest.approx(1, abs=1e-9)
    assert (p * log_ratio.exp()).sum().item() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("step_size", [0.1, 0.5, 1.0, 1.6])
def test_acceptance_at_stationarity(step_size):
    log_ratio, p = grid(gaussian_on_a_line(0.0, 1.0, dtype=torch.float64), step_size)
    rejected = -(p * log_ratio.clamp(max=0).expm1()).sum().item()
    assert rejected == pytest.approx(rejection(step_size), rel=1e-4)


def test_rejection_vanishes_as_the_step_size_to_the_power_of_three_halves():
    rates = []
    for step_size in (0.01, 0.0025):
        log_ratio, p = grid(gaussian_on_a_line(0.0, 1.0, dtype=torch.float64), step_size)
        rates.append(-(p * log_ratio.clamp(max=0).expm1()).sum().item())
    assert math.log(rates[0] / rates[1], 4) == pytest.approx(1.5, abs=0.01)
    assert rates[1] == pytest.approx(0.0025**1.5 / (2**0.5 * math.pi), rel=0.01)  # rejection(ε) to first order


# -- the adjusted step -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_size", [0.2, 1.0])
def test_accepted_share_is_exact(device, generator, step_size):
    x, z = (torch.randn(100_000, 1, generator=generator, device=device) for _ in range(2))
    uniform = torch.rand(len(x), generator=generator, device=device)
    target = gaussian_on_a_line(0.0, 1.0, device=device)
    accepted = mala_step(x, target.log_prob, target.score, step_size, z, uniform)[1].double().mean().item()
    rate = rejection(step_size)
    assert abs(1 - accepted - rate) < 5 * (rate * (1 - rate) / len(x)) ** 0.5


def test_each_chain_holds_its_proposal_or_stays(normal):
    x, z = normal(200, 2, 3), normal(200, 2, 3)
    score, log_prob = lambda x: -(x**3), lambda x: -x.pow(4).flatten(1).sum(1) / 4
    uniform = torch.rand(200, generator=seeded()).double()
    y, moved = mala_step(x, log_prob, score, 0.3, z, uniform)
    proposal = langevin_step(x, score, 0.3, z)
    assert 20 < moved.sum() < 180
    assert torch.equal(y[moved], proposal[moved])
    assert torch.equal(y[~moved], x[~moved])
    assert torch.equal(moved, uniform < mala_log_accept(x, proposal, log_prob, score, 0.3).exp())


def test_a_constant_in_log_p_changes_nothing(normal):
    target, x, z = two_hills(dtype=torch.float64), normal(200, 1), normal(200, 1)
    uniform = torch.rand(200, generator=seeded()).double()
    one = mala_step(x, target.log_prob, target.score, 0.5, z, uniform)
    two = mala_step(x, lambda x: target.log_prob(x) + 12, target.score, 0.5, z, uniform)
    assert torch.equal(one[0], two[0])


def end(step, x: Tensor, n_steps: int) -> Tensor:
    *_, x = walk(step, x, range(n_steps + 1))
    return x


def test_mala_finds_a_gaussian_and_keeps_it_where_ula_does_not(device, generator):
    """At ε = s², ULA settles at twice the variance; MALA, from three times too wide, at the variance."""
    m, s = 1.0, 0.5
    target = gaussian_on_a_line(m, s, device=device)
    start = m + 3 * s * torch.randn(40_000, 1, generator=generator, device=device)
    adjusted = end(mala(target.log_prob, target.score, s**2, generator), start, 40)
    assert max(map(abs, deviations(adjusted, m, s**2, 3 * s**4))) < 5
    plain = end(langevin(target.score, s**2, generator), start, 40)
    assert deviations(plain, m, s**2, 3 * s**4)[1] > 50
    assert max(map(abs, deviations(plain, m, 2 * s**2, 12 * s**4))) < 5


def test_mala_keeps_two_hills_where_ula_does_not(device, generator):
    """Mean, variance, and the share of the chains on each side, started from the target itself."""
    target = two_hills(device=device)
    start = target.sample(40_000, generator)
    w, m, s = (t.double().flatten().cpu() for t in (target.weights, target.means, target.stds))
    mean = (w @ m).item()
    d = m - mean
    moments = mean, (w @ (d**2 + s**2)).item(), (w @ (d**4 + 6 * d**2 * s**2 + 3 * s**4)).item()
    left = (w @ torch.special.ndtr(-m / s)).item()

    def off(x: Tensor) -> list[float]:
        share = ((x < 0).double().mean().item() - left) / (left * (1 - left) / len(x)) ** 0.5
        return [*deviations(x, *moments), share]

    assert max(map(abs, off(start))) < 5
    assert max(map(abs, off(end(mala(target.log_prob, target.score, 0.3, generator), start, 40)))) < 5
    assert min(map(abs, off(end(langevin(target.score, 0.3, generator), start, 40)))) > 10


def test_mala_never_leaves_the_support(device, generator):
    """Uniform on (0, 1): log p is −∞ outside, the score says nothing, and the chains stay uniform."""
    log_prob = lambda x: torch.where((x > 0) & (x < 1), 0.0, -torch.inf).squeeze(1)
    start = torch.rand(20_000, 1, generator=generator, device=device)
    x = end(mala(log_prob, torch.zeros_like, 0.05, generator), start, 20)
    assert ((x > 0) & (x < 1)).all()
    assert (x != start).float().mean() > 0.99
    assert max(map(abs, deviations(x, 1 / 2, 1 / 12, 1 / 80))) < 5


# -- steps for walk ----------------------------------------------------------------------------------------------------


def test_walking_is_the_chain(normal):
    x, target = normal(5, 1), two_hills(dtype=torch.float64)
    chain = langevin_chain(x, target.score, 0.1, 8, seeded())
    walked = list(walk(langevin(target.score, 0.1, seeded()), x, range(9)))
    assert torch.equal(torch.stack(walked), chain)
    assert torch.equal(torch.stack(list(walk(langevin(target.score, 0.1, seeded()), x, [0.0] * 9))), chain)


def test_walking_is_mala_step_after_mala_step(normal):
    x, target = normal(50, 1), two_hills(dtype=torch.float64)
    generator, states = seeded(), [x]
    for _ in range(8):
        uniform = torch.rand(50, generator=generator, dtype=x.dtype)
        noise = torch.randn(50, 1, generator=generator, dtype=x.dtype)
        states.append(mala_step(states[-1], target.log_prob, target.score, 0.5, noise, uniform)[0])
    walked = list(walk(mala(target.log_prob, target.score, 0.5, seeded()), x, range(9)))
    assert torch.equal(torch.stack(walked), torch.stack(states))


def test_the_generator_is_the_only_randomness(normal):
    target, x, state = two_hills(dtype=torch.float64), normal(5, 1), torch.get_rng_state()
    for make in (lambda g: langevin(target.score, 0.1, g), lambda g: mala(target.log_prob, target.score, 0.1, g)):
        assert torch.equal(end(make(seeded(3)), x, 5), end(make(seeded(3)), x, 5))
        assert not torch.equal(end(make(seeded(3)), x, 5), end(make(seeded(4)), x, 5))
    assert torch.equal(torch.get_rng_state(), state)


def test_no_steps_is_the_start_alone(normal):
    x = normal(5, 2)
    assert torch.equal(langevin_chain(x, torch.neg, 0.1, 0), x[None])


def test_a_chain_keeps_no_graph_and_a_step_does(normal):
    """A thousand steps of a network must not hold a thousand graphs; one step may be differentiated through."""
    net, x = nn.Linear(2, 2).double(), normal(5, 2)
    assert not langevin_chain(x, net, 0.1, 3, seeded()).requires_grad
    assert langevin_step(x, net, 0.1, normal(5, 2)).requires_grad
    assert torch.is_grad_enabled()


# -- errors ------------------------------------------------------------------------------------------------------------

X, U = torch.zeros(5, 2), torch.full((5,), 0.5)
log_p = lambda x: -x.square().sum(1) / 2


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: langevin_step(X, torch.neg, 0.0, X), "step size is positive and finite; got 0.0"),
        (lambda: langevin_step(X, torch.neg, math.nan, X), "step size is positive and finite; got nan"),
        (lambda: langevin_step(X, torch.neg, 0.1, X[0]), r"noise of x's shape \(5, 2\); got \(2,\)"),
        (lambda: langevin_chain(X, torch.neg, -0.1, 3), "step size is positive and finite; got -0.1"),
        (lambda: langevin_chain(X, torch.neg, 0.1, -3), "n_steps of 0 or more; got -3"),
        (lambda: mala_log_accept(X, X[:, :1], log_p, torch.neg, 0.1), r"proposal of x's shape \(5, 2\); got \(5, 1\)"),
        (lambda: mala_log_accept(X, X, log_p, torch.neg, -1.0), "step size is positive and finite; got -1.0"),
        (lambda: mala_log_accept(X, X, lambda x: log_p(x)[:, None], torch.neg, 0.1), r"shape \(5,\).*got \(5, 1\)"),
        (lambda: mala_log_accept(X, X, lambda x: log_p(x).sum(), torch.neg, 0.1), r"shape \(5,\).*got \(\)"),
        (
            lambda: mala_step(X, log_p, torch.neg, 0.1, X, U[:1]),
            r"uniform of shape \(5,\), one per example; got \(1,\)",
        ),
        (
            lambda: mala_step(X, log_p, torch.neg, 0.1, X, U[:, None]),
            r"uniform of shape \(5,\), one per example; got \(5, 1\)",
        ),
        (lambda: end(langevin(torch.neg, 0.0), X, 1), "step size is positive and finite; got 0.0"),
        (lambda: end(mala(log_p, torch.neg, 0.0), X, 1), "step size is positive and finite; got 0.0"),
    ],
)
def test_mistakes_are_named(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


# -- annealed ----------------------------------------------------------------------------------------------------------


def test_annealed_langevin_finds_the_weights_that_langevin_does_not():
    """Two far modes of weights 0.3 and 0.7, all chains starting in one of them."""
    mixture = two_modes(8.0, 0.5, 0.3)
    generator = torch.Generator().manual_seed(0)
    start = mixture.means[0] + 0.5 * torch.randn(2000, 2, generator=generator)
    *_, stuck = langevin_chain(start, mixture.score, 0.02, 400, generator)
    wide = 20 * torch.randn(2000, 2, generator=generator)
    exact = lambda x, sigma: mixture.diffuse(1.0, sigma).score(x)
    x = annealed_langevin(exact, wide, geometric_sigmas(20.0, 0.1, 30), 0.001, 30, generator)
    left = lambda x: (x[:, 0] < 0).float().mean().item()
    assert left(stuck) in (0.0, 1.0)
    assert left(x) == pytest.approx(0.3, abs=0.05)
    assert x[x[:, 0] < 0].std(0).mean().item() == pytest.approx(0.5, abs=0.06)


def test_annealed_steps_move_by_a_constant_share_of_the_width():
    """On N(0, σ²) alone every level is the same problem: one chain, scaled."""
    sigmas = geometric_sigmas(8.0, 0.5, 5)
    seen = []

    def score(x, sigma):
        assert sigma.shape == (3,)
        seen.append(sigma[0].item())
        return -x / sigma[:, None] ** 2

    annealed_langevin(score, torch.zeros(3, 2), sigmas, 0.01, 2, torch.Generator().manual_seed(0))
    assert seen == pytest.approx([s for s in sigmas.tolist() for _ in range(2)])
    sizes = annealed_step_size(sigmas, 0.5, 0.01)
    torch.testing.assert_close(sizes / sigmas**2, torch.full((5,), 0.04))
    with pytest.raises(ValueError, match="positive and descend"):
        annealed_langevin(score, torch.zeros(3, 2), sigmas.flip(0), 0.01, 2)
