"""Calibrate the checks: ``python -m course.exercises.calibrate hw2 [SEEDS]`` prints a Markdown table.

Over many seeds, in every precision and on every device present: is every misconception caught and named, does every
right variant pass, and how long does a check take? Cases and observations go through messages, as in grading.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch

from course.exercises.case import Case
from course.exercises.check import Verdict, all_cases, judged, load
from course.exercises.exercise import Exercise
from course.exercises.probe import observe_all
from course.exercises.wire import pack_cases, pack_observations, unpack_cases, unpack_observations

SEEDS = 1000
MISCONCEPTION_SEEDS = 20


@dataclass(frozen=True)
class Calibration:
    """What was found of one exercise."""

    exercise: str
    misconceptions: int
    caught: int
    named: int
    variants: int
    false_failures: int
    checks: int
    seconds: float

    @property
    def row(self) -> list[str]:
        """The exercise's line in the table."""
        failures = f"{self.false_failures} of {self.checks:,}"
        counts = [
            f"{self.caught} of {self.misconceptions}",
            f"{self.named} of {self.misconceptions}",
            str(self.variants),
        ]
        return [f"`{self.exercise}`", *counts, failures, f"{self.seconds:.2f}"]


HEADER = ["exercise", "misconceptions caught", "named", "right variants", "false failures", "seconds a check"]


def calibrate(assignment: str, name: str, seeds: int = SEEDS) -> Calibration:
    """Run an exercise's misconceptions and right variants through its own check.

    A misconception counts as caught if it fails for every seed, and as named if every time the student would read its
    own sentence.
    """
    torch.set_num_threads(1)
    exercise = load(assignment)[name]
    verdicts = {
        m.name: [judged_elsewhere(exercise, m.function, all_cases(exercise, seed), seed) for seed in _seeds(seeds)]
        for m in exercise.misconceptions
    }
    right = (exercise.answer, *exercise.accepted)
    start = time.perf_counter()
    failures = 0
    for seed in range(seeds):
        cases = all_cases(exercise, seed)
        failures += sum(not judged_elsewhere(exercise, one, cases, seed).passed for one in right)
    return Calibration(
        name,
        len(exercise.misconceptions),
        sum(not any(v.passed for v in found) for found in verdicts.values()),
        sum(all(v.sentence.startswith(_sentence(exercise, m)) for v in found) for m, found in verdicts.items()),
        len(right),
        failures,
        len(right) * seeds,
        (time.perf_counter() - start) / (len(right) * seeds),
    )


def judged_elsewhere(exercise: Exercise, function: Callable, cases: list[Case], seed: int) -> Verdict:
    """Judge a function as grading does: cases and observations are sent, and judged where they were not made."""
    seen = observe_all(function, unpack_cases(pack_cases(cases)))
    return judged(exercise, cases, unpack_observations(pack_observations(seen), len(cases)), seed)


def _seeds(seeds: int) -> range:
    return range(min(seeds, MISCONCEPTION_SEEDS))


def _sentence(exercise: Exercise, name: str) -> str:
    return next(m.sentence for m in exercise.misconceptions if m.name == name)


def main(assignment: str, seeds: int = SEEDS, workers: int = 2) -> None:
    """Print the table of an assignment."""
    print(f"## {assignment}\n\n{seeds:,} seeds for right variants, {len(_seeds(seeds))} for misconceptions.\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(partial(calibrate, assignment, seeds=seeds), load(assignment)):
            print("| " + " | ".join(found.row) + " |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Usage: python -m course.exercises.calibrate ASSIGNMENT [SEEDS], such as hw2 1000.")
    main(sys.argv[1], *map(int, sys.argv[2:]))
