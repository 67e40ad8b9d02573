"""30 submissions of hw2: `course grade`, sandboxed and judged outside, beside `nbgrader autograde`: rate and memory.

A third each of right, typically wrong and empty notebooks. Both are run as their users would, from a fresh gradebook;
memory is what all processes together hold at most, shared pages counted once (PSS), sampled twice a second.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.report import table
from course.grading.sample_class import make_class

ROOT = Path(__file__).parent.parent
COPIES, ASSIGNMENT = 10, "hw2"


def run(copies: int = COPIES) -> str:
    beside = Path(sys.executable).parent
    commands = {
        "course grade": [sys.executable, "-m", "course.cli", "grade", ASSIGNMENT],
        "nbgrader autograde": [str(beside / "nbgrader"), "autograde", ASSIGNMENT],
    }
    rows, rates, scores = [], [], []
    for name, command in commands.items():
        with tempfile.TemporaryDirectory() as folder:
            base = make_class(ROOT, Path(folder), [ASSIGNMENT], copies)
            seconds, peak = _measure(command, base.root)
            scores.append({one.student: one.points for one in base.scores(ASSIGNMENT)})
            rates.append(60 * 3 * copies / seconds)
            rows.append([name, f"{seconds:.0f} s", f"{rates[-1]:.0f}", f"{peak / 2**30:.1f} GiB"])
    same = "the same" if scores[0] == scores[1] else "NOT the same"
    header = ["", f"{3 * copies} submissions in", "a minute", "memory at most"]
    return f"{table(header, rows)}\n\n{rates[0] / rates[1]:.1f} times as many a minute; the grades are {same}."


def _measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a command takes, and the most memory that it and all it starts hold."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    start = time.perf_counter()
    with open(folder / "output", "w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        peak, done = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, done))
        watch.start()
        code = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    watch.join()
    if code:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(folder / 'output').read_text()[-2000:]}")
    return seconds, peak[0]


def _watch(pid: int, peak: list[float], done: threading.Event) -> None:
    import psutil

    while not done.wait(0.5):
        held = 0
        for process in (
            [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if psutil.pid_exists(pid) else []
        ):
            try:
                held += process.memory_full_info().pss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], held)
