"""Do the instructor's notebook, the gradebook and the checks agree on what an assignment is worth?

They are three places that one person can change one at a time. Where they differ, grades would come out as silent zeros
or above the maximum; so grading compares them first.
"""

from collections.abc import Mapping

from nbformat import NotebookNode


def disagreements(notebook: NotebookNode, recorded: Mapping[str, float], checks: Mapping[str, float]) -> list[str]:
    """What differs, a sentence each.

    Args:
        notebook: the instructor's.
        recorded: the maximal score of every graded cell in the gradebook, by grade id.
        checks: the points of every exercise, by name.
    """
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if _is_graded(cell)}
    found = []
    for name, cell in cells.items():
        points = float(cell.metadata.nbgrader.get("points", 0))
        if name not in recorded:
            found.append(f"{name} is in solutions/, and not in the gradebook.")
        elif recorded[name] != points:
            found.append(f"{name} is worth {points:g} points in solutions/, and {recorded[name]:g} in the gradebook.")
        exercise = _exercise(cell, checks)
        if exercise and checks[exercise] != points:
            found.append(f"{name} is worth {points:g} points in solutions/, and {checks[exercise]:g} by its check.")
    found += [f"{name} is in the gradebook, and not in solutions/." for name in recorded if name not in cells]
    return found


def remedy(assignment: str) -> str:
    """What to do about it."""
    return (
        f"`course release {assignment}` tells the gradebook of solutions/; a question that was removed after "
        f"submissions came in stays in the gradebook: put it back, or give it 0 points. Points of checks are in "
        f"course/exercises/{assignment}/__init__.py."
    )


def _is_graded(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _exercise(cell: NotebookNode, checks: Mapping[str, float]) -> str | None:
    """The exercise that a test cell checks."""
    return next((name for name in checks if f"check({name})" in cell.source), None)
