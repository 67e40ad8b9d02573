"""The data: what ships, what torchvision reads, and shapes in the plane."""

import struct

import numpy as np
import pytest
import torch

from course.data import checkerboard, grid, mnist, moons, pinwheel, ring, spiral, two_modes
from course.data.subset import choose, make, read_idx


@pytest.mark.parametrize(("split", "n"), [("train", 10_000), ("test", 2_000)])
def test_the_shipped_subset(split, n):
    images, labels = mnist(split=split)
    assert images.shape == (n, 1, 28, 28)
    assert images.dtype == torch.float32
    assert (images.min().item(), images.max().item()) == (-1, 1)
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [n // 10] * 10
    assert len(images.flatten(1).unique(dim=0)) == n  # no image twice


def test_sixteen_is_the_padded_image_averaged():
    large, _ = mnist(28, "test")
    small, _ = mnist(16, "test")
    padded = np.full((len(large), 32, 32), -1.0)
    padded[:, 2:-2, 2:-2] = large[:, 0]
    average = sum(padded[:, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    np.testing.assert_allclose(small[:, 0], average, atol=1e-6)


def write_idx(path, array):
    header = struct.pack(f">4B{array.ndim}i", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def raw(tmp_path):
    """MNIST's files in the original format, with 40 training and 20 test images."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split, prefix, n in (("train", "train", 40), ("test", "t10k", 20)):
        images, labels = mnist(split=split)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", ((images[:n, 0] + 1) * 127.5).round().numpy())
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels[:n].numpy())
    return tmp_path


@pytest.mark.parametrize(("split", "n"), [("train", 40), ("test", 20)])
def test_the_full_set_goes_through_torchvision(raw, split, n):
    images, labels = mnist(16, split, full=True, root=raw)
    expected, expected_labels = mnist(16, split)
    assert torch.equal(images, expected[:n])
    assert torch.equal(labels, expected_labels[:n])


def test_the_full_set_missing(tmp_path, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(FileNotFoundError, match=r"put its four idx files there, unzipped, or .* full=False"):
        mnist(full=True, root=tmp_path)


def test_the_subset_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("course.data.images.SHIPPED", tmp_path / "mnist.npz")
    with pytest.raises(FileNotFoundError, match="subset is missing"):
        mnist()
    with pytest.raises(FileNotFoundError, match="neither train-images-idx3-ubyte nor"):
        make(tmp_path, tmp_path / "mnist.npz")


def test_bad_arguments():
    with pytest.raises(ValueError, match="size 28 or 16; got 32"):
        mnist(size=32)
    with pytest.raises(ValueError, match="got 'validation'"):
        mnist(split="validation")


def test_the_subset_is_chosen_evenly_and_always_alike(raw):
    labels = np.repeat(np.arange(10), 50)
    chosen = choose(labels, 200)
    assert np.bincount(labels[chosen]).tolist() == [20] * 10
    assert np.array_equal(chosen, choose(labels, 200))
    assert read_idx(raw / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").shape == (20,)


def test_mixtures_have_the_moments_of_their_geometry():
    assert torch.allclose(ring(8, 2.0, 0.1).mean, torch.zeros(2), atol=1e-6)
    assert ring(8, 2.0, 0.1).covariance.trace().item() == pytest.approx(2**2 + 2 * 0.1**2, rel=1e-5)
    assert two_modes(4.0, 0.5, weight=0.25).mean.tolist() == pytest.approx([1.0, 0.0])
    assert grid(3, 2.0, 0.1).covariance.tolist() == pytest.approx(np.eye(2) * (8 / 3 + 0.01), rel=1e-5)


@pytest.mark.parametrize("shape", [moons, spiral, checkerboard, pinwheel])
def test_shapes_are_centred_reproducible_and_in_view(shape):
    points = shape(4000, generator=torch.Generator().manual_seed(0))
    assert points.shape == (4000, 2)
    assert points.abs().max() < 4
    assert points.mean(0).abs().max() < 0.4
    assert torch.equal(points, shape(4000, generator=torch.Generator().manual_seed(0)))


def test_a_checkerboard_has_points_on_dark_squares_only():
    column, row = (checkerboard(2000).floor() + 2).long().T
    assert ((column + row) % 2 == 0).all()
    assert torch.bincount(4 * row + column, minlength=16).count_nonzero() == 8


@pytest.mark.parametrize("call", [lambda n: ring(radius=n), lambda n: two_modes(n), lambda n: grid(spacing=n)])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_places_are_finite(call, number):
    with pytest.raises(ValueError, match="to be finite; got"):
        call(number)
