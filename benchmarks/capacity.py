"""How long a class of any size takes: a simulation of the queue, held against a small class that is really graded.

Every submission's seconds are measured on 30 submissions of hw2 and two workers. The simulation hands submissions to
whichever worker is free first, and must reproduce the small class's time; then it is asked about 100,000 students.
"""

import heapq
import random
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.report import table
from course.grading.batch import grade_class, local_workers
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import Settings
from course.grading.sample_class import make_class

ROOT = Path(__file__).parent.parent
ASSIGNMENT, COPIES, WORKERS = "hw2", 10, 2
STUDENTS, CREWS = 100_000, (2, 16, 64, 256)
RUSH = 24 * 3600.0
"""Seconds before the deadline in which half of a large class hands in; the other half comes evenly before."""


def run() -> str:
    measured, started, seconds, sizes = _grade_small_class()
    predicted = started + simulate([0.0] * len(seconds), seconds, WORKERS)[0]
    chance = random.Random(0)
    service = [chance.choice(seconds) for _ in range(STUDENTS)]
    arrivals = sorted(_arrival(chance) for _ in range(STUDENTS))
    rows = []
    for workers in CREWS:
        at_once, _ = simulate([0.0] * STUDENTS, service, workers)
        _, waits = simulate(arrivals, service, workers)
        late = sorted(waits)[int(0.99 * len(waits))]
        rows.append([f"{workers}", _time(at_once), _time(late)])
    mean = sum(seconds) / len(seconds)
    per_student = sum(sizes.values())
    parts = ", ".join(f"{name} {size / 1024:.0f} kB" for name, size in sizes.items())
    header = ["workers", "all at once, graded in", "as they come, 99 % wait less than"]
    return (
        f"Small class: {len(seconds)} submissions on {WORKERS} workers took {measured:.1f} s; the simulation says "
        f"{predicted:.1f} s ({predicted / measured - 1:+.0%}), of which {started:.1f} s to start.\n\n"
        f"A submission takes {mean:.2f} s of one worker and {per_student / 1024:.0f} kB ({parts}). "
        f"{STUDENTS:,} students: {STUDENTS * mean / 3600:.0f} worker-hours and "
        f"{STUDENTS * per_student / 2**30:.1f} GiB an assignment.\n\n"
        f"{table(header, rows)}"
    )


def simulate(arrivals: Iterable[float], service: Iterable[float], workers: int) -> tuple[float, list[float]]:
    """Serve in the order of arrival by whoever is free first; the time of the last end, and each one's wait."""
    free, waits, last = [0.0] * workers, [], 0.0
    for arrival, seconds in zip(arrivals, service):
        start = max(arrival, heapq.heappop(free))
        waits.append(start - arrival)
        heapq.heappush(free, start + seconds)
        last = max(last, start + seconds)
    return last, waits


def _grade_small_class() -> tuple[float, float, list[float], dict[str, float]]:
    """Seconds in all, seconds before the first submission was begun, seconds of each, and bytes kept of one."""
    with tempfile.TemporaryDirectory() as folder:
        base = make_class(ROOT, Path(folder), [ASSIGNMENT], COPIES)
        ended, start = {}, time.perf_counter()
        crew = local_workers(WORKERS)
        grade_class(
            base,
            ASSIGNMENT,
            settings=Settings(ASSIGNMENT),
            crew=crew,
            tell=lambda progress, student: ended.setdefault(student, time.perf_counter() - start),
        )
        measured = time.perf_counter() - start
        taken = {student: line.seconds for student, line in GradeRecord(base).lines(ASSIGNMENT).items()}
        started = min(end - taken[student] for student, end in ended.items())
        seconds = [taken[student] for student in sorted(taken)]
        base.return_feedback(ASSIGNMENT)
        steps = ("submitted", "autograded", "feedback")
        sizes = {step: _bytes(base.root / "class" / step) / len(seconds) for step in steps}
        sizes["gradebook"] = (base.root / "class" / "gradebook.db").stat().st_size / len(seconds)
    return measured, started, seconds, sizes


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _arrival(chance: random.Random) -> float:
    """Seconds after the release of an assignment that is due in a week."""
    week = 7 * 24 * 3600.0
    return week - RUSH * chance.random() ** 2 if chance.random() < 0.5 else (week - RUSH) * chance.random()


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
