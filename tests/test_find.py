"""The notebook that counts is found, or the instructor is asked; large and old files are read, within limits."""

import copy
import json
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.grading.submission.find import AmbiguousSubmissionError, choose, notebooks_in
from course.grading.submission.read_notebook import read
from course.grading.submission.strip import stripped

ROOT = Path(__file__).parent.parent
NAME = "hw2.ipynb"


def chosen(folder: Path, **answers: int) -> tuple[str, list[str]]:
    """What is chosen of files that hold so many answers each; in names, __ stands for a dot and ___ for a slash."""
    work = {}
    for name, n in answers.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        work[path] = n
    path, notes = choose(folder, NAME, work.__getitem__)
    return (str(path.relative_to(folder)) if path else "", notes)


def test_one_notebook_counts_whatever_it_is_called(tmp_path):
    assert chosen(tmp_path / "a", hw2__ipynb=0) == (NAME, [])
    assert chosen(tmp_path / "b", hw2__IPYNB=0) == ("hw2.IPYNB", ["The notebook was called hw2.IPYNB."])
    assert chosen(tmp_path / "c", hw2___mine__ipynb=0)[0] == "hw2/mine.ipynb"
    assert chosen(tmp_path / "d") == ("", [f"There is no notebook called {NAME}: graded as empty."])


def test_work_beside_an_untouched_notebook_is_found(tmp_path):
    """JupyterLab's copies, and folders within the folder."""
    name, notes = chosen(tmp_path / "a", hw2__ipynb=0, hw2_Copy1__ipynb=8)
    assert name == "hw2_Copy1.ipynb"
    assert notes == ["hw2_Copy1.ipynb was graded, and not: hw2.ipynb."]
    assert chosen(tmp_path / "b", hw2__ipynb=0, deep___er___x__ipynb=3)[0] == "deep/er/x.ipynb"
    assert chosen(tmp_path / "c", hw2__ipynb=8, old__ipynb=5)[0] == NAME
    assert chosen(tmp_path / "d", hw2__ipynb=0, old__ipynb=0)[0] == NAME


def test_two_notebooks_with_work_are_a_question(tmp_path):
    question = r"b.ipynb \(2 answers\) and hw2.ipynb \(1 answers\); keep the one"
    with pytest.raises(AmbiguousSubmissionError, match=question):
        chosen(tmp_path / "a", hw2__ipynb=1, b__ipynb=2)
    with pytest.raises(AmbiguousSubmissionError, match=r"a.ipynb \(2 answers\) and b.ipynb \(2 answers\)"):
        chosen(tmp_path / "b", a__ipynb=2, b__ipynb=2)


def test_links_and_hidden_folders_are_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.ipynb").write_text("{}")
    inside = tmp_path / "in"
    (inside / ".ipynb_checkpoints").mkdir(parents=True)
    (inside / ".ipynb_checkpoints/hw2-checkpoint.ipynb").write_text("{}")
    (inside / "link").symlink_to(tmp_path / "out", target_is_directory=True)
    assert notebooks_in(inside) == []


@pytest.fixture
def released() -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "assignments/hw2/hw2.ipynb", as_version=4)


def answers(notebook) -> list[tuple[str, str]]:
    return [(c.metadata.nbgrader.grade_id, c.source) for c in notebook.cells if c.metadata.get("nbgrader")]


def test_a_file_is_read_whatever_the_size_of_its_outputs(tmp_path, released):
    large = copy.deepcopy(released)
    code = next(cell for cell in large.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="x" * 30_000_000)]
    nbformat.write(large, tmp_path / NAME)
    notebook, notes = read(stripped(tmp_path / NAME))
    assert answers(notebook) == answers(read(nbformat.writes(released).encode())[0])
    assert notes == []


def test_answers_count_among_thousands_of_cells(released):
    many = copy.deepcopy(released)
    many.cells = [nbformat.v4.new_markdown_cell("so") for _ in range(2500)] + many.cells
    notebook, notes = read(nbformat.writes(many).encode())
    assert answers(notebook) == answers(read(nbformat.writes(released).encode())[0])
    assert "of those that are no answers, 2,000 were read" in notes[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 10**6, "could not be read as a notebook"),
        (b'{"a": 1}', "it has no nbformat"),
        (b"", "could not be read"),
    ],
)
def test_what_is_no_notebook_is_told_in_a_sentence(tmp_path, content, words):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        stripped(tmp_path / NAME)


def test_a_file_that_would_exhaust_memory_is_refused(tmp_path):
    endless = {"nbformat": 4, "cells": [{"cell_type": "raw", "source": ["a"] * 25_000_000}]}
    (tmp_path / NAME).write_text(json.dumps(endless))
    with pytest.raises(ValueError, match=r"could not be read|more than 20 MB"):
        stripped(tmp_path / NAME)
