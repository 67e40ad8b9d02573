"""Sample submissions, made from the released notebook: right, typically wrong, and empty."""

import copy
import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.exercises.check import load
from course.exercises.exercise import Exercise, Version, stands_alone
from course.grading.course_folder import CONFIG, CourseFolder

MARKERS = re.compile(r"^ *### (BEGIN|END) SOLUTION *\n?", re.MULTILINE)


def fill_in(released: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """The released notebook with the text of some solution cells replaced, by grade id."""
    notebook = copy.deepcopy(released)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell.source = answers[grade_id]
    return notebook


def right(released: NotebookNode, solution: NotebookNode) -> NotebookNode:
    """Every solution cell as the instructor wrote it."""
    cells = [cell for cell in solution.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return fill_in(released, {cell.metadata.nbgrader.grade_id: MARKERS.sub("", cell.source) for cell in cells})


def typically_wrong(released: NotebookNode, exercises: dict[str, Exercise]) -> NotebookNode:
    """Every function with the first of its misconceptions that can stand alone in a notebook."""
    chosen = {name: first_in_notebook(exercise) for name, exercise in exercises.items()}
    return fill_in(released, {name: one.source for name, one in chosen.items()})


def empty(released: NotebookNode) -> NotebookNode:
    """Handed in as it was handed out."""
    return copy.deepcopy(released)


def first_in_notebook(exercise: Exercise) -> Version:
    """The first misconception that uses nothing but torch and math, and so reads like a student's own code."""
    for candidate in exercise.misconceptions:
        if stands_alone(candidate):
            return candidate
    raise ValueError(f"No misconception of {exercise.name} can stand alone in a notebook; write one that can.")


def sample_class(base: CourseFolder, assignment: str) -> dict[str, NotebookNode]:
    """A notebook for each of three sample students, made from what was released."""
    released, solution = (
        nbformat.read(base.folder(step, ".", assignment) / f"{assignment}.ipynb", as_version=4)
        for step in ("release", "source")
    )
    return {
        "right": right(released, solution),
        "typically-wrong": typically_wrong(released, load(assignment)),
        "empty": empty(released),
    }


def make_class(source: Path, folder: Path, assignments: list[str] | None = None, copies: int = 1) -> CourseFolder:
    """A course in a folder of its own, with assignments released, and each sample handed in by so many students.

    Args:
        source: a course's folder, with ``solutions/`` and nbgrader's configuration; nothing in it changes.
        folder: where the class is made; there is no course in it yet.
        assignments: such as ["hw2"]; all of them if None.
        copies: students a sample; several are called ``right-0``, ``right-1`` and so on.
    """
    ignored = shutil.ignore_patterns(".*")
    for one in assignments or sorted(path.name for path in (source / "solutions").iterdir() if path.is_dir()):
        shutil.copytree(source / "solutions" / one, folder / "solutions" / one, ignore=ignored)
    shutil.copy(source / CONFIG, folder / CONFIG)
    base = CourseFolder(folder)
    for assignment in base.assignments:
        base.release(assignment)
        for name, notebook in sample_class(base, assignment).items():
            for student in [f"{name}-{i}" for i in range(copies)] if copies > 1 else [name]:
                write(notebook, base.folder("submitted", student, assignment) / f"{assignment}.ipynb")
    return base


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook where its folder may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
