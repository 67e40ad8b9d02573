"""Families of densities: what is called a density is one, bounds are bounds, and each learns the ring in seconds."""

import math

import pytest
import torch

from course.data import ring
from course.densities import GaussianMixture
from course.distances import mmd_squared, mode_coverage
from course.families import (
    VAE,
    Autoregressive,
    Flow,
    Generator,
    elbo_loss,
    likelihood_loss,
    mmd_loss,
    train_gan,
)
from course.networks import MLP
from course.training import train

RING = ring()
DATA = RING.sample(5000, torch.Generator().manual_seed(0))
HELD_OUT = RING.sample(1000, torch.Generator().manual_seed(1))


def shaken(model, std=0.3):
    """Weights far from their start, so that nothing is near the identity."""
    generator = torch.Generator().manual_seed(0)
    for p in model.parameters():
        p.data += std * torch.randn(p.shape, generator=generator)
    return model.double()


@pytest.mark.parametrize("model", [Autoregressive(bins=16, hidden=8), Flow(layers=3, hidden=8)], ids=["ar", "flow"])
def test_densities_integrate_to_one(model):
    cells = 800
    side = 16.0 / cells
    axis = -8 + side * (torch.arange(cells).double() + 0.5)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        assert (shaken(model, 0.2).log_prob(grid).exp().sum() * side**2).item() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("d", [2, 3])
def test_a_flow_goes_back_and_accounts_for_volume(d, normal):
    flow, x = shaken(Flow(d, layers=5, hidden=8)), normal(4, d)
    z, log_det = flow(x)
    torch.testing.assert_close(flow.inverse(z), x)
    for row, found in zip(x, log_det):
        jacobian = torch.autograd.functional.jacobian(lambda row: flow(row[None])[0][0], row)
        assert found.item() == pytest.approx(jacobian.slogdet()[1].item())
    with pytest.raises(ValueError, match="d is 2 or more; got 1"):
        Flow(1)


def test_autoregressive_samples_follow_the_density():
    """The share of samples in each of 8 × 8 squares is the density's, to a few standard errors."""
    model = shaken(Autoregressive(bins=8, hidden=8), 0.5)
    n = 100_000
    x = model.sample(n, torch.Generator().manual_seed(0))
    cell = ((x + 4) // 1).long()
    shares = torch.zeros(8, 8).double().index_put_((cell[:, 0], cell[:, 1]), torch.ones(n).double(), True) / n
    fine, middle = (torch.arange(400).double() + 0.5) / 50 - 4, torch.arange(8).double() - 3.5
    with torch.no_grad():  # the second histogram changes within a square, along the first coordinate
        p = model.log_prob(torch.cartesian_prod(fine, middle)).exp().reshape(8, 50, 8).mean(1)
    assert ((shares - p).abs() < 5 * (p / n).sqrt() + 1e-4).all()
    assert model.log_prob(torch.tensor([[5.0, 0.0]]).double()).item() == -math.inf


def test_the_bound_is_below_the_density_and_rises_to_it(normal):
    """With a constant decoder p(x) is a Gaussian, known exactly, whatever the encoder says."""
    torch.manual_seed(0)  # of some first weights, importance sampling needs more draws than these
    vae = shaken(VAE(hidden=8), 0.03)
    for p in vae.decoder.parameters():
        p.data.zero_()
    x, generator = normal(20, 2), torch.Generator().manual_seed(0)
    width = vae.log_std.exp().detach()
    exact = (-0.5 * (x / width) ** 2 - width.log() - 0.5 * math.log(2 * math.pi)).sum(1)
    bound = torch.stack([vae.elbo(x, normal(20, 2)) for _ in range(500)]).mean()
    some = torch.stack([vae.log_prob(x, 5, generator) for _ in range(500)]).mean()
    many = vae.log_prob(x, 5000, generator)
    assert bound < some < exact.mean()
    assert (many - exact).abs().mean() < 0.1


def gaussian_fit():
    """What a single Gaussian would give: every family that has a likelihood must know more than that."""
    one = GaussianMixture(torch.ones(1), DATA.mean(0)[None], DATA.var(0).mean().sqrt()[None])
    return one.log_prob(HELD_OUT).mean().item()


@pytest.mark.parametrize(
    ("model", "loss", "gap"),
    [(Autoregressive, likelihood_loss, 0.6), (Flow, likelihood_loss, 2.0), (VAE, elbo_loss, 2.5)],
    ids=["autoregressive", "flow", "vae"],
)
def test_families_learn_the_ring(model, loss, gap):
    """Held-out log-likelihood in nats: below the truth by little, above a single Gaussian's."""
    torch.manual_seed(0)
    made = train(model(), loss, DATA, steps=1200, batch_size=128, lr=3e-3, progress=False).ema
    truth, reached = RING.log_prob(HELD_OUT).mean().item(), made.log_prob(HELD_OUT).mean().item()
    assert gaussian_fit() + 0.3 < reached < truth + 0.02
    assert reached > truth - gap
    assert mode_coverage(made.sample(1000, torch.Generator().manual_seed(2)), RING.means, 0.3) == 1


def test_mmd_brings_samples_to_the_data():
    torch.manual_seed(0)
    model, generator = Generator(), torch.Generator().manual_seed(2)
    before = mmd_squared(model.sample(1000, generator), HELD_OUT, 1.0).item()
    made = train(model, mmd_loss, DATA, steps=500, batch_size=128, lr=3e-3, progress=False).ema
    assert mmd_squared(made.sample(1000, generator), HELD_OUT, 1.0).item() < 0.02 * before


def test_a_gan_finds_modes_that_it_did_not_start_with():
    torch.manual_seed(0)
    model, discriminator = Generator(), MLP(2, [128, 128], 1, squeeze=True)
    generator = torch.Generator().manual_seed(2)
    assert mode_coverage(model.sample(1000, generator), RING.means, 0.3) == 0
    losses = train_gan(model, discriminator, DATA, steps=600)
    assert mode_coverage(model.sample(1000, generator), RING.means, 0.3) >= 0.5
    assert losses[0] == pytest.approx((2 * math.log(2), math.log(2)), abs=0.2)  # at first none can tell
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        train_gan(model, discriminator, DATA * math.nan, steps=1)
