"""The whole path through nbgrader on a temporary course: release, hand in, grade, return."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course.exercises import assignments, load

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.grading.course_folder import CourseFolder, GradingError
from course.grading.demo import run
from course.grading.sample_class import fill_in, first_in_notebook, right, write

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:Object of type <Submitted.*not in session"
    ),  # nbgrader's own way with SQLAlchemy
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> CourseFolder:
    folder = tmp_path_factory.mktemp("course") / "demo"
    run(ROOT, folder)
    return CourseFolder(folder)


@pytest.mark.parametrize("assignment", assignments())
def test_right_earns_all_wrong_what_its_mistakes_leave_and_empty_nothing(base, assignment):
    exercises = load(assignment)
    total = sum(exercise.points for exercise in exercises.values())
    partial = sum(round(e.points * first_in_notebook(e).credit) for e in exercises.values())
    scores = {score.student: score for score in base.scores(assignment)}
    assert (scores["right"].points, scores["right"].possible) == (total, total)
    assert scores["typically-wrong"].points == partial
    assert scores["empty"].points == 0
    assert scores["right"].by_hand == 100 - total  # the question waits for a person
    assert scores["empty"].by_hand == 0  # an untouched answer is not read


@pytest.mark.parametrize("assignment", assignments())
def test_the_misconceptions_are_found_by_name(base, assignment):
    found = {v.exercise: v.misconception for v in base.verdicts(assignment, "typically-wrong")}
    assert found == {name: first_in_notebook(exercise).name for name, exercise in load(assignment).items()}
    assert not any(v.misconception for v in base.verdicts(assignment, "right"))
    assert all("not written yet" in v.sentence for v in base.verdicts(assignment, "empty"))


def test_grading_uses_fresh_cases_and_keeps_their_seed(base):
    seeds = [v.seed for student in ("right", "empty") for v in base.verdicts("hw2", student)]
    assert 0 not in seeds
    assert len(set(seeds)) == len(seeds)


def test_cells_that_train_or_draw_are_not_run(base):
    notebook = nbformat.read(base.folder("autograded", "right", "hw2") / "hw2.ipynb", as_version=4)
    for cell in notebook.cells:
        if "not-graded" in cell.metadata.get("tags", []):
            assert cell.execution_count is None


def test_the_feedback_says_what_to_do_and_hides_the_tests(base):
    page = (base.folder("feedback", "typically-wrong", "hw2") / "hw2.html").read_text()
    assert first_in_notebook(load("hw2")["langevin_step"]).sentence in page
    assert "fresh_seed" not in page


def test_a_mistake_in_one_function_costs_that_function_alone(base):
    """Later exercises that the notebook builds on it are judged by themselves."""
    released = nbformat.read(base.folder("release", ".", "hw2") / "hw2.ipynb", as_version=4)
    solution = nbformat.read(base.folder("source", ".", "hw2") / "hw2.ipynb", as_version=4)
    exercise = load("hw2")["start_negatives"]
    wrong = first_in_notebook(exercise).source
    write(fill_in(right(released, solution), {"start_negatives": wrong}), _handed_in(base, "one-mistake"))
    base.autograde("hw2", "one-mistake")
    scores = {score.student: score.points for score in base.scores("hw2")}
    assert scores["one-mistake"] == scores["right"] - exercise.points


def test_nbgrader_reads_zip_files_and_plain_commands_work(base, tmp_path):
    """zip_collect and autograde from the command line, with the class's folders where the configuration puts them."""
    archive = base.root / "class" / "downloaded" / "hw2" / "archive"
    archive.mkdir(parents=True)
    shutil.copy(_handed_in(base, "right"), archive / "ada_hw2_attempt_2026-01-31-15-30-10_hw2.ipynb")
    pattern = r".*/(?P<student_id>\w+)_hw2_attempt_(?P<timestamp>[0-9\-]+)_(?P<file_id>\w+)\.ipynb"
    _nbgrader(base, "zip_collect", "hw2", "--force", f"--FileNameCollectorPlugin.named_regexp={pattern}")
    assert _handed_in(base, "ada").is_file()
    _nbgrader(base, "autograde", "hw2", "--student=ada", "--create")
    assert {s.student: s.points for s in base.scores("hw2")}["ada"] == 88


def test_clear_errors(tmp_path):
    with pytest.raises(GradingError, match=r"no nbgrader_config\.py"):
        CourseFolder(tmp_path)
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(GradingError, match="no demo made"):
        run(ROOT, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def _handed_in(base: CourseFolder, student: str) -> Path:
    return base.folder("submitted", student, "hw2") / "hw2.ipynb"


def _nbgrader(base: CourseFolder, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=base.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
