"""What is called exact is exact: densities, scores, moments and posterior means, at every noise level."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor, distributions
from torch.utils._python_dispatch import TorchDispatchMode

from course.densities import Empirical, Gaussian, GaussianMixture

SHAPES = [(1,), (2,), (5,), (2, 3, 4)]
B = 7
# Noise on x₀: none, one level for all, a level for each point, and both orders of one after the other.
EACH = (torch.linspace(0.2, 1.3, B).double(), torch.linspace(0.1, 2.0, B).double())
NOISES = {
    "none": [],
    "one": [(0.7, 0.4)],
    "each": [EACH],
    "one, each": [(0.8, 0.3), EACH],
    "each, one": [EACH, (0.6, 0.5)],
}
noises = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def make_mixture(normal, *shape: int) -> GaussianMixture:
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4]).double()
    return GaussianMixture(weights, 2 * normal(4, *shape), torch.tensor([0.4, 0.6, 0.8, 1.1]).double())


def make_gaussian(normal, d: int) -> Gaussian:
    root = normal(d, d)
    return Gaussian(normal(d), root @ root.mT / d + 0.3 * torch.eye(d).double())


def diffuse(density, noise):
    for alpha, sigma in noise:
        density = density.diffuse(alpha, sigma)
    return density


def total(noise) -> tuple[Tensor, Tensor]:
    """α and σ of several noises, one after the other, for each of B points."""
    alpha, variance = torch.ones(B).double(), torch.zeros(B).double()
    for a, s in noise:
        alpha, variance = alpha * a, a**2 * variance + s**2
    return alpha, variance.sqrt()


def torch_mixture(weights: Tensor, means: Tensor, stds: Tensor) -> distributions.Distribution:
    stds = stds.reshape(-1, *[1] * (means.ndim - 1)).expand_as(means)
    components = distributions.Independent(distributions.Normal(means, stds), means.ndim - 1)
    return distributions.MixtureSameFamily(distributions.Categorical(weights), components)


def gradient(function, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


def plane(extent: float, step: float) -> Tensor:
    """The points of a square grid in the plane."""
    axis = torch.arange(-extent, extent + step, step, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def close(a: Tensor, b: Tensor, tolerance: float = 1e-10) -> None:
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


# -- density and score -------------------------------------------------------------------------------------------------


@shapes
@noises
def test_mixture_is_that_of_torch_distributions(normal, shape, noise):
    """Point by point: x_t has means α m and variances α² s² + σ²."""
    mixture, x = make_mixture(normal, *shape), 3 * normal(B, *shape)
    expected = [
        torch_mixture(mixture.weights, a * mixture.means, (a**2 * mixture.stds**2 + s**2).sqrt()).log_prob(x[i])
        for i, (a, s) in enumerate(zip(*total(noise)))
    ]
    close(diffuse(mixture, noise).log_prob(x), torch.stack(expected))


@shapes
@noises
def test_mixture_score_is_the_gradient(normal, shape, noise):
    mixture, x = diffuse(make_mixture(normal, *shape), noise), 3 * normal(B, *shape)
    close(mixture.score(x), gradient(mixture.log_prob, x))


@noises
def test_mixture_score_can_be_differentiated(normal, noise):
    """Its Jacobian, which score matching needs, is the Hessian of log p."""
    mixture, x = diffuse(make_mixture(normal, 3), noise), 3 * normal(B, 3)
    jacobian = torch.autograd.functional.jacobian(lambda y: mixture.score(y).sum(0), x)  # (3, B, 3)
    hessian = torch.autograd.functional.hessian(lambda y: mixture.log_prob(y).sum(), x)  # (B, 3, B, 3)
    close(jacobian.transpose(0, 1), torch.stack([hessian[i, :, i] for i in range(B)]))


def test_mixture_against_scipy(normal):
    mixture, x = make_mixture(normal, 3), 3 * normal(B, 3)
    parts = zip(mixture.weights.tolist(), mixture.means.numpy(), mixture.stds.tolist())
    p = sum(w * stats.multivariate_normal(m, s**2).pdf(x.numpy()) for w, m, s in parts)
    close(mixture.log_prob(x).exp(), torch.as_tensor(p))


@noises
def test_responsibilities_are_bayes_rule(normal, noise):
    mixture, x = make_mixture(normal, 3), 3 * normal(B, 3)
    alpha, sigma = (a[:, None] for a in total(noise))
    std = (alpha**2 * mixture.stds**2 + sigma**2).sqrt()[..., None]
    likelihood = distributions.Normal(alpha[..., None] * mixture.means, std).log_prob(x[:, None]).sum(-1).exp()
    joint = mixture.weights * likelihood
    close(diffuse(mixture, noise).responsibilities(x), joint / joint.sum(1, keepdim=True))


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("noise", [NOISES["none"], NOISES["one"]], ids=["none", "one"])
def test_gaussian(normal, d, noise):
    plain = make_gaussian(normal, d)
    gaussian, x = diffuse(plain, noise), 3 * normal(B, d)
    alpha, sigma = (float(a[0]) for a in total(noise))
    mean, covariance = alpha * plain.mean, alpha**2 * plain.covariance + sigma**2 * torch.eye(d).double()
    close(gaussian.log_prob(x), distributions.MultivariateNormal(mean, covariance).log_prob(x))
    expected = stats.multivariate_normal(mean.numpy(), covariance.numpy()).logpdf(x.numpy())
    close(gaussian.log_prob(x), torch.as_tensor(expected))
    close(gaussian.score(x), gradient(gaussian.log_prob, x))


def test_gaussian_and_mixture_of_one_component_agree(normal):
    mean, x = normal(4), 3 * normal(B, 4)
    gaussian = Gaussian(mean, 0.49 * torch.eye(4).double()).diffuse(0.5, 0.2)
    one = torch.ones(1).double()
    mixture = GaussianMixture(one, mean[None], 0.7 * one).diffuse(0.5, 0.2)
    close(gaussian.log_prob(x), mixture.log_prob(x))
    close(gaussian.score(x), mixture.score(x))
    close(gaussian.covariance, mixture.covariance)


@pytest.mark.parametrize("make", [make_gaussian, make_mixture])
@pytest.mark.parametrize("noise", [NOISES["none"], NOISES["one"]], ids=["none", "one"])
def test_integrals_over_the_plane(normal, make, noise):
    """∫ p = 1, the moments, E s = 0, and Stein's identity E[x sᵀ] = −I; a Riemann sum gives these to rounding."""
    density, x = diffuse(make(normal, 2), noise), plane(14, 0.1)
    p = density.log_prob(x).exp() * 0.1**2
    centred, score = x - density.mean, density.score(x)
    close(p.sum(), torch.ones(()).double())
    close(p @ x, density.mean)
    close((p[:, None] * centred).mT @ centred, density.covariance)
    close(p @ score, torch.zeros(2).double())
    close((p[:, None] * x).mT @ score, -torch.eye(2).double())


# -- noise -------------------------------------------------------------------------------------------------------------


@noises
def test_noise_after_noise_is_one_noise(normal, noise):
    """α = c a and σ² = c² b² + d², for densities, scores and posterior means of x₀."""
    mixture, x = make_mixture(normal, 2, 2), 3 * normal(B, 2, 2)
    twice, once = diffuse(mixture, noise), mixture.diffuse(*total(noise))
    close(twice.log_prob(x), once.log_prob(x))
    close(twice.score(x), once.score(x))
    close(twice.denoise(x), once.denoise(x))


@pytest.mark.parametrize("make", [make_gaussian, make_mixture])
def test_noise_composes_in_the_parameters(normal, make):
    density = make(normal, 3)
    twice, once = density.diffuse(0.8, 0.3).diffuse(0.5, 0.7), density.diffuse(0.4, math.hypot(0.15, 0.7))
    close(twice.mean, once.mean)
    close(twice.covariance, once.covariance)
    close(twice.covariance, 0.16 * density.covariance + (0.15**2 + 0.7**2) * torch.eye(3).double())


def test_diffusing_leaves_the_density_alone(normal):
    mixture, x = make_mixture(normal, 2), normal(B, 2)
    before = mixture.log_prob(x)
    mixture.diffuse(0.5, 2.0)
    mixture.diffuse(*EACH)
    assert torch.equal(mixture.log_prob(x), before)


@shapes
@pytest.mark.parametrize("noise", [v for k, v in NOISES.items() if k != "none"], ids=[k for k in NOISES if k != "none"])
def test_denoising_is_tweedies_formula(normal, shape, noise):
    r"""E[x₀ | x] = (x + σ² ∇ log p(x)) / α."""
    mixture, x = diffuse(make_mixture(normal, *shape), noise), 3 * normal(B, *shape)
    alpha, sigma = (a.reshape(-1, *[1] * len(shape)) for a in total(noise))
    close(mixture.denoise(x), (x + sigma**2 * gradient(mixture.log_prob, x).reshape(x.shape)) / alpha)


@noises
def test_denoising_is_the_posterior_mean(normal, noise):
    """E[x₀ | x] as a brute-force average of x₀, over a grid, weighted by p(x₀) N(x; α x₀, σ²)."""
    mixture, x, points = make_mixture(normal, 2), 3 * normal(B, 2), plane(14, 0.1)
    noise = [*noise, (1.0, 0.3)]
    for i, (a, s) in enumerate(zip(*total(noise))):
        weight = (mixture.log_prob(points) - (x[i] - a * points).square().sum(1) / (2 * s**2)).softmax(0)
        close(diffuse(mixture, noise).denoise(x)[i], weight @ points, 1e-8)


def test_without_noise_there_is_nothing_to_denoise(normal):
    mixture, x = make_mixture(normal, 3), normal(B, 3)
    close(mixture.denoise(x), x, 1e-14)
    close(mixture.diffuse(0.0, 1.0).denoise(x), mixture.mean.expand_as(x), 1e-14)  # and all noise leaves the mean


# -- samples -----------------------------------------------------------------------------------------------------------


def check_line(y: Tensor, weights: Tensor, means: Tensor, variances: Tensor) -> None:
    """Hold mean and variance of n independent points on a line, from a mixture, to five standard errors."""
    y, weights, means, variances = (t.double().cpu() for t in (y, weights, means, variances))
    mean, n = weights @ means, len(y)
    d = means - mean
    variance = weights @ (d**2 + variances)
    fourth = weights @ (d**4 + 6 * d**2 * variances + 3 * variances**2)
    assert abs(y.mean() - mean) < 5 * (variance / n).sqrt()
    assert abs((y - mean).square().mean() - variance) < 5 * ((fourth - variance**2) / n).sqrt()


@pytest.mark.parametrize("shape", [(2,), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("noise", [NOISES["none"], NOISES["one"]], ids=["none", "one"])
def test_mixture_samples(normal, device, generator, shape, noise):
    exact = diffuse(make_mixture(normal, *shape), noise)
    mixture = GaussianMixture(*(t.float().to(device) for t in (exact.weights, exact.means, exact.stds)))
    x = mixture.sample(100_000, generator)
    assert x.shape == (100_000, *shape)
    for _ in range(4):
        u = normal(math.prod(shape))
        along = x.flatten(1) @ u.float().to(device)
        check_line(along, exact.weights, exact.means.flatten(1) @ u, exact.stds**2 * (u @ u))
    share = mixture.responsibilities(x).double().mean(0).cpu()  # E p(k | x) = w_k, with at most a coin's variance
    assert ((share - exact.weights).abs() < 5 * (exact.weights * (1 - exact.weights) / len(x)).sqrt()).all()


def test_gaussian_samples(normal, device, generator):
    exact = make_gaussian(normal, 4)
    x = Gaussian(exact.mean.float().to(device), exact.covariance.float().to(device)).sample(100_000, generator)
    for _ in range(6):
        u = normal(4)
        one = torch.ones(1).double()
        check_line(x @ u.float().to(device), one, (exact.mean @ u)[None], (u @ exact.covariance @ u)[None])


def test_empirical_samples_are_the_data_equally_often(normal, device, generator):
    data = normal(6, 2, 2).float().to(device)
    x = Empirical(data).sample(60_000, generator)
    which = (x[:, None] == data).flatten(2).all(2)
    assert (which.sum(1) == 1).all()
    counts = which.sum(0).double()
    assert ((counts - 10_000).abs() < 5 * (60_000 * 5 / 36) ** 0.5).all()


def test_samples_follow_the_generator_alone(normal):
    state = torch.get_rng_state()
    for density in (make_gaussian(normal, 2), make_mixture(normal, 2), Empirical(normal(50, 2))):
        first, again = (density.sample(20, torch.Generator().manual_seed(5)) for _ in range(2))
        assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)


# -- a data set --------------------------------------------------------------------------------------------------------


@shapes
def test_a_data_set_under_noise_is_a_mixture(normal, shape):
    data, x = normal(20, *shape), 2 * normal(B, *shape)
    ones = torch.ones(20).double()
    for i, (a, s) in enumerate(zip(*EACH)):
        truth = torch_mixture(ones / 20, a * data, s * ones)
        for noisy in (
            Empirical(data).diffuse(float(a), float(s)),
            Empirical(data).diffuse(*(e[i : i + 1] for e in EACH)),
        ):
            close(noisy.log_prob(x[i : i + 1]), truth.log_prob(x[i : i + 1]), 1e-9)
            close(noisy.score(x[i : i + 1]), gradient(truth.log_prob, x[i : i + 1]), 1e-9)
    together, each = (
        Empirical(data).diffuse(*EACH),
        [Empirical(data).diffuse(float(a), float(s)) for a, s in zip(*EACH)],
    )
    close(together.score(x), torch.cat([each[i].score(x[i : i + 1]) for i in range(B)]))
    close(together.denoise(x), torch.cat([each[i].denoise(x[i : i + 1]) for i in range(B)]))


def test_a_data_set_generates_nothing_but_the_data(normal):
    """Far below the distance between points, the posterior mean of a noisy point is the point."""
    data = normal(20, 3, 4)
    noisy = data + 0.01 * normal(20, 3, 4)
    close(Empirical(data).diffuse(1.0, 0.01).denoise(noisy), data, 1e-12)


# -- rounding and memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("stds", [(0.5,) * 3, (0.5, 0.7, 0.3), (0.3, 0.7, 0.7), (0.01,) * 3], ids=str)
def test_a_million_away_the_nearest_of_the_widest_components_pulls_alone(normal, dtype, stds):
    means, x = normal(3, 2).to(dtype), (1e6 * torch.nn.functional.normalize(normal(B, 2))).to(dtype)
    mixture = GaussianMixture(torch.full((3,), 1 / 3, dtype=dtype), means, torch.tensor(stds, dtype=dtype))
    narrow = mixture.stds < max(stds) - 1e-3
    nearest = (x @ means.mT).masked_fill(narrow, -torch.inf).argmax(1)
    limit = -(x - means[nearest]) / mixture.stds[nearest, None] ** 2
    torch.testing.assert_close(mixture.score(x), limit, rtol=8 * torch.finfo(dtype).eps, atol=0)
    assert mixture.log_prob(x).isfinite().all()
    assert mixture.denoise(x).isfinite().all()
    assert (mixture.responsibilities(x).argmax(1) == nearest).all()


def test_digits_survive_far_from_the_origin(normal):
    """A density that is moved by a thousand keeps its values, in float32."""
    weights, stds = torch.full((4,), 0.25), torch.full((4,), 0.1)
    means = normal(4, 2).float() + 1000
    x = means + 0.1 * normal(4, 2).float()
    mixture = GaussianMixture(weights, means, stds)
    truth = GaussianMixture(weights.double(), means.double(), stds.double())
    for noise in ((1.0, 0.0), (0.5, 0.1), (torch.linspace(0.5, 1, 4), torch.linspace(0, 1, 4))):
        y = noise[0] * x if isinstance(noise[0], float) else noise[0][:, None] * x
        for method in ("log_prob", "score", "denoise"):
            single = getattr(mixture.diffuse(*noise), method)(y)
            double = getattr(truth.diffuse(*noise), method)(y.double())
            torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-2)


class LargestTensor(TorchDispatchMode):
    """Remembers the most numbers that any operation inside it has put in memory."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for t in torch.utils._pytree.tree_leaves(result):
            if isinstance(t, Tensor):
                self.numel = max(self.numel, t.untyped_storage().nbytes() // t.element_size())
        return result


@pytest.mark.parametrize("noise", [NOISES["one"], NOISES["each"]], ids=["one", "each"])
def test_no_array_of_points_times_components_times_dimensions(normal, noise):
    data, x = normal(50, 3, 20), normal(B, 3, 20)
    for mixture in (GaussianMixture(torch.full((50,), 0.02).double(), data, torch.ones(50).double()), Empirical(data)):
        with LargestTensor() as largest:
            noisy = diffuse(mixture, noise)
            for method in (noisy.log_prob, noisy.score, noisy.denoise):
                method(x)
        assert B * 50 < largest.numel <= 50 * 60, "as large as the data, and no larger"
    with LargestTensor() as largest:
        ((x[:, None] - data) ** 2).sum()
    assert largest.numel == B * 50 * 60  # the measure sees what it should


def test_many_noise_levels_share_what_does_not_depend_on_noise(normal):
    """A sampler diffuses once a step: that costs nothing of the size of the data."""
    data = Empirical(normal(50, 60))
    with LargestTensor() as largest:
        data.diffuse(0.5, 0.1)
    assert largest.numel <= 50


def test_every_device_in_single_precision(normal, device):
    mixture, gaussian, data, x = make_mixture(normal, 3), make_gaussian(normal, 3), normal(30, 3), 2 * normal(B, 3)
    single = lambda t: t.float().to(device)
    each = tuple(single(a) for a in EACH)
    pairs = [
        (gaussian.diffuse(0.7, 0.4), Gaussian(single(gaussian.mean), single(gaussian.covariance)).diffuse(0.7, 0.4)),
        (Empirical(data).diffuse(0.7, 0.4), Empirical(single(data)).diffuse(0.7, 0.4)),
        (Empirical(data).diffuse(*EACH), Empirical(single(data)).diffuse(*each)),
        (Empirical(data).diffuse(*EACH), Empirical(single(data)).diffuse(*(a.to(device) for a in EACH)))
        if device.type != "mps"
        else (Empirical(data).diffuse(0.1, 1.0), Empirical(single(data)).diffuse(0.1, 1.0)),
        (
            mixture.diffuse(*EACH),
            GaussianMixture(*map(single, (mixture.weights, mixture.means, mixture.stds))).diffuse(*each),
        ),
    ]
    for exact, rounded in pairs:
        for method in ("log_prob", "score", "denoise") if isinstance(exact, GaussianMixture) else ("log_prob", "score"):
            found = getattr(rounded, method)(single(x))
            assert found.dtype == torch.float32
            torch.testing.assert_close(found.double().cpu(), getattr(exact, method)(x), rtol=1e-3, atol=1e-4)


# -- errors ------------------------------------------------------------------------------------------------------------

TWO = GaussianMixture(torch.tensor([0.5, 0.5]), torch.zeros(2, 3), torch.ones(2))
LEVELS = torch.linspace(0.1, 1, 4)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: Gaussian(torch.zeros(2), torch.eye(3)), r"mean of shape \(D,\).*got \(2,\) and \(3, 3\)"),
        (lambda: Gaussian(torch.zeros(2), torch.tensor([[1.0, 0.5], [0, 1]])), "symmetric.*by 0.5 and has a Cholesky"),
        (lambda: Gaussian(torch.zeros(2), 1e-9 * torch.tensor([[1.0, 0.5], [0, 1]])), "symmetric.*by 5e-10"),
        (lambda: Gaussian(torch.zeros(2), -torch.eye(2)), "positive eigenvalues; got .* no Cholesky"),
        (lambda: Gaussian(torch.zeros(2), torch.full((2, 2), torch.nan)), "positive eigenvalues; got .* by nan"),
        (lambda: Gaussian(torch.zeros(2), torch.eye(2).double()), "mean, covariance; got torch.float32, torch.float64"),
        (
            lambda: Gaussian(torch.zeros(2), torch.eye(2)).diffuse(LEVELS, 1.0),
            r"two numbers; got shapes \(4,\) and \(\)",
        ),
        (lambda: Gaussian(torch.zeros(2), torch.eye(2)).score(torch.zeros(5, 3)), r"\(B, 2\).*got \(5, 3\)"),
        (lambda: Gaussian(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2)), r"\(B, 2\).*got \(2,\)"),
        (lambda: GaussianMixture(torch.ones(1), torch.zeros(2, 2), torch.ones(1)), r"got \(1,\), \(2, 2\) and \(1,\)"),
        (
            lambda: GaussianMixture(torch.ones(1), torch.zeros(1), torch.ones(1)),
            r"means \(K, \*D\).*got \(1,\), \(1,\)",
        ),
        (lambda: GaussianMixture(torch.tensor([0.5, 0.6]), torch.zeros(2, 2), torch.ones(2)), "sum of 1.1"),
        (lambda: GaussianMixture(torch.tensor([1.5, -0.5]), torch.zeros(2, 2), torch.ones(2)), "smallest of -0.5"),
        (lambda: GaussianMixture(torch.tensor([0.5, 0.5]), torch.zeros(2, 2), torch.tensor([1.0, 0])), "smallest of 0"),
        (lambda: GaussianMixture(torch.ones(1), torch.zeros(1, 2, dtype=int), torch.ones(1)), "floating.*got .*int64"),
        (lambda: TWO.score(torch.zeros(5, 2)), r"points of shape \(B, 3\).*got \(5, 2\)"),
        (lambda: TWO.log_prob(torch.zeros(3)), r"points of shape \(B, 3\).*got \(3,\)"),
        (lambda: TWO.denoise(torch.zeros(5, 3).double()), "torch.float32; got .* torch.float64"),
        (lambda: TWO.responsibilities(torch.zeros(5, 1, 3)), r"points of shape \(B, 3\).*got \(5, 1, 3\)"),
        (lambda: TWO.diffuse(LEVELS, 0.1).score(torch.zeros(5, 3)), "noise levels for 4 points; got 5"),
        (lambda: TWO.diffuse(LEVELS[:1], 0.1).score(torch.zeros(5, 3)), "noise levels for 1 points; got 5"),
        (lambda: TWO.diffuse(LEVELS, LEVELS[:3]), r"one shape \(B,\); got shapes \(3,\) and \(4,\)"),
        (lambda: TWO.diffuse(LEVELS, 0.1).diffuse(LEVELS[:3], 0.1), r"one shape \(B,\); got shapes \(3,\) and \(4,\)"),
        (lambda: TWO.diffuse(LEVELS[:, None], 0.1), r"one shape \(B,\); got shapes \(4, 1\)"),
        (lambda: TWO.diffuse(LEVELS, 0.1).means, "one noise level for `means`"),
        (lambda: TWO.diffuse(LEVELS, 0.1).stds, "one noise level for `stds`"),
        (lambda: TWO.diffuse(LEVELS, 0.1).sample(4), "one noise level"),
        (lambda: Empirical(torch.zeros(5)), r"shape \(N, \*D\).*got \(5,\)"),
        (lambda: Empirical(torch.zeros(0, 2)), r"at least one point; got \(0, 2\)"),
        (lambda: Empirical(torch.zeros(5, 2, dtype=torch.uint8)), "floating.*got torch.uint8"),
        (lambda: Empirical(torch.zeros(5, 2)).diffuse(1.0, 0.0), "sigma > 0; got 0"),
        (lambda: Empirical(torch.zeros(5, 2)).diffuse(1.0, LEVELS - 0.5), "sigma > 0; got -0.4"),
    ],
)
def test_mistakes_are_named(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


def test_a_covariance_may_be_symmetric_to_rounding(normal):
    """Products are, in float32: entries near zero may differ from their transposes by more than their own size."""
    for _ in range(50):
        q = torch.linalg.qr(normal(6, 6))[0].float()
        covariance = q @ torch.diag(torch.linspace(1, 1.001, 6)) @ q.mT
        Gaussian(torch.zeros(6), covariance)
