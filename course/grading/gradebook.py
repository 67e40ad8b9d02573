"""What is graded goes into nbgrader's gradebook, one submission in one transaction, and is never graded twice.

Beside nbgrader's own tables stands one of ours: what each recorded grade was computed from, and the notes for the
instructor. It is written in the same transaction, so that whatever is interrupted, both are there or neither.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Column, DateTime, Float, MetaData, String, Table, Text, delete, insert, inspect, select

from course.exercises.verdict import Verdict
from course.files import replacing
from course.grading.agreement import disagreements, remedy
from course.grading.course_folder import CourseFolder, GradingError, quiet_database

if TYPE_CHECKING:  # grading needs torch, reading grades does not
    from course.grading.submission.grade import Graded

TABLE = Table(
    "score_course_graded",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("graded_at", DateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("notes", Text, nullable=False),
    Column("verdicts", Text, nullable=False),
)


@dataclass(frozen=True)
class Line:
    """What our table holds of a submission."""

    student: str
    digest: str
    graded_at: datetime
    seconds: float
    notes: list[str]
    verdicts: list[Verdict]


class GradeRecord:
    """The one writer of a class's gradebook.

    Args:
        base: the class.
    """

    def __init__(self, base: CourseFolder):
        self._base = base
        with self._gradebook() as gradebook:
            TABLE.create(gradebook.engine, checkfirst=True)

    def source(self, assignment: str) -> str:
        """The instructor's notebook as JSON, with the checksums by which nbgrader knows an answer that was not touched.

        Raises:
            GradingError: if the gradebook does not know the assignment, its notebook is not there, or they disagree
                with each other or with the checks about points.
        """
        path = self._base.folder("source", ".", assignment) / f"{assignment}.ipynb"
        try:
            notebook = nbformat.read(path, as_version=4)
        except FileNotFoundError:
            raise GradingError(f"There is no {path}; assignments are called {self._base.assignments}.") from None
        with self._gradebook() as gradebook:
            try:
                recorded = gradebook.find_notebook(assignment, assignment)
            except MissingEntry:
                raise GradingError(
                    f"The gradebook knows no {assignment}; release it first: `course release {assignment}`."
                ) from None
            points = {cell.name: float(cell.max_score) for cell in recorded.grade_cells}
            points |= {cell.name: float(cell.max_score) for cell in recorded.task_cells}
            differ = disagreements(notebook, points, _points_of_checks(assignment))
            if differ:
                raise GradingError(" ".join([f"{assignment} cannot be graded:", *differ, remedy(assignment)]))
            known = {cell.name: cell for cell in recorded.source_cells}
            for cell in notebook.cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name in known:
                    cell.metadata.nbgrader["checksum"] = known[name].checksum
        return nbformat.writes(notebook)

    def lines(self, assignment: str) -> dict[str, Line]:
        """What was recorded of an assignment, by student."""
        with self._gradebook() as gradebook:
            rows = gradebook.db.execute(select(TABLE).where(TABLE.c.assignment == assignment)).all()
        return {
            row.student: Line(
                row.student,
                row.digest,
                row.graded_at,
                row.seconds,
                json.loads(row.notes),
                [Verdict(**verdict) for verdict in json.loads(row.verdicts)],
            )
            for row in rows
        }

    def write(self, graded: "Graded", digest: str, timestamp: str | None, secret: str = "") -> None:
        """Put a graded submission where nbgrader keeps it, and its points into the gradebook.

        Args:
            graded: what grading found.
            digest: of all that it was computed from.
            timestamp: when it was handed in, as nbgrader's ``timestamp.txt`` has it, or None.
            secret: what nbgrader's exchange knows the submission by, if it came from there.
        """
        student, assignment = graded.student, graded.assignment
        notebook = nbformat.reads(graded.notebook, as_version=4)
        folder = self._base.folder("autograded", student, assignment)
        with replacing(folder / f"{assignment}.ipynb") as beside:
            beside.write_text(graded.notebook, encoding="utf-8")
        for name, text in (("timestamp.txt", timestamp), ("submission_secret.txt", secret)):
            if text:
                with replacing(folder / name) as beside:
                    beside.write_text(text, encoding="utf-8")
        with self._gradebook() as gradebook, quiet_database(), _one_transaction(gradebook):
            gradebook.update_or_create_student(student)
            told = {"timestamp": timestamp} if timestamp else {}
            gradebook.update_or_create_submission(assignment, student, **told)
            self._write_points(gradebook, notebook, assignment, student)
            self._write_penalty(gradebook, assignment, student)
            row = {
                "assignment": assignment,
                "student": student,
                "digest": digest,
                "graded_at": datetime.now(timezone.utc).replace(tzinfo=None),
                "seconds": graded.seconds,
                "notes": json.dumps(graded.notes),
                "verdicts": json.dumps([asdict(verdict) for verdict in graded.verdicts]),
            }
            same = (TABLE.c.assignment == assignment) & (TABLE.c.student == student)
            gradebook.db.execute(delete(TABLE).where(same))
            gradebook.db.execute(insert(TABLE).values(**row))

    def check_penalties(self) -> None:
        """Load nbgrader's plugin for late submissions now rather than after the first one was graded.

        Raises:
            GradingError: if it cannot be loaded.
        """
        self._penalties()

    def _penalties(self) -> AssignLatePenalties:
        if str(self._base.root) not in sys.path:
            sys.path.insert(0, str(self._base.root))  # where nbgrader's documentation puts a plugin
        try:
            assign = AssignLatePenalties(config=self._base.config)
            assign.init_plugin()
        except Exception as error:
            name = self._base.config.AssignLatePenalties.get("plugin_class", "LateSubmissionPlugin")
            raise GradingError(
                f"The late-penalty plugin {name} of nbgrader_config.py cannot be loaded "
                f"({type(error).__name__}: {error}); it belongs in {self._base.root}, beside that file."
            ) from None
        return assign

    @contextmanager
    def _gradebook(self) -> Iterator[Gradebook]:
        with Gradebook(self._base.database, self._base.course_id) as gradebook:
            yield gradebook

    def _write_points(self, gradebook: Gradebook, notebook: NotebookNode, assignment: str, student: str) -> None:
        """As nbgrader's SaveAutoGrades, after every earlier score was put to zero."""
        submitted = gradebook.find_submission_notebook(assignment, assignment, student)
        grades = {grade.name: grade for grade in submitted.grades}
        comments = {comment.name: comment for comment in submitted.comments}
        for grade in grades.values():
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if utils.is_grade(cell) and name in grades:
                grade = grades[name]
                grade.auto_score, _ = utils.determine_grade(cell)
                grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            if (utils.is_solution(cell) or utils.is_task(cell)) and name in comments:
                untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
                comments[name].auto_comment = "No response." if untouched and not utils.is_task(cell) else None

    def _write_penalty(self, gradebook: Gradebook, assignment: str, student: str) -> None:
        """What nbgrader's plugin for late submissions takes off."""
        gradebook.db.flush()
        gradebook.db.expire_all()
        submission = gradebook.find_submission(assignment, student)
        notebook = gradebook.find_submission_notebook(assignment, assignment, student)
        notebook.late_submission_penalty = None
        late = submission.total_seconds_late
        if late > 0:
            assign = self._penalties()
            penalty = assign.plugin_inst.late_submission_penalty(student, notebook.score, late)
            if penalty is not None:
                notebook.late_submission_penalty = assign._check_late_penalty(notebook, penalty)


def verdicts_of(gradebook: Gradebook, assignment: str) -> dict[str, list[Verdict]]:
    """What the checks said in an assignment, by student; empty where only plain nbgrader has graded."""
    if not inspect(gradebook.engine).has_table(TABLE.name):
        return {}
    rows = gradebook.db.execute(select(TABLE).where(TABLE.c.assignment == assignment)).all()
    return {row.student: [Verdict(**verdict) for verdict in json.loads(row.verdicts)] for row in rows}


def _points_of_checks(assignment: str) -> dict[str, float]:
    """By exercise; empty for an assignment of the instructor's own, which has none."""
    try:
        points = import_module(f"course.exercises.{assignment}").points
    except ModuleNotFoundError:
        return {}
    return {name: float(worth) for name, worth in points.items()}


@contextmanager
def _one_transaction(gradebook: Gradebook) -> Iterator[None]:
    """The gradebook's methods commit one by one; here they only flush, and all is committed at the end or nothing."""
    session: Any = gradebook.db()
    commit, session.commit = session.commit, session.flush
    try:
        yield
        session.commit = commit
        session.commit()
    except BaseException:
        session.commit = commit
        session.rollback()
        raise
