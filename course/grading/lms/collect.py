"""`course collect`: a learning platform's zip files into nbgrader's folders, a student's newest notebook in each.

Every write is complete or not there: a notebook is unpacked beside the students' folders and then moved to its place.
A run that was killed is mended by running it again.
"""

import filecmp
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

from dateutil.tz import gettz
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.utils import parse_utc

from course.files import replacing
from course.grading.course_folder import CourseFolder, GradingError, counted
from course.grading.lms.archives import Handed, Worksheet, read_worksheet, sort_out
from course.grading.lms.csv_tables import shown
from course.grading.lms.people import PeopleIndex, Person, students
from course.grading.lms.zip_files import Archive, Limits, UnfitMemberError

STAMP = "timestamp.txt"
RECEIVED_AS = "received-as.txt"
"""Beside a collected notebook: its path in the platform's zip file, by which `course return` answers it."""

STAGING = ".collecting"
PACKED = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".xz")


@dataclass
class Receipt:
    """What a collection did.

    Args:
        states: "new", "replaced", "unchanged" or "kept" (what was there is newer), by student.
        notes: what the instructor may want to know.
        problems: what was not collected, and why; each is a sentence.
        missing: students of the roster without any submission.
    """

    states: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        states = list(self.states.values())
        counts = [f"{states.count(state)} {state}" for state in ("new", "replaced", "unchanged", "kept")]
        lines = [f"{counted(len(states), 'submission')}: {', '.join(counts)}."]
        lines += [f"· {note}" for note in self.notes]
        lines += [f"✗ {problem}" for problem in self.problems]
        if self.missing:
            lines.append(f"· No submission yet of {len(self.missing)}: {', '.join(self.missing)}.")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Collection:
    """What one collection works with."""

    base: CourseFolder
    assignment: str
    gradebook: Gradebook
    directory: PeopleIndex
    receipt: Receipt

    def folder(self, student: str) -> Path:
        return self.base.folder("submitted", student, self.assignment)

    @property
    def staging(self) -> Path:
        return self.folder(STAGING)


def collect(
    base: CourseFolder,
    assignment: str,
    paths: Sequence[Path],
    zone: tzinfo | None = None,
    limits: Limits = Limits(),  # noqa: B008, it is frozen
) -> Receipt:
    """Put the notebooks of a class where nbgrader looks for them, with nbgrader's ``timestamp.txt``.

    Args:
        base: the class, with its roster in the gradebook.
        assignment: such as hw2.
        paths: zip files of Canvas, Moodle or Gradescope as they were downloaded; beside Moodle's, its grading
            worksheet (a CSV file), which tells namesakes apart and says when each handed in.
        zone: the time zone of dates that name none; this machine's if not given.
        limits: what an archive stays within.

    Returns:
        What was collected, and what was not. One student's bad file leaves the others' in peace, and so does an
        archive that is refused as a whole (see ``Archive``): either is a problem in the receipt.

    Raises:
        GradingError: if the assignment is unknown, the roster empty, a worksheet unreadable, or no zip file is named.
    """
    if assignment not in base.assignments:
        known = ", ".join(base.assignments) or "none"
        raise GradingError(f"There is no assignment '{shown(assignment)}' in solutions/; there are: {known}.")
    sheets = [path for path in paths if path.suffix.lower() == ".csv"]
    archives = [path for path in paths if path not in sheets]
    if not archives:
        raise GradingError("No zip file was named; give those of Canvas, Moodle or Gradescope as they were downloaded.")
    with base.gradebook as gradebook:
        directory = PeopleIndex(students(gradebook))
        if not directory.people:
            raise GradingError("The gradebook knows no students; bring in the class list: `course roster FILE.csv`.")
        desk = _Collection(base, assignment, gradebook, directory, Receipt())
        worksheet = Worksheet({}, {})
        for path in sheets:
            told = read_worksheet(path, directory, zone)
            worksheet = Worksheet(worksheet.people | told.people, worksheet.times | told.times)
        try:
            for path in archives:
                try:
                    with Archive(path, zone, limits) as archive:
                        _collect(desk, archive, *sort_out(archive, directory, worksheet))
                except GradingError as error:
                    desk.receipt.problems.append(str(error))
        finally:
            shutil.rmtree(desk.staging, ignore_errors=True)
        notebook = f"{assignment}.ipynb"
        desk.receipt.missing = [one.id for one in directory.people if not (desk.folder(one.id) / notebook).is_file()]
    return desk.receipt


def time_zone(name: str) -> tzinfo | None:
    """The time zone of a name such as Europe/Berlin; None, which is this machine's, for an empty one.

    Raises:
        GradingError: if there is no such zone.
    """
    zone = gettz(name) if name else None
    if name and zone is None:
        raise GradingError(f"There is no time zone '{shown(name)}'; give one such as Europe/Berlin or UTC.")
    return zone


def _collect(desk: _Collection, archive: Archive, platform: str, handed: list[Handed]) -> None:
    notebooks: dict[Person, list[Handed]] = {}
    others: dict[Person, list[Handed]] = {}
    for one in handed:
        if not one.people:
            label = f"{shown(one.label)}: {one.member}"
            desk.receipt.problems.append(f"{label} is nobody's: {one.why}; mend the roster, or place it by hand.")
        for person in one.people:
            kind = notebooks if one.file.lower().endswith(".ipynb") else others
            kind.setdefault(person, []).append(one)
    for person, found in others.items():
        _say_left_out(desk, person, found)
    if platform == "Moodle" and notebooks and not any(one.when for one in handed):
        desk.receipt.notes.append(
            f"{archive.path.name} is dated by its download, so nobody counts as late; give Moodle's grading worksheet "
            "(a CSV file) beside it, and hand-in times are read from there."
        )
    for person, found in notebooks.items():
        chosen = _choose(desk, person, found)
        if chosen:
            try:
                desk.receipt.states[person.id] = _place(desk, archive, platform, person, chosen)
            except UnfitMemberError as error:
                desk.receipt.problems.append(f"{_who(person)}: {error}")


def _say_left_out(desk: _Collection, person: Person, found: list[Handed]) -> None:
    packed = [str(one.member) for one in found if one.file.lower().endswith(PACKED)]
    others = [str(one.member) for one in found if not one.file.lower().endswith(PACKED)]
    if packed:
        desk.receipt.problems.append(
            f"{_who(person)} handed in an archive, {', '.join(packed)}; unpack it by hand, or ask for a notebook."
        )
    if others:
        desk.receipt.notes.append(f"{_who(person)}: left out, being no notebooks: {', '.join(others)}.")


def _who(person: Person) -> str:
    return f"{shown(person.name)} ({person.id})"


def _choose(desk: _Collection, person: Person, found: list[Handed]) -> Handed | None:
    """The notebook that counts, of those that one student handed in; None, and a problem said, if nobody can tell."""
    who = _who(person)
    named = [one for one in found if _stem(one) == desk.assignment.casefold()] or found
    newest = max(named, key=lambda one: one.order)
    rivals = [one for one in named if one is not newest]
    if any(_stem(one) != _stem(newest) or one.order[0] == newest.order[0] for one in rivals):
        names = ", ".join(sorted(str(one.member) for one in found))
        desk.receipt.problems.append(f"{who} handed in {len(found)} notebooks, and which one counts is open: {names}.")
        return None
    for one in found:
        if one is not newest:
            desk.receipt.notes.append(f"{who}: {newest.member} counts, {one.member} does not.")
    if _stem(newest) != desk.assignment.casefold() or newest.file != newest.file.strip():
        desk.receipt.notes.append(f"{who}: the only notebook, '{shown(newest.file)}', counts.")
    return newest


def _stem(one: Handed) -> str:
    """A notebook's name without its suffix, and, on Canvas, without the number of its version."""
    stem = one.file.rsplit(".", 1)[0].casefold()
    return re.sub(r"-\d{1,4}$", "", stem) if one.order[0] else stem


def _place(desk: _Collection, archive: Archive, platform: str, person: Person, one: Handed) -> str:
    folder = desk.folder(person.id)
    target = folder / f"{desk.assignment}.ipynb"
    part = desk.staging / target.name
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file:
        archive.copy(one.member, file)
        file.flush()
        os.fsync(file.fileno())
    made = one.when or one.member.date or datetime.now(timezone.utc)
    state = "new"
    if target.is_file():
        state = "unchanged" if filecmp.cmp(part, target, shallow=False) else "replaced"
        if state == "replaced" and _date(folder, target, bool(one.when)) > made:
            return "kept"
    when = _late(desk, person, one) if one.late else one.when
    folder.mkdir(parents=True, exist_ok=True)
    if when or platform == "Canvas" or state == "replaced":
        _stamp(desk, person, when)
    with replacing(folder / RECEIVED_AS) as beside:
        beside.write_text(f"{one.member.path.as_posix()}\n", encoding="utf-8")
    os.utime(part, (made.timestamp(), made.timestamp()))
    os.replace(part, target)  # the notebook comes last: until then, running again does all of it
    return state


def _date(folder: Path, notebook: Path, platform_tells: bool) -> datetime:
    """How new a submission is that is there: its time stamp, to be compared with another, or else the file's date."""
    stamp = folder / STAMP
    if platform_tells and stamp.is_file():
        try:
            when = parse_utc(stamp.read_text(encoding="utf-8").strip())
            return when.replace(tzinfo=timezone.utc)
        except (ValueError, AttributeError, OverflowError):
            pass
    return datetime.fromtimestamp(notebook.stat().st_mtime, timezone.utc)


def _stamp(desk: _Collection, person: Person, when: datetime | None) -> None:
    """Write nbgrader's ``timestamp.txt``, or take away one that no longer holds, in the gradebook too."""
    stamp = desk.folder(person.id) / STAMP
    if when:
        part = desk.staging / STAMP
        part.write_text(f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S.%f} UTC\n", encoding="utf-8")
        os.replace(part, stamp)
    elif stamp.exists():
        stamp.unlink()
        for submission in _submission(desk, person):
            if submission.timestamp:
                desk.gradebook.update_or_create_submission(desk.assignment, person.id, timestamp=None)


def _late(desk: _Collection, person: Person, one: Handed) -> datetime | None:
    """A time for what Canvas marks late but does not date: the first second after the student's due date."""
    try:
        due = desk.gradebook.find_assignment(desk.assignment).duedate
        due = next((submission.duedate for submission in _submission(desk, person)), due)
    except MissingEntry:
        due = None
    who = _who(person)
    if due is None:
        desk.receipt.notes.append(
            f"{who} is late, and the gradebook knows no due date of {desk.assignment}, so no penalty can follow; "
            "set it in formgrader and collect again."
        )
        return None
    desk.receipt.notes.append(f"{who} is late; Canvas does not say by how much, so it counts as a second.")
    return due.replace(tzinfo=timezone.utc) + timedelta(seconds=1)


def _submission(desk: _Collection, person: Person) -> Iterator[SubmittedAssignment]:
    """The student's submission in the gradebook, if it has been graded before."""
    try:
        yield desk.gradebook.find_submission(desk.assignment, person.id)
    except MissingEntry:
        return
