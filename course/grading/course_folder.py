"""One class's folder: releasing, grading and returning assignments with nbgrader, by nbgrader's own conventions."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from course.errors import CourseError
from course.exercises.verdict import Verdict, verdicts_in

CONFIG = "nbgrader_config.py"


class GradingError(CourseError):
    """Something is wrong with the class's folder or with nbgrader; the message says what to do."""


@dataclass(frozen=True)
class Score:
    """What the gradebook holds of one submission: points from the checks, and points that a person has yet to give."""

    student: str
    assignment: str
    points: float
    possible: float
    by_hand: float


class CourseFolder:
    """A folder with an ``nbgrader_config.py``, as nbgrader's own commands would see it.

    Args:
        root: the folder.

    Raises:
        GradingError: if the folder has no configuration, or nbgrader cannot work in it.
    """

    def __init__(self, root: Path):
        self.root = root.resolve()
        if not (self.root / CONFIG).is_file():
            raise GradingError(f"There is no {CONFIG} in {self.root}; run this command in the folder that has it.")
        if "[" in str(self.root):
            raise GradingError(
                f"nbgrader takes the [ in {self.root} for a pattern and finds nothing; rename the folder."
            )
        config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        config.CourseDirectory.root = str(self.root)
        config.CourseDirectory.db_url = _absolute(str(config.CourseDirectory.db_url), self.root)
        self.config = config
        self._directory = CourseDirectory(config=config)
        self._nbgrader = NbGraderAPI(self._directory, config=config)

    @property
    def database(self) -> str:
        """The address of the gradebook, as SQLAlchemy takes it."""
        return self._directory.db_url

    @property
    def course_id(self) -> str:
        """nbgrader's name of the course."""
        return self._directory.course_id

    @property
    def assignments(self) -> list[str]:
        """The names of the assignments in ``solutions/``."""
        return sorted(path.parent.name for path in (self.root / "solutions").glob("*/*.ipynb"))

    @property
    def gradebook(self) -> Gradebook:
        """nbgrader's gradebook of this class, for a ``with`` statement."""
        return self._nbgrader.gradebook

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """Where nbgrader keeps a step ("submitted", "autograded", "feedback", …) of a student's assignment."""
        directory = getattr(self._directory, f"{step}_directory")
        return Path(self._directory.format_path(directory, student, assignment))

    def released_answers(self, assignment: str) -> dict[str, str]:
        """The text of each answer cell as students got it, by grade id; empty where nothing is released."""
        path = self.folder("release", ".", assignment) / f"{assignment}.ipynb"
        cells = nbformat.read(path, as_version=4).cells if path.is_file() else []
        told = [(cell.metadata.get("nbgrader", {}), cell.source) for cell in cells]
        return {nbgrader["grade_id"]: text for nbgrader, text in told if nbgrader.get("solution")}

    def release(self, assignment: str) -> None:
        """Make the students' version of an assignment: ``nbgrader generate_assignment``."""
        self._do(f"releasing {assignment}", self._nbgrader.generate_assignment, assignment, force=True, create=True)

    def autograde(self, assignment: str, student: str) -> None:
        """Run one submission and record its points: ``nbgrader autograde``."""
        self._do(f"grading {student}'s {assignment}", self._nbgrader.autograde, assignment, student, force=True)

    def return_feedback(self, assignment: str, student: str | None = None) -> list[Path]:
        """Write the feedback pages of all that is graded, or of one student: ``nbgrader generate_feedback``."""
        self._do(f"writing feedback on {assignment}", self._nbgrader.generate_feedback, assignment, student, force=True)
        found = self.folder("feedback", student or "*", assignment)
        return sorted(self.root.glob(f"{found.relative_to(self.root)}/{assignment}.html"))

    def scores(self, assignment: str) -> list[Score]:
        """What the gradebook holds of an assignment, one score for each student."""
        with self._nbgrader.gradebook as gradebook:
            if assignment not in [known.name for known in gradebook.assignments]:
                raise GradingError(
                    f"The gradebook knows no {assignment}; release it first: `course release {assignment}`."
                )
            return [
                Score(
                    submission.student.id,
                    assignment,
                    sum(grade.auto_score or 0.0 for grade in grades),
                    sum(grade.max_score for grade in grades if grade.auto_score is not None),
                    sum(grade.max_score for grade in grades if grade.needs_manual_grade),
                )
                for submission in gradebook.assignment_submissions(assignment)
                for grades in [[grade for notebook in submission.notebooks for grade in notebook.grades]]
            ]

    def verdicts(self, assignment: str, student: str) -> list[Verdict]:
        """The checks' verdicts in a graded notebook, in its order; none where it is not there any more."""
        path = self.folder("autograded", student, assignment) / f"{assignment}.ipynb"
        if not path.is_file():
            return []
        return list(verdicts_in(nbformat.read(path, as_version=4)))

    def _do(self, what: str, action: Any, *args: Any, **kwargs: Any) -> None:
        with quiet_database():
            result = action(*args, **kwargs)
        if not result["success"]:
            raise GradingError(f"nbgrader failed at {what}: {_reason(result)}")


def counted(n: int, noun: str) -> str:
    """How many, in words: "1 submission", "2 submissions"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


@contextmanager
def quiet_database() -> Iterator[None]:
    """The way nbgrader handles its own database is not for its users to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Object of type <Submitted.* not in session")
        yield


def _reason(result: dict[str, Any]) -> str:
    """The first error of all that nbgrader logs and raises; later ones only say that there was one."""
    lines = [line.strip() for part in ("log", "error") for line in (result.get(part) or "").splitlines()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Missing\w*): ", line)]
    return (errors or lines[-1:] or ["it gave no reason."])[0]


def _absolute(url: str, root: Path) -> str:
    """A relative SQLite file is in the course's folder, wherever the command is run."""
    prefix, _, path = url.partition("sqlite:///")
    return f"sqlite:///{root / path}" if path and not prefix else url
