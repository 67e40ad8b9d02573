"""The library as a student's code may see it while it is graded: a copy without answers.

What is left out of the copy cannot be imported, read or found in a cache, whatever the student tries.
"""

import inspect
import shutil
from importlib import import_module
from pathlib import Path

from course.exercises.check import assignments, load
from course.exercises.exercise import Exercise

PACKAGE = Path(__file__).parents[2]
LEFT_OUT = ["__pycache__", "*.npz", "*.safetensors", "assignments", "cli.py", "doctor.py"]

HIDDEN = '''"""Left out while {assignment} is graded."""

raise ImportError("{module} holds answers of {assignment} and is not there while {assignment} is graded.")
'''

EXERCISES = '''"""The names and signatures of {assignment}'s exercises; what is right is known outside."""

from course.exercises.exercise import Exercise


def not_here(*_):
    raise NotImplementedError("checks are run outside of the notebook while it is graded.")

{functions}

exercises = [{exercises}]
'''


def copy_for(assignment: str | None, folder: Path) -> Path:
    """Write the package ``course`` without what would give an assignment's answers away.

    Args:
        assignment: such as "hw2"; None keeps every module of the mathematics.
        folder: where the package is written, as ``folder/course``.

    Returns:
        The package's folder.

    Raises:
        ValueError: if there is no such assignment.
    """
    package = folder / "course"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns(*LEFT_OUT, "checkpoints"))
    for path in (package / "grading").iterdir():
        if path.name not in ("__init__.py", "sandboxed"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for one in assignments():
        shutil.rmtree(package / "exercises" / one)
    if assignment is not None:
        (package / "exercises" / assignment).mkdir()
        (package / "exercises" / assignment / "__init__.py").write_text(_signatures(assignment))
        for module in import_module(f"course.exercises.{assignment}").answers_in:
            _hide(package, module, assignment)
    return package


def _signatures(assignment: str) -> str:
    exercises = load(assignment).values()
    made = ", ".join(f"Exercise({e.name!r}, {e.points}, {e.name}, not_here)" for e in exercises)
    return EXERCISES.format(assignment=assignment, functions="\n".join(map(_stub, exercises)), exercises=made)


def _stub(exercise: Exercise) -> str:
    names = ", ".join(inspect.signature(exercise.answer).parameters)
    return f"\ndef {exercise.name}({names}):\n    not_here()\n"


def _hide(package: Path, module: str, assignment: str) -> None:
    path = package.joinpath(*module.split(".")[1:])
    if path.is_dir():
        shutil.rmtree(path)
    text = HIDDEN.format(module=module, assignment=assignment)
    path.with_suffix(".py").write_text(text)
