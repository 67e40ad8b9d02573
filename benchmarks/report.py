"""Timing by turns, medians, and the one file of results."""

import platform
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

RESULTS = Path(__file__).with_name("RESULTS.md")


def medians(functions: dict[str, Callable[[], object]], repeats: int = 7) -> dict[str, float]:
    """Median seconds of each function, all run by turns so that a busy moment hits none alone; one turn warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean_and_error(values: list[float], form: str = "{:.3f}") -> str:
    """The mean over seeds, and its standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{form.format(statistics.fmean(values))} ± {form.format(error)}"


def machine() -> str:
    """What the numbers were taken on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = re.findall(r"model name\s*:\s*(.*)", info.read_text())
        cpu = names[0] if names else cpu
    threads = torch.get_num_threads()
    return f"{cpu}, {threads} threads, Python {platform.python_version()}, PyTorch {torch.__version__}"


def write(name: str, text: str) -> None:
    """Print a section and put it in its place in RESULTS.md, leaving the others as they are."""
    section = f"## {name}\n\n{machine()}\n\n{text.strip()}\n"
    print(f"\n{section}")
    old = (
        RESULTS.read_text(encoding="utf-8")
        if RESULTS.is_file()
        else "# Results\n\nWritten by `python -m benchmarks`.\n"
    )
    head, *sections = re.split(r"(?m)^(?=## )", old)
    kept = {s.split("\n", 1)[0]: s.strip() + "\n" for s in sections} | {f"## {name}": section}
    RESULTS.write_text("\n".join([head.strip() + "\n", *kept.values()]), encoding="utf-8")
