"""`course grade`: every submission of an assignment that is not recorded yet, graded side by side.

Submissions go as plain data to Dask's workers, on this machine or on a cluster, and come back as plain data; this
process alone reads and writes the class's folder.
"""

import hashlib
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nbgrader.utils import parse_utc

from course.grading.course_folder import CourseFolder, GradingError
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import SandboxError, Settings, in_sight
from course.grading.submission.find import AmbiguousSubmissionError, choose
from course.grading.submission.grade import AssignmentError, Graded, Task, grade
from course.grading.submission.read_notebook import UnreadableNotebookError, read
from course.grading.submission.strip import LARGEST, stripped

AHEAD = 2
"""Tasks that wait for each worker, so that none is idle and memory does not grow with the class."""


@dataclass(frozen=True)
class Submission:
    """A file that was handed in, as it lies in the class's folder.

    Attributes:
        data: the notebook's bytes; empty where there is none that can be read.
        timestamp: what ``timestamp.txt`` says.
        notes: on how the notebook was found.
        secret: of nbgrader's exchange, by which feedback finds its way back.
    """

    student: str
    data: bytes
    timestamp: str | None
    notes: list[str] = field(default_factory=list)
    secret: str = ""


@dataclass
class Progress:
    """How far a class is."""

    total: int
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Submissions a minute."""
        return 60 * self.done / max(time.monotonic() - self.started, 1e-9)


def hand_ins(base: CourseFolder, assignment: str) -> Iterator[str]:
    """The students who handed something in for an assignment, in order."""
    pattern = base.folder("submitted", "*", assignment)
    root = Path(*pattern.parts[: pattern.parts.index("*")])
    yield from sorted(path.name for path in root.glob("*") if (path / assignment).is_dir())


def read_submission(base: CourseFolder, assignment: str, student: str, released: dict[str, str]) -> Submission:
    """What a student handed in.

    Args:
        base: the class.
        assignment, student: which, and whose.
        released: the text of every answer cell as it was handed out, by grade id.

    Raises:
        AmbiguousSubmissionError: if it is not clear which of several notebooks counts.
    """
    folder = base.folder("submitted", student, assignment)
    notes: list[str] = []
    if folder.is_symlink() or folder.parent.is_symlink():
        return Submission(student, b"", None, ["The folder is a link to another one: graded as empty."])
    timestamp, secret = _timestamp(folder, notes), _text(folder / "submission_secret.txt")
    wanted, told = choose(folder, f"{assignment}.ipynb", lambda path: _answers(path, released))
    notes += told
    data = b""
    if wanted:
        try:
            data = _read_notebook(wanted)
        except OSError as error:
            notes.append(f"{_name(wanted)} could not be read ({error.strerror}): graded as empty.")
        except ValueError as error:
            notes.append(f"{error} Graded as empty.")
    return Submission(student, data, timestamp, notes, secret)


def _read_notebook(path: Path) -> bytes:
    """A notebook's bytes, stripped of what grading does not read where it is large."""
    data = _read_file(path)
    return stripped(path) if len(data) > LARGEST else data


def _answers(path: Path, released: dict[str, str]) -> int:
    """How many answers a notebook holds that are not as they were handed out; 0 where it cannot be read."""
    try:
        notebook, _ = read(_read_notebook(path))
    except (OSError, ValueError, UnreadableNotebookError):
        return 0
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
    return sum(answers[name].strip() != text.strip() for name, text in released.items() if name in answers)


def grade_class(
    base: CourseFolder,
    assignment: str,
    students: list[str] | None = None,
    settings: Settings | None = None,
    force: bool = False,
    crew: "AbstractContextManager[Workers] | None" = None,
    seconds: tuple[float, float] = (30.0, 120.0),
    tell: Callable[[Progress, str], None] = lambda progress, student: None,
) -> Progress:
    """Grade what is not recorded yet.

    Args:
        base: the class.
        assignment: such as "hw2".
        students: only these; None is all who handed in.
        settings: of the sandbox; None is none, for a class that is trusted.
        force: grade again what is recorded already.
        crew: who does the work, called for only where there is some; None is one process a core of this machine.
        seconds: for a cell, and for a submission.
        tell: called after each submission.

    Returns:
        How many were graded, and the students whose submissions could not be, with reasons.

    Raises:
        GradingError: if there is nothing to grade, no way to, or students' code could read the class's folder.
    """
    if settings is not None and (reason := in_sight(base.root)):
        raise GradingError(reason)
    record = GradeRecord(base)
    record.check_penalties()
    source, known = record.source(assignment), record.lines(assignment)
    there, released = list(hand_ins(base, assignment)), base.released_answers(assignment)
    chosen = students or there
    for student in chosen:
        if student not in there:
            near = get_close_matches(student, there, 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise GradingError(f"{student} has not handed in {assignment}.{meant}")
    if not chosen:
        raise GradingError(
            f"Nobody has handed in {assignment}: notebooks belong in "
            f"{base.folder('submitted', 'STUDENT', assignment) / assignment}.ipynb."
        )

    unclear: dict[str, str] = {}

    def tasks() -> Iterator[tuple[Task, Submission, str]]:
        for student in chosen:
            try:
                submission = read_submission(base, assignment, student, released)
            except AmbiguousSubmissionError as error:
                unclear[student] = str(error)
                continue
            digest = _digest(source, submission)
            if force or student not in known or known[student].digest != digest:
                yield Task(student, assignment, source, submission.data, settings, *seconds), submission, digest

    waiting = sum(1 for _ in tasks())
    progress = Progress(waiting, failed=dict(unclear))
    for student in unclear:
        tell(progress, student)
    if not waiting:
        return progress
    with crew or local_workers(min(os.cpu_count() or 1, waiting)) as hands:
        for student, outcome, submission, digest in _as_they_come(hands.client, tasks(), AHEAD * hands.size):
            if isinstance(outcome, (AssignmentError, SandboxError)):
                raise GradingError(str(outcome))
            if isinstance(outcome, Graded):
                outcome.notes[:0] = submission.notes
                record.write(outcome, digest, submission.timestamp, submission.secret)
                progress.done += 1
            else:
                progress.failed[student] = f"{type(outcome).__name__}: {outcome}"
            tell(progress, student)
    return progress


def _as_they_come(client: Any, tasks: Iterator[tuple[Task, Submission, str]], most: int) -> Iterator[tuple[Any, ...]]:
    """Outcomes in the order in which they are ready, with few tasks under way at any time."""
    from distributed import as_completed

    under_way: dict[Any, tuple[Submission, str]] = {}
    ready = as_completed(loop=client.loop)

    def send() -> bool:
        for task, submission, digest in tasks:
            future = client.submit(grade, task, pure=False, retries=0)
            under_way[future] = (submission, digest)
            ready.add(future)
            return True
        return False

    for _ in range(most):
        send()
    for future in ready:
        submission, digest = under_way.pop(future)
        outcome = future.exception() or future.result()
        future.release()
        send()
        yield submission.student, outcome, submission, digest


@dataclass(frozen=True)
class Workers:
    """Dask's client, and how many workers stand behind it."""

    client: Any
    size: int


@contextmanager
def local_workers(workers: int | None = None) -> Iterator[Workers]:
    """Processes on this machine, one a core if no number is given; they speak TLS, which other users of it cannot."""
    from distributed import Client, LocalCluster, Security

    workers = workers or os.cpu_count() or 1
    options = {
        "threads_per_worker": 1,
        "dashboard_address": "127.0.0.1:0",
        "memory_limit": 0,
        "silence_logs": logging.CRITICAL,
        "security": Security.temporary(),
    }
    with (
        LocalCluster(n_workers=workers, host="127.0.0.1", **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield Workers(client, workers)


@contextmanager
def remote_workers(scheduler: str) -> Iterator[Workers]:
    """The workers of a Dask cluster, by its scheduler's address.

    Raises:
        GradingError: if nobody answers there.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout="20s", set_as_default=False)
    except OSError as error:
        raise GradingError(f"No Dask scheduler answers at {scheduler} ({error}).") from None
    with client:
        client.wait_for_workers(1, timeout=60)
        yield Workers(client, len(client.scheduler_info()["workers"]))


def _digest(source: str, submission: Submission) -> str:
    """Of all that a grade is computed from."""
    parts = [
        source.encode(),
        submission.data,
        (submission.timestamp or "").encode(),
        "\n".join(submission.notes).encode(),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _text(path: Path) -> str:
    """A short file's text; empty where there is none."""
    try:
        return _read_file(path, 200).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _timestamp(folder: Path, notes: list[str]) -> str | None:
    """When it was handed in; what is no time is noted, and left out."""
    text = re.sub(r" (?=[+-]\d\d:?\d\d$)", "", _text(folder / "timestamp.txt"))  # nbgrader takes " +0100" for 100 s
    try:
        parse_utc(text or None)
    except (ValueError, OverflowError):
        notes.append("timestamp.txt tells no time: counted as handed in without one.")
        return None
    return text or None


def _name(path: Path) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _read_file(path: Path, most: int = LARGEST) -> bytes:
    """A regular file's bytes, at most one more than allowed; a link, a pipe or a device is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        return file.read(most + 1)
