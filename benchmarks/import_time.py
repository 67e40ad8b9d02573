"""What importing the library adds to importing torch, in fresh processes."""

import statistics
import subprocess
import sys

from benchmarks.report import table

STATEMENTS = [
    "import torch",
    "import torch, course",
    "import torch, course.langevin, course.densities, course.training",
    "import torch, course.exercises",
]


def seconds(statement: str) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def run(repeats: int = 7) -> str:
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(repeats):
        for statement in STATEMENTS:
            taken[statement].append(seconds(statement))
    base = statistics.median(taken[STATEMENTS[0]])
    rows = [
        [f"`{s}`", f"{statistics.median(t):.2f} s", f"{statistics.median(t) - base:+.3f} s"] for s, t in taken.items()
    ]
    return table(["statement", "median", "beyond torch"], rows)
