"""`course roster`: a class list into nbgrader's gradebook; it adds and updates, and never deletes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbgrader.api import Gradebook, InvalidEntry

from course.grading.course_folder import CourseFolder, GradingError
from course.grading.lms.csv_tables import Table, read_table, shown
from course.grading.lms.people import PeopleIndex, Person, students

FIELDS = ("first_name", "last_name", "email", "lms_user_id")
UNFIT = re.compile(r'[/\\*?\[\]<>:"|\x00-\x1f\x7f]|^\.|[. ]$')
"""What an id, which names a folder and stands in nbgrader's patterns, must not have."""


@dataclass
class ImportedRoster:
    """What a roster changed: how many students were added, updated and left as they were."""

    form: str
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{len(self.added)} added, {len(self.updated)} updated, {len(self.unchanged)} unchanged"
        return f"{len(self.added + self.updated + self.unchanged)} students read ({self.form}): {counts}."


def import_roster(base: CourseFolder, path: Path) -> ImportedRoster:
    """Bring a class list into the gradebook.

    Args:
        base: the class.
        path: a CSV file, as ``read_roster`` takes it.

    Returns:
        What changed. A student whom the file gives another id than the gradebook, but the same number on the platform
        or the same e-mail address, is the same student and keeps the id; an empty field changes nothing.

    Raises:
        GradingError: as ``read_roster`` does, before anything is changed.
    """
    form, people = read_roster(path)
    result = ImportedRoster(form)
    with base.gradebook as gradebook:
        known = PeopleIndex(students(gradebook))
        for one in people:
            _write(gradebook, one, _known(known, one, form), result)
    return result


def read_roster(path: Path) -> tuple[str, list[Person]]:
    """The students in a class list.

    Args:
        path: nbgrader's own CSV (id, first_name, last_name, email, lms_user_id), a Canvas gradebook export, a Moodle
            participants, grades or grading worksheet export, or a Gradescope roster; which it is, its header says.

    Returns:
        The form's name, and the students. The id is the login on Canvas, the ID number (or else the user name, or the
        e-mail address) on Moodle, and the SID (or else the e-mail address) on Gradescope.

    Raises:
        GradingError: if the file cannot be read, has another header, names an id twice, or has one that cannot be used.
    """
    table = read_table(path, _form)
    form = _form(table.header)
    assert form is not None
    found = FORMS[form](table)
    if not found:
        raise GradingError(f"{path} has no students in it; export the roster again.")
    lines: dict[str, int] = {}
    for line, one in found:
        if not one.id or len(one.id) > 128 or UNFIT.search(one.id):
            raise GradingError(
                f"{path}, line {line}: '{shown(one.id)}' cannot be a student's id, which names a folder; "
                "give one of at most 128 letters, digits and signs such as @, - and _."
            )
        if one.id.casefold() in lines:
            raise GradingError(
                f"{path} has the id '{shown(one.id)}' on lines {lines[one.id.casefold()]} and {line}; "
                "ids must differ, and not by case alone: leave one of the lines out."
            )
        lines[one.id.casefold()] = line
    return form, [one for _, one in found]


def _form(header: tuple[str, ...]) -> str | None:
    names = set(header)
    if "id" in names and names & set(FIELDS):
        return "nbgrader"
    if {"ID", "Section"} <= names and ("Student" in names or {"LastName", "FirstName"} <= names):
        return "Canvas"
    if "Email" in names and names & {"SID", "Role"} and names & {"Name", "First Name"}:
        return "Gradescope"
    if names & set(MOODLE_EMAIL) and names & {"First name", "Full name", "First name / Last name"}:
        return "Moodle"
    return None


MOODLE_EMAIL = ("Email address", "Email")
Found = list[tuple[int, Person]]


def _nbgrader(table: Table) -> Found:
    return [(line, Person(row["id"], *(row.get(name, "") for name in FIELDS))) for line, row in table.rows]


def _canvas(table: Table) -> Found:
    found = []
    for line, row in table.rows:
        last, _, first = row.get("Student", "").partition(",")
        last, first = row.get("LastName", last.strip()), row.get("FirstName", first.strip())
        login, number = row.get("SIS Login ID", ""), row["ID"]
        if not number and not login:  # 'Points Possible', 'Manual Posting'
            continue
        if (last, first) != ("Student", "Test"):  # Canvas's own test student
            identity = login or row.get("SIS User ID", "") or number
            found.append((line, Person(identity, first, last, login if "@" in login else "", number)))
    return found


def _moodle(table: Table) -> Found:
    email = next(name for name in MOODLE_EMAIL if name in table.header)
    key = _filled(table, "ID number", "Username", email)
    found = []
    for line, row in table.rows:
        first, last = _split(row.get("Full name", "") or row.get("First name / Last name", ""))
        last = row.get("Last name", "") or row.get("Surname", "") or last
        found.append((line, Person(row.get(key, ""), row.get("First name", first), last, row[email])))
    return found


def _gradescope(table: Table) -> Found:
    table = replace(table, rows=tuple(row for row in table.rows if row[1].get("Role", "Student") == "Student"))
    key = _filled(table, "SID", "Email")
    found = []
    for line, row in table.rows:
        first, last = _split(row.get("Name", ""))
        names = row.get("First Name", first), row.get("Last Name", last)
        found.append((line, Person(row.get(key, ""), *names, row["Email"])))
    return found


FORMS: dict[str, Callable[[Table], Found]] = {
    "nbgrader": _nbgrader,
    "Canvas": _canvas,
    "Moodle": _moodle,
    "Gradescope": _gradescope,
}


def _filled(table: Table, *names: str) -> str:
    """The first of some columns that has a value in every row, or else the last of them."""
    for name in names[:-1]:
        if name in table.header and all(row[name] for _, row in table.rows):
            return name
    return names[-1]


def _split(name: str) -> tuple[str, str]:
    """First and last name of a full name, at its last space: a guess, and matching by name does not rest on it."""
    first, _, last = name.rpartition(" ")
    return first, last


def _known(known: PeopleIndex, one: Person, form: str) -> Person | None:
    found = known.by_id(one.id)
    if found is None and form != "nbgrader":
        found = known.by_lms_id(one.lms_user_id) or known.by_email(one.email)
    return found


def _write(gradebook: Gradebook, one: Person, old: Person | None, result: ImportedRoster) -> None:
    if old is None:
        new, news = one, result.added
    else:
        told = {name: getattr(one, name) for name in FIELDS if getattr(one, name)}
        if result.form != "nbgrader" and one.name.replace(" ", "") == old.name.replace(" ", ""):
            told |= {
                "first_name": old.first_name,
                "last_name": old.last_name,
            }  # divided otherwise
        new = replace(old, **told)
        news = result.unchanged if new == old else result.updated
    if new != old:
        try:
            gradebook.update_or_create_student(new.id, **{name: getattr(new, name) or None for name in FIELDS})
        except InvalidEntry as error:
            raise GradingError(f"The gradebook did not take {shown(new.name)} ({new.id}): {error}") from None
    news.append(new.id)
