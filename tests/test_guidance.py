"""Guidance and inverse problems, where the answer is known: identities, tilted mixtures, conditional Gaussians."""

import pytest
import torch

from course.densities import Gaussian, GaussianMixture
from course.guidance import (
    classifier_free,
    classifier_free_guidance,
    classifier_guidance,
    classifier_score,
    colorize_step,
    drop_labels,
    inpaint_step,
    linear_guidance,
    luminance_basis,
    noisy_known,
    posterior_score,
    resample,
)
from course.processes import EDM, VP
from course.sampling import ddim, euler_maruyama, geometric_sigmas, karras_times, walk
from course.scores import denoiser_from_score

WEIGHTS = torch.tensor([0.3, 0.7]).double()
MEANS = torch.tensor([[-1.0, 0.0], [1.5, 0.5]]).double()
STDS = torch.tensor([0.8, 0.8]).double()
MIXTURE = GaussianMixture(WEIGHTS, MEANS, STDS)
PROCESS = VP()


def seen(t):
    return MIXTURE.diffuse(*PROCESS.kernel(t))


def score(x, t):
    return seen(t).score(x)


def conditional(x, t, labels):
    """Exact score of p(x_t | class), class k being component k, and label 2 nothing known."""
    alpha, sigma = PROCESS.kernel(t)
    alone = [GaussianMixture(torch.ones(1).double(), MEANS[k : k + 1], STDS[k : k + 1]) for k in range(2)]
    scores = torch.stack([one.diffuse(alpha, sigma).score(x) for one in alone] + [score(x, t)])
    return scores[labels, torch.arange(len(x))]


def classifier(x, t):
    return seen(t).responsibilities(x).log()


@pytest.mark.parametrize("t", [0.1, 0.6])
def test_bayes_rule(t, normal):
    """Score plus the exact classifier's is the conditional score; so is classifier-free guidance at w = 1."""
    x, labels = normal(6, 2), torch.tensor([0, 1, 0, 1, 0, 1])
    expected = conditional(x, t, labels)
    torch.testing.assert_close(classifier_guidance(score, classifier, labels)(x, t), expected)
    torch.testing.assert_close(classifier_free_guidance(conditional, labels, 2, 1.0)(x, t), expected)
    torch.testing.assert_close(classifier_free_guidance(conditional, labels, 2, 0.0)(x, t), score(x, t))
    torch.testing.assert_close(
        classifier_free_guidance(conditional, labels, 2, 2.5)(x, t),
        posterior_score(score, x, t, lambda x, t: classifier_score(classifier, x, t, labels), 2.5),
    )


def test_scale_is_affine(normal):
    a, b = normal(4, 2), normal(4, 2)
    for w in (0.0, 0.4, 1.0, 3.0):
        torch.testing.assert_close(classifier_free(a, b, w), b + w * (a - b))


def test_classifier_score_keeps_no_graph_and_works_without_grad(normal):
    x, labels = normal(6, 2), torch.tensor([0, 1, 0, 1, 0, 1])
    with torch.no_grad():
        found = classifier_score(classifier, x, 0.5, labels)
    assert not found.requires_grad
    assert not x.requires_grad
    h = 1e-6
    for i in range(2):
        step = h * torch.eye(2).double()[i]
        rise = (classifier(x + step, 0.5) - classifier(x - step, 0.5)).gather(1, labels[:, None])[:, 0] / (2 * h)
        torch.testing.assert_close(found[:, i], rise, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("w", [0.0, 1.0, 3.0])
def test_guided_langevin_samples_the_tilted_density(w):
    """At one time, p(x) p(y | x)^w up to a constant, on a grid: its mean is where a long Langevin run settles."""
    from course.langevin import langevin_chain

    axis = torch.linspace(-6, 7, 260).double()
    grid = torch.cartesian_prod(axis, axis)
    log_p = MIXTURE.log_prob(grid) + w * MIXTURE.responsibilities(grid)[:, 1].log()
    p = log_p.softmax(0)
    mean = p @ grid
    variance = p @ (grid - mean) ** 2
    labels = torch.ones(4000, dtype=torch.int64)
    guided = classifier_free_guidance(conditional, labels, 2, w)
    x = mean + variance.sqrt() * torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)).double()
    *_, end = langevin_chain(x, lambda x: guided(x, 0.0001), 0.02, 400, torch.Generator().manual_seed(1))
    torch.testing.assert_close(end.mean(0), mean, atol=0.07, rtol=0)
    torch.testing.assert_close(end.var(0), variance, atol=0.03, rtol=0.07)


def test_dropped_labels_are_a_share_and_new():
    labels, uniform = torch.arange(4), torch.tensor([0.05, 0.5, 0.1, 0.0])
    dropped = drop_labels(labels, 9, 0.1, uniform)
    assert dropped.tolist() == [9, 1, 2, 9]
    assert drop_labels(labels, 9, 0.0, uniform).data_ptr() != labels.data_ptr()


# -- inverse problems of a Gaussian, whose conditional is known --------------------------------------------------------

FULL = Gaussian(torch.tensor([0.5, -0.3]).double(), torch.tensor([[1.0, 0.8], [0.8, 1.0]]).double())
NOISE = EDM(20.0)
KNOWN = 1.2


def full_score(x, t):
    return FULL.diffuse(*NOISE.kernel(t)).score(x)


def conditional_moments():
    """Of the second coordinate given the first."""
    (m0, m1), c = FULL.mean.tolist(), FULL.covariance
    gain = (c[1, 0] / c[0, 0]).item()
    return m1 + gain * (KNOWN - m0), (c[1, 1] - gain * c[0, 1]).item()


def inpainted(repeats):
    """Mean and variance of the second coordinate, the first being known, in 100 steps."""
    n, generator = 4000, torch.Generator().manual_seed(0)
    known, mask = torch.full((n, 2), KNOWN).double(), torch.tensor([1.0, 0.0]).double().expand(n, 2)
    ancestral = ddim(NOISE, full_score, 1.0, generator)

    def step(x, t, s):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return inpaint_step(x, t, s, ancestral, known, mask, NOISE.kernel, noise)

    start = NOISE.prior(torch.zeros(n, 2).double(), generator)
    times = [*karras_times(20.0, 0.01, 100).tolist(), 0.0]
    *_, x = walk(resample(step, NOISE.kernel, repeats, generator), start, times)
    assert torch.equal(x[:, 0], known[:, 0])
    return x[:, 1].mean().item(), x[:, 1].var().item()


def test_inpainting_comes_to_agree_with_the_conditional():
    """Replacement alone is biased: the unknown part sees the known one too late. RePaint's resampling mends it."""
    mean, variance = conditional_moments()
    alone, resampled = inpainted(1), inpainted(10)
    assert abs(alone[0] - mean) > 0.15
    assert resampled[0] == pytest.approx(mean, abs=0.04)
    assert resampled[1] == pytest.approx(variance, abs=0.04)


def test_linear_guidance_with_the_exact_spread_is_the_exact_conditional():
    """A measures the first coordinate; with r² the posterior variance of A x₀ given x, guidance is Bayes' rule."""
    n, generator = 4000, torch.Generator().manual_seed(0)
    noise, measured = 0.3, torch.full((n, 1), KNOWN).double()

    def spread(t):
        c, eye = FULL.covariance, torch.eye(2).double()
        return (c - c @ torch.linalg.solve(c + t**2 * eye, c))[0, 0].sqrt().item()

    likelihood = linear_guidance(
        denoiser_from_score(full_score, NOISE), NOISE.kernel, lambda x: x[:, :1], measured, noise, spread
    )
    posterior = lambda x, t: posterior_score(full_score, x, t, likelihood, 1.0)
    step = euler_maruyama(NOISE.reverse(posterior), NOISE.diffusion, generator)
    *_, x = walk(step, NOISE.prior(torch.zeros(n, 2).double(), generator), geometric_sigmas(20.0, 0.01, 400))
    c = FULL.covariance
    gain = c[:, 0] / (c[0, 0] + noise**2)
    torch.testing.assert_close(x.mean(0), FULL.mean + gain * (KNOWN - FULL.mean[0]), atol=0.06, rtol=0)
    torch.testing.assert_close(x.T.cov(), c - torch.outer(gain, c[0]), atol=0.04, rtol=0)


def test_resampling_adds_back_the_noise_that_a_step_removed():
    """A step that forgets nothing: x_t of a point mass goes to x_s and back with the same mean and variance."""
    x = torch.zeros(200_000, 1).double()
    seen = []

    def to_s(x, t, s):
        seen.append(x)
        return torch.full_like(x, 2 * PROCESS.alpha(s))

    resample(to_s, PROCESS.kernel, 2, torch.Generator().manual_seed(0))(x, 0.6, 0.5)
    (a, sigma), (a_s, sigma_s) = PROCESS.kernel(0.6), PROCESS.kernel(0.5)
    assert seen[1].mean().item() == pytest.approx(2 * a, abs=0.01)
    assert seen[1].var().item() == pytest.approx(sigma**2 - (a / a_s * sigma_s) ** 2, rel=0.02)
    with pytest.raises(ValueError, match="times of 1 or more; got 0"):
        resample(to_s, PROCESS.kernel, 0)


def test_colorizing_replaces_grey_and_nothing_else(normal):
    basis = luminance_basis().double()
    torch.testing.assert_close(basis @ basis.T, torch.eye(3).double(), atol=1e-6, rtol=0)
    x, grey, noise = normal(2, 3, 4, 4), normal(2, 1, 4, 4), normal(2, 1, 4, 4)
    moved = lambda x, t, s: 0.5 * x + s
    out = colorize_step(x, 0.6, 0.5, moved, grey, PROCESS.kernel, noise)
    rotate = lambda x: torch.einsum("kc,bchw->bkhw", basis, x)
    torch.testing.assert_close(rotate(out)[:, :1], noisy_known(grey, *PROCESS.kernel(0.5), noise), atol=1e-6, rtol=0)
    torch.testing.assert_close(rotate(out)[:, 1:], rotate(moved(x, 0.6, 0.5))[:, 1:], atol=1e-6, rtol=0)


def test_colorizing_comes_to_agree_with_the_conditional():
    """One-pixel images whose three channels are correlated: the colours given the grey are a Gaussian that is known."""
    mean = torch.tensor([0.4, -0.2, 0.1]).double()
    covariance = torch.tensor([[1.0, 0.6, 0.3], [0.6, 0.8, 0.1], [0.3, 0.1, 0.7]]).double()
    pixel, basis, n = Gaussian(mean, covariance), luminance_basis().double(), 3000
    generator, value = torch.Generator().manual_seed(0), 1.1

    def score(x, t):
        return pixel.diffuse(*NOISE.kernel(t)).score(x.flatten(1)).reshape(x.shape)

    ancestral, grey = ddim(NOISE, score, 1.0, generator), torch.full((n, 1, 1, 1), value).double()

    def step(x, t, s):
        noise = torch.randn(grey.shape, generator=generator, dtype=x.dtype)
        return colorize_step(x, t, s, ancestral, grey, NOISE.kernel, noise)

    times = [*karras_times(20.0, 0.01, 100).tolist(), 0.0]
    start = NOISE.prior(torch.zeros(n, 3, 1, 1).double(), generator)
    *_, x = walk(resample(step, NOISE.kernel, 20, generator), start, times)
    m, c = basis @ mean, basis @ covariance @ basis.T
    y = x.flatten(1) @ basis.T
    assert torch.allclose(y[:, 0], grey.flatten(), atol=1e-6)
    gain = c[1:, 0] / c[0, 0]
    torch.testing.assert_close(y[:, 1:].mean(0), m[1:] + gain * (value - m[0]), atol=0.05, rtol=0)
    torch.testing.assert_close(y[:, 1:].T.cov(), c[1:, 1:] - torch.outer(gain, c[0, 1:]), atol=0.05, rtol=0)


def test_numbers_of_examples_are_not_those_of_coordinates(normal):
    """One number for each example does what that number does to it, also where B = D."""
    a, b, z, each = normal(3, 3), normal(3, 3), normal(3, 3), torch.tensor([1.0, 10.0, -2.0]).double()
    denoiser, observe, still = lambda x, t: 0.3 * x**2, lambda x: x[:, :2], lambda x, t, s: x

    def pull(noise, spread, part):
        kernel = lambda t: (1.0, 0.5)
        return linear_guidance(denoiser, kernel, observe, b[part, :2], noise, lambda t: spread)(a[part], 0.5)

    every = slice(None)
    calls = [
        lambda w, i: classifier_free(a[i], b[i], w),
        lambda w, i: posterior_score(lambda x, t: b[i], a[i], 0.5, lambda x, t: z[i], w),
        lambda w, i: noisy_known(a[i], w, 2 * w, z[i]),
        lambda w, i: inpaint_step(a[i], 1.0, 0.5, still, b[i], z[i], lambda t: (w, w), z[i]),
        lambda w, i: pull(0.1, w, i),
        lambda w, i: pull(w, 0.1, i),
    ]
    for call in calls:
        alone = torch.cat([call(w.item(), slice(i, i + 1)) for i, w in enumerate(each)])
        torch.testing.assert_close(call(each, every), alone)
        with pytest.raises(ValueError, match="one value per example"):
            call(each[:, None], every)


def test_labels_have_a_place_for_null_and_pictures_three_colours():
    with pytest.raises(ValueError, match="Expected null of 0 or more; got -1"):
        drop_labels(torch.zeros(3, dtype=torch.uint8), -1, 0.5, torch.rand(3))
    grey = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"pictures \(B, 3, 4, 4\); got \(2, 1, 4, 4\)"):
        colorize_step(grey, 1.0, 0.5, lambda x, t, s: x, grey, lambda t: (1.0, t), grey)
