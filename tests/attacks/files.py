"""Attacks by what is handed in: special files, and changed cells and metadata."""

import copy
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output

from .attack import ALL, POINTS, Attack, World, as_bytes, edited, hostile, right

NOTHING = "missing from the submission|graded as empty|not a notebook|could not be read"


def _answers(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]


def _tests(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"]


# -- special files -----------------------------------------------------------------------------------------------------


def _special(name: str, tries: str, put: Callable[[World, Path], None], **options) -> Attack:
    def place(world: World, folder: Path) -> None:
        (folder / "hw2.ipynb").unlink()
        put(world, folder)

    return Attack(name, "links and special files", tries, hostile, place=place, **{"told": NOTHING, **options})


def _link(world: World, folder: Path, to: Path | str) -> None:
    (folder / "hw2.ipynb").symlink_to(to)


def _bind(world: World, folder: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(folder)  # the path of a socket is short
        with socket.socket(socket.AF_UNIX) as s:
            s.bind("hw2.ipynb")
    finally:
        os.chdir(here)


def _device(world: World, folder: Path) -> None:
    try:
        os.mknod(folder / "hw2.ipynb", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        _link(world, folder, "/dev/zero")


def _strange_name(world: World, folder: Path) -> None:
    (folder / os.fsdecode(b"\xff\xfe [red]\n.ipynb")).write_bytes(b"{}")


def _strange_time(world: World, folder: Path) -> None:
    (folder / "timestamp.txt").write_text("the day before yesterday; DROP TABLE grade")


def _link_the_folder(world: World, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("../victim/hw2")


def _two(world: World, folder: Path) -> None:
    (folder / "other.ipynb").write_bytes(as_bytes(hostile(world)))


SPECIAL = [
    _special("link-to-passwd", "the notebook is a link to /etc/passwd", lambda w, f: _link(w, f, "/etc/passwd")),
    _special(
        "link-to-solution",
        "the notebook is a link to the instructor's",
        lambda w, f: _link(w, f, w.base.folder("source", ".", "hw2") / "hw2.ipynb"),
    ),
    _special(
        "link-to-another",
        "the notebook is a link to a right submission of another student",
        lambda w, f: _link(w, f, "../../victim/hw2/hw2.ipynb"),
    ),
    _special("link-to-zero", "the notebook is a link to /dev/zero", lambda w, f: _link(w, f, "/dev/zero")),
    _special("pipe", "the notebook is a pipe that nobody writes to", lambda w, f: os.mkfifo(f / "hw2.ipynb")),
    _special("folder", "the notebook is a folder", lambda w, f: (f / "hw2.ipynb").mkdir()),
    _special("socket", "the notebook is a socket", _bind),
    _special("device", "the notebook is a device without end", _device),
    _special("nothing", "there is no notebook", lambda w, f: None),
    Attack(
        "strange-name",
        "links and special files",
        "a second notebook whose name is no text",
        right,
        ALL,
        "was graded, and not",
        place=_strange_name,
    ),
    Attack(
        "strange-time",
        "links and special files",
        "a time of handing in that is none",
        right,
        ALL,
        place=_strange_time,
    ),
    Attack(
        "folder-is-a-link",
        "links and special files",
        "the folder that was handed in is a link to another student's",
        hostile,
        told=NOTHING,
        place=_link_the_folder,
    ),
    Attack(
        "two-notebooks",
        "links and special files",
        "two notebooks: the one with the assignment's name counts",
        right,
        ALL,
        "was graded, and not",
        place=_two,
    ),
    Attack(
        "renamed",
        "links and special files",
        "the only notebook has another name",
        right,
        ALL,
        "was called",
        place=lambda world, folder: (folder / "hw2.ipynb").rename(folder / "Copy of hw2 (1).ipynb") and None,
    ),
]


# -- changed cells and metadata ----------------------------------------------------------------------------------------


def _skip(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "not-graded", "raises-exception", "nbgrader-skip"]


def _replace_tests(notebook: NotebookNode) -> None:
    for cell in _tests(notebook):
        cell.source = "88"
        cell.metadata.nbgrader.update(points=1000, locked=False, solution=True)
        cell.outputs = [new_output("execute_result", data={"text/plain": "88"}, execution_count=1)]


def _delete_tests(notebook: NotebookNode) -> None:
    gone = {id(cell) for cell in _tests(notebook)}
    notebook.cells = [cell for cell in notebook.cells if id(cell) not in gone]


def _delete_answers(notebook: NotebookNode) -> None:
    """What is left: the first answer, and one under another's name, which is not asked for."""
    answers = _answers(notebook)
    answers[1].metadata.nbgrader.grade_id = "energy_scores"
    gone = {id(cell) for cell in answers[2:]}
    notebook.cells = [cell for cell in notebook.cells if id(cell) not in gone]


def _double(notebook: NotebookNode) -> None:
    """Every answer twice: worthless first, right after it."""
    cells = []
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in POINTS:
            first = copy.deepcopy(cell)
            first.source, first.id = f"def {name}(*a): return a[0]", f"first-{name}"[:60].replace("_", "-")
            cells.append(first)
        cells.append(cell)
    notebook.cells = cells


def _strip(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = {}


def _stolen_names(notebook: NotebookNode) -> None:
    """Worthless answers carry the tests' names, and a test the answers'."""
    tests, answers = _tests(notebook), _answers(notebook)
    for test, answer in zip(tests, answers):
        test.metadata.nbgrader.grade_id, answer.metadata.nbgrader.grade_id = (
            answer.metadata.nbgrader.grade_id,
            test.metadata.nbgrader.grade_id,
        )


CHANGED = [
    edited(
        "skips-tests",
        "skip-execution tags and changed tests",
        "tags that keep tests from running, on worthless answers",
        _skip,
        hostile,
    ),
    edited(
        "changes-tests",
        "skip-execution tags and changed tests",
        "tests that say 88, worth 1,000 points",
        _replace_tests,
        hostile,
    ),
    edited(
        "deletes-tests",
        "deleted and renamed cells",
        "right, but without tests: they are put back",
        _delete_tests,
        deserves=ALL,
    ),
    edited(
        "deletes-after-a-good-grade",
        "deleted and renamed cells",
        "graded right, then handed in with one answer left: the grade goes down with it",
        _delete_answers,
        deserves=POINTS["log_partition"],
        told="energy_score is missing",
        first=True,
    ),
    edited(
        "doubled-answers",
        "deleted and renamed cells",
        "every answer twice, worthless first and right after it: as when the notebook is run from top to bottom",
        _double,
        deserves=ALL,
        told="several parts",
    ),
    edited("stripped", "deleted and renamed cells", "right, without any metadata", _strip, told="missing"),
    edited(
        "exchanged-names",
        "deleted and renamed cells",
        "answers under tests' names and tests under answers'",
        _stolen_names,
        hostile,
    ),
]


FILES = [*SPECIAL, *CHANGED]
