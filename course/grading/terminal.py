"""`course grade` on a terminal: progress, failures as they come, and what the instructor should look at."""

from glob import glob
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from course.grading.batch import Progress as Done
from course.grading.batch import grade_class, local_workers, remote_workers
from course.grading.course_folder import CourseFolder, GradingError, counted
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import Settings, run_by_root
from course.grading.sandboxed.isolation import Limits


def grade_in_terminal(
    base: CourseFolder,
    assignment: str,
    sandbox: bool,
    memory: int,
    gpu: bool,
    workers: int | None,
    scheduler: str | None,
    **options: Any,
) -> None:
    """Grade a class with a progress bar; see ``batch.grade_class`` for the other options.

    Raises:
        GradingError: if grading cannot start, or some submissions could not be graded.
    """
    say = Console(highlight=False)
    devices = tuple(sorted(glob("/dev/nvidia*"))) if gpu else ()
    settings = Settings(assignment, Limits(memory=memory), devices) if sandbox else None
    if settings and not scheduler and (warning := run_by_root()):
        say.print(warning, style="yellow", soft_wrap=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f} a minute"),
        TimeRemainingColumn(),
        console=say,
    )
    crew = remote_workers(scheduler) if scheduler else local_workers(workers) if workers else None
    with bar:
        line = bar.add_task(assignment, total=None, rate=0.0)

        def tell(done: Done, student: str) -> None:
            bar.update(line, total=done.total, completed=done.done + len(done.failed), rate=done.rate)
            if student in done.failed:
                bar.print(f"✗ {escape(student)} · not graded: {escape(done.failed[student])}")

        done = grade_class(base, assignment, settings=settings, crew=crew, tell=tell, **options)
        bar.update(line, total=max(done.total, 1), completed=max(done.total, 1))
    recorded = GradeRecord(base).lines(assignment)
    say.print(f"{done.done} graded, {len(recorded)} recorded in all. `course report {assignment}` shows the class.")
    flagged = {student: one.notes for student, one in recorded.items() if one.notes}
    if flagged:
        say.print("To look at", style="italic")
    for student, notes in flagged.items():
        for note in notes:
            say.print(f"  {escape(student)} · {escape(note)}", soft_wrap=True)
    if done.failed:
        raise GradingError(f"{counted(len(done.failed), 'submission')} could not be graded; run the command again.")
