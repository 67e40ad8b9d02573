"""Differential privacy: clipping by its definition, sensitivity, the accountant against closed forms and Opacus."""

import math
from functools import partial

import pytest
import torch
from scipy.stats import norm
from torch import nn

from course.applications.memorization import nearest_training
from course.applications.privacy import (
    PrivateLoss,
    clipped_gradients,
    epsilon,
    example_gradients,
    poisson_batch,
    renyi_divergence,
)
from course.matching import perturb
from course.networks import UNet
from course.networks.patches import Patches
from course.pretrained import memory
from course.scores import Preconditioned
from course.training import train


def squares(model, x, y):
    return (model(x) - y).square().mean()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()


def denoiser():
    """A small one of the kind that is trained in private, with nothing left at its first, zero weights."""
    torch.manual_seed(0)
    model = Preconditioned(Patches(UNet(16, widths=(8,), attention=False), 4)).double()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.2)
    return model


def denoising(model, x, sigma, z):
    return (model(perturb(x, sigma, z), sigma) - x).square().mean()


def images(normal, n=5):
    return normal(n, 1, 8, 8), normal(n).exp(), normal(n, 1, 8, 8)


def test_clipping_is_its_definition(normal):
    gradients = normal(7, 4) * torch.tensor([0.0, 0.1, 1.0, 10.0, 1e3, 1e-9, 1e9]).double()[:, None]
    expected = torch.zeros(4).double()
    for g in gradients:
        length = math.sqrt(sum(v.item() ** 2 for v in g))
        expected += g * min(1.0, 1.5 / length if length else 1.0) / 7
    torch.testing.assert_close(clipped_gradients(gradients, 1.5), expected)
    torch.testing.assert_close(clipped_gradients(gradients, 1e12), gradients.mean(0))


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1e6])
def test_one_example_moves_the_sum_by_the_norm_at_most(scale, normal):
    """The sensitivity on which all privacy rests."""
    gradients, more = normal(6, 10), scale * normal(1, 10)
    without, together = clipped_gradients(gradients, 0.3) * 6, clipped_gradients(torch.cat([gradients, more]), 0.3) * 7
    assert (together - without).norm() <= 0.3 + 1e-12


@pytest.mark.parametrize("chunk", [None, 2])
def test_gradients_are_those_of_every_example_alone(chunk, normal):
    model, batch = denoiser(), images(normal)
    gradients, losses = example_gradients(model, denoising, *batch, chunk=chunk)
    for i, gradient in enumerate(gradients):
        loss = denoising(model, *(a[i : i + 1] for a in batch))
        alone = torch.autograd.grad(loss, list(model.parameters()))
        torch.testing.assert_close(gradient, torch.cat([g.flatten() for g in alone]))
        torch.testing.assert_close(losses[i], loss.detach())


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
def test_opacus_finds_the_same_gradients(normal):
    """Of every layer of the network that is trained in private."""
    opacus = pytest.importorskip("opacus", reason="Opacus is the extra `privacy`")
    model, batch = denoiser(), images(normal)
    ours, _ = example_gradients(model, denoising, *batch)
    hooked = opacus.GradSampleModule(model, loss_reduction="mean")
    denoising(hooked, *batch).backward()
    theirs = torch.cat([weight.grad_sample.flatten(1) for weight in hooked.parameters()], dim=1)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.filterwarnings("ignore:Optimal order:UserWarning")
@pytest.mark.parametrize(
    ("noise", "rate", "steps"), [(1.0, 0.0256, 1000), (0.7, 0.01, 300), (2.0, 0.1, 5000), (1.1, 1.0, 10)]
)
def test_opacus_finds_the_same_epsilon(noise, rate, steps):
    """Of the same whole orders exactly; of its own, fractional ones, a little less at most."""
    pytest.importorskip("opacus", reason="Opacus is the extra `privacy`")
    from opacus.accountants import RDPAccountant

    from course.applications.privacy import ORDERS

    accountant = RDPAccountant()
    accountant.history = [(noise, rate, steps)]
    ours = epsilon(noise, rate, steps, 1e-5)
    assert ours == pytest.approx(accountant.get_epsilon(1e-5, alphas=list(ORDERS)), rel=1e-6)
    theirs = accountant.get_epsilon(1e-5)
    assert theirs <= ours * (1 + 1e-6)
    assert ours <= 1.1 * theirs


def test_renyi_divergence_in_closed_form_and_by_integration():
    """α / 2ν² when all take part; else the integral of p^α q^(1 − α) over the mixture and the Gaussian."""
    assert renyi_divergence(7, 1.3, 1.0) == pytest.approx(7 / (2 * 1.3**2))
    order, noise, rate = 5, 1.1, 0.2
    x = torch.linspace(-15, 20, 200_001, dtype=torch.float64)
    density = lambda mean: torch.tensor(norm.pdf(x.numpy(), mean, noise))
    mixture = (1 - rate) * density(0) + rate * density(1)
    integral = torch.trapezoid(mixture**order * density(0) ** (1 - order), x)
    assert renyi_divergence(order, noise, rate) == pytest.approx(integral.log().item() / (order - 1), rel=1e-6)


def test_epsilon_bounds_the_exact_one_of_a_single_gaussian():
    """δ(ε) = Φ(½ν⁻¹ − εν) − e^ε Φ(−½ν⁻¹ − εν) (Balle and Wang, 2018): ours is at or above, within a third."""
    noise, delta = 2.0, 1e-5
    at = lambda e: norm.cdf(0.5 / noise - e * noise) - math.exp(e) * norm.cdf(-0.5 / noise - e * noise)
    low, high = 0.0, 20.0
    for _ in range(60):
        low, high = ((low + high) / 2, high) if at((low + high) / 2) > delta else (low, (low + high) / 2)
    assert high <= epsilon(noise, 1.0, 1, delta) <= 1.34 * high


def test_epsilon_falls_with_noise_and_rises_with_what_is_seen():
    base = epsilon(1.0, 0.02, 500, 1e-5)
    assert epsilon(1.5, 0.02, 500, 1e-5) < base < epsilon(1.0, 0.04, 500, 1e-5)
    assert base < epsilon(1.0, 0.02, 1000, 1e-5)
    assert base < epsilon(1.0, 0.02, 500, 1e-7)


def test_poisson_batches_toss_for_every_example():
    generator, data = torch.Generator().manual_seed(0), (torch.arange(100), torch.arange(100.0))
    batches = [poisson_batch(data, 20, generator) for _ in range(500)]
    sizes = torch.tensor([float(len(x)) for x, _ in batches])
    assert sizes.mean().item() == pytest.approx(20, abs=4 * math.sqrt(16 / 500))
    assert sizes.var().item() == pytest.approx(16, rel=0.3)  # 100 · 0.2 · 0.8
    assert all(torch.equal(x, y.long()) and len(x.unique()) == len(x) for x, y in batches)
    with pytest.raises(ValueError, match="as many examples"):
        poisson_batch(data, 101, generator)


def private(noise_multiplier, max_norm=0.5, chunk=None):
    return PrivateLoss(lambda batch, generator: batch, squares, 4, max_norm, noise_multiplier, chunk)


@pytest.mark.parametrize("chunk", [None, 3])
def test_the_gradient_is_the_clipped_sum_over_the_mean_size(chunk, normal):
    model, batch = network(), (normal(7, 3), normal(7, 2))
    private(0.0, chunk=chunk)(model, batch, torch.Generator()).backward()
    found = torch.cat([w.grad.flatten() for w in model.parameters()])
    gradients, losses = example_gradients(model, squares, *batch)
    torch.testing.assert_close(found, clipped_gradients(gradients, 0.5) * 7 / 4)
    assert private(0.0)(model, batch, torch.Generator()).item() == pytest.approx(losses.mean().item())


def test_the_noise_has_its_size_also_without_an_example():
    model, batch, generator = network(), (torch.zeros(0, 3).double(), torch.zeros(0, 2).double()), torch.Generator()
    draws = []
    for _ in range(300):
        model.zero_grad()
        private(2.0)(model, batch, generator).backward()
        draws.append(torch.cat([w.grad.flatten() for w in model.parameters()]))
    assert torch.stack(draws).std().item() == pytest.approx(2.0 * 0.5 / 4, rel=0.03)


def test_training_goes_through_the_loop_and_resumes_to_the_bit(tmp_path, normal):
    data, settings = (normal(30, 3), normal(30, 2)), {"batch_size": 4, "draw": poisson_batch, "progress": False}
    whole, broken = (train(network(), private(1.0), data, steps=6, **settings).model for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), broken.parameters()))
    file, calls = tmp_path / "run", []

    class Broken(PrivateLoss):
        def __call__(self, *args):
            calls.append(1)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return super().__call__(*args)

    make = partial(Broken, lambda batch, generator: batch, squares, 4, 0.5, 1.0)
    with pytest.raises(KeyboardInterrupt):
        train(network(), make(), data, steps=6, checkpoint=file, **settings)
    resumed = train(network(), make(), data, steps=6, checkpoint=file, **settings).model
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters()))
    quiet = partial(private, 0.0)
    train(network(), quiet(), data, steps=6, checkpoint=tmp_path / "quiet", **settings)
    with pytest.raises(ValueError, match="draw poisson_batch there"):
        train(network(), quiet(), data, steps=6, checkpoint=tmp_path / "quiet", batch_size=4, progress=False)


def test_what_does_not_fit_is_refused():
    g = torch.zeros(2, 3)
    for bad in (g[0], g[:0], torch.zeros(2, 3, 1)):
        with pytest.raises(ValueError, match=r"\(B, P\)"):
            clipped_gradients(bad, 1.0)
    with pytest.raises(ValueError, match="max_norm"):
        clipped_gradients(g, 0.0)
    with pytest.raises(TypeError, match="floating-point"):
        clipped_gradients(g.long(), 1.0)
    for arguments, words in (
        ((0.0, 0.1, 1, 1e-5), "noise_mult"),
        ((1.0, 1.1, 1, 1e-5), "probab"),
        ((1.0, 0.1, 1, 0.0), "δ"),
    ):
        with pytest.raises(ValueError, match=words):
            epsilon(*arguments)
    with pytest.raises(ValueError, match="multiplier"):
        private(-1.0)


def test_the_private_recipe_has_the_loss_of_its_twin(monkeypatch):
    """With one noise for each image, the mean of the single losses is Karras et al.'s loss of the batch."""
    monkeypatch.setattr(memory, "NOISES", 1)
    model, x = memory.memory_network(8), memory.subset(6)
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(0))
    prepared = memory.several_noises(x, torch.Generator().manual_seed(1))
    _, losses = example_gradients(model, memory.loss_of_one, *prepared)
    expected = memory.memory_loss(model, x, torch.Generator().manual_seed(1))
    torch.testing.assert_close(losses.mean(), expected.detach())


def test_small_training_sets_are_in_large_ones_and_none_is_in_the_test_digits():
    large = memory.subset(1000)
    assert all(torch.equal(memory.subset(n), large[:n]) for n in (50, 300))
    assert nearest_training(large, memory.unseen()[0])[0].min() > 0


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_patches_put_every_pixel_back(patch, normal):
    x = normal(2, 3, 8, 8)
    assert torch.equal(Patches(lambda h, t: 2 * h, patch)(x, 0.5), 2 * x)
    with pytest.raises(ValueError, match="do not tile"):
        Patches(nn.Identity(), 3)(x, 0.5)


def test_numbers_at_the_ends_of_their_range():
    torch.testing.assert_close(clipped_gradients(torch.tensor([[1e30, 1e30]]), 1.0), torch.full((2,), 0.5**0.5))
    assert epsilon(1e-165, 0.1, 10, 1e-5) == math.inf
    assert epsilon(torch.tensor(1e-23), 0.1, 10, 1e-5) > 1e40


@pytest.mark.parametrize("settings", [{}, {"draw": poisson_batch, "batch_size": 5}, {"batch_size": 4}])
def test_batches_of_which_no_privacy_follows_are_refused(settings, normal):
    data = (normal(30, 3), normal(30, 2))
    with pytest.raises(ValueError, match=r"draw=poisson_batch, batch_size=4\); got"):
        train(network(), private(1.0), data, steps=1, progress=False, **settings)
    train(network(), private(0.0), data, steps=1, progress=False, **settings)
