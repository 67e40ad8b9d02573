"""What a student types: `course get`, `course check`, `course submit`."""

import re
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from course import student
from course.cli import app

ROOT = Path(__file__).parent.parent
MARKERS = re.compile(r"^ *### (BEGIN|END) SOLUTION *\n?", re.MULTILINE)


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_get_puts_the_released_notebook_here_and_never_replaces_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "hw2.ipynb is ready" in run("get", "hw2")
    assert (tmp_path / "hw2.ipynb").read_bytes() == (ROOT / "assignments/hw2/hw2.ipynb").read_bytes()
    (tmp_path / "hw2.ipynb").write_text("my work")
    assert "is there already, and stays as it is" in run("get", "hw2", code=1)
    assert (tmp_path / "hw2.ipynb").read_text() == "my work"
    assert "hw2.ipynb is ready" in run("get", "hw2", "--folder", "again")


@pytest.mark.parametrize("name", ["hw22", "../hw2", "", "hw2/hw2"])
def test_unknown_names_are_answered_with_the_known(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there are hw1, hw2, hw3" in run("get", name, code=1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_here_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "There is no hw2.ipynb here; `course get hw2` puts one here." in run("check", "hw2", code=1)
    (tmp_path / "hw2.ipynb").write_text("{")
    assert "hw2.ipynb is no notebook" in run("check", "hw2", code=1)


def solved(path: Path, *names: str) -> None:
    """Write the instructor's answers of some exercises into a released notebook."""
    source = nbformat.read(ROOT / "solutions/hw2/hw2.ipynb", as_version=4)
    answers = {c.metadata.nbgrader.grade_id: c.source for c in source.cells if c.metadata.get("nbgrader")}
    notebook = nbformat.read(ROOT / "assignments/hw2/hw2.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in names:
            cell.source = MARKERS.sub("", answers[name])
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_check_and_submit_say_what_a_notebook_would_and_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solved(tmp_path / "hw2.ipynb", "log_partition", "langevin_step")
    said = run("check", "hw2", code=1)
    assert "✓ log_partition · 8 points" in said
    assert "✗ mala_step · 0 of 12 points · not written yet" in said
    assert said.rstrip().endswith("20 of 88 points from checks")
    handed = run("submit", "hw2")
    assert "has no answer yet" in handed
    target = tmp_path / "to-hand-in/hw2.ipynb"
    assert handed.rstrip().endswith("Hand in this file: to-hand-in/hw2.ipynb")
    written, own = (nbformat.read(path, as_version=4) for path in (target, tmp_path / "hw2.ipynb"))
    assert [(c.source, c.metadata) for c in written.cells] == [(c.source, c.metadata) for c in own.cells]
    assert not any(cell.get("outputs") for cell in written.cells)


@pytest.mark.slow
def test_a_cell_that_fails_is_named(tmp_path):
    path = tmp_path / "hw2.ipynb"
    solved(path, "langevin_step")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(notebook, path)
    assert student.check(path).errors == ["✗ the cell `1 / 0` raises ZeroDivisionError: division by zero"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(student.StudentError, match=r"cannot be made a folder .* name another with --folder"):
            student.get("hw2", folder)
