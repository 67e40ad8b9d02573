"""Calibrate the checks: ``python -m tools.calibrate [hw2 …] [--seeds 1000]`` writes docs/CALIBRATION.md.

Over many seeds, in every precision and on every device present: is every misconception caught and named, does every
right variant pass, and how long does a check take? Cases and observations go through messages, as in grading. Fails
where a misconception is not caught and named, or a right variant is not passed.
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from course.exercises.case import Case
from course.exercises.check import all_cases, assignments, judged, load
from course.exercises.exercise import Exercise
from course.exercises.messages import pack_cases, pack_observations, unpack_cases, unpack_observations
from course.exercises.observation import Observation
from course.exercises.observe import observe_all
from course.exercises.verdict import Verdict

SEEDS = 1000
MISCONCEPTION_SEEDS = 20
TARGET = Path("docs/CALIBRATION.md")


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
    def good(self) -> bool:
        """Whether all is caught and named, and nothing right fails."""
        return self.caught == self.named == self.misconceptions and not self.false_failures

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
    right = exercise.all_right
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

    def ask(cases: list[Case]) -> list[Observation]:
        seen = observe_all(function, unpack_cases(pack_cases(cases)))
        return unpack_observations(pack_observations(seen), len(cases))

    return judged(exercise, cases, ask(cases), seed, ask=ask)


def _seeds(seeds: int) -> range:
    return range(min(seeds, MISCONCEPTION_SEEDS))


def _sentence(exercise: Exercise, name: str) -> str:
    return next(m.sentence for m in exercise.misconceptions if m.name == name)


HEAD = """# Calibration of the checks

Written by `make calibrate`: float64 and float32 in every check, and a GPU where there is one.
"""


def section(assignment: str, found: list[Calibration], seeds: int) -> str:
    """An assignment's part of the page."""
    lines = [
        f"## {assignment}",
        "",
        f"{seeds:,} seeds for right variants, {len(_seeds(seeds))} for misconceptions.",
        "",
    ]
    lines += ["| " + " | ".join(HEADER) + " |", "|---" * len(HEADER) + "|"]
    lines += ["| " + " | ".join(one.row) + " |" for one in found]
    return "\n".join(lines) + "\n"


def main(names: list[str], seeds: int, workers: int = 2) -> int:
    """Calibrate the assignments of these names, or all; 1 if anything is not as it should be."""
    sections, good = [], True
    with ProcessPoolExecutor(workers) as pool:
        for assignment in names or assignments():
            found = list(pool.map(partial(calibrate, assignment, seeds=seeds), load(assignment)))
            sections.append(section(assignment, found, seeds))
            good &= all(one.good for one in found)
            print(sections[-1], flush=True)
    if not names:
        TARGET.write_text("\n".join([HEAD, *sections]), encoding="utf-8")
    return int(not good)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Calibrate the checks over many seeds.")
    parser.add_argument("names", nargs="*", help="assignments; all if none is named, and then the page is written")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    sys.exit(main(arguments.names, arguments.seeds))
