"""One submission from bytes to verdicts: rebuilt, run in a kernel that only computes, and judged here.

What goes in and comes out is plain data, so that a submission can be graded in any process on any machine.
"""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course.errors import CourseError
from course.exercises.case import Case
from course.exercises.check import all_cases, fresh_seed, judged, load
from course.exercises.exercise import Exercise
from course.exercises.messages import ObservationError
from course.exercises.observation import Observation
from course.exercises.verdict import Verdict
from course.grading.kernel.sandbox import Settings
from course.grading.kernel.session import KernelStoppedError, Session
from course.grading.submission.read_notebook import UnreadableNotebookError, read
from course.grading.submission.rebuild import NOT_GRADED, rebuild

CHECKED = re.compile(r"^check\((\w+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """What is needed to grade one submission.

    Attributes:
        student, assignment: whose, and which.
        source: the instructor's notebook, as JSON, with nbgrader's checksums in it.
        submitted: the student's file.
        settings: of the sandbox; None is none.
        cell_seconds: for one cell, or for the cases of one exercise.
        total_seconds: for all cells together.
    """

    student: str
    assignment: str
    source: str
    submitted: bytes
    settings: Settings | None
    cell_seconds: float = 30.0
    total_seconds: float = 120.0


@dataclass
class Graded:
    """What grading found.

    Attributes:
        notebook: the rebuilt notebook with its outputs and verdicts, as JSON.
        verdicts: one for each check, in order.
        notes: what the instructor should know: what was mended, left out, or suspicious.
        seconds: how long it took.
    """

    student: str
    assignment: str
    notebook: str
    verdicts: list[Verdict]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


class AssignmentError(CourseError):
    """The instructor's notebook cannot be graded so; the message says which cell, and what to do."""


def grade(task: Task) -> Graded:
    """Grade one submission; whatever it is, there is a result.

    Raises:
        SandboxError: if kernels cannot be had on this machine.
        KernelError: if none came up this time.
        AssignmentError: if a test cell of the instructor's is none that can be judged outside of the kernel.
    """
    torch.set_num_threads(1)
    start = time.perf_counter()
    source = nbformat.reads(task.source, as_version=4)
    try:
        submitted, notes = read(task.submitted)
    except UnreadableNotebookError as error:
        submitted, notes = nbformat.v4.new_notebook(), [str(error)]
    rebuilt = rebuild(source, submitted)
    notebook, notes = rebuilt.notebook, [*notes, *rebuilt.notes]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    verdicts = _Run(task, notebook, notes).verdicts()
    seconds = time.perf_counter() - start
    return Graded(task.student, task.assignment, nbformat.writes(notebook), verdicts, notes, seconds)


class _Run:
    """The cells of one rebuilt notebook in one kernel, for as long as it lives."""

    def __init__(self, task: Task, notebook: NotebookNode, notes: list[str]):
        self.task, self.notebook, self.notes = task, notebook, notes
        self.exercises = load(task.assignment)
        self.deadline = time.monotonic() + task.total_seconds
        self.stopped = ""
        self.failed: set[str] = set()

    def verdicts(self) -> list[Verdict]:
        found = []
        with Session(self.task.settings) as session:
            for cell in self.notebook.cells:
                if cell.cell_type == "code" and NOT_GRADED not in cell.metadata.get("tags", []):
                    found += self._cell(session, cell)
        return found

    def _cell(self, session: Session, cell: NotebookNode) -> list[Verdict]:
        if _is_test(cell):
            return [self._test(session, cell)]
        if not self.stopped:
            try:
                cell.outputs = session.execute(cell.source, self._seconds())
            except KernelStoppedError as error:
                why = self._stop(cell, error)
                cell.outputs = [new_output("stream", name="stdout", text=f"Grading stopped: {why}\n")]
        return []

    def _test(self, session: Session, cell: NotebookNode) -> Verdict:
        exercise, seed = self._exercise(cell), fresh_seed()
        verdict = self._judge(session, cell, exercise, seed)
        if not verdict.passed:
            self.failed.add(exercise.name)
        data = {kind: _plain(value) for kind, value in verdict._repr_mimebundle_().items()}
        cell.outputs = [new_output("execute_result", data=data, execution_count=None)]
        return verdict

    def _judge(self, session: Session, cell: NotebookNode, exercise: Exercise, seed: int) -> Verdict:
        def none(sentence: str) -> Verdict:
            return Verdict(exercise.name, 0, exercise.points, sentence, seed=seed)

        if self.stopped:
            return none(f"not reached: {self.stopped}")

        def ask(more: list[Case]) -> list[Observation]:
            """Observe further cases, to find out why some are wrong; nothing where the kernel does not answer."""
            try:
                return session.observe(exercise.name, more, self._seconds())
            except KernelStoppedError as error:
                self._stop(cell, error)
            except ObservationError as error:
                self.notes.append(f"{exercise.name}: {error} Does the submission tamper with the kernel?")
            return []

        cases = all_cases(exercise, seed)
        try:
            seen = session.observe(exercise.name, cases, self._seconds())
        except KernelStoppedError as error:
            return none(f"stopped: {self._stop(cell, error)}")
        except ObservationError as error:
            self.notes.append(f"{exercise.name}: {error} Does the submission tamper with the kernel?")
            return none("could not be observed: something in the notebook changes how the kernel works.")
        try:
            return judged(exercise, cases, seen, seed, self._blamed, ask)
        except Exception as error:  # observations may be anything that has their form
            self.notes.append(f"{exercise.name}: what came back could not be judged ({type(error).__name__}: {error}).")
            return none("what came back could not be judged; does the function return what its docstring says?")

    def _blamed(self, uses: list[str]) -> str:
        """The first exercise that failed before, of those that a function refers to (or claims to)."""
        return next((name for name in self.exercises if name in uses and name in self.failed), "")

    def _exercise(self, cell: NotebookNode) -> Exercise:
        name = CHECKED.search(cell.source)
        if name is None or name[1] not in self.exercises:
            raise AssignmentError(
                f"The test cell {cell.metadata.nbgrader.grade_id} of {self.task.assignment} calls no `check(...)` of "
                "an exercise; tests that run beside a student's code cannot be trusted; use nbgrader's autograde."
            )
        return self.exercises[name[1]]

    def _stop(self, cell: NotebookNode, error: KernelStoppedError) -> str:
        """Note that nothing runs any more, and return why."""
        why = str(error)
        if time.monotonic() >= self.deadline:
            why = f"all cells together did not end within {self.task.total_seconds:.0f} seconds."
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id", "")
        self.stopped = f"the kernel ended in the cell {name}: {why}"
        self.notes.append(self.stopped)
        return why

    def _seconds(self) -> float:
        """What is left for a cell."""
        return max(0.01, min(self.task.cell_seconds, self.deadline - time.monotonic()))


def _is_test(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(nbgrader.get("grade")) and not nbgrader.get("solution")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
