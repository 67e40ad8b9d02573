"""Score distillation where the answer is known: Gaussians, mixtures, and priors that know one head's every picture."""

import math
from functools import partial

import pytest
import torch

from course.applications.distillation import distill, score_distillation, view_prior
from course.applications.turning_heads import distilled_head, faces, view_errors
from course.applications.volumes import Volume, around
from course.data.solids import Ellipsoids, head_views, heads, over, photograph, turned
from course.densities import Gaussian, GaussianMixture
from course.networks.view import ViewUNet, view_of
from course.pretrained import load
from course.processes import VP

MEAN = torch.tensor([1.0, -2.0]).double()
COVARIANCE = torch.tensor([[0.5, 0.3], [0.3, 1.0]]).double()
TARGET = Gaussian(MEAN, COVARIANCE)
ONE = torch.ones(6).double()


def noise_of(density, alpha, sigma):
    """The exact ε̂ = −σ s of a density under one noise."""
    return lambda x: -sigma * density.diffuse(alpha, sigma).score(x)


def test_what_it_is(normal):
    """w · α · (ε̂(αx + σε) − ε), row by row, and the prior is asked for the noisy x once."""
    x, noise, asked = normal(3, 2), normal(3, 2), []
    alpha, sigma, weight = (torch.tensor(row).double() for row in ([0.9, 0.5, 0.1], [0.1, 0.7, 1.0], [1.0, 2.0, 0.0]))

    def prediction(noisy):
        asked.append(noisy)
        return noisy.sin()

    found = score_distillation(x, prediction, alpha, sigma, noise, weight)
    for i in range(3):
        noisy = alpha[i] * x[i] + sigma[i] * noise[i]
        torch.testing.assert_close(asked[0][i], noisy)
        torch.testing.assert_close(found[i], weight[i] * alpha[i] * (noisy.sin() - noise[i]))
    assert len(asked) == 1


def test_no_graph_through_the_prior(normal):
    x, scale = normal(6, 2).requires_grad_(), torch.ones(1).double().requires_grad_()
    before = x.detach().clone()
    found = score_distillation(x, lambda noisy: scale * noisy**3, ONE, ONE, normal(6, 2), ONE)
    assert not found.requires_grad
    assert torch.equal(x, before)
    x.backward(found)
    assert torch.equal(x.grad, found)
    assert scale.grad is None


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_gaussian_in_closed_form(t, normal):
    r"""ε̂ is affine, so ε and −ε average to the expectation, w α² σ (α²Σ + σ²)⁻¹ (x − μ)."""
    alpha, sigma = VP().kernel(t)
    x, noise = normal(6, 2), normal(6, 2)
    ask = lambda noise: score_distillation(x, noise_of(TARGET, alpha, sigma), alpha * ONE, sigma * ONE, noise, 2 * ONE)
    precision = torch.linalg.inv(alpha**2 * COVARIANCE + sigma**2 * torch.eye(2).double())
    expected = 2 * alpha**2 * sigma * (x - MEAN) @ precision
    torch.testing.assert_close(0.5 * (ask(noise) + ask(-noise)), expected)


def test_every_start_ends_at_the_mean(normal):
    """It seeks the mode and does not sample: the spread that the Gaussian has is lost."""
    x, process = 3 * normal(6, 2), VP()
    for k in range(300):
        alpha, sigma = process.kernel(0.1 + 0.8 * (k % 10) / 10)
        z = normal(6, 2) * (1 if k % 2 else -1)
        predict = noise_of(TARGET, alpha, sigma)
        for noise in (z, -z):
            x = x - 0.1 * score_distillation(x, predict, alpha * ONE, sigma * ONE, noise, ONE)
    torch.testing.assert_close(x, MEAN.expand_as(x), atol=0.02, rtol=0)


def test_two_modes_told_apart(normal):
    """Two views whose pictures are −2 and 2: told the view, each finds its own; else both stay where they began."""
    means = torch.tensor([[-2.0, 0.0], [2.0, 0.0]]).double()
    both = GaussianMixture(torch.tensor([0.5, 0.5]).double(), means, torch.tensor([0.1, 0.1]).double())
    x = torch.tensor([[-1.0, 0.5], [-1.0, -0.5]]).double()
    told, untold = x.clone(), x.clone()
    own = [noise_of(Gaussian(mean, 0.01 * torch.eye(2).double()), 1.0, 0.5) for mean in means]
    step = partial(score_distillation, alpha=ONE[:2], sigma=0.5 * ONE[:2], weight=ONE[:2])
    for _ in range(200):
        noise = normal(2, 2)
        told = told - 0.05 * step(told, lambda x: torch.cat([own[i](x[i : i + 1]) for i in (0, 1)]), noise=noise)
        untold = untold - 0.05 * step(untold, noise_of(both, 1.0, 0.5), noise=noise)
    torch.testing.assert_close(told, means, atol=0.3, rtol=0)
    torch.testing.assert_close(untold, means[:1].expand(2, -1), atol=0.3, rtol=0)


def test_wrong_input_is_named():
    x = torch.zeros(3, 2)
    ask = partial(score_distillation, x, lambda x: x)
    with pytest.raises(ValueError, match="noise"):
        ask(torch.ones(3), torch.ones(3), torch.zeros(3, 1), torch.ones(3))
    with pytest.raises(ValueError, match="sigma"):
        ask(torch.ones(3), torch.ones(1), x, torch.ones(3))
    with pytest.raises(ValueError, match="noise_prediction"):
        score_distillation(x, lambda x: x.sum(1), torch.ones(3), torch.ones(3), x, torch.ones(3))
    with pytest.raises(ValueError, match="sigma_min"):
        distill(lambda x, sigma, azimuth: x, Volume(4), 1, sigmas=(1.0, 0.0))
    with pytest.raises(TypeError, match="generator"):
        distill(lambda x, sigma, azimuth: x, Volume(4), 1, generator=0)


# -- three dimensions --------------------------------------------------------------------------------------------------

SIZE = 16
HEAD = heads(1, torch.Generator().manual_seed(3))


def truth(azimuth):
    return over(photograph(Ellipsoids(*(part.expand(len(azimuth), -1, -1) for part in HEAD)), azimuth, SIZE))


def knows_the_head(x, sigma, azimuth):
    """ε̂ of a prior that is sure of one head's picture from each side, over white."""
    return (x - truth(azimuth)) / sigma[:, None, None, None]


def test_a_prior_that_knows_the_head_leaves_nothing_else():
    """At angles that were drawn by chance, none of them those of the test; a prior of faces alone makes faces alone."""
    learn = lambda prior: distill(
        prior, Volume(SIZE), 40, views=6, lr=0.2, background=1.0, generator=torch.Generator().manual_seed(0)
    )
    azimuth = around(5, 0.123)
    told = over(learn(knows_the_head)(azimuth))
    faces = over(learn(lambda x, sigma, azimuth: knows_the_head(x, sigma, 0 * azimuth))(azimuth))
    error = lambda x, y: (x - y).square().mean().sqrt().item()
    assert error(told, truth(azimuth)) < 0.15
    assert error(faces, truth(0 * azimuth)) < 0.25
    assert error(faces, truth(azimuth)) > 2 * error(told, truth(azimuth))


def test_same_seed_same_volume():
    learn = lambda seed: (
        distill(knows_the_head, Volume(SIZE), 2, views=2, generator=torch.Generator().manual_seed(seed)).density
    )
    assert torch.equal(learn(0), learn(0))
    assert not torch.equal(learn(0), learn(1))


def test_guidance_is_affine_in_its_scale():
    """At 0 the prior is not told the view, at 1 it is, at 3 it goes thrice as far."""
    torch.manual_seed(0)
    net = ViewUNet(widths=(8, 8)).requires_grad_(False)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    x, sigma, azimuth = torch.randn(2, 3, 16, 16), torch.tensor([0.5, 2.0]), torch.tensor([0.3, 2.0])
    ask = lambda *how: view_prior(net, *how)(x, sigma, azimuth)
    untold, told = ask(0.0), ask(1.0)
    torch.testing.assert_close(ask(3.0), untold + 3 * (told - untold), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(ask(1.0, False), untold)
    torch.testing.assert_close(untold, (x - net(x, sigma)) / sigma[:, None, None, None])
    assert not torch.equal(told, untold)


def test_views_that_do_not_fit():
    net = ViewUNet(widths=(8, 8))
    with pytest.raises(ValueError, match="multiples of 8"):
        net(torch.zeros(1, 3, 12, 16), 0.5)
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        net(torch.zeros(2, 3, 16, 16), 0.5, torch.zeros(2))


# -- what ships --------------------------------------------------------------------------------------------------------


def test_the_reader_reads_the_view():
    """New heads, over new colours, within 10 degrees; and mirrored pictures are read as seen from the other side."""
    picture, azimuth = head_views(100, torch.Generator().manual_seed(11))
    reader = load("head_reader")
    error = torch.rad2deg(turned(reader.azimuth(over(picture, -0.4)), azimuth)).abs()
    assert (error < 10).float().mean() >= 0.97
    mirrored = torch.rad2deg(turned(reader.azimuth(over(picture, -0.4).flip(3)), -azimuth)).abs()
    assert (mirrored < 10).float().mean() >= 0.97
    with pytest.raises(ValueError, match="takes images"):
        reader(torch.zeros(1, 3, 16, 16))


class Seen(torch.nn.Module):
    """A head that is photographed instead of rendered; with a ``step`` of 0 it shows its face to everyone."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, azimuth):
        return photograph(Ellipsoids(*(part.expand(len(azimuth), -1, -1) for part in HEAD)), self.step * azimuth)


def test_faces_are_counted():
    """One on a head, eight on what is a face from everywhere, two where half a turn is a whole one."""
    reader = load("head_reader")
    assert [faces(Seen(step), reader) for step in (1, 0, 2)] == [1, 8, 2]
    azimuth = around(7, 0.1)
    assert view_errors(Seen(1), reader, azimuth).abs().max() < math.radians(10)
    torch.testing.assert_close(view_errors(Seen(0), reader, azimuth), turned(0 * azimuth, azimuth), atol=0.1, rtol=0)


def test_the_short_way_round():
    a, b = torch.tensor([0.1, 3.0, -3.0]), torch.tensor([-0.1, -3.0, 3.0])
    torch.testing.assert_close(turned(a, b), torch.tensor([0.2, 6 - 2 * math.pi, 2 * math.pi - 6]))


def test_the_prior_makes_use_of_the_view():
    """Told where the camera stands, it guesses the picture in heavy noise better; told the wrong side, worse."""
    picture, azimuth = head_views(48, torch.Generator().manual_seed(12))
    x, net, sigma = over(picture), load("head_prior"), 3.0
    noisy = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    error = lambda view: (net(noisy, sigma, view) - x).square().mean().item()
    told, untold, wrong = (error(view_of(a, x) * tell) for a, tell in ((azimuth, 1), (azimuth, 0), (azimuth + 3, 1)))
    assert told < 0.9 * untold
    assert untold < wrong
    assert math.isclose(error(None), untold, rel_tol=1e-5)


@pytest.mark.slow
def test_janus():
    """Told the view, a head with one face whose every side is right; not told, faces on most of its sides."""
    reader, azimuth = load("head_reader"), around(24, 0.13)
    one, many = (distilled_head(told, 80, torch.Generator().manual_seed(0)) for told in (True, False))
    assert faces(one, reader) == 1
    assert faces(many, reader) >= 4
    right = lambda volume: (view_errors(volume, reader, azimuth).abs() < math.radians(20)).float().mean()
    assert right(one) > 0.9
    assert right(many) < 0.4
