"""`course due`: when an assignment is due, in nbgrader's gradebook, where formgrader and late penalties read it."""

from datetime import datetime, timezone, tzinfo

import dateutil.parser
from nbgrader.api import MissingEntry

from course.grading.course_folder import CourseFolder, GradingError, counted


def due(base: CourseFolder, assignment: str, when: str = "", zone: tzinfo | None = None) -> str:
    """Set the due date of an assignment, or only say it.

    Args:
        base: the class.
        assignment: such as hw2.
        when: such as "2026-02-05 23:59"; "never" takes it away; empty changes nothing.
        zone: the time zone of a date that names none; this machine's if not given.

    Returns:
        A sentence: when it is due, and what follows for those who are graded already.

    Raises:
        GradingError: if the gradebook does not know the assignment, or it is no date.
    """
    set_to = _utc(when, zone) if when and when != "never" else None
    with base.gradebook as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            raise GradingError(
                f"The gradebook knows no {assignment}; release it first: `course release {assignment}`."
            ) from None
        if when:
            found.duedate = set_to
            gradebook.db.commit()
        date, graded = found.duedate, found.num_submissions if when else 0
    if date is None:
        said = f"{assignment} has no due date."
    else:
        moment = date.replace(tzinfo=timezone.utc)
        said = f"{assignment} is due on {moment.astimezone(zone):%A, %d %B %Y, %H:%M %Z} ({moment:%Y-%m-%d %H:%M} UTC)."
    if graded:
        verb = "is" if graded == 1 else "are"
        said += f" {counted(graded, 'submission')} {verb} recorded already; `course grade {assignment} --force` counts "
        said += "anew who is late."
    return said


def _utc(when: str, zone: tzinfo | None) -> datetime:
    """Naive and in UTC, as nbgrader keeps it; a day alone ends at midnight."""
    try:
        moment = dateutil.parser.isoparse(when.strip().replace(" ", "T", 1))
        if len(when.strip()) <= len("2026-02-05"):
            moment = moment.replace(hour=23, minute=59, second=59)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise GradingError(f"'{when}' is no date; give one such as '2026-02-05 23:59', or 'never'.") from None
