"""Mutation tests of the checks: ``python -m tools.mutate [hw2 …]`` changes each right answer a little.

A mutant is an exercise's answer with one small change: an operator, a constant, a sign, a term dropped, arguments
swapped, an axis, a loop one shorter, a ``detach`` or a statement left out, a sum in place. Every mutant must fail its
check, or be listed as right all the same, with the reason. Writes docs/MUTATION.md; fails where one is neither.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from course.exercises.changes import changes
from course.exercises.check import all_cases, assignments, load
from course.exercises.exercise import Exercise
from course.exercises.judge import is_right
from course.exercises.observe import observe_all
from course.exercises.patch import compiled

SEEDS = 3
"""A mutant that passes for so many seeds has survived."""

TARGET = Path("docs/MUTATION.md")

HEAD = """# Mutants of the answers

Written by `make mutate`: every small change of an answer fails its check, or is right too.
"""


@dataclass(frozen=True)
class Tried:
    """What became of an exercise's mutants: how many there are, and which pass, with the reason where it is known."""

    exercise: str
    mutants: int
    alive: list[tuple[str, str]]

    @property
    def unexplained(self) -> int:
        return sum(not reason for _, reason in self.alive)

    @property
    def row(self) -> str:
        counts = [self.mutants, self.mutants - len(self.alive), len(self.alive) - self.unexplained, self.unexplained]
        return f"| `{self.exercise}` | " + " | ".join(map(str, counts)) + " |"


def tried(assignment: str, name: str) -> Tried:
    """Check every mutant of an exercise."""
    torch.set_num_threads(1)
    exercise = load(assignment)[name]
    source, reasons = exercise.source, {one.source: one.reason for one in exercise.variants if one.reason}
    mutants = [change.source for change in changes(source, only_mutants=True)]
    alive = []
    for mutant in mutants:
        try:
            function = compiled(mutant, exercise.answer, "mutant")
        except (SyntaxError, NameError):
            continue
        if all(_passes(exercise, function, seed) for seed in range(SEEDS)):
            alive.append((_difference(source, mutant), reasons.get(mutant, "")))
    return Tried(name, len(mutants), alive)


def _passes(exercise: Exercise, function: Callable, seed: int) -> bool:
    cases = all_cases(exercise, seed)
    return is_right(exercise, cases, observe_all(function, cases))


def _difference(before: str, after: str) -> str:
    pairs = [(a.strip(), b.strip()) for a, b in zip(before.splitlines(), after.splitlines()) if a != b]
    return f"{pairs[0][0]} → {pairs[0][1]}" if pairs else "a line left out"


def section(assignment: str, found: list[Tried]) -> str:
    """An assignment's part of the page."""
    lines = [f"## {assignment}", "", "| exercise | mutants | killed | right too | alive |", "|---|---|---|---|---|"]
    lines += [one.row for one in found]
    survivors = [(one.exercise, *pair) for one in found for pair in one.alive]
    lines += ["", *(f"- `{name}`: `{what}`: {why or '**not explained**'}" for name, what, why in survivors)]
    return "\n".join(lines).rstrip() + "\n"


def main(names: list[str], workers: int = 2) -> int:
    """Try the assignments of these names, or all; 1 if a mutant is alive and nobody said why."""
    sections, unexplained = [], 0
    with ProcessPoolExecutor(workers) as pool:
        for assignment in names or assignments():
            exercises = list(load(assignment))
            found = list(pool.map(tried, [assignment] * len(exercises), exercises))
            sections.append(section(assignment, found))
            unexplained += sum(one.unexplained for one in found)
            print(sections[-1], flush=True)
    if not names:
        TARGET.write_text("\n".join([HEAD, *sections]), encoding="utf-8")
    return min(unexplained, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
