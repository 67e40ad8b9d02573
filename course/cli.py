"""The command `course`: every subcommand in a few lines, its work done elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from course.extras import remedy

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Names = Annotated[list[str] | None, typer.Argument(help="Assignments, such as hw2; all of them if none is named.")]


@app.callback()
def main() -> None:
    """The course on score-based generative modelling: lectures, assignments, and their grading."""
    from course.plain_text import plain_where_needed

    plain_where_needed(sys.stdout, sys.stderr)


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing, and what to do about it."""
    from course.doctor import examine

    findings = list(examine())
    for finding in findings:
        typer.echo(f"{'✓' if finding.good else '✗'} {finding.what}")
    raise typer.Exit(not all(finding.good for finding in findings))


@app.command()
def get(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    folder: Annotated[Path, typer.Option(help="Where the notebook is put.")] = Path("."),
) -> None:
    """Put an assignment's notebook into this folder."""
    with _sentences():
        from course.student import get

        typer.echo(
            f"{get(assignment, folder)} is ready: `jupyter lab {assignment}.ipynb`, then `course check {assignment}`."
        )


@app.command()
def check(assignment: Annotated[str, typer.Argument(help="Such as hw2, or a notebook's path.")]) -> None:
    """Run an assignment's notebook from the top, and print what its checks say."""
    with _sentences():
        from course.student import check, find

        typer.echo(f"Running {(path := find(assignment))} from the top ...")
        found = check(path)
        typer.echo(found)
        raise typer.Exit(not all(verdict.passed for verdict in found.verdicts))


@app.command()
def submit(
    assignment: Annotated[str, typer.Argument(help="Such as hw2, or a notebook's path.")],
    folder: Annotated[Path, typer.Option(help="Where the file to hand in is written.")] = Path("to-hand-in"),
) -> None:
    """Run the checks once more after a restart, name what is missing, and write the one file to hand in."""
    with _sentences():
        from course.student import find, submit

        typer.echo(f"Running {(path := find(assignment))} from the top ...")
        target, found = submit(path, folder)
        typer.echo(found)
        typer.echo(f"Hand in this file: {target}")


@app.command()
def release(assignments: Names = None) -> None:
    """Make assignments/ from solutions/ (nbgrader generate_assignment)."""
    with _instructor():
        from course.grading.course_folder import CourseFolder

        base = CourseFolder(Path.cwd())
        for assignment in assignments or base.assignments:
            base.release(assignment)
            typer.echo(f"{assignment}: released to {base.folder('release', '.', assignment)}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the sample class is made; emptied first.")] = Path("demo"),
) -> None:
    """Release, grade and return a small sample class, and print its gradebook."""
    with _instructor():
        from course.grading.demo import run

        run(Path.cwd(), folder)


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be given more than once.")] = None,
    force: Annotated[bool, typer.Option(help="Grade again what is recorded already.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Keep students' code apart from this machine.")] = True,
    workers: Annotated[int | None, typer.Option(help="Processes on this machine; one a core if not given.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to use instead.")] = None,
    memory: Annotated[float, typer.Option(help="GiB that one submission may use.")] = 4.0,
    gpu: Annotated[bool, typer.Option(help="Let submissions use this machine's NVIDIA GPUs.")] = False,
    cell_seconds: Annotated[float, typer.Option(help="For one cell, or one exercise's cases.")] = 30.0,
    total_seconds: Annotated[float, typer.Option(help="For all cells of a submission.")] = 120.0,
) -> None:
    """Grade every submission of an assignment that is not recorded yet, side by side, each in a sandbox."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.terminal import grade_in_terminal

        grade_in_terminal(
            CourseFolder(Path.cwd()),
            assignment,
            sandbox=sandbox,
            memory=int(memory * 2**30),
            gpu=gpu,
            students=student,
            force=force,
            workers=workers,
            scheduler=scheduler,
            seconds=(cell_seconds, total_seconds),
        )


@app.command()
def report(assignment: Annotated[str, typer.Argument(help="Such as hw2.")]) -> None:
    """Show how a class did: scores, passes an exercise, and the misconceptions found."""
    with _instructor():
        from rich import print as show

        from course.grading.course_folder import CourseFolder
        from course.grading.report import report

        show(report(CourseFolder(Path.cwd()), assignment))


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(help="nbgrader's CSV, or Canvas's, Moodle's or Gradescope's.")],
) -> None:
    """Bring a class list into the gradebook: students are added and updated, and never removed."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.lms.import_roster import import_roster

        typer.echo(import_roster(CourseFolder(Path.cwd()), file))


@app.command()
def collect(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    files: Annotated[list[Path], typer.Argument(help="Zip files as downloaded, and Moodle's grading worksheet.")],
    timezone: Annotated[str, typer.Option(help="Of dates that name none, such as Europe/Berlin.")] = "",
) -> None:
    """Bring the notebooks in Canvas's, Moodle's or Gradescope's zip files into class/submitted/."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.lms.collect import collect, time_zone

        receipt = collect(CourseFolder(Path.cwd()), assignment, files, time_zone(timezone))
        typer.echo(receipt)
        raise typer.Exit(bool(receipt.problems))


@app.command()
def due(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    when: Annotated[str, typer.Argument(help="Such as '2026-02-05 23:59', or never; says the date if not given.")] = "",
    timezone: Annotated[str, typer.Option(help="Of a date that names none, such as Europe/Berlin.")] = "",
) -> None:
    """Set when an assignment is due, before you collect it, or say it."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.due import due
        from course.grading.lms.collect import time_zone

        typer.echo(due(CourseFolder(Path.cwd()), assignment, when, time_zone(timezone)))


@app.command("return")
def give_back(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    form: Annotated[str, typer.Option(help="canvas, moodle, or pages: one web page for each student.")] = "pages",
    to: Annotated[Path | None, typer.Option(help="The file; ASSIGNMENT-feedback-FORM.zip here if not given.")] = None,
) -> None:
    """Write the feedback on an assignment as the zip file that a learning platform takes back."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.lms.give_back import give_back

        returned = give_back(CourseFolder(Path.cwd()), assignment, form, to)
        for student, why in returned.left_out.items():
            typer.echo(f"Careful: {student} is left out: {why}.", err=True)
        typer.echo(f"{assignment}: feedback for {len(returned.students)} in {returned.path}")


@app.command()
def export(
    assignment: Annotated[str, typer.Argument(help="Such as hw2.")],
    form: Annotated[str, typer.Option(help="nbgrader, canvas, moodle or gradescope.")] = "nbgrader",
    to: Annotated[Path | None, typer.Option(help="The file; ASSIGNMENT-FORM.csv here if not given.")] = None,
) -> None:
    """Write an assignment's scores, after late penalties, for a learning platform."""
    with _instructor():
        from course.grading.course_folder import CourseFolder
        from course.grading.lms.exports import export

        path, warnings = export(CourseFolder(Path.cwd()), assignment, form, to)
        for warning in warnings:
            typer.echo(f"Careful: {warning}", err=True)
        typer.echo(f"{assignment}: exported to {path}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Such as edm; a name that is not there lists all.")],
    steps: Annotated[int | None, typer.Option(help="Other than the recipe's, for a trial.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the checkpoint goes; if not given, the package for a full run, ./trials for a trial."),
    ] = None,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Compute in bfloat16, where that is faster.")] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="Let torch.compile make the network's code.")] = False,
    seed: Annotated[int, typer.Option(help="Another network of the same recipe; those that ship have 0.")] = 0,
) -> None:
    """Train one of the networks that ship, from nothing; an interrupted run goes on where it was.

    On several GPUs or machines: `torchrun --nproc-per-node 4 -m course.cli train NAME`.
    """
    import torch

    from course import pretrained

    precision = torch.bfloat16 if bfloat16 else None
    try:
        record = pretrained.make(name, folder, steps, precision, compiled, seed)
    except (ValueError, ImportError, OSError) as error:
        raise _stop(str(error)) from None
    if record:
        typer.echo(f"{name}: {record['what']}; {record['steps']} steps in {record['seconds']} s; {record['quality']}")


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors of this package, and missing packages, end the command with their sentence."""
    from course.errors import CourseError

    try:
        yield
    except CourseError as error:
        raise _stop(str(error)) from None
    except ImportError as error:
        raise _stop(f"{error.name} is missing: `{remedy('lab')}`.") from None


@contextmanager
def _instructor() -> Iterator[None]:
    """What instructors' commands share: one clear sentence where something is missing or wrong."""
    try:
        from course.grading.course_folder import GradingError
    except ImportError as error:
        raise _stop(f"This needs nbgrader: `{remedy('instructor')}` ({error}).") from None
    try:
        yield
    except GradingError as error:
        raise _stop(str(error)) from None


def _stop(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
