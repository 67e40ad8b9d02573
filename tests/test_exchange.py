"""nbgrader's exchange from release to returned feedback: two students, and one whose work came by e-mail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.exercises import load
from course.grading.batch import grade_class
from course.grading.course_folder import CONFIG, CourseFolder
from course.grading.sample_class import empty, first_in_notebook, right, typically_wrong, write

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="nbgrader's exchange needs Unix"),
    pytest.mark.filterwarnings("ignore:Object of type <Submitted.*not in session"),  # nbgrader's own way
]


def nbgrader(folder: Path, *arguments: str) -> str:
    """A command as typed in a folder, which is its user's home too; what it logged."""
    environment = os.environ | {"HOME": str(folder), "JUPYTER_DATA_DIR": str(folder / ".data")}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> CourseFolder:
    """A course with hw2, its exchange beside it; the configuration is what the instructor's page says."""
    folder = tmp_path_factory.mktemp("exchange")
    shutil.copytree(ROOT / "solutions" / "hw2", folder / "course" / "solutions" / "hw2")
    shutil.copy(ROOT / CONFIG, folder / "course")
    for place in (folder / "shared", folder / "ada", folder / "ben"):
        place.mkdir()
    for place in (folder / "course", folder / "ada", folder / "ben"):
        with (place / "nbgrader_config.py").open("a") as file:
            file.write(f'\nc = get_config()\nc.Exchange.root = "{folder / "shared"}"\n')
            file.write('c.CourseDirectory.course_id = "score-course"\n')
    base = CourseFolder(folder / "course")
    base.release("hw2")
    return base


def test_from_release_to_returned_feedback(course):
    home = {student: course.root.parent / student for student in ("ada", "ben")}
    nbgrader(course.root, "release_assignment", "hw2")
    for student in home:
        nbgrader(home[student], "fetch_assignment", "hw2")
    fetched = nbformat.read(home["ada"] / "hw2/hw2.ipynb", as_version=4)
    solution = nbformat.read(course.folder("source", ".", "hw2") / "hw2.ipynb", as_version=4)
    write(right(fetched, solution), home["ada"] / "hw2/hw2.ipynb")
    write(typically_wrong(fetched, load("hw2")), home["ben"] / "hw2/hw2.ipynb")
    for student in home:
        nbgrader(home[student], "submit", "hw2", f"--student={student}")
    nbgrader(course.root, "collect", "hw2")
    write(empty(fetched), course.folder("submitted", "an-email", "hw2") / "hw2.ipynb")  # first in the order of names

    assert grade_class(course, "hw2").done == 3
    assert {one.student: one.points for one in course.scores("hw2")} == {"ada": 88, "ben": 4, "an-email": 0}
    nbgrader(course.root, "generate_feedback", "hw2")
    told = nbgrader(course.root, "release_feedback", "hw2")
    assert "an-email did not hand in through the exchange" in told

    sentence = first_in_notebook(load("hw2")["langevin_step"]).sentence
    for student in home:
        nbgrader(home[student], "fetch_feedback", "hw2", f"--student={student}")
        (page,) = home[student].glob("hw2/feedback/*/hw2.html")
        assert (sentence in page.read_text()) == (student == "ben")
