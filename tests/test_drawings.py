"""A drawing shows the shapes that its network has: read back from the picture, counted from the docstrings."""

import re

import pytest
import torch

from course import drawings, plots
from course.networks import DiT, InstanceNormBlock, UNet


@pytest.fixture
def ax():
    figure, ax = plots.figure()
    yield ax
    plots.plt.close(figure)


def shapes(ax) -> list[str]:
    """Every ``a × b`` or ``a × b × c`` that stands alone or behind a colon, in the order drawn."""
    texts = [text.get_text() for text in ax.texts]
    return [found[1] for t in texts if (found := re.fullmatch(r"(?:\w+: )?(\d+(?: × \d+)+)", t))]


def words(ax) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def test_what_passes_is_what_hooks_see():
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.SiLU())
    seen = drawings.passed(network, torch.zeros(2, 7, 3))
    assert seen[""] == drawings.Passed(((7, 3),), (7, 5))
    assert seen["1"] == drawings.Passed(((7, 5),), (7, 5))
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_are_gone_after_an_error():
    network = torch.nn.Sequential(torch.nn.Linear(3, 5))
    with pytest.raises(RuntimeError):
        drawings.passed(network, torch.zeros(2, 4))
    assert not any(module._forward_hooks for module in network.modules())


def test_a_unet_goes_down_and_up(ax):
    """The one that ships: C × H × W at every stop, features from below and from the skip joined on the way up."""
    drawings.unet(ax, UNet(classes=10))
    down = ["1 × 16 × 16", "32 × 16 × 16", "32 × 16 × 16", "64 × 8 × 8", "64 × 4 × 4", "64 × 4 × 4"]
    up = ["128 × 4 × 4", "64 × 4 × 4", "128 × 8 × 8", "32 × 8 × 8", "64 × 16 × 16", "32 × 16 × 16", "1 × 16 × 16"]
    assert shapes(ax) == down + up
    assert "128 waves" in words(ax)
    assert words(ax).count("attention") == 2


def test_another_unet_is_another_drawing(ax):
    drawings.unet(ax, UNet(channels=3, widths=(8, 16), depth=2, attention=False), size=8)
    down = ["3 × 8 × 8", "8 × 8 × 8", "8 × 8 × 8", "8 × 8 × 8", "16 × 4 × 4", "16 × 4 × 4", "16 × 4 × 4"]
    up = ["32 × 4 × 4", "16 × 4 × 4", "32 × 4 × 4", "8 × 4 × 4", "16 × 8 × 8", "8 × 8 × 8", "16 × 8 × 8", "8 × 8 × 8"]
    assert shapes(ax) == [*down, *up, "3 × 8 × 8"]
    assert "32 waves" in words(ax)
    assert "attention" not in words(ax)


def test_features_are_as_high_as_their_pixels_and_as_wide_as_their_channels(ax):
    drawings.unet(ax, UNet())
    boxes = {(round(p.get_width(), 6), round(p.get_height(), 6)) for p in ax.patches}
    widths = {w for w, _ in boxes}
    low, half, full = sorted({h for _, h in boxes})
    assert (half / low, full / low) == pytest.approx((2, 4))
    assert max(widths) / sorted(widths)[2] == pytest.approx(2)  # 128 of the joined, 64


def test_a_block_of_a_unet(ax):
    drawings.unet_block(ax, UNet(widths=(32, 64, 64)), part=1)
    assert set(shapes(ax)) == {"64 × 8 × 8"}
    assert "linear: 64" in words(ax)
    assert "time and class: 128" in words(ax)
    with pytest.raises(ValueError, match="InstanceNormBlock"):
        drawings.unet_block(ax, UNet(block=InstanceNormBlock))


@pytest.mark.parametrize(("size", "patch", "dim", "depth"), [(16, 2, 64, 4), (8, 4, 32, 2)])
def test_a_transformer(ax, size, patch, dim, depth):
    drawings.dit(ax, DiT(size=size, patch=patch, dim=dim, depth=depth))
    n = (size // patch) ** 2
    picture, patches, tokens = f"1 × {size} × {size}", f"{n} × {patch**2}", f"{n} × {dim}"
    assert shapes(ax) == [picture, patches, tokens, *depth * [tokens], patches, picture]
    assert f"{dim} waves" in words(ax)
    assert f"block {depth}" in words(ax)


def test_a_block_of_a_transformer(ax):
    """18C² + 11C: six modulations of C, attention in heads that share C, a perceptron of width 4C."""
    drawings.dit_block(ax, DiT(dim=96, heads=4))
    assert set(shapes(ax)) == {"64 × 96"}
    assert "4 heads of 24" in words(ax)
    assert "96 → 384 → 96" in words(ax)
    assert "576 = 6 × 96" in words(ax)
