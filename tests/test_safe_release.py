"""A release is replaced only by a whole one; notebook, gradebook and checks agree on points, or nothing is graded."""

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.exercises import load
from course.grading.agreement import disagreements
from course.grading.batch import grade_class
from course.grading.course_folder import CONFIG, CourseFolder, GradingError
from course.grading.release import kept

ROOT = Path(__file__).parent.parent


# -- the old release stays until the new one is whole ------------------------------------------------------------------


def test_a_folder_is_as_it_was_where_its_change_fails(tmp_path):
    folder = tmp_path / "hw2"
    folder.mkdir()
    (folder / "hw2.ipynb").write_text("old")

    def fails() -> None:
        with kept(folder):
            shutil.rmtree(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert (folder / "hw2.ipynb").read_text() == "old"
    with kept(folder):
        (folder / "hw2.ipynb").write_text("new")
    assert (folder / "hw2.ipynb").read_text() == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_lost_process_left_is_put_back(tmp_path):
    folder = tmp_path / "hw2"
    (tmp_path / ".hw2.before").mkdir()
    (tmp_path / ".hw2.before/hw2.ipynb").write_text("old")
    with pytest.raises(OSError, match="again"), kept(folder):
        raise OSError("again")
    assert (folder / "hw2.ipynb").read_text() == "old"


@pytest.fixture
def course(tmp_path) -> Path:
    """A fresh clone: configuration, solutions and releases, and no class."""
    for name in ("solutions/hw2", "assignments/hw2"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / CONFIG, tmp_path)
    return tmp_path


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_plain_nbgrader_releases_in_a_fresh_clone_and_keeps_the_old_where_it_fails(course):
    released = course / "assignments/hw2/hw2.ipynb"
    before = released.read_bytes()
    assert nbgrader(course, "generate_assignment", "hw2", "--force").returncode == 0
    assert released.is_file()
    path = course / "solutions/hw2/hw2.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(copy.deepcopy(next(iter(graded(notebook).values()))))  # two cells of one name
    notebook.cells[-1].id = "copy"
    nbformat.write(notebook, path)
    failed = nbgrader(course, "generate_assignment", "hw2", "--force")
    assert failed.returncode
    assert released.read_bytes() == before
    with pytest.raises(GradingError, match=r"nbgrader failed at releasing hw2: .*check_log_partition") as told:
        CourseFolder(course).release("hw2")
    assert "\n" not in str(told.value)
    assert released.read_bytes() == before


# -- points ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "solutions/hw2/hw2.ipynb", as_version=4)


def graded(notebook) -> dict[str, nbformat.NotebookNode]:
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")}


def checks() -> dict[str, float]:
    return {name: float(exercise.points) for name, exercise in load("hw2").items()}


def test_three_places_that_agree_are_found_to(notebook):
    recorded = {name: float(cell.metadata.nbgrader.points) for name, cell in graded(notebook).items()}
    assert disagreements(notebook, recorded, checks()) == []


def test_what_differs_is_named(notebook):
    recorded = {name: float(cell.metadata.nbgrader.points) for name, cell in graded(notebook).items()}
    changed = copy.deepcopy(notebook)
    graded(changed)["check_langevin_step"].metadata.nbgrader.points = 20
    assert disagreements(changed, recorded, checks()) == [
        "check_langevin_step is worth 20 points in solutions/, and 12 in the gradebook.",
        "check_langevin_step is worth 20 points in solutions/, and 12 by its check.",
    ]
    removed = copy.deepcopy(notebook)
    removed.cells.remove(graded(removed)["check_mala_step"])
    assert disagreements(removed, recorded, checks()) == ["check_mala_step is in the gradebook, and not in solutions/."]
    del recorded["check_mala_step"]
    assert disagreements(notebook, recorded, checks()) == [
        "check_mala_step is in solutions/, and not in the gradebook."
    ]


@pytest.mark.slow
def test_nothing_is_graded_while_they_differ(course):
    base = CourseFolder(course)
    base.release("hw2")
    handed_in = base.folder("submitted", "ada", "hw2")
    handed_in.mkdir(parents=True)
    shutil.copy(course / "assignments/hw2/hw2.ipynb", handed_in)
    path = course / "solutions/hw2/hw2.ipynb"
    changed = nbformat.read(path, as_version=4)
    graded(changed)["check_langevin_step"].metadata.nbgrader.points = 20
    nbformat.write(changed, path)
    with pytest.raises(
        GradingError, match=r"hw2 cannot be graded: check_langevin_step is worth 20 points in solutions/"
    ):
        grade_class(base, "hw2")
    graded(changed)["check_langevin_step"].metadata.nbgrader.points = 12
    nbformat.write(changed, path)
    with pytest.raises(GradingError, match=r"adda has not handed in hw2. Did you mean ada\?"):
        grade_class(base, "hw2", ["adda"])
