"""`course demo`: the main job from end to end on a small sample class, in a folder of its own."""

import shutil
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from course.grading.batch import grade_class, local_workers
from course.grading.course_folder import CourseFolder, GradingError, counted
from course.grading.kernel.sandbox import Settings, sandbox_missing
from course.grading.sample_class import make_class

MARK = ".made-by-course-demo"


def run(source: Path, folder: Path) -> None:
    """Release the assignments, grade a right, a typically wrong and an empty submission of each, and return feedback.

    Args:
        source: the course's folder, with ``solutions/`` and nbgrader's configuration; nothing in it changes.
        folder: where the sample class is made; emptied first.
    """
    say = Console(highlight=False)
    _make_empty(folder)
    say.print("Releasing the assignments, and handing in three samples of each ...")
    base = make_class(source, folder)
    sandboxed = sandbox_missing() is None
    if not sandboxed:
        say.print("There is no bubblewrap here: these samples are trusted, and graded without a sandbox.")
    with local_workers() as crew:
        for assignment in base.assignments:
            settings = Settings(assignment) if sandboxed else None
            done = grade_class(base, assignment, settings=settings, crew=nullcontext(crew))
            say.print(f"{assignment}: {counted(done.done, 'submission')} graded, {done.rate:.0f} a minute")
    say.print("Writing the feedback pages ...")
    pages = [page for assignment in base.assignments for page in base.return_feedback(assignment)]
    say.print(_gradebook(base))
    _say_misconceptions(base, say)
    say.print("Feedback pages", style="italic")
    for page in pages:
        say.print(f"  {page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page}", soft_wrap=True)


def _make_empty(folder: Path) -> None:
    """Empty the demo's folder, and no other: it is known by a file that the demo leaves in it."""
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise GradingError(f"{folder} holds something that no demo made; name an empty folder with --folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.write_text("This folder is made, and emptied, by `course demo`.\n")


def _gradebook(base: CourseFolder) -> Table:
    table = Table(title="Gradebook", title_justify="left")
    for column, justify in (("assignment", "left"), ("student", "left"), ("points", "right"), ("by hand", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for assignment in base.assignments:
        for score in base.scores(assignment):
            to_do = f"{score.by_hand:g} to give" if score.by_hand else ""
            table.add_row(assignment, score.student, f"{score.points:g} of {score.possible:g}", to_do)
    return table


def _say_misconceptions(base: CourseFolder, say: Console) -> None:
    say.print("Misconceptions found", style="italic")
    for assignment in base.assignments:
        for score in base.scores(assignment):
            found = [verdict for verdict in base.verdicts(assignment, score.student) if verdict.misconception]
            if found:
                say.print(f"{assignment} · {score.student}")
            for verdict in found:
                say.print(f"  {escape(str(verdict))}")
