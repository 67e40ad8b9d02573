"""The command `course`: every subcommand in a few lines, its work done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Names = Annotated[list[str] | None, typer.Argument(help="Assignments, such as hw2; all of them if none is named.")]


@app.callback()
def main() -> None:
    """The course on score-based generative modelling: lectures, assignments, and their grading."""


@app.command()
def release(assignments: Names = None) -> None:
    """Make assignments/ from solutions/ (nbgrader generate_assignment)."""
    from course.grading.classroom import Classroom, GradingError

    try:
        room = Classroom(Path.cwd())
        for assignment in assignments or room.assignments:
            room.release(assignment)
            typer.echo(f"{assignment}: released to {room.folder('release', '.', assignment)}")
    except GradingError as error:
        _stop(error)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the sample class is made; emptied first.")] = Path("demo"),
) -> None:
    """Release, grade and return a small sample class, and print its gradebook."""
    from course.grading.classroom import GradingError
    from course.grading.demo import run

    try:
        run(Path.cwd(), folder)
    except GradingError as error:
        _stop(error)


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing, and what to do about it."""
    from course.doctor import examine

    complaints = 0
    for finding in examine():
        typer.echo(f"{'✓' if finding.good else '✗'} {finding.what}")
        complaints += not finding.good
    raise typer.Exit(bool(complaints))


def _stop(error: Exception) -> None:
    typer.echo(str(error), err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
