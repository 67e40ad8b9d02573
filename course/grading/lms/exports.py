"""`course export`: scores as nbgrader, Canvas, Moodle and Gradescope write and read them.

Each form is one of nbgrader's export plugins, so that ``nbgrader export --exporter=course.grading.lms.exports.
CanvasExport`` writes the same file. Scores are after late penalties; without a submission the cell is empty, save in
nbgrader's own form, where it is 0 as nbgrader has it. Numbers have a dot in every locale, and text that a spreadsheet
would take for a formula gets an apostrophe in front.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Dict

from course.files import replacing
from course.grading.course_folder import CourseFolder, GradingError
from course.grading.gradebook import verdicts_of
from course.grading.lms.csv_tables import inert, shown
from course.grading.lms.people import Person, students


@dataclass(frozen=True)
class Result:
    """A student's score after the late penalty, and what it came from; None where nothing was handed in."""

    student: Person
    score: float | None = None
    raw: float = 0.0
    penalty: float = 0.0
    timestamp: str = ""
    by_hand: bool = False
    words: tuple[str, ...] = ()
    """What the checks said where points were lost, and what a person wrote."""


Results = dict[str, dict[str, Result]]
"""By assignment's name and student's id."""


class OfficeExport(ExportPlugin):  # type: ignore[misc]
    """What the forms share; ``to`` defaults to ``ASSIGNMENT-form.csv``."""

    form = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file, and warn in the log of submissions that wait for a person.

        Args:
            gradebook: nbgrader's.

        Raises:
            GradingError: if no assignment of the gradebook, or more than one where the form has room for one, is asked
                for, or the file cannot be written. Under ``nbgrader export``, its sentence ends the command.
        """
        try:
            self.write(gradebook)
        except GradingError as error:
            fail = getattr(self.parent, "fail", None)
            if fail is None:
                raise
            fail("%s", error)

    def write(self, gradebook: Gradebook) -> tuple[Path, list[str]]:
        """Write the file, and return where, and the warnings that belong to it."""
        chosen = [str(name) for name in self.assignment]
        known = {one.name: one for one in gradebook.assignments}
        for name in chosen:
            if name not in known:
                raise GradingError(
                    f"The gradebook knows no '{shown(name)}', only: {', '.join(known) or 'none'}; release it first: "
                    "`course release`."
                )
        assignments = [known[name] for name in chosen or known]
        if not assignments:
            raise GradingError("The gradebook knows no assignments; release one first: `course release`.")
        to = Path(str(self.to) or f"{'-'.join(chosen) or 'grades'}-{self.form}.csv")
        wanted = {str(name) for name in self.student}
        people = [one for one in students(gradebook) if not wanted or one.id in wanted]
        results = {one.name: _results(gradebook, one, people) for one in assignments}
        _write(to, self.table(people, assignments, results))
        warnings = list(_warnings(results))
        for warning in warnings:
            self.log.warning("%s", warning)
        return to, warnings

    def table(self, people: list[Person], assignments: list[Assignment], results: Results) -> Iterator[list[Any]]:
        """The rows of the form, its header first; results by assignment's name and student's id."""
        raise NotImplementedError


class NbgraderExport(OfficeExport):
    """nbgrader's own columns (nbgrader.plugins.CsvExportPlugin), with names that hold commas quoted."""

    form = "nbgrader"
    columns = (
        *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
        *("raw_score", "late_submission_penalty", "score", "max_score"),
    )

    def table(self, people: list[Person], assignments: list[Assignment], results: Results) -> Iterator[list[Any]]:
        yield list(self.columns)
        for one in assignments:
            for person in people:
                got = results[one.name][person.id]
                who = [person.id, person.last_name, person.first_name, person.email]
                points = [float(got.raw), float(got.penalty), float(got.score or 0), float(one.max_score)]
                yield [one.name, str(one.duedate or ""), got.timestamp, *who, *points]


class CanvasExport(OfficeExport):
    """A file for Canvas's gradebook import (lib/gradebook_importer.rb in instructure/canvas-lms).

    Canvas finds a student by ID, else by SIS Login ID, else by name, and an assignment by the number in parentheses, or
    else by its title.
    """

    form = "canvas"
    numbers = Dict(help="Canvas's numbers of assignments, such as {'hw2': 12345}; without one, the title counts.").tag(
        config=True
    )

    def table(self, people: list[Person], assignments: list[Assignment], results: Results) -> Iterator[list[Any]]:
        numbers = {name: f"{name} ({number})" for name, number in self.numbers.items()}
        titles = [numbers.get(one.name, one.name) for one in assignments]
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles]
        yield ["    Points Possible", "", "", "", "", *(float(one.max_score) for one in assignments)]
        for person in people:
            name = ", ".join(part for part in (person.last_name, person.first_name) if part)
            scores = [results[one.name][person.id].score for one in assignments]
            yield [name, person.lms_user_id, "", person.id, "", *scores]


class MoodleExport(OfficeExport):
    """A file for Moodle's Grades > Import > CSV file, which asks what each column is (grade/import/csv).

    Map from 'Email address' or 'ID number' to the same of the user, each assignment to its grade item, and its feedback
    to that item's feedback.
    """

    form = "moodle"

    def table(self, people: list[Person], assignments: list[Assignment], results: Results) -> Iterator[list[Any]]:
        titles = [title for one in assignments for title in (one.name, f"{one.name} feedback")]
        yield ["First name", "Last name", "ID number", "Email address", *titles]
        for person in people:
            cells = [cell for one in assignments for cell in _moodle_cells(results[one.name][person.id], one)]
            number = "" if person.id == person.email else person.id
            yield [person.first_name, person.last_name, number, person.email, *cells]


class GradescopeExport(OfficeExport):
    """The columns of Gradescope's own 'Download Grades' of one assignment, as far as they say something here."""

    form = "gradescope"

    def table(self, people: list[Person], assignments: list[Assignment], results: Results) -> Iterator[list[Any]]:
        if len(assignments) != 1:
            raise GradingError("Gradescope's table has room for one assignment; name one, such as `course export hw2`.")
        yield ["First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Status"]
        for person in people:
            got = results[assignments[0].name][person.id]
            status = "Missing" if got.score is None else "Ungraded" if got.by_hand else "Graded"
            number = "" if person.id == person.email else person.id
            points = [got.score, float(assignments[0].max_score)]
            yield [person.first_name, person.last_name, number, person.email, *points, status]


FORMS: dict[str, type[OfficeExport]] = {
    one.form: one for one in (NbgraderExport, CanvasExport, MoodleExport, GradescopeExport)
}


def export(base: CourseFolder, assignment: str, form: str, to: Path | None = None) -> tuple[Path, list[str]]:
    """Write an assignment's scores in a platform's form.

    Args:
        base: the class.
        assignment: such as hw2.
        form: nbgrader, canvas, moodle or gradescope.
        to: the file; ``ASSIGNMENT-form.csv`` here if not given. One that is there is replaced when the new is complete.

    Returns:
        The file, and warnings: what is not final in it.

    Raises:
        GradingError: if the form or the assignment is unknown, or the file cannot be written.
    """
    if form not in FORMS:
        raise GradingError(f"There is no form '{shown(form)}'; give one of {', '.join(FORMS)}.")
    plugin = FORMS[form](config=base.config)
    plugin.to, plugin.assignment = str(to or ""), [assignment]
    with base.gradebook as gradebook:
        path, warnings = plugin.write(gradebook)
        graded = {one.student.id for one in gradebook.assignment_submissions(assignment)}
        waiting = [one.id for one in students(gradebook) if one.id not in graded]
    waiting = [one for one in waiting if (base.folder("submitted", one, assignment) / f"{assignment}.ipynb").is_file()]
    if waiting:
        warnings.append(
            f"{len(waiting)} submissions of {assignment} are collected but not graded, and are exported as not there: "
            f"{', '.join(waiting)}."
        )
    return path, warnings


def _results(gradebook: Gradebook, assignment: Assignment, people: list[Person]) -> dict[str, Result]:
    found: dict[str, Result] = {person.id: Result(person) for person in people}
    said = verdicts_of(gradebook, assignment.name)
    for one in gradebook.assignment_submissions(assignment.name):
        if one.student.id in found:
            raw, penalty = one.score, one.late_submission_penalty or 0.0
            time = str(one.timestamp or "")
            person, by_hand = found[one.student.id].student, bool(one.needs_manual_grade)
            words = [str(verdict) for verdict in said.get(person.id, []) if not verdict.passed]
            words += [comment.comment for notebook in one.notebooks for comment in notebook.comments if comment.comment]
            found[person.id] = Result(person, max(0.0, raw - penalty), raw, penalty, time, by_hand, tuple(words))
    return found


def _warnings(results: dict[str, dict[str, Result]]) -> Iterator[str]:
    for name, found in results.items():
        open_ = sum(one.by_hand for one in found.values())
        if open_:
            verb = "submission waits" if open_ == 1 else "submissions wait"
            yield f"{open_} {verb} for a person to grade answers of {name}: these scores are not final; see formgrader."


def _moodle_cells(got: Result, assignment: Assignment) -> tuple[float | None, str]:
    if got.score is None:
        return None, ""
    late = f" {_cell(got.penalty)} points were taken off for handing in late." if got.penalty else ""
    open_ = " Some answers are still to be read." if got.by_hand else ""
    said = "".join(f"\n{words}" for words in got.words)
    return got.score, f"{_cell(got.score)} of {_cell(float(assignment.max_score))} points.{late}{open_}{said}"


def _cell(value: Any) -> str:
    """A number with a dot and up to four decimals, nothing for None, and text that is no formula."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return inert(str(value))


def _write(path: Path, rows: Iterator[list[Any]]) -> None:
    if not path.parent.is_dir():
        raise GradingError(f"{path} cannot be written (there is no folder {path.parent}); name another file with --to.")
    try:
        with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    except OSError as error:
        raise GradingError(f"{path} cannot be written ({error.strerror}); name another file with --to.") from None
