"""Every solution notebook runs from top to bottom, its training and pictures too, and earns all its points."""

import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course.exercises.verdict import verdicts_in
from tests.outputs import trouble

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*/*.ipynb")), ids=lambda path: path.stem)
def test_solution_notebook(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    started = time.monotonic()
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    print(f"{path.stem}: {time.monotonic() - started:.0f} s")
    nbformat.write(notebook, tmp_path / path.name)
    verdicts = list(verdicts_in(nbformat.read(tmp_path / path.name, as_version=4)))
    assert verdicts
    assert all(verdict.passed for verdict in verdicts), [str(verdict) for verdict in verdicts if not verdict.passed]
    for cell in notebook.cells:
        assert trouble(cell) == []
