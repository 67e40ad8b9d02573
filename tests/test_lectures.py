"""Every lecture runs from top to bottom, is clean, and says in words what its figures show."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.outputs import trouble
from tools.claims import is_claim

ROOT = Path(__file__).parent.parent
LECTURES = sorted(ROOT.glob("lectures/*.ipynb"))
DRAWS = re.compile(r"^\S.*plots\.figure\(|^explore\(", re.MULTILINE)  # not inside a function


@pytest.fixture(params=LECTURES, ids=lambda path: path.stem)
def lecture(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


@pytest.mark.slow
def test_it_runs_and_shows_every_figure_where_no_widgets_are(lecture, tmp_path):
    """No error, nothing on stderr; and a page without a kernel has a picture, with words, for every slider's figure."""
    NotebookClient(lecture, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    for cell in lecture.cells:
        assert trouble(cell) == []
        if cell.cell_type == "code" and cell.source.strip().split("\n")[-1].startswith("explore("):
            static = [o.data for o in cell.outputs if "image/png" in o.get("data", {})]
            assert static, cell.id
            assert 'alt="' in static[0]["text/html"]


def test_cells_are_short_and_clean(lecture):
    ids = [cell.id for cell in lecture.cells]
    assert len(set(ids)) == len(ids)
    for cell in lecture.cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= (30 if is_claim(cell) else 15), cell.id
            assert not cell.outputs
            assert cell.execution_count is None


def test_every_figure_has_words(lecture):
    """The next text after a cell that draws begins with what is seen."""
    for i, cell in enumerate(lecture.cells):
        if cell.cell_type == "code" and DRAWS.search(cell.source):
            words = next(after.source for after in lecture.cells[i + 1 :] if after.cell_type == "markdown")
            assert words.startswith("*Figure: "), (cell.id, words[:60])


def test_it_opens_with_a_claim_and_ends_with_questions(lecture):
    text = "\n".join(cell.source for cell in lecture.cells if cell.cell_type == "markdown")
    assert lecture.cells[0].source.startswith("# ")
    assert "**Today's claim.**" in lecture.cells[0].source
    assert "Slides " in lecture.cells[0].source
    assert text.count("<details>") >= 3
