"""Grades every attack for real, in one class on the same two workers, and looks at what became of the world around."""

import json
import os
import re
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course.grading.batch import Progress, grade_class, local_workers
from course.grading.gradebook import GradeRecord, Line
from course.grading.kernel.sandbox import Settings
from course.grading.sandboxed.isolation import Limits

from . import ATTACKS
from .attack import ALL, Attack, World, as_bytes, right
from .pages import feedback, formgrade, live
from .surroundings import AFTERWARDS, ENVIRONMENT, Damage, groups_hold, most_memory_of_workers, surrounded, write

SETTINGS = Settings("hw2", Limits(memory=2 * 2**30))
SECONDS = (8.0, 24.0)
WORKERS = 2


@dataclass
class Outcome:
    """What grading made of an attack, and what is wrong with that."""

    attack: Attack
    points: float
    seconds: float
    notes: list[str]
    sentences: list[str]
    problems: list[str] = field(default_factory=list)


@dataclass
class Aftermath:
    """What is there when all attacks were graded.

    Attributes:
        outcomes: by attack.
        skipped: attacks that this machine cannot withstand, and why.
        honest: points of right submissions graded afterwards by the same workers.
        failed: submissions that could not be graded, with reasons.
        damage: what happened to the world around.
        memory: the most bytes that a worker held.
    """

    outcomes: dict[str, Outcome]
    skipped: dict[str, str]
    honest: dict[str, float]
    failed: dict[str, str]
    damage: list[str]
    memory: int


def run(folder: Path, attacks: list[Attack] | None = None) -> tuple[Aftermath, World]:
    """Hand in and grade all attacks in a new class in this folder."""
    attacks = attacks or ATTACKS
    holds = groups_hold()
    chosen = [one for one in attacks if holds or not one.control_groups]
    skipped = {
        one.name: "needs control groups, which this user may not make here" for one in attacks if one not in chosen
    }
    with surrounded(folder) as (world, called):
        for attack in chosen:
            _hand_in(world, attack)
        damage, failed, memory = Damage(world, called), {}, [0]

        def tell(progress: Progress, student: str) -> None:
            failed.update(progress.failed)
            memory.append(most_memory_of_workers())

        with local_workers(WORKERS) as hands:

            def grade(students: list[str]) -> None:
                if students:
                    crew = nullcontext(hands)
                    grade_class(world.base, "hw2", students, SETTINGS, crew=crew, seconds=SECONDS, tell=tell)

            firsts = [one for one in chosen if one.first]
            for attack in firsts:
                write(world, attack.name, as_bytes(right(world)))
            grade([one.name for one in firsts])
            good = {score.student: score.points for score in world.base.scores("hw2")}
            for attack in firsts:
                damage.add(f"{attack.name} was not right at first", good[attack.name] != ALL)
                _hand_in(world, attack)
            grade([one.name for one in chosen])
            grade(AFTERWARDS)
        found = damage.found()
        scores = {score.student: score.points for score in world.base.scores("hw2")}
        lines = GradeRecord(world.base).lines("hw2")
        outcomes = {
            one.name: _outcome(world, one, scores[one.name], lines[one.name]) for one in chosen if one.name in lines
        }
        honest = {name: scores[name] for name in AFTERWARDS if name in lines}
        return Aftermath(outcomes, skipped, honest, failed, found, max(memory)), world


def _outcome(world: World, attack: Attack, points: float, line: Line) -> Outcome:
    sentences = [str(verdict) for verdict in line.verdicts]
    outcome = Outcome(attack, points, line.seconds, line.notes, sentences)
    path = world.base.folder("autograded", attack.name, "hw2") / "hw2.ipynb"
    outputs = _outputs(path)
    seen = "\n".join([*line.notes, *sentences, outputs])
    for bad, what in (
        (points != attack.deserves, f"{points:g} points instead of {attack.deserves:g}"),
        (not re.search(attack.told, "\n".join([*line.notes, *sentences])), f"nobody is told {attack.told!r}"),
        (attack.ran not in outputs, "the attack did not run to its end"),
        (path.stat().st_size > 4 * 2**20, f"the graded notebook has {path.stat().st_size:,} bytes"),
        (line.seconds > SECONDS[1] + 15, f"it took {line.seconds:.0f} seconds"),
    ):
        if bad:
            outcome.problems.append(what)
    if attack.pages:
        acts = Counter(_live(world, attack.name)) - Counter(_live(world, AFTERWARDS[0]))
        outcome.problems += [f"a page acts: {what[:200]}" for what in acts]
    outcome.problems += re.findall(r"^BREACH .*", outputs, re.MULTILINE)
    outcome.problems += [f"the secret of {path} was read" for path, word in world.secrets.items() if word in seen]
    if os.environ[ENVIRONMENT] in seen:
        outcome.problems.append("the grader's environment was read")
    if any(not c.isprintable() and c != "\n" for c in "\n".join(sentences + line.notes)):
        outcome.problems.append("there is something that cannot be printed")
    return outcome


def _live(world: World, student: str) -> list[str]:
    return live(feedback(world.base, student)) + live(formgrade(world.base, student))


def _outputs(path: Path) -> str:
    """All that a graded notebook shows, but what the student typed."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(
        output.get("text", "") or json.dumps(output) for cell in cells for output in cell.get("outputs", [])
    )


# -- handing in --------------------------------------------------------------------------------------------------------


def _hand_in(world: World, attack: Attack) -> None:
    made = attack.make(world)
    folder = write(world, attack.name, made if isinstance(made, bytes) else as_bytes(made))
    if attack.place:
        attack.place(world, folder)
