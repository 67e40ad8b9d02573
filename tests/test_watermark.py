"""Watermarks: exactly Gaussian noise, an exact null distribution, and marks that are found again."""

import hashlib
import itertools
import math
from functools import partial

import pytest
import torch
from scipy import stats

from course.applications.distortions import quantize
from course.applications.tree_ring import tree_ring, tree_ring_score
from course.applications.watermark import (
    keyed_signs,
    principal_directions,
    recovered_noise,
    trace_watermark,
    watermark_p_value,
    watermark_score,
    watermarked_noise,
)
from course.data import mnist
from course.pretrained import load
from course.processes import EDM
from course.sampling import ddim, dpm_solver, edm_step, karras_times, walk
from course.scores import score_from_denoiser


def orthonormal(k, d, normal):
    return torch.linalg.qr(normal(d, k)).Q.mT.contiguous()


def test_signs_are_the_bits_of_shake_256():
    digest = hashlib.shake_256(b"7/my key").digest(3)
    bits = [(byte >> i) & 1 for byte in digest for i in range(8)][:20]
    assert keyed_signs("my key", [7], 20)[0].tolist() == [2 * bit - 1 for bit in bits]


def test_signs_are_fair_and_independent_across_numbers_and_keys():
    ours, theirs = keyed_signs("a", range(400), 256), keyed_signs("b", range(400), 256)
    for products in (ours, ours * theirs, ours[1:] * ours[:-1], ours[:, 1:] * ours[:, :-1]):
        assert abs(products.mean().item()) < 4 / products.numel() ** 0.5
    torch.testing.assert_close(keyed_signs("a", [399], 256)[0], ours[399])


def test_marked_noise_has_the_signs_and_nothing_else_changes(normal):
    noise, directions = normal(5, 3, 4), orthonormal(7, 12, normal)
    signs = keyed_signs("key", range(5), 7).double()
    marked = watermarked_noise(noise, signs, directions)
    before, after = (x.flatten(1) @ directions.mT for x in (noise, marked))
    torch.testing.assert_close(after, signs * before.abs())
    rest = torch.eye(12).double() - directions.mT @ directions
    torch.testing.assert_close(marked.flatten(1) @ rest, noise.flatten(1) @ rest)


def test_marked_noise_is_standard_normal_over_numbers(normal):
    """Means, covariances and the law of every projection; with one number for all images, none of these."""
    n, d, k = 20_000, 8, 5
    noise, directions, towards = normal(n, d), orthonormal(k, d, normal), orthonormal(d, d, normal)
    marked = watermarked_noise(noise, keyed_signs("key", range(n), k).double(), directions)
    assert marked.mean(0).abs().max() < 4.5 / n**0.5
    assert (marked.T.cov() - torch.eye(d)).abs().max() < 4.5 * (2 / n) ** 0.5
    assert ((marked**2).T.cov() - 2 * torch.eye(d)).abs().max() < 6 * (2 * 56 / n) ** 0.5
    for coordinate in (marked @ towards.mT).T:
        assert stats.kstest(coordinate.numpy(), "norm").pvalue > 1e-3
    alike = watermarked_noise(noise, keyed_signs("key", [0], k).double().expand(n, -1), directions)
    assert (alike @ directions.mT).mean(0).abs().min() == pytest.approx((2 / math.pi) ** 0.5, abs=0.03)
    assert min(stats.kstest(c.numpy(), "norm").pvalue for c in (alike @ directions.mT).T) < 1e-12


def test_p_values_are_shares_of_all_keys(normal):
    """Of an image with 8 marked directions there are 256 keys: p is the share that agrees as well or better."""
    k, recovered = 8, normal(3, 10)
    directions = orthonormal(k, 10, normal)
    keys = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=k))).double()
    for image in recovered:
        alike = image.expand(len(keys), -1)
        scores, p = watermark_score(alike, keys, directions), watermark_p_value(alike, keys, directions)
        shares = (scores[None, :] >= scores[:, None] - 1e-9).double().mean(1)
        torch.testing.assert_close(p, shares)
        assert abs(scores.mean()) < 1e-6
        assert scores.square().mean().item() == pytest.approx(1.0)
        for level in (0.01, 0.1, 0.5):
            assert (p <= level).double().mean() <= level


def test_where_all_magnitudes_are_equal_the_null_is_binomial():
    k, directions = 100, torch.eye(100).double()
    signs = keyed_signs("key", range(6), k).double()
    recovered = keyed_signs("image", range(6), k).double()
    matches = (signs == recovered).sum(1).numpy()
    torch.testing.assert_close(
        watermark_p_value(recovered, signs, directions), torch.from_numpy(stats.binom.sf(matches - 1, k, 0.5))
    )
    own = watermark_p_value(signs, signs, directions)
    torch.testing.assert_close(own, torch.full_like(own, 0.5**k), rtol=1e-9, atol=0)


def test_tracing_is_the_best_of_all_numbers_times_how_many(normal):
    directions, signs = orthonormal(20, 24, normal), keyed_signs("key", range(9), 20).double()
    recovered = watermarked_noise(normal(4, 24), signs[[3, 8, 0, 5]], directions) + 0.3 * normal(4, 24)
    p, row = trace_watermark(recovered, signs, directions)
    every = torch.stack([watermark_p_value(recovered, s.expand(4, -1), directions) for s in signs], 1)
    torch.testing.assert_close(p, (9 * every.amin(1)).clamp(max=1))
    assert row.tolist() == [3, 8, 0, 5]
    alone, _ = trace_watermark(recovered, signs[:1], directions)
    torch.testing.assert_close(alone, every[:, 0])


@pytest.mark.parametrize("solver", [lambda p, s: edm_step(s), dpm_solver, ddim])
def test_the_flow_of_a_gaussian_is_walked_back_to_its_noise(solver, normal):
    """Data N(0, d²): the exact map is x = d z / √(1 + d²/σ²), and its inverse is found to the solver's order."""
    spread, process = torch.tensor([2.0, 1.0, 0.5, 0.1]).double(), EDM(20.0)
    score = lambda x, t: -x / (spread**2 + t**2)
    z, end = normal(50, 4), 0.01
    x = z * 20.0 * ((spread**2 + end**2) / (spread**2 + 20.0**2)).sqrt()
    errors = []
    for n in (40, 160):
        found = recovered_noise(solver(process, score), x, karras_times(20.0, end, n).double().tolist(), 20.0)
        errors.append((found - z).abs().max().item())
    assert errors[1] < 0.4 * errors[0]
    assert errors[1] < 0.12


def test_principal_directions_are_those_of_the_covariance(normal):
    x = normal(500, 2, 3) * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.3, 0.1]).double().reshape(2, 3)
    v = principal_directions(x, 4)
    torch.testing.assert_close(v @ v.mT, torch.eye(4).double())
    variances = (x.flatten(1) @ v.mT).var(0)
    torch.testing.assert_close(variances, torch.linalg.eigvalsh(x.flatten(1).T.cov()).flip(0)[:4])


def test_marks_are_found_in_digits_of_eight_bits_and_not_with_another_key():
    process, null = EDM(80.0), torch.full((40,), 10)
    score = score_from_denoiser(partial(load("edm"), labels=torch.arange(40) % 10), process)
    blind = score_from_denoiser(partial(load("edm"), labels=null), process)
    times = karras_times(80.0, 0.02, 12).tolist()
    directions, signs = principal_directions(mnist(16)[0], 128), keyed_signs("key", range(40), 128)
    noise = torch.randn(40, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    start = 80.0 * watermarked_noise(noise, signs, directions)
    *_, x = walk(dpm_solver(process, score), start, [*times, 0.0])
    found = recovered_noise(ddim(process, blind), quantize(x), [*times, 0.0], 80.0)
    assert (watermark_p_value(found, signs, directions) < 0.01).float().mean() >= 0.95
    other = watermark_score(found, keyed_signs("another", range(40), 128), directions)
    assert abs(other.mean().item()) < 4 / 40**0.5
    assert watermark_score(found, signs, directions).mean() > 4.5


def test_tree_rings_are_in_the_spectrum_and_in_every_image(normal):
    noise, rings = normal(200, 1, 16, 16), normal(5)
    marked = tree_ring(noise, rings)
    spectrum, before = (torch.fft.fft2(x, norm="ortho") for x in (marked, noise))
    for row, column in ((0, 0), (0, 2), (3, 0), (15, 0), (2, 2)):
        ring = round(math.hypot(min(row, 16 - row), min(column, 16 - column)))
        torch.testing.assert_close(spectrum[:, 0, row, column], rings[ring].to(spectrum).expand(200))
    torch.testing.assert_close(spectrum[:, 0, 8], before[:, 0, 8])
    torch.testing.assert_close(tree_ring(marked, rings), marked)
    torch.testing.assert_close(tree_ring_score(marked, rings), torch.ones(200).double())
    assert abs(tree_ring_score(noise, rings).mean().item()) < 0.1
    turned = marked.flip(2, 3).roll((1, 1), (2, 3))  # half a turn about the first pixel
    torch.testing.assert_close(tree_ring_score(turned, rings), torch.ones(200).double())
    assert marked.mean(0).square().mean() > 10 / 200  # the same in every image: not N(0, I)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keyed_signs(7, [0], 8), "A key is a string"),
        (lambda: keyed_signs("k", [-1], 8), "Expected number of 0 or more; got -1"),
        (lambda: keyed_signs("k", [0], 0), "Expected bits of 1 or more; got 0"),
        (lambda: principal_directions(torch.zeros(3, 2), 3), "have no 3 principal directions"),
        (
            lambda: watermarked_noise(torch.zeros(2, 4), torch.ones(2, 4), torch.eye(3)),
            r"directions of shape \(k, 4\)",
        ),
        (lambda: watermarked_noise(torch.zeros(2, 3), torch.ones(3), torch.eye(3)), r"signs of shape \(2, 3\)"),
        (lambda: watermarked_noise(torch.zeros(1, 2), torch.zeros(1, 2), torch.eye(2)), "Signs are −1 or 1"),
        (lambda: recovered_noise(ddim(EDM(), lambda x, t: x), torch.zeros(1, 2), [0.0], 80.0), "a time to start from"),
        (lambda: tree_ring(torch.zeros(1, 1, 8, 8), torch.ones(5)), "r below half the image"),
        (
            lambda: recovered_noise(ddim(EDM(), lambda x, t: x), torch.zeros(1, 2), [float("nan"), 1.0], 80.0),
            "a time to be finite; got nan",
        ),
        (
            lambda: watermarked_noise(torch.zeros(1, 2).double(), torch.ones(1, 2), torch.eye(2)),
            "directions and x of one dtype; got torch.float32 and torch.float64",
        ),
    ],
)
def test_mistakes_are_answered_with_a_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
