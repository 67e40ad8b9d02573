"""300 submissions of hw2, one in twenty of them broken, graded to the end: everyone accounted for, memory steady.

The broken ones are no notebook, empty, an endless loop, a kernel that leaves, one that takes all the memory it gets,
and one that prints without end. Memory is that of all processes together, shared pages counted once, by quarters.
"""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

import nbformat

from benchmarks.report import table
from course.grading.batch import grade_class, local_workers
from course.grading.course_folder import CourseFolder
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import Settings
from course.grading.sample_class import fill_in, make_class

ROOT = Path(__file__).parent.parent
ASSIGNMENT, COPIES, BROKEN = "hw2", 95, 15

BREAKS = {
    "endless": "while True:\n    pass",
    "leaves": "import os\nos._exit(1)",
    "hungry": "hoard = [bytearray(2**28) for _ in range(64)]",
    "noisy": "while True:\n    print('x' * 10_000)",
}


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        base = make_class(ROOT, Path(folder), [ASSIGNMENT], COPIES)
        _break(base)
        expected = 3 * COPIES + BROKEN
        held: list[tuple[float, float]] = []
        done, start = threading.Event(), time.perf_counter()
        watch = threading.Thread(target=_watch, args=(held, done))
        watch.start()
        settings = Settings(ASSIGNMENT)
        progress = grade_class(base, ASSIGNMENT, settings=settings, crew=local_workers(2), seconds=(10.0, 30.0))
        seconds = time.perf_counter() - start
        done.set()
        watch.join()
        recorded = GradeRecord(base).lines(ASSIGNMENT)
        flagged = sum(bool(line.notes) for line in recorded.values())
    quarters = [[size for at, size in held if q <= 4 * at / seconds < q + 1] for q in range(4)]
    header = ["", *(f"quarter {q + 1}" for q in range(4))]
    rows = [["memory, mean", *(f"{sum(sizes) / len(sizes) / 2**30:.2f} GiB" for sizes in quarters)]]
    rows.append(["memory, most", *(f"{max(sizes) / 2**30:.2f} GiB" for sizes in quarters)])
    return (
        f"{expected} submissions, {BROKEN} of them broken: {len(recorded)} recorded, {len(progress.failed)} failed, "
        f"{flagged} flagged, in {seconds:.0f} s ({60 * len(recorded) / seconds:.0f} a minute).\n\n{table(header, rows)}"
    )


def _break(base: CourseFolder) -> None:
    released = nbformat.read(base.folder("release", ".", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb", as_version=4)
    makers = {name: nbformat.writes(fill_in(released, {"energy_score": code})) for name, code in BREAKS.items()}
    makers |= {"no-notebook": "{", "nothing": ""}
    for i in range(BROKEN):
        name = list(makers)[i % len(makers)]
        folder = base.folder("submitted", f"broken-{name}-{i}", ASSIGNMENT)
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(makers[name])


def _watch(held: list[tuple[float, float]], done: threading.Event) -> None:
    import psutil

    start = time.perf_counter()
    while not done.wait(1.0):
        size = 0
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                size += process.memory_full_info().pss
        held.append((time.perf_counter() - start, size))
