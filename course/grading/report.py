"""`course report`: what a class did, exercise by exercise, and what to teach again."""

import statistics
from collections import Counter
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from course.exercises.verdict import Verdict
from course.grading.course_folder import CourseFolder, GradingError


@dataclass(frozen=True)
class Summary:
    """How a class did on one exercise, and the misconceptions met in it, most frequent first."""

    exercise: str
    passed: int
    submissions: int
    misconceptions: list[tuple[str, int, str]]  # name, how often, the sentence that students read


def summarize(verdicts: list[list[Verdict]]) -> list[Summary]:
    """Count over a class's verdicts, a list a submission."""
    by_exercise: dict[str, list[Verdict]] = {}
    for verdict in (one for submission in verdicts for one in submission):
        by_exercise.setdefault(verdict.exercise, []).append(verdict)
    return [
        Summary(name, sum(one.passed for one in found), len(verdicts), _frequent(found))
        for name, found in by_exercise.items()
    ]


def report(base: CourseFolder, assignment: str) -> RenderableType:
    """The class's scores, each exercise's share of passes, and the misconceptions by name."""
    scores = base.scores(assignment)
    if not scores:
        raise GradingError(f"No submission of {assignment} has been graded yet; run `course grade {assignment}`.")
    summaries = summarize([base.verdicts(assignment, score.student) for score in scores])
    points = sorted(score.points for score in scores)
    by_hand = sum(score.by_hand > 0 for score in scores)
    spread = f"{len(scores)} submissions · points of the checks: lowest {points[0]:g}, median "
    spread += f"{statistics.median(points):g}, highest {points[-1]:g} · {by_hand} with an answer to read"
    return Group(f"{assignment} · {spread}", _passes(summaries), _misconceptions(summaries))


def _frequent(verdicts: list[Verdict]) -> list[tuple[str, int, str]]:
    sentence = {one.misconception: one.sentence for one in verdicts if one.misconception}
    count = Counter(one.misconception for one in verdicts if one.misconception)
    return [(str(name), n, sentence[name]) for name, n in count.most_common()]


def _passes(summaries: list[Summary]) -> Table:
    table = Table(title="Passed", title_justify="left")
    table.add_column("exercise")
    table.add_column("passed", justify="right")
    for one in summaries:
        table.add_row(one.exercise, f"{one.passed} of {one.submissions}")
    return table


def _misconceptions(summaries: list[Summary]) -> RenderableType:
    """A line a misconception: how many had it, in what exercise, and the sentence that they read."""
    rows = [(n, one.exercise, sentence) for one in summaries for _, n, sentence in one.misconceptions]
    if not rows:
        return "No misconceptions were met."
    lines = Table.grid(padding=(0, 1))
    lines.add_column(justify="right")
    lines.add_column(overflow="fold")
    for n, exercise, sentence in sorted(rows, key=lambda row: -row[0]):
        lines.add_row(f"{n} ×", escape(f"{exercise} · {sentence}"))
    return Group("[italic]What to teach again[/italic]", lines)
