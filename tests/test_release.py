"""What students get is made from what the instructor wrote, by nbgrader, and holds none of its answers."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from course.exercises import load

pytest.importorskip("nbgrader", reason="releasing needs the extra `instructor`")

ROOT = Path(__file__).parent.parent
ASSIGNMENTS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))


def read(folder: str, assignment: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / folder / assignment / f"{assignment}.ipynb", as_version=4)


def graded(notebook: nbformat.NotebookNode) -> dict[str, float]:
    cells = [cell.metadata.nbgrader for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return {cell.grade_id: cell.points for cell in cells}


@pytest.mark.slow
def test_the_release_is_in_step_with_the_solutions(tmp_path):
    """Byte for byte; `make release` makes it again."""
    from course.grading.course_folder import CourseFolder

    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    base = CourseFolder(tmp_path)
    for assignment in base.assignments:
        base.release(assignment)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "assignments").rglob("*") if p.is_file()}
    kept = {p.relative_to(ROOT): p.read_bytes() for p in (ROOT / "assignments").rglob("*") if p.is_file()}
    assert {path: made[path] == kept.get(path) for path in made} == dict.fromkeys(kept, True)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_points_add_to_a_hundred_and_agree_with_the_exercises(assignment):
    points = graded(read("solutions", assignment))
    assert sum(points.values()) == 100
    for name, exercise in load(assignment).items():
        assert points.pop(f"check_{name}") == exercise.points
    assert len(points) == 1  # the question that a person grades


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_release_holds_stubs_and_no_hidden_tests(assignment):
    released = read("assignments", assignment)
    for cell in released.cells:
        assert not any(word in cell.source for word in ("SOLUTION", "HIDDEN", "fresh_seed"))
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            assert cell.source.endswith("raise NotImplementedError")


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_signature_in_the_notebook_is_the_one_that_is_checked(assignment):
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in read("assignments", assignment).cells}
    for name, exercise in load(assignment).items():
        (function,) = [node for node in ast.parse(cells[name].source).body if isinstance(node, ast.FunctionDef)]
        arguments = [argument.arg for argument in function.args.args]
        assert f"{function.name}({', '.join(arguments)})" == exercise.signature
        assert all(argument.annotation for argument in function.args.args)
        assert ast.get_docstring(function)


@pytest.mark.parametrize("folder", ["solutions", "assignments"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_notebooks_are_clean(folder, assignment):
    notebook = read(folder, assignment)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_grading_runs_solutions_and_checks_only(assignment):
    """Every other code cell is marked, except the one that sets up."""
    for cell in read("solutions", assignment).cells:
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            assert "not-graded" in cell.metadata.tags, cell.id


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_claims_stay_with_the_instructor(assignment):
    """Neither the release nor the notebook that is graded has a cell that checks the text."""
    from course.grading.submission.rebuild import rebuild

    released, solution = read("assignments", assignment), read("solutions", assignment)
    for notebook in (released, rebuild(solution, released).notebook):
        assert not [cell.id for cell in notebook.cells if "claim" in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_answer_in_words_has_a_rubric_with_its_points(assignment):
    text = (ROOT / "solutions" / "RUBRICS.md").read_text(encoding="utf-8")
    (rubric,) = [part for part in text.split("\n## ") if part.startswith(f"{assignment}, ")]
    by_hand = [
        cell.metadata.nbgrader.points
        for cell in read("solutions", assignment).cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    assert rubric.startswith(f"{assignment}, {sum(by_hand)} points")
    assert sum(int(points) for points in re.findall(r"^\| (\d+) \|", rubric, re.MULTILINE)) == sum(by_hand)
