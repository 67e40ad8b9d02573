"""How far wrong answers that no list knows are explained: ``python -m tools.blind [hw2 …] [--show]``.

The answers of ``tests/blind`` were written from the notebooks alone. Of each: does it fail, is it named (a listed
mistake), explained (one small change, a dependence, in place, a dtype, …), or does its author read bare numbers only?
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import torch

from course.exercises.check import assignments, check_exercise, load

KINDS = ("named", "explained", "bare", "passed")
BARE, PATTERNS = "the largest error", ("right but", "two things", "your result is", "the sign is")


@dataclass(frozen=True)
class Told:
    """What a blind answer's author would read."""

    exercise: str
    number: int
    kind: str
    helps: bool
    sentence: str
    seconds: float


def told(assignment: str) -> Iterator[Told]:
    """Check the blind answers to an assignment, in order."""
    exercises = load(assignment)
    for number, one in enumerate(import_module(f"tests.blind.{assignment}").bank):
        start = time.perf_counter()
        verdict = check_exercise(exercises[one.exercise], one.function)
        seconds = time.perf_counter() - start
        sentence = verdict.sentence
        kind = "passed" if verdict.passed else "named" if verdict.misconception else "explained"
        if kind == "explained" and BARE in sentence and not sentence.startswith(PATTERNS):
            kind = "bare"
        helps = any(word.lower() in sentence.lower() for word in one.words)
        yield Told(one.exercise, number, kind, helps, sentence, seconds)


def section(found: dict[str, list[Told]]) -> str:
    """A part of docs/CALIBRATION.md: a line an assignment."""
    lines = ["## Wrong answers that no list knows", "", __doc__.split("\n\n")[1].replace("\n", " "), ""]
    lines += ["| | answers | " + " | ".join(KINDS) + " | speak of what is off | longest check |", "|---" * 8 + "|"]
    for assignment, answers in found.items():
        count = Counter(one.kind for one in answers)
        shares = [f"{count[kind] / len(answers):.0%}" for kind in KINDS]
        helps = sum(one.helps for one in answers) / len(answers)
        slowest = max(one.seconds for one in answers)
        lines.append(f"| {assignment} | {len(answers)} | " + " | ".join(shares) + f" | {helps:.0%} | {slowest:.1f} s |")
    return "\n".join(lines) + "\n"


def main(names: list[str], show: bool) -> int:
    """Print the table; with ``show``, every sentence that is not a listed mistake's."""
    torch.set_num_threads(1)
    found = {assignment: list(told(assignment)) for assignment in names or assignments()}
    if show:
        for assignment, answers in found.items():
            for one in answers:
                if one.kind != "named":
                    print(f"{assignment} {one.number} {one.exercise} [{one.kind}, {one.helps}] {one.sentence}")
    print(section(found))
    return int(any(one.kind == "passed" for answers in found.values() for one in answers))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure how far blind wrong answers are explained.")
    parser.add_argument("names", nargs="*", help="assignments; all if none is named")
    parser.add_argument("--show", action="store_true", help="print the sentences")
    arguments = parser.parse_args()
    sys.exit(main(arguments.names, arguments.show))
