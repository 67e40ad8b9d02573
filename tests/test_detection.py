"""Detectors and distortions: areas under ROCs that are known, identities at strength zero."""

import math

import pytest
import torch

from course.applications.detection import (
    Detector,
    auc,
    detection_pairs,
    detection_scores,
    pixel_traces,
    train_detector,
)
from course.applications.distortions import add_noise, blur, crop, jpeg, quantize, shift
from course.data import mnist


def test_the_area_is_the_share_of_pairs_in_order(normal):
    positive, negative = (normal(30) + 0.5).mul(3).round(), normal(40).mul(3).round()  # many ties
    pairs = [float(p > q) + 0.5 * float(p == q) for p in positive for q in negative]
    area, error = auc(positive, negative)
    assert area == pytest.approx(sum(pairs) / len(pairs))
    grid = torch.tensor(pairs).double().reshape(30, 40)
    assert error == pytest.approx((grid.mean(1).var() / 30 + grid.mean(0).var() / 40).sqrt().item())
    assert auc(negative, positive)[0] == pytest.approx(1 - area)
    assert auc(positive.exp(), negative.exp()) == pytest.approx((area, error))


def test_two_gaussians_have_the_area_phi_and_the_error_is_its_deviation():
    """Scores N(1, 1) against N(0, 1): the area is Φ(1/√2) = 0.760."""
    generator = torch.Generator().manual_seed(0)
    draws = [auc(1 + torch.randn(60, generator=generator), torch.randn(90, generator=generator)) for _ in range(500)]
    areas, errors = torch.tensor(draws).T
    exact = 0.5 * (1 + math.erf(0.5))
    assert areas.mean().item() == pytest.approx(exact, abs=4 * areas.std().item() / 500**0.5)
    assert errors.mean().item() == pytest.approx(areas.std().item(), rel=0.1)


def test_a_trained_detector_is_as_good_as_the_likelihood_ratio_and_blind_where_there_is_none():
    """White noise with and without a faint checkerboard: no detector has an area above Φ(‖m‖/√2σ)."""
    generator = torch.Generator().manual_seed(0)
    i = torch.arange(8)
    board, sigma = 0.1 * (1 - 2.0 * ((i[:, None] + i) % 2)), 0.3
    draw = lambda n: sigma * torch.randn(n, 1, 8, 8, generator=generator)
    best = 0.5 * (1 + math.erf(board.norm().item() / sigma / 2))
    area, error = auc(*_scores(train_detector(draw(2000), draw(2000) + board, 100), draw(1000) + board, draw(1000)))
    assert best - 0.08 < area < best + 4 * error
    area, error = auc(*_scores(train_detector(draw(500), draw(500), 30), draw(1000), draw(1000)))
    assert abs(area - 0.5) < 4 * error


def _scores(model, generated, real):
    return detection_scores(model, generated), detection_scores(model, real)


def test_a_detector_sees_eight_bits_and_no_more(normal):
    model, x = Detector(), quantize(normal(20, 1, 16, 16).float())
    torch.testing.assert_close(detection_scores(model, x), detection_scores(model, x + 1e-3))
    assert sum(p.numel() for p in model.parameters()) == 30_177
    images, labels = detection_pairs(x[:5], x[5:])
    assert torch.equal(images, x)
    assert labels.tolist() == [0.0] * 5 + [1.0] * 15


def test_traces_of_images_that_are_known():
    x = -torch.ones(3, 1, 4, 4)
    x[1, 0, 0, 0], x[2] = -1 + 2 * 3 / 255, 1 - 2 / 255
    traces = pixel_traces(x)
    black, nearly, white, almost, mean, rough = traces.values()
    assert black.tolist() == [1, 15 / 16, 0]
    assert nearly.tolist() == [0, 1 / 16, 0]
    assert (white.tolist(), almost.tolist()) == ([0, 0, 0], [0, 0, 1])
    assert mean.tolist() == [0, 3 / 16, 254]
    assert rough.tolist() == pytest.approx([0, 2 * (3 / 255) ** 2 / 12, 0])


def test_a_faint_background_is_seen_in_few_steps_and_not_where_levels_are_coarse():
    """Black against levels 1 to 4: the share of nearly black pixels separates them, and so must a detector."""
    generator = torch.Generator().manual_seed(0)
    black = -torch.ones(400, 1, 8, 8)
    faint = black + torch.randint(0, 5, black.shape, generator=generator) / 127.5
    model = train_detector(black[:300], faint[:300], 30)
    assert auc(*_scores(model, faint[300:], black[300:]))[0] == 1
    coarse = detection_scores(model, torch.cat([black, faint]), 16)
    assert coarse.std() < 1e-5


# -- distortions -------------------------------------------------------------------------------------------------------


def test_eight_bits_of_eight_bits_are_the_same_and_digits_have_them():
    digits, small = mnist(28)[0][:50], mnist(16)[0][:50]
    torch.testing.assert_close(quantize(digits), digits)
    assert (quantize(small) - small).abs().max() == pytest.approx(1 / 255, rel=0.01)  # means of four levels
    assert torch.equal(quantize(quantize(small)), quantize(small))
    assert sorted(set(quantize(small, 2).flatten().tolist())) == [-1, 1]
    assert quantize(torch.tensor([-3.0, 3.0])).tolist() == [-1, 1]


@pytest.mark.parametrize(
    "unchanged",
    [
        lambda x: blur(x, 0.0),
        lambda x: add_noise(x, 0.0),
        lambda x: shift(x, 0, 0),
        lambda x: crop(x, 0),
    ],
)
def test_strength_zero_changes_nothing(unchanged):
    x = mnist(16)[0][:4]
    assert torch.equal(unchanged(x), x)


def test_blur_is_the_sum_over_neighbours(normal):
    x, width = normal(2, 3, 5, 6), 0.6
    w = [math.exp(-0.5 * (k / width) ** 2) for k in range(-2, 3)]
    at = lambda b, c, i, j: x[b, c, i, j] if 0 <= i < 5 and 0 <= j < 6 else -1.0
    for b, c, i, j in ((0, 0, 0, 0), (1, 2, 3, 3), (0, 1, 4, 5)):
        wanted = sum(w[k + 2] * w[l + 2] * at(b, c, i + k, j + l) for k in range(-2, 3) for l in range(-2, 3))
        assert blur(x, width)[b, c, i, j].item() == pytest.approx(float(wanted) / sum(w) ** 2)


def test_shifts_compose_and_lose_what_leaves(normal):
    x = normal(2, 1, 6, 6)
    moved = shift(x, 2, -1)
    assert torch.equal(moved[:, :, 2:, :-1], x[:, :, :-2, 1:])
    assert (moved[:, :, :2] == -1).all()
    assert (moved[..., -1] == -1).all()
    back = shift(moved, -2, 1)
    assert torch.equal(back[:, :, :4, 1:], x[:, :, :4, 1:])
    assert (back[:, :, 4:] == -1).all()


def test_a_crop_keeps_the_inside(normal):
    x = normal(2, 1, 6, 6)
    kept = crop(x, 2)
    assert torch.equal(kept[:, :, 2:4, 2:4], x[:, :, 2:4, 2:4])
    assert (kept == -1).sum() == 2 * (36 - 4)


def test_jpeg_loses_more_at_lower_quality():
    x = mnist(16)[0][:20]
    errors = [(jpeg(x, quality) - x).abs().mean().item() for quality in (100, 90, 50, 10)]
    assert errors == sorted(errors)
    assert errors[0] < 0.01
    assert errors[-1] > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc(torch.zeros(1), torch.zeros(3)), "two scores or more of each kind"),
        (lambda: auc(torch.zeros(3, 1), torch.zeros(3)), "two scores or more of each kind"),
        (lambda: detection_pairs(torch.zeros(2, 1, 8, 8), torch.zeros(2, 3, 8, 8)), "shape"),
        (lambda: blur(torch.zeros(1, 1, 8, 8), -1.0), "width to be 0 or more, and finite; got -1"),
        (lambda: blur(torch.zeros(1, 1, 8, 8), 1e9), "width is at most that of the image, 8 pixels; got 1000000000"),
        (lambda: shift(torch.zeros(1, 1, 8, 8), 9, 0), "Images of 8 × 8 pixels are shifted by no more; got 9 and 0"),
        (lambda: add_noise(torch.zeros(1, 1, 8, 8), float("nan")), "sigma to be 0 or more, and finite; got nan"),
        (lambda: Detector()(torch.zeros(1, 1, 8, 8).double()), "x and weights of one dtype; got torch.float64"),
        (lambda: crop(torch.zeros(1, 1, 8, 8), 4), "leaves nothing of images of 8 × 8"),
        (lambda: jpeg(torch.zeros(1, 2, 8, 8), 50), "JPEG takes 1 or 3 channels"),
        (lambda: quantize(torch.zeros(1), 1), "Expected levels of 2 or more; got 1"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
