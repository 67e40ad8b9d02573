"""A pad on which one draws: strokes against a loop over pixels, and what mouse, finger and choice leave on it."""

import pytest
import torch

from course import plots
from course.sketch import SCALE, SIDE, SketchPad, stroke

EMPTY = torch.zeros(1, 1, SIDE, SIDE)
DOT = stroke(EMPTY, (3.0, 4.0), (3.0, 4.0))


def draw(lines, words):
    "What was drawn."
    if words == "wrong":
        raise ValueError("no <word>")
    asked.append((lines.clone(), words))
    figure, ax = plots.figure()
    plots.images(ax, 1 - 2 * lines)
    return figure


asked: list[tuple[torch.Tensor, str]] = []


@pytest.fixture
def pad() -> SketchPad:
    asked.clear()
    return SketchPad(draw, {"a dot": DOT, "nothing": EMPTY}, "a seven")


def event(pad: SketchPad, name: str, *at: tuple[float, float]) -> None:
    content = {"event": name}
    if name.startswith("touch"):
        content["touches"] = [{"x": SCALE * x, "y": SCALE * y} for x, y in at]
    else:
        content |= {"x": SCALE * at[0][0], "y": SCALE * at[0][1]}
    pad.canvas._handle_frontend_event(pad.canvas, content, [])


def test_a_stroke_is_every_pixel_within_its_width():
    start, end, width = torch.tensor([3.2, 5.0]), torch.tensor([20.7, 11.4]), 1.3
    found = stroke(DOT, tuple(start.tolist()), tuple(end.tolist()), width)[0, 0]
    for row in range(SIDE):
        for column in range(SIDE):
            centre = torch.tensor([column + 0.5, row + 0.5])
            on_it = start + torch.linspace(0, 1, 2001)[:, None] * (end - start)
            away = (on_it - centre).norm(dim=1).min()
            if (away - width).abs() > 1e-4:
                assert found[row, column] == (away < width or DOT[0, 0, row, column] == 1)
    assert not EMPTY.any()


@pytest.mark.parametrize(
    ("down", "move", "up"), [("mouse_down", "mouse_move", "mouse_up"), ("touch_start", "touch_move", "touch_end")]
)
def test_lines_are_drawn_while_pressed_and_not_otherwise(pad, down, move, up):
    pad.put(EMPTY)
    event(pad, move, (2.0, 2.0))
    assert not pad.lines.any()
    event(pad, down, (5.0, 5.0))
    event(pad, move, (15.0, 5.0))
    event(pad, move, (15.0, 20.0))
    event(pad, up, (15.0, 20.0))
    event(pad, move, (30.0, 30.0))
    wanted = stroke(stroke(EMPTY, (5.0, 5.0), (15.0, 5.0)), (15.0, 5.0), (15.0, 20.0))
    assert torch.equal(pad.lines, wanted)


def test_it_opens_with_the_first_drawing_and_answers_when_asked(pad):
    assert len(asked) == 1
    assert torch.equal(asked[0][0], DOT)
    assert asked[0][1] == "a seven"
    first = pad.picture.value
    pad.drawing.value = "nothing"
    assert not pad.lines.any()
    assert len(asked) == 1
    pad.go.click()
    assert not asked[1][0].any()
    assert pad.picture.value != first
    pad.drawing.value = "a dot"
    pad.clear.click()
    assert not pad.lines.any()
    assert DOT.any()


def test_an_error_is_shown_where_the_reader_looks(pad):
    pad.words.value = "wrong"
    assert "no &lt;word&gt;" in pad.message.value
    assert not pad.go.disabled
    pad.words.value = "right"
    assert pad.message.value == ""
    pad.go.click()
    assert [words for _, words in asked] == ["a seven", "right"]  # the same again needs no answer


def test_drawings_have_a_size(pad):
    with pytest.raises(ValueError, match=r"\(B, 1, 32, 32\); got \(1, 1, 16, 16\)"):
        pad.put(torch.zeros(1, 1, 16, 16))
