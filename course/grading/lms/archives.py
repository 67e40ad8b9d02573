"""What Canvas, Moodle and Gradescope call a student's file in the zip file of a class: whose it is, and from when.

Canvas writes ``lastnamefirstname[_LATE]_userid_fileid_name`` (lib/content_zipper.rb in instructure/canvas-lms), Moodle
``Full Name_number_assignsubmission_file_/name`` or the same with an underscore for the slash
(mod/assign/classes/downloader.php in moodle/moodle), and Gradescope ``assignment_export/submission_number/name``
beside a ``submission_metadata.yml`` whose keys are Ruby symbols. Moodle's number is one of this assignment alone, and
says who it is only in the assignment's grading worksheet.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import dateutil.parser
import yaml

from course.grading.course_folder import GradingError
from course.grading.lms.csv_tables import read_table, shown
from course.grading.lms.people import PeopleIndex, Person
from course.grading.lms.zip_files import Archive, Member

CANVAS = re.compile(r"(?=_(LATE_)?(\d+)_(\d+)_(.+))")
MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_([a-z]+)_(.*)")
METADATA = "submission_metadata.yml"
MOST_METADATA = 16_000_000


@dataclass(frozen=True)
class Handed:
    """A file that was handed in.

    Args:
        member: where it is.
        label: what the platform calls who handed it in.
        people: who that is (a group on Gradescope: several); empty where nobody can be told for sure.
        file: the file's own name.
        when: when it was handed in (in UTC), if the platform tells.
        late: whether the platform marked it late.
        why: where nobody can be told, why.
        order: rises with versions of one file.
    """

    member: Member
    label: str
    people: tuple[Person, ...]
    file: str
    when: datetime | None = None
    late: bool = False
    why: str = ""
    order: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Worksheet:
    """A Moodle assignment's grading worksheet: who a number in its zip file is, and when they handed in."""

    people: dict[str, Person]
    times: dict[str, datetime]


def read_worksheet(path: Path, directory: PeopleIndex, zone: tzinfo | None) -> Worksheet:
    """Read the CSV that Moodle gives as 'Download grading worksheet'.

    Args:
        path: the file; its columns Identifier, Full name, Email address and Last modified (submission) are used.
        directory: the class.
        zone: the time zone of its dates.

    Raises:
        GradingError: if it cannot be read, or is no such worksheet.
    """
    table = read_table(path, lambda header: {"Identifier", "Email address"} <= set(header))
    people, times = {}, {}
    for _, row in table.rows:
        number = row["Identifier"].rpartition(" ")[2]
        named = directory.by_name(row.get("Full name", ""))
        found = (
            directory.by_email(row["Email address"])
            or directory.by_id(row.get("ID number", ""))
            or (named[0] if len(named) == 1 else None)
        )
        if found:
            people[number] = found
        try:
            when = dateutil.parser.parse(row.get("Last modified (submission)", ""), fuzzy=False)
            times[number] = (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(timezone.utc)
        except (ValueError, OverflowError):
            continue  # '-', or dates in another language than English
    return Worksheet(people, times)


def sort_out(archive: Archive, directory: PeopleIndex, worksheet: Worksheet | None = None) -> tuple[str, list[Handed]]:
    """Tell whose each file in a platform's archive is.

    Args:
        archive: the zip file as it was downloaded.
        directory: the class.
        worksheet: Moodle's, where there is one.

    Returns:
        The platform's name, and every file in the archive but the operating systems' own.

    Raises:
        GradingError: if the archive is no known platform's.
    """
    if any(member.path.name == METADATA for member in archive.members):
        return "Gradescope", list(_gradescope(archive, directory))
    if any(moodle_part(member.path) for member in archive.members):
        return "Moodle", _moodle(archive, directory, worksheet)
    if any(CANVAS.search(member.path.name) for member in archive.members):
        return "Canvas", [_canvas(member, directory) for member in archive.members]
    raise GradingError(
        f"{archive.path} has no names as Canvas ('Download Submissions'), Moodle ('Download all submissions') or "
        "Gradescope ('Export Submissions') give; collect the zip file as it was downloaded."
    )


def _canvas(member: Member, directory: PeopleIndex) -> Handed:
    name = member.path.name
    parses = [(name[: found.start()], *found.groups()) for found in CANVAS.finditer(name)]
    if not parses:
        return Handed(member, name, (), name, why="its name is none that Canvas gives")
    for label, late, user, number, file in parses:
        person = directory.by_lms_id(user)
        # a student chooses their file's name, and it may look like somebody else's
        if person and (len(parses) == 1 or person in directory.by_name(label)):
            return Handed(member, person.name, (person,), file, None, bool(late), "", (_version(file), int(number)))
    label, late, user, number, file = parses[0]
    named = [one for one in directory.by_name(label) if not one.lms_user_id]  # another number is another student
    why = f"Canvas user {user} is not in the roster" if not named else f"{len(named)} students have this name"
    people = tuple(named) if len(named) == 1 and len(parses) == 1 else ()
    return Handed(member, label, people, file, None, bool(late), why, (_version(file), int(number)))


def _version(file: str) -> int:
    """Which hand-in a file is from: Canvas appends -1, -2, … to the names of later ones."""
    found = re.search(r"-(\d{1,4})\.\w+$", file)
    return int(found[1]) if found else 0


def moodle_part(path: PurePath) -> tuple[str, str, str, str] | None:
    """Name, number, kind and file name, from the first part of a path that is as Moodle makes them."""
    for n, part in enumerate(path.parts):
        found = MOODLE.fullmatch(part)
        if found:
            last = n == len(path.parts) - 1
            return found[1], found[2], found[3], found[4] if last else path.name
    return None


def _moodle(archive: Archive, directory: PeopleIndex, worksheet: Worksheet | None) -> list[Handed]:
    trusted = _tell_hand_in([member.date for member in archive.members])
    handed = []
    for member in archive.members:
        part = moodle_part(member.path)
        if part is None:
            handed.append(Handed(member, str(member), (), member.path.name, why="its path is none that Moodle gives"))
            continue
        label, number, _, file = part
        one = Handed(member, label, (), file, member.date if trusted else None)
        if worksheet:
            one = replace(one, when=worksheet.times.get(number, one.when))
        named = directory.by_name(label)
        if worksheet and number in worksheet.people:
            named = [worksheet.people[number]]
        why = "nobody in the roster has this name" if not named else f"{len(named)} students have this name"
        handed.append(replace(one, people=tuple(named), why="") if len(named) == 1 else replace(one, why=why))
    return handed


def _tell_hand_in(dates: list[datetime | None]) -> bool:
    """Whether the dates in a Moodle archive are from the students.

    Moodle of before 2020 kept them. Since then it writes the archive while it is downloaded, and every member is dated
    by that moment: then the dates rise, over a few minutes at most.
    """
    known = [one for one in dates if one]
    rising = all(a <= b for a, b in pairwise(known))
    return bool(known) and not (rising and known[-1] - known[0] < timedelta(minutes=15))


def _gradescope(archive: Archive, directory: PeopleIndex) -> Iterator[Handed]:
    told = next(member for member in archive.members if member.path.name == METADATA)
    submissions = _metadata(archive, told)
    root = told.path.parent
    for member in archive.members:
        if member is told:
            continue
        inside = member.path.relative_to(root).parts if member.path.is_relative_to(root) else member.path.parts
        record = submissions.get(inside[0])
        if not isinstance(record, dict):
            yield Handed(member, inside[0], (), member.path.name, why=f"{METADATA} does not name it")
            continue
        submitters = [one for one in record.get(":submitters") or [] if isinstance(one, dict)]
        for one in submitters or [{}]:
            label = str(one.get(":name") or one.get(":email") or inside[0])
            person, why = _submitter(one, directory)
            people = (person,) if person else ()
            yield Handed(member, label, people, member.path.name, _utc(record.get(":created_at")), why=why)


def _submitter(one: dict[str, Any], directory: PeopleIndex) -> tuple[Person | None, str]:
    sid, email = str(one.get(":sid") or "").strip(), str(one.get(":email") or "").strip()
    found = directory.by_id(sid) or directory.by_lms_id(sid) or directory.by_email(email) or directory.by_id(email)
    if found:
        return found, ""
    named = directory.by_name(str(one.get(":name") or ""))
    if len(named) == 1 and not (email and named[0].email):  # another address is another student
        return named[0], ""
    return None, f"neither SID {shown(sid) or 'none'} nor {shown(email) or 'an address'} is in the roster"


class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """``yaml.safe_load``'s loader, to which Ruby's tagged objects are the plain data that they are written as."""


def _untagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_PlainLoader.add_multi_constructor("!", _untagged)


def _metadata(archive: Archive, member: Member) -> dict[str, Any]:
    if member.info.file_size > MOST_METADATA:
        raise GradingError(
            f"{archive.path}: {METADATA} has more than {MOST_METADATA // 1_000_000} MB; export it again."
        )
    text = io.BytesIO()
    archive.copy(member, text)
    try:
        loaded = yaml.load(text.getvalue(), _PlainLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        first = str(error).split("\n")[0]
        raise GradingError(
            f"{archive.path}: {METADATA} cannot be read ({first}); export the submissions again."
        ) from None
    if not isinstance(loaded, dict):
        raise GradingError(f"{archive.path}: {METADATA} names no submissions; export it again.")
    return {str(name): record for name, record in loaded.items()}


def _utc(value: Any) -> datetime | None:
    try:
        when = dateutil.parser.parse(value) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        return None
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=timezone.utc) if isinstance(when, date) else None
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
