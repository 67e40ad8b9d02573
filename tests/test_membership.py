"""Membership inference: the area under the ROC by its definition, and where it is known."""

import math

import pytest
import torch
from scipy.stats import norm

from course.applications.detection import auc
from course.applications.membership import (
    denoising_losses,
    membership_auc,
    roc_curve,
    true_positive_rate,
)


def error(a, b):
    return auc(-a, -b)[1]


def by_hand(a, b):
    wins = (a[:, None] < b).double() + 0.5 * (a[:, None] == b).double()
    return wins.mean().item()


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_auc_is_the_mean_over_all_pairs(levels):
    """Also where most losses are tied."""
    generator = torch.Generator().manual_seed(levels)
    a, b = (torch.randint(levels, (n,), generator=generator).float() for n in (37, 53))
    assert membership_auc(a, b) == pytest.approx(by_hand(a, b), abs=1e-12)
    assert membership_auc(a, b) == pytest.approx(auc(-a, -b)[0])
    assert membership_auc(a, b) + membership_auc(b, a) == pytest.approx(1)
    assert membership_auc(a, a) == pytest.approx(0.5)


def test_auc_ends_and_ties():
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0, 4.0])
    assert membership_auc(low, high) == 1.0
    assert membership_auc(high, low) == 0.0
    assert membership_auc(torch.ones(3), torch.ones(2)) == 0.5
    assert membership_auc(torch.tensor([0.0, torch.inf]), torch.tensor([torch.inf])) == 0.75


def test_auc_of_two_gaussians(normal):
    """Φ(d / √2) for means d apart; the standard error covers the difference."""
    d = 0.7
    a, b = normal(4000), normal(3000) + d
    assert abs(membership_auc(a, b) - norm.cdf(d / math.sqrt(2))) < 3 * error(a, b)


@pytest.mark.parametrize("levels", [3, 10_000])
def test_the_curve_rises_from_corner_to_corner_over_the_area(levels):
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randint(levels, (n,), generator=generator).double() for n in (40, 60))
    x, y = roc_curve(a, b)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (x.diff() >= 0).all()
    assert (y.diff() >= 0).all()
    assert torch.trapezoid(y, x).item() == pytest.approx(membership_auc(a, b))


def test_true_positives_at_few_false_ones():
    """One of a hundred others lies below all members but the first; a threshold above it costs one per cent."""
    members, others = torch.arange(10.0), torch.cat([torch.tensor([0.5]), torch.full((99,), 20.0)])
    assert true_positive_rate(members, others, 0.0) == pytest.approx(0.1)
    assert true_positive_rate(members, others, 0.01) == 1.0
    assert true_positive_rate(others, members, 0.0) == 0.0


def test_losses_of_a_known_denoiser(normal):
    """For D(x, σ) = x the error is the noise itself; for D = the image, nothing."""
    x, noise = normal(5, 1, 4, 4), normal(3, 1, 4, 4)
    weight = lambda s: (s**2 + 0.25) / (0.5 * s) ** 2
    found = denoising_losses(lambda x, s: x, x, [0.5, 2.0], noise)
    size = noise.square().mean().item()
    expected = (weight(0.5) * 0.25 + weight(2.0) * 4) / 2 * size
    torch.testing.assert_close(found, torch.full((5,), expected, dtype=x.dtype))
    torch.testing.assert_close(denoising_losses(lambda y, s: x, x, [1.0], noise), torch.zeros_like(found))


def test_the_exact_denoiser_of_a_data_set_betrays_its_members(normal):
    """D = E[x₀ | x] over the members: they are recognised; shuffled halves of one set are not told apart."""
    members, others, noise = normal(60, 20), normal(60, 20), normal(4, 20)

    def exact(x, sigma):
        logits = -torch.cdist(x, members).square() / (2 * sigma[:, None] ** 2)
        return logits.softmax(1) @ members

    a, b = (denoising_losses(exact, x, [1.0], noise) for x in (members, others))
    assert membership_auc(a, b) > 0.99
    assert abs(membership_auc(b[:30], b[30:]) - 0.5) < 3 * error(b[:30], b[30:])


def test_an_image_has_the_same_loss_in_any_company(normal):
    x, noise = normal(6, 3), normal(2, 3)
    shrink = lambda x, s: x / (1 + s[:, None] ** 2)
    whole = denoising_losses(shrink, x, [0.3, 1.0], noise)
    torch.testing.assert_close(denoising_losses(shrink, x[4:5], [0.3, 1.0], noise), whole[4:5])
    assert not whole.requires_grad


def test_what_does_not_fit_is_refused():
    a, x = torch.zeros(3), torch.zeros(3, 4)
    for bad in (torch.zeros(0), torch.zeros(3, 1), torch.full((3,), torch.nan)):
        with pytest.raises(ValueError, match=r"member_losses|nan"):
            membership_auc(bad, a)
        with pytest.raises(ValueError, match=r"other_losses|nan"):
            membership_auc(a, bad)
    with pytest.raises(TypeError, match="floating-point"):
        membership_auc(a.long(), a)
    with pytest.raises(ValueError, match="noise of shape"):
        denoising_losses(lambda x, s: x, x, [1.0], torch.zeros(3))
    with pytest.raises(ValueError, match="one noise level or more"):
        denoising_losses(lambda x, s: x, x, [], torch.zeros(1, 4))
    with pytest.raises(ValueError, match="positive"):
        denoising_losses(lambda x, s: x, x, [0.0], torch.zeros(1, 4))
    with pytest.raises(ValueError, match="rate"):
        true_positive_rate(a, a, 1.5)
