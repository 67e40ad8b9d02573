"""Figures say what is true: lengths, directions, positions and areas are read back from what was drawn."""

import numpy as np
import pytest
import torch
from matplotlib.container import BarContainer

from course import plots
from course.data import ring
from course.langevin import langevin_chain
from course.widgets import explore


@pytest.fixture
def ax():
    figure, ax = plots.figure()
    yield ax
    plots.plt.close(figure)


def test_a_density_integrates_to_one_over_what_is_shown(ax):
    plots.density(ax, lambda x: ring().log_prob(x) + 5, 4, resolution=200)
    (image,) = ax.images
    assert image.get_array().sum() * (8 / 200) ** 2 == pytest.approx(1, rel=1e-5)
    assert ax.get_aspect() == 1


def test_arrows_point_where_the_score_does(ax):
    density = ring()
    plots.arrows(ax, density.score, 3)
    (arrows,) = [c for c in ax.collections if hasattr(c, "U")]
    at = torch.tensor(np.stack([arrows.X, arrows.Y], 1), dtype=torch.float32)
    drawn = torch.tensor(np.stack([arrows.U, arrows.V], 1), dtype=torch.float32)
    x = at if arrows.pivot == "middle" else at + drawn / 2
    cosine = torch.nn.functional.cosine_similarity(drawn, density.score(x))
    assert cosine.min() > 0.999


def test_longer_arrows_are_stronger_and_none_leaves_its_cell(ax):
    plots.arrows(ax, lambda x: x**3, 3, resolution=15)
    (arrows,) = [c for c in ax.collections if hasattr(c, "U")]
    norm = np.linalg.norm(np.stack([arrows.X, arrows.Y]) ** 3, axis=0)
    drawn = np.hypot(arrows.U, arrows.V)
    order = norm.argsort()
    assert (np.diff(drawn[order]) >= -1e-6).all()
    assert drawn.max() < 6 / 15


def test_chains_fade_into_the_past(ax):
    plots.chains(ax, torch.randn(10, 2, 2))
    (lines,) = [c for c in ax.collections if hasattr(c, "get_segments")]
    opacity = lines.get_colors()[:, 3].reshape(9, 2)
    assert (np.diff(opacity, axis=0) > 0).all()


def test_the_truth_is_a_black_line_through_a_function_and_the_measured_are_dots(ax):
    x = torch.tensor([0.0, 1.0, 2.0])
    plots.compare(ax, x, [0.1, 1.1, 3.9], lambda x: x**2)
    line = next(line for line in ax.lines if len(line.get_xdata()) > 3)
    assert line.get_color() == plots.EXACT
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata() ** 2)


def test_densities_darken_in_equal_steps_of_lightness():
    srgb = plots.DENSITY(np.linspace(0, 1, 9))[:, :3]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126729, 0.7151522, 0.0721750]) - 16
    np.testing.assert_allclose(np.diff(lightness), -75 / 8, rtol=0.1)


def test_text_can_be_read_from_the_last_row(ax):
    ax.set(title="title", xlabel="x", ylabel="y")
    ax.plot([0, 1], label="line")
    texts = [ax.title, ax.xaxis.label, *ax.get_xticklabels(), *ax.legend().get_texts()]
    assert min(text.get_fontsize() for text in texts) >= 12


def test_chains_are_drawn_where_they_were(ax):
    path = langevin_chain(torch.zeros(3, 2), ring().score, 0.01, 20, torch.Generator().manual_seed(0))
    plots.chains(ax, path)
    ends = torch.cat([torch.as_tensor(np.asarray(c.get_offsets())) for c in ax.collections if len(c.get_offsets())])
    drawn = torch.cat([ends] + [torch.as_tensor(np.stack(line.get_data(), 1)) for line in ax.lines]).float()
    for b in range(3):
        assert (drawn - path[-1, b]).norm(dim=1).min() < 1e-5


def test_a_histogram_is_a_density(ax):
    plots.histogram(ax, torch.randn(1000, 1), lambda x: -0.5 * x.square().sum(1), (-4, 4), bins=40)
    heights, edges, _ = ax.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1, abs=0.01)


def test_images_keep_their_pixels(ax):
    x = torch.rand(4, 1, 5, 5) * 2 - 1
    plots.images(ax, x, columns=2)
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (11, 11)
    np.testing.assert_allclose(sheet[:5, :5], x[0, 0] / 2 + 0.5, atol=1e-6)
    np.testing.assert_allclose(sheet[6:, 6:], x[3, 0] / 2 + 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda ax: plots.points(ax, torch.zeros(3)), r"points of shape \(B, 2\); got \(3,\)"),
        (lambda ax: plots.points(ax, torch.full((3, 2), torch.nan)), "Only finite numbers"),
        (lambda ax: plots.images(ax, torch.zeros(2, 5, 5)), r"images of shape .*; got \(2, 5, 5\)"),
        (lambda ax: plots.density(ax, lambda x: x, 3), r"a number at each point, shape \(40000,\)"),
        (lambda ax: plots.density(ax, ring().log_prob, (1, 0, 0, 1)), "An extent is"),
    ],
)
def test_errors_say_what_was_expected(ax, draw, words):
    with pytest.raises(ValueError, match=words):
        draw(ax)


def test_a_slider_redraws_the_picture_and_going_back_shows_the_first():
    def draw(height=1.0):
        "A line at some height."
        figure, ax = plots.figure()
        ax.axhline(height)
        ax.set(ylim=(0, 10))
        return figure

    explorer = explore(draw, height=(0.0, 10.0, 1.0, 1.0))
    first = explorer.picture.value
    explorer.sliders["height"].value = 9.0
    assert explorer.picture.value != first
    explorer.sliders["height"].value = 1.0
    assert explorer.picture.value == first
    assert explorer.alt == "A line at some height."


def test_a_film_is_drawn_ahead_and_playing_it_draws_nothing():
    drawn = []

    def draw(frame=4):
        drawn.append(frame)
        figure, ax = plots.figure()
        ax.plot([0, frame])
        return figure

    explorer = explore(draw, frame=range(0, 10, 2))
    assert sorted(drawn) == [0, 2, 4, 6, 8]
    assert explorer.sliders["frame"].value == 4
    explorer.sliders["frame"].value = 8
    explorer.sliders["frame"].value = 0
    assert len(drawn) == 5


def test_an_error_while_drawing_is_shown_where_the_reader_looks():
    def draw(n=0):
        if n:
            raise ValueError("no picture <here>")
        return plots.figure()[0]

    explorer = explore(draw, n=[0, 1])
    explorer.sliders["n"].value = 1
    assert "ValueError" in explorer.message.value
    assert "&lt;here&gt;" in explorer.message.value


def test_bars_are_as_high_as_the_share_that_is_right(ax):
    right = {"seen": torch.tensor([1.0, 1.0, 0.0, 1.0]), "unseen": torch.tensor([1.0, 0.0])}
    plots.shares(ax, {"ours": right, "control": {name: 0 * x for name, x in right.items()}})
    assert [bar.get_height() for bar in ax.patches] == [0.75, 0.5, 0, 0]
    bars = next(container for container in ax.containers if isinstance(container, BarContainer))
    low, high = bars.errorbar[2][0].get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * 0.5 / 4**0.5)  # the deviation of 1, 1, 0, 1 is a half
    with pytest.raises(ValueError, match=r"same groups, \['seen', 'unseen'\]; got \['seen'\] for 'control'"):
        plots.shares(ax, {"ours": right, "control": {"seen": right["seen"]}})


def test_a_text_box_is_read_as_a_whole_and_says_what_is_wrong():
    def draw(caption):
        "A caption as a title."
        if not caption:
            raise ValueError("An empty caption tells of nothing.")
        figure, ax = plots.figure()
        ax.set(title=caption)
        return figure

    explorer = explore(draw, caption="a red seven")
    box, first = explorer.sliders["caption"], explorer.picture.value
    assert box.value == "a red seven"
    assert not box.continuous_update  # or every letter would be drawn
    box.value = ""
    assert explorer.message.value == "<b>ValueError</b>: An empty caption tells of nothing."
    assert explorer.picture.value == first
    box.value = "a blue star"
    assert explorer.message.value == ""
    assert explorer.picture.value != first


def test_sliders_are_checked():
    with pytest.raises(ValueError, match="needs a slider"):
        explore(lambda: plots.figure()[0])
    with pytest.raises(ValueError, match=r"The slider n is \(lowest, highest, step, start\)"):
        explore(lambda n: plots.figure()[0], n=(3, 1, 1, 2))
    with pytest.raises(TypeError, match="returns a matplotlib figure; got int"):
        explore(lambda n: 3, n=[1, 2])
