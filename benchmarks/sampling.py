"""What ``walk`` and its steps add to a network's own time: a 3 × 256 MLP, 50 steps, over as many bare passes."""

from collections import deque

import torch

from benchmarks.report import medians, table
from course.networks import MLP
from course.processes import VP
from course.sampling import ddim, dpm_solver, uniform_times, walk

STEPS = 50


def run() -> str:
    network = MLP(2, [256, 256, 256], 2).eval()
    process, times = VP(), uniform_times(1.0, 0.01, STEPS + 1).tolist()

    def score(x, t):
        return network(x)

    def bare(x):
        with torch.no_grad():
            for _ in range(STEPS):
                network(x)

    def last(states):
        return deque(states, maxlen=1)

    rows = []
    for batch in (1, 64, 512):
        x = torch.randn(batch, 2)
        functions = {"bare": lambda x=x: bare(x)}
        for name, make in (("DDIM", ddim), ("DPM-Solver++(2M)", dpm_solver)):
            functions[name] = lambda x=x, make=make: last(walk(make(process, score), x, times))
        taken = medians(functions, repeats=31)
        ratios = [f"{taken[name] / taken['bare']:.2f}" for name in functions if name != "bare"]
        rows.append([str(batch), f"{1e6 * taken['bare'] / STEPS:.0f} µs", *ratios])
    return table(["batch", "one forward pass", "DDIM", "DPM-Solver++(2M)"], rows)
