"""Feedback goes back under the names that each platform knows; due dates, the class's report, and words in exports."""

import csv
import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rich.console import Console
from typer.testing import CliRunner

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.cli import app
from course.exercises.verdict import Verdict
from course.grading.course_folder import CONFIG, CourseFolder, GradingError
from course.grading.due import due
from course.grading.gradebook import GradeRecord
from course.grading.lms.collect import collect, time_zone
from course.grading.lms.exports import export
from course.grading.lms.give_back import give_back
from course.grading.report import report

ROOT = Path(__file__).parent.parent
PEOPLE = [("ada", "Ada", "Lovelace", "1001"), ("ben", "Ben", "Under_score", "1002"), ("eve", "Eve", "Adams", "1003")]
CANVAS = {"ada": "lovelaceada_1001_501_hw2.ipynb", "ben": "under_scoreben_LATE_1002_502_hw2-1.ipynb"}
MOODLE = {
    "ada": "Ada Lovelace_71_assignsubmission_file_/hw2.ipynb",
    "ben": "Ben Under score_72_assignsubmission_file_hw2.ipynb",  # downloaded without folders
}
RIGHT = Verdict("double", 10, 10, "twice two is four.")
WRONG = Verdict("double", 0, 10, "you forgot the factor 2.", "factor")
ODD = Verdict("double", 0, 10, "got shape (3,), expected (4,).")

pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted.*not in session")  # nbgrader's own way


def notebook(verdict: Verdict | None = None) -> nbformat.NotebookNode:
    """A function, its test, and a question; with a verdict, as grading leaves it."""

    def graded(cell, name, **more):
        cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, "locked": False, **more}
        return cell

    test = new_code_cell("check(double)\n### BEGIN HIDDEN TESTS\nfresh_seed\n### END HIDDEN TESTS")
    if verdict:
        test.outputs = [new_output("execute_result", verdict._repr_mimebundle_(), execution_count=1)]
    cells = [
        graded(new_code_cell("double = lambda x: 2 * x"), "double", grade=False, solution=True),
        graded(test, "check_double", grade=True, solution=False, points=10),
        graded(new_markdown_cell("Because."), "why", grade=True, solution=True, points=5),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("returned") / "course"
    (folder / "solutions" / "hw2").mkdir(parents=True)
    shutil.copy(ROOT / CONFIG, folder)
    nbformat.write(notebook(), folder / "solutions" / "hw2" / "hw2.ipynb")
    base = CourseFolder(folder)
    base.release("hw2")
    with base.gradebook as gradebook:
        for student, first, last, number in PEOPLE:
            gradebook.add_student(student, first_name=first, last_name=last, lms_user_id=number)
    return folder


@pytest.fixture
def base(released, tmp_path, monkeypatch) -> CourseFolder:
    folder = shutil.copytree(released, tmp_path / "course")
    monkeypatch.chdir(folder)
    return CourseFolder(folder)


def hand_in(base: CourseFolder, names: dict[str, str]) -> None:
    """Collect a platform's zip file, and record what grading would find; ada's question is read by a person."""
    with zipfile.ZipFile(base.root / "submissions.zip", "w") as archive:
        for name in names.values():
            archive.writestr(name, nbformat.writes(notebook()))
    assert collect(base, "hw2", [base.root / "submissions.zip"]).problems == []
    record = GradeRecord(base)
    for student, verdict in {"ada": RIGHT, "ben": WRONG, "eve": ODD}.items():
        found = {"student": student, "assignment": "hw2", "verdicts": [verdict], "notes": [], "seconds": 1.0}
        record.write(SimpleNamespace(notebook=nbformat.writes(notebook(verdict)), **found), "", None)
    with base.gradebook as gradebook:
        grade = gradebook.find_grade("why", "hw2", "hw2", "ada")
        grade.manual_score, grade.needs_manual_grade = 4, False
        gradebook.find_comment("why", "hw2", "hw2", "ada").manual_comment = "Say why it is linear."
        gradebook.db.commit()


def test_canvas_gets_a_notebook_under_the_name_that_it_gave(base):
    hand_in(base, CANVAS)
    returned = give_back(base, "hw2", "canvas")
    assert returned.students == ["ada", "ben"]
    assert returned.left_out == {"eve": "not collected from Canvas; see --form pages"}
    with zipfile.ZipFile(returned.path) as archive:
        assert sorted(archive.namelist()) == sorted(CANVAS.values())
        page = nbformat.reads(archive.read(CANVAS["ada"]).decode(), as_version=4)
    nbformat.validate(page)
    text = "\n".join(cell.source for cell in page.cells)
    assert "**hw2: 14 of 15 points**" in text
    assert "**4 of 5 points.** Say why it is linear." in text
    assert "fresh_seed" not in text
    assert "twice two is four" in str(page.cells)


def test_moodle_gets_a_page_by_its_own_numbers(base):
    hand_in(base, MOODLE)
    returned = give_back(base, "hw2", "moodle")
    assert list(returned.left_out) == ["eve"]
    with zipfile.ZipFile(returned.path) as archive:
        names = [
            "Ada Lovelace_71_assignfeedback_file_/hw2.html",
            "Ben Under score_72_assignfeedback_file_/hw2.html",
        ]
        assert sorted(archive.namelist()) == names
        assert "Say why it is linear." in archive.read(names[0]).decode()
        assert "you forgot the factor 2." in archive.read(names[1]).decode()


def test_everybody_has_a_page(base):
    hand_in(base, MOODLE)
    result = CliRunner().invoke(app, ["return", "hw2", "--to", "pages.zip"])
    assert result.output == "hw2: feedback for 3 in pages.zip\n"
    assert zipfile.ZipFile("pages.zip").namelist() == ["ada.html", "ben.html", "eve.html"]
    shutil.rmtree(base.folder("autograded", "ada", "hw2"))
    assert list(give_back(base, "hw2", "pages").left_out) == ["ada"]


def test_what_cannot_be_returned_is_a_sentence(base):
    with pytest.raises(GradingError, match="No submission of hw2 has been graded yet"):
        give_back(base, "hw2", "pages")
    hand_in(base, CANVAS)
    with pytest.raises(
        GradingError, match="no feedback on hw2 to return with --form moodle: not collected from Moodle"
    ):
        give_back(base, "hw2", "moodle")
    with pytest.raises(GradingError, match="no form 'blackboard'; give one of canvas, moodle, pages"):
        give_back(base, "hw2", "blackboard")
    with pytest.raises(GradingError, match="there is no folder nowhere"):
        give_back(base, "hw2", "canvas", Path("nowhere/a.zip"))


def test_moodles_words_say_what_was_missed(base):
    hand_in(base, MOODLE)
    path, _ = export(base, "hw2", "moodle")
    rows = {row["First name"]: row for row in csv.DictReader(path.open(encoding="utf-8"))}
    assert rows["Ada"]["hw2 feedback"] == "14 of 15 points.\nSay why it is linear."
    assert rows["Ben"]["hw2 feedback"].endswith("\n✗ double · 0 of 10 points · you forgot the factor 2.")


def test_the_report_has_a_line_for_each_student_and_what_no_misconception_names(base):
    hand_in(base, MOODLE)
    shutil.rmtree(base.folder("autograded", "ada", "hw2"))
    console = Console(width=100)
    with console.capture() as captured:
        console.print(report(base, "hw2"))
    shown = captured.get()
    assert "3 submissions · points of the checks: lowest 0, median 0, highest 10" in shown
    lines = {line.split()[1]: line for line in shown.splitlines() if line.startswith("│")}
    assert "10 of 10" in lines["ada"]
    assert "the graded notebook is not there" in lines["ada"]
    assert "0 of 10" in lines["ben"]
    assert lines["ben"].rstrip(" │").endswith("double")
    assert "1 × double · you forgot the factor 2." in shown
    assert shown.index("Other failures") < shown.index("1 × double · got shape (3,), expected (4,).")


def test_due_dates(base):
    berlin = time_zone("Europe/Berlin")
    assert due(base, "hw2") == "hw2 has no due date."
    said = due(base, "hw2", "2026-07-05 23:59", berlin)
    assert said == "hw2 is due on Sunday, 05 July 2026, 23:59 CEST (2026-07-05 21:59 UTC)."
    assert due(base, "hw2", "", berlin) == said
    due(base, "hw2", "2026-01-05", berlin)  # the whole day, in winter
    with base.gradebook as gradebook:
        assert gradebook.find_assignment("hw2").duedate == datetime(2026, 1, 5, 22, 59, 59)
    hand_in(base, MOODLE)
    assert "3 submissions are recorded already" in due(base, "hw2", "never")
    for bad in ("tomorrow", "2026-02-30", "5.2.2026"):
        with pytest.raises(GradingError, match="is no date; give one such as"):
            due(base, "hw2", bad)
    with pytest.raises(GradingError, match="release it first"):
        due(base, "hw9", "2026-01-05")


def test_a_folder_that_nbgrader_takes_for_a_pattern_is_refused(base, tmp_path):
    moved = base.root.rename(tmp_path / "course [1]")
    with pytest.raises(GradingError, match=r"takes the \[ in .* for a pattern .*; rename the folder"):
        CourseFolder(moved)
