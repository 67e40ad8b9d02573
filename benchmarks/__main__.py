"""Run every benchmark, or those that are named: ``python -m benchmarks langevin``."""

import sys
from importlib import import_module

from benchmarks.report import machine, write

NAMES = [
    "import_time",
    "langevin",
    "sampling",
    "ring",
    "training",
    "digits",
    "samplers",
    "grading",
    "capacity",
    "steady",
    "applications",
]

if __name__ == "__main__":
    wanted = sys.argv[1:] or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
    print(machine())
    for name in wanted:
        write(name, import_module(f"benchmarks.{name}").run())
