"""`course report`: what a class did, exercise by exercise and student by student, and what to teach again."""

import statistics
from collections import Counter
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from course.exercises.verdict import Verdict
from course.grading.course_folder import CourseFolder, GradingError, Score, counted

MOST_OTHERS = 3
"""Failures of an exercise without a misconception that are shown in full."""


@dataclass(frozen=True)
class Summary:
    """How a class did on one exercise.

    Attributes:
        misconceptions: name, how often, and the sentence that students read; most frequent first.
        others: what students read who failed in a way that no misconception names, and how often.
    """

    exercise: str
    passed: int
    submissions: int
    misconceptions: list[tuple[str, int, str]]
    others: list[tuple[str, int]]


def summarize(verdicts: list[list[Verdict]]) -> list[Summary]:
    """Count over a class's verdicts, a list for each submission."""
    by_exercise: dict[str, list[Verdict]] = {}
    for verdict in (one for submission in verdicts for one in submission):
        by_exercise.setdefault(verdict.exercise, []).append(verdict)
    return [
        Summary(name, sum(one.passed for one in found), len(verdicts), _frequent(found), _others(found))
        for name, found in by_exercise.items()
    ]


def report(base: CourseFolder, assignment: str) -> RenderableType:
    """The class's scores, each exercise's share of passes, a line for each student, and failures by frequency.

    Raises:
        GradingError: if nothing of the assignment is graded.
    """
    scores = base.scores(assignment)
    if not scores:
        raise GradingError(f"No submission of {assignment} has been graded yet; run `course grade {assignment}`.")
    verdicts = {score.student: base.verdicts(assignment, score.student) for score in scores}
    summaries = summarize(list(verdicts.values()))
    points = sorted(score.points for score in scores)
    by_hand = sum(score.by_hand > 0 for score in scores)
    spread = f"{counted(len(scores), 'submission')} · points of the checks: lowest {points[0]:g}, median "
    spread += f"{statistics.median(points):g}, highest {points[-1]:g} · {by_hand} with an answer to read"
    passed, students = _passes(summaries), _students(scores, verdicts)
    taught_again, others = _misconceptions(summaries), _other_failures(summaries)
    return Group(f"{assignment} · {spread}", passed, students, taught_again, *others)


def _frequent(verdicts: list[Verdict]) -> list[tuple[str, int, str]]:
    sentence = {one.misconception: one.sentence for one in verdicts if one.misconception}
    count = Counter(one.misconception for one in verdicts if one.misconception)
    return [(str(name), n, sentence[name]) for name, n in count.most_common()]


def _others(verdicts: list[Verdict]) -> list[tuple[str, int]]:
    return Counter(one.sentence for one in verdicts if not (one.passed or one.misconception)).most_common()


def _passes(summaries: list[Summary]) -> Table:
    table = Table(title="Passed", title_justify="left")
    table.add_column("exercise")
    table.add_column("passed", justify="right")
    for one in summaries:
        table.add_row(one.exercise, f"{one.passed} of {one.submissions}")
    return table


def _students(scores: list[Score], verdicts: dict[str, list[Verdict]]) -> Table:
    """A line for each student: points, what is to be read, and the exercises that did not earn all their points."""
    table = Table(title="Students", title_justify="left")
    for column, justify in (("student", "left"), ("points", "right"), ("to read", "right"), ("not passed", "left")):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for score in sorted(scores, key=lambda one: one.student):
        failed = [one.exercise for one in verdicts[score.student] if not one.passed]
        told = ", ".join(failed) if verdicts[score.student] else "the graded notebook is not there: grade with --force"
        by_hand = f"{score.by_hand:g}" if score.by_hand else ""
        table.add_row(escape(score.student), f"{score.points:g} of {score.possible:g}", by_hand, told)
    return table


def _misconceptions(summaries: list[Summary]) -> RenderableType:
    """A line for each misconception: how many had it, in what exercise, and the sentence that they read."""
    rows = [(n, f"{one.exercise} · {sentence}") for one in summaries for _, n, sentence in one.misconceptions]
    return _by_frequency("What to teach again", rows) if rows else "No misconceptions were met."


def _other_failures(summaries: list[Summary]) -> list[RenderableType]:
    rows = []
    for one in summaries:
        rows += [(n, f"{one.exercise} · {sentence}") for sentence, n in one.others[:MOST_OTHERS]]
        if rest := one.others[MOST_OTHERS:]:
            rows.append((sum(n for _, n in rest), f"{one.exercise} · in other ways"))
    return [_by_frequency("Other failures", rows)] if rows else []


def _by_frequency(title: str, rows: list[tuple[int, str]]) -> RenderableType:
    lines = Table.grid(padding=(0, 1))
    lines.add_column(justify="right")
    lines.add_column(overflow="fold")
    for n, sentence in sorted(rows, key=lambda row: -row[0]):
        lines.add_row(f"{n} ×", escape(sentence))
    return Group(f"[italic]{title}[/italic]", lines)
