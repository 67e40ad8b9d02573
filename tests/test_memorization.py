"""Nearest training images: against all differences in float64, in pieces as in one, and where distances are equal."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from course.applications import memorization
from course.applications.memorization import (
    distance_ratio,
    memorized_fraction,
    nearest_training,
    repeated_images,
    two_nearest,
)
from course.data import mnist


def by_hand(samples, train):
    return (samples.double()[:, None] - train.double()[None]).flatten(2).square().sum(2).sqrt()


def test_nearest_is_the_least_of_all_differences(normal):
    samples, train = normal(13, 2, 3, 3), normal(29, 2, 3, 3)
    distances = by_hand(samples, train)
    distance, index = nearest_training(samples, train)
    torch.testing.assert_close(distance, distances.amin(1))
    assert torch.equal(index, distances.argmin(1))
    torch.testing.assert_close(two_nearest(samples, train)[0], distances.sort(1).values[:, :2])


@pytest.mark.parametrize("chunk", [1, 2, 7, 100])
def test_pieces_change_nothing(chunk, monkeypatch, normal):
    samples, train = normal(9, 5), normal(23, 5)
    whole = two_nearest(samples, train)
    monkeypatch.setattr(memorization, "CHUNK", chunk)
    assert all(torch.equal(a, b) for a, b in zip(two_nearest(samples, train), whole))


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_the_lowest_index_wins_a_tie_and_a_copy_is_at_zero(chunk, monkeypatch):
    monkeypatch.setattr(memorization, "CHUNK", chunk)
    train = torch.tensor([[3.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    distance, index = nearest_training(torch.tensor([[0.0, 0.0], [0.0, 1.0], [3.0, 0.0]]), train)
    assert distance.tolist() == [1.0, 0.0, 0.0]
    assert index.tolist() == [1, 1, 0]


def test_a_copy_is_at_zero_in_single_precision_far_from_the_origin():
    """A matrix product of vectors would round: ‖x‖² + ‖y‖² − 2xy is not exactly zero."""
    x = 1000 + torch.randn(50, 256, generator=torch.Generator().manual_seed(0))
    assert nearest_training(x, x)[0].eq(0).all()


def test_never_all_differences_at_once():
    """200 × 5,000 × 32 differences would be 32 million; pieces of 4 million distances at most are held."""
    x = torch.zeros(5000, 32).uniform_(generator=torch.Generator().manual_seed(0))
    sizes = []
    with _Largest(sizes):
        nearest_training(x[:200], x)
    assert max(sizes) <= max(2048 * 2048, x.numel())


class _Largest(TorchDispatchMode):
    """Notes how many numbers every result holds."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.sizes += [
            a.numel() for a in (result if isinstance(result, (tuple, list)) else [result]) if hasattr(a, "numel")
        ]
        return result


def test_the_fraction_on_a_line_where_it_is_known():
    """Between images at 0 and 1, x is a copy for ratio r where x < r (1 − x), so below r / (1 + r): 1/4 for 1/3."""
    train = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    x = torch.linspace(0, 0.5, 1001, dtype=torch.float64)[:, None]
    for r in (1 / 3, 0.5, 1.0):
        assert memorized_fraction(x, train, r) == pytest.approx(2 * r / (1 + r), abs=2e-3)
    torch.testing.assert_close(distance_ratio(x, train), x[:, 0] / (1 - x[:, 0]))


def test_below_is_strict_and_what_occurs_twice_does_not_count():
    train = torch.tensor([[0.0], [4.0], [4.0]])
    assert memorized_fraction(torch.tensor([[1.0]]), train, 1 / 3) == 0.0  # 1 is not below 3 / 3
    assert memorized_fraction(torch.tensor([[1.0]]), train, 0.34) == 1.0
    assert memorized_fraction(torch.tensor([[4.0]]), train, 1 / 3) == 0.0


def test_copies_are_found_and_new_images_are_not():
    """Training digits with a little noise are copies; test digits are not, but for a few whose like was trained on."""
    train, test = mnist(16)[0][::4], mnist(16, "test")[0][::10]
    noisy = train[:50] + 0.02 * torch.randn(50, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert memorized_fraction(noisy, train, 1 / 3) > 0.99
    assert memorized_fraction(test, train, 1 / 3) < 0.02
    assert torch.equal(nearest_training(noisy, train)[1], torch.arange(50))


def test_repeated_images_are_found_without_training_data(normal):
    """Three are drawn again and again, five, three and two times, among others that are far from all."""
    centres, others = 100 * normal(3, 8), 100 * normal(40, 8)
    x = torch.cat([centres.repeat_interleave(torch.tensor([3, 5, 2]), 0), others])
    x = x + 0.01 * normal(*x.shape)
    found = repeated_images(x, 1.0)
    nearest = nearest_training(x[found], centres)[1]
    assert nearest.tolist() == [1, 0]
    assert len(repeated_images(x, 1.0, least=2)) == 3
    assert len(repeated_images(others, 1.0)) == 0
    assert repeated_images(x[:0], 1.0).shape == (0,)


@pytest.mark.parametrize(
    ("samples", "train", "error", "words"),
    [
        (torch.zeros(3, 4), torch.zeros(5, 3), ValueError, "same D"),
        (torch.zeros(3), torch.zeros(5), ValueError, "samples of shape"),
        (torch.zeros(3, 4), torch.zeros(0, 4), ValueError, "no training image"),
        (torch.zeros(3, 4), torch.zeros(5, 4).double(), TypeError, "one dtype"),
        (torch.zeros(3, 4).long(), torch.zeros(5, 4).long(), TypeError, "floating-point"),
        (torch.full((3, 4), torch.nan), torch.zeros(5, 4), ValueError, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(samples, train, error, words):
    with pytest.raises(error, match=words):
        nearest_training(samples, train)


def test_a_fraction_needs_samples_a_ratio_and_two_images():
    x = torch.zeros(2, 3)
    for samples, train, ratio, words in (
        (x, x, 0.0, "ratio"),
        (x[:0], x, 0.3, "no samples"),
        (x, x[:1], 0.3, "two or"),
    ):
        with pytest.raises(ValueError, match=words):
            memorized_fraction(samples, train, ratio)


def test_no_graph_is_kept():
    x = torch.ones(2, 3, requires_grad=True)
    assert not nearest_training(x, torch.zeros(4, 3))[0].requires_grad
