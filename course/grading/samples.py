"""Sample submissions, made from the released notebook: right, typically wrong, and empty."""

import copy
import inspect
import re
from collections.abc import Callable

import nbformat
from nbformat import NotebookNode

from course.exercises.exercise import Exercise, Misconception

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
    return fill_in(released, {name: wrong_source(name, one.function) for name, one in chosen.items()})


def empty(released: NotebookNode) -> NotebookNode:
    """Handed in as it was handed out."""
    return copy.deepcopy(released)


def first_in_notebook(exercise: Exercise) -> Misconception:
    """The first misconception that uses nothing but torch and math, and so reads like a student's own code."""
    for candidate in exercise.misconceptions:
        if set(inspect.getclosurevars(candidate.function).globals) <= {"torch", "math"}:
            return candidate
    raise ValueError(f"No misconception of {exercise.name} can stand alone in a notebook; write one that can.")


def wrong_source(name: str, function: Callable) -> str:
    """A misconception's source under the exercise's name, without its decorator."""
    source = inspect.getsource(function)
    return re.sub(r"\A.*?^def \w+", f"def {name}", source, count=1, flags=re.DOTALL | re.MULTILINE).rstrip()


def sample_class(
    released: NotebookNode, solution: NotebookNode, exercises: dict[str, Exercise]
) -> dict[str, NotebookNode]:
    """A notebook for each of three sample students."""
    return {
        "right": right(released, solution),
        "typically-wrong": typically_wrong(released, exercises),
        "empty": empty(released),
    }


def write(notebook: NotebookNode, path) -> None:
    """Write a notebook where its folder may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
