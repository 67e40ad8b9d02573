"""What a student does outside of a notebook: get an assignment, check it, and make the file to hand in."""

import copy
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.errors import CourseError
from course.exercises.verdict import Verdict, verdicts_in
from course.extras import remedy

PACKAGE = Path(__file__).parent
SECONDS = 120
"""For one cell."""


class StudentError(CourseError):
    """A notebook is missing, in the way, or cannot be run; the message says what to do."""


@dataclass
class Checked:
    """A notebook after a restart: its verdicts in order, and what else a student should know before handing it in.

    Attributes:
        verdicts: one for each check.
        errors: cells that raised an error, a line each.
        unwritten: questions in words that are as they were handed out.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        points, possible = (sum(getattr(one, what) for one in self.verdicts) for what in ("points", "possible"))
        missing = [f"The question {name} has no answer yet." for name in self.unwritten]
        lines = [*map(str, self.verdicts), *self.errors, *missing]
        return "\n".join([*lines, f"{points:g} of {possible:g} points from checks"])


def released(assignment: str) -> Path:
    """The notebook of an assignment as it is handed out, from the installed package or from a checkout.

    Raises:
        StudentError: if there is none of that name; the message lists those that there are.
    """
    folders = [folder for folder in (PACKAGE / "assignments", PACKAGE.parent / "assignments") if folder.is_dir()]
    for folder in folders:
        if (path := folder / assignment / f"{assignment}.ipynb").is_file():
            return path
    known = sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()})
    raise StudentError(f"There is no assignment {assignment!r}; there are {', '.join(known)}.")


def get(assignment: str, folder: Path) -> Path:
    """Put an assignment's notebook into a folder, where it must not be yet; returns its path.

    Raises:
        StudentError: if there is no such assignment, it is there already, or the folder is a file.
    """
    target = folder / f"{assignment}.ipynb"
    source = released(assignment)
    if target.exists():
        raise StudentError(f"{target} is there already, and stays as it is; name another folder with --folder.")
    _make_folder(folder)
    shutil.copyfile(source, target)
    return target


def find(assignment: str) -> Path:
    """The notebook that a student means by "hw2" or by a path, in the current folder.

    Raises:
        StudentError: if it is not here.
    """
    for path in (Path(assignment), Path(f"{assignment}.ipynb"), Path(assignment) / f"{assignment}.ipynb"):
        if path.is_file():
            return path
    raise StudentError(f"There is no {assignment}.ipynb here; `course get {assignment}` puts one here.")


def check(path: Path) -> Checked:
    """Run a notebook from the top in a fresh kernel, without the cells that only train or draw, and collect its checks.

    Raises:
        StudentError: if it is no notebook, or notebooks cannot be run here.
    """
    notebook = _read(path)
    ran = _executed(_to_run(notebook), path.parent)
    errors = [_error(cell, output) for cell in ran.cells for output in cell.get("outputs", []) if _is_error(output)]
    return Checked(list(verdicts_in(ran)), errors, list(_unwritten(notebook)))


def submit(path: Path, folder: Path) -> tuple[Path, Checked]:
    """Check a notebook, and write it without its outputs into a folder of its own, to be handed in."""
    found = check(path)
    target = folder / path.name
    if target.resolve() == path.resolve():
        raise StudentError(f"{path} is in the folder that submissions are written to; name another with --folder.")
    clean = _read(path)
    for cell in clean.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _make_folder(folder)
    nbformat.write(clean, target)
    return target, found


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (
            "it, or what it is in, is a file" if isinstance(error, (FileExistsError, NotADirectoryError)) else error
        )
        raise StudentError(f"{folder} cannot be made a folder ({reason}); name another with --folder.") from None


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # a file may be anything
        raise StudentError(f"{path} is no notebook ({type(error).__name__}); save it again in Jupyter.") from None


def _to_run(notebook: NotebookNode) -> NotebookNode:
    chosen = copy.deepcopy(notebook)
    chosen.cells = [
        cell for cell in chosen.cells if cell.cell_type == "code" and "not-graded" not in cell.metadata.get("tags", [])
    ]
    return chosen


def _executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError:
        raise StudentError(f"Running a notebook needs Jupyter: `{remedy('lab')}`.") from None
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", allow_errors=True, resources=place)
    try:
        return client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        raise StudentError(f"The notebook cannot be run to its end: {str(error).splitlines()[0]}") from None


def _unwritten(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if (
            cell.cell_type == "markdown"
            and nbgrader.get("grade")
            and cell.source.strip() in ("", "*Your answer here.*")
        ):
            yield nbgrader["grade_id"]


def _is_error(output: NotebookNode) -> bool:
    return output.output_type == "error" and output.ename != "NotImplementedError"


def _error(cell: NotebookNode, output: NotebookNode) -> str:
    name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.source.strip().splitlines()[0][:60]
    return f"✗ the cell `{name}` raises {output.ename}: {output.evalue.splitlines()[0] if output.evalue else ''}"
