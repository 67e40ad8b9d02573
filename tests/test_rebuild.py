"""Whatever a submission looks like, what is graded is the instructor's notebook with the student's answers in it."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.grading.submission.rebuild import rebuild

ROOT = Path(__file__).parent.parent


@pytest.fixture
def original():
    return nbformat.read(ROOT / "solutions/hw2/hw2.ipynb", as_version=4)


@pytest.fixture
def submitted():
    """The released notebook with a word of the student's in each answer."""
    notebook = nbformat.read(ROOT / "assignments/hw2/hw2.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"answer to {cell.metadata.nbgrader.grade_id}"
    return notebook


def at(notebook, name: str) -> int:
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells].index(name)


def instructors(notebook):
    """Everything but the answers' text, and the cells that check the text against the solution."""
    return [
        (c.cell_type, c.metadata, None if c.metadata.get("nbgrader", {}).get("solution") else c.source)
        for c in notebook.cells
        if "claim" not in c.metadata.get("tags", [])
    ]


def answers(notebook):
    return [c.source for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]


def test_an_honest_notebook_keeps_its_answers(original, submitted):
    rebuilt = rebuild(original, submitted)
    assert instructors(rebuilt.notebook) == instructors(original)
    assert answers(rebuilt.notebook) == answers(submitted)
    assert rebuilt.notes == []


def skip_tests(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["not-graded", "skip-execution"]


def forge_tests(notebook):
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            cell.source = "12"


def delete_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("check(")]


def reverse(notebook):
    notebook.cells.reverse()


def raise_the_points(notebook):
    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata.nbgrader.points = 1000


def add_cells_at_the_end(notebook):
    notebook.cells.append(new_code_cell("import os; os._exit(0)"))


def redefine_before_a_test(notebook):
    notebook.cells.insert(at(notebook, "check_langevin_step"), new_code_cell("check = lambda *_: 12"))


def strip_ids(notebook):
    for i, cell in enumerate(notebook.cells):
        cell.id = f"new-{i}"


def break_metadata(notebook):
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            cell.metadata["nbgrader"] = "nonsense"


ATTACKS = [skip_tests, forge_tests, delete_tests, reverse, raise_the_points, add_cells_at_the_end]
ATTACKS += [redefine_before_a_test, strip_ids, break_metadata]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_but_the_answers_survives(original, submitted, attack):
    honest = answers(submitted)
    attack(submitted)
    rebuilt = rebuild(original, submitted)
    assert instructors(rebuilt.notebook) == instructors(original)
    assert answers(rebuilt.notebook) == honest


def test_code_between_an_answer_and_its_test_is_reported(original, submitted):
    redefine_before_a_test(submitted)
    (note,) = rebuild(original, submitted).notes
    assert "Code before check_langevin_step was left out" in note


def test_helper_code_before_an_answer_is_kept_there(original, submitted):
    submitted.cells.insert(
        at(submitted, "langevin_chain"), new_code_cell("def helper(): ...", metadata={"tags": ["x"]})
    )
    notebook = rebuild(original, submitted).notebook
    helper = notebook.cells[at(notebook, "langevin_chain") - 1]
    assert (helper.source, helper.metadata) == ("def helper(): ...", {})
    assert len(notebook.cells) == len(instructors(original)) + 1


def test_a_missing_a_doubled_and_a_converted_answer(original, submitted):
    submitted.cells[at(submitted, "energy_score")].cell_type = "markdown"
    submitted.cells.append(copy.deepcopy(submitted.cells[at(submitted, "langevin_step")]))
    submitted.cells[-1].source = "second thoughts"
    del submitted.cells[at(submitted, "start_negatives")]
    rebuilt = rebuild(original, submitted)
    source = {c.metadata.nbgrader.grade_id: c.source for c in rebuilt.notebook.cells if "nbgrader" in c.metadata}
    assert source["energy_score"] == source["start_negatives"] == ""
    assert source["langevin_step"] == "answer to langevin_step\nsecond thoughts"
    assert sorted(rebuilt.notes) == [
        "The answer cell energy_score was turned into a markdown cell and counts as empty.",
        "The answer cell langevin_step is in several parts, which were joined in their order.",
        "The answer cell start_negatives is missing from the submission and counts as empty.",
    ]


def test_an_answer_that_was_split_is_whole_again(original, submitted):
    """JupyterLab's Split Cell copies the metadata: anywhere in the text, even within a line's block."""
    place = at(submitted, "langevin_step")
    text = "def langevin_step(x, score, step_size, noise):\n    d = step_size * score(x)\n    return x + d"
    first, second = text.split("    return")
    submitted.cells[place].source = first
    submitted.cells.insert(place + 1, copy.deepcopy(submitted.cells[place]))
    submitted.cells[place + 1].source = "    return" + second
    submitted.cells[place + 1].id = "another"
    rebuilt = rebuild(original, submitted)
    assert answers(rebuilt.notebook)[2] == text
    assert instructors(rebuilt.notebook) == instructors(original)
    assert "in several parts" in rebuilt.notes[0]


def test_a_copy_of_the_stub_does_not_undo_an_answer(original, submitted):
    stub = copy.deepcopy(submitted.cells[at(submitted, "langevin_step")])
    stub.source = "def langevin_step(x, score, step_size, noise):\n    raise NotImplementedError"
    submitted.cells.append(stub)
    assert answers(rebuild(original, submitted).notebook) == answers(submitted)[:-1]


def test_a_helper_that_repeats_the_id_of_a_given_cell_is_kept(original, submitted):
    """A copied cell may keep its id. One that trains or draws may be changed, and is not run: that is said."""
    given, changed = [c for c in submitted.cells if "not-graded" in c.metadata.get("tags", [])][:2]
    submitted.cells.insert(at(submitted, "langevin_step"), new_code_cell("helper = 1", id=given.id))
    changed.source = "helper = 2"
    rebuilt = rebuild(original, submitted)
    assert [c.source for c in rebuilt.notebook.cells if c.source.startswith("helper")] == ["helper = 1"]
    assert rebuilt.notes == [f"The cell {changed.id} was changed; it trains or draws, and such cells are not run."]
