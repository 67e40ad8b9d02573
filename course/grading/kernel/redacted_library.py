"""The library as a student's code may see it while it is graded: a copy without answers.

What is left out of the copy cannot be imported, read or found in a cache, whatever the student tries.
"""

import inspect
import shutil
from importlib import import_module
from pathlib import Path

from course.exercises.check import assignments, load

PACKAGE = Path(__file__).parents[2]
LEFT_OUT = ["__pycache__", "*.npz", "*.safetensors", "assignments", "cli.py", "doctor.py"]

HIDDEN = '''"""Left out while {assignment} is graded."""

raise ImportError("{module} holds answers of {assignment} and is not there while {assignment} is graded.")
'''

PAGE = '''"""The signature of an exercise; what is right is known outside."""

from course.exercises.exercise import Exercise


def not_here(*_):
    raise NotImplementedError("checks are run outside of the notebook while it is graded.")


def {name}({parameters}):
    not_here()


exercise = Exercise({name}, not_here)
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
        _write_signatures(package / "exercises" / assignment, assignment)
        for module in import_module(f"course.exercises.{assignment}").answers_in:
            _hide(package, module, assignment)
    return package


def _write_signatures(folder: Path, assignment: str) -> None:
    exercises = load(assignment).values()
    folder.mkdir()
    points = {one.name: one.points for one in exercises}
    (folder / "__init__.py").write_text(f"points = {points}\n")
    for one in exercises:
        parameters = ", ".join(inspect.signature(one.answer).parameters)
        (folder / f"{one.name}.py").write_text(PAGE.format(name=one.name, parameters=parameters))


def _hide(package: Path, module: str, assignment: str) -> None:
    path = package.joinpath(*module.split(".")[1:])
    if path.is_dir():
        shutil.rmtree(path)
    text = HIDDEN.format(module=module, assignment=assignment)
    path.with_suffix(".py").write_text(text)
