"""Langevin steps per second: 10,000 chains on an eight-mode mixture, beside torchebm on the same energy."""

import torch

from benchmarks.report import medians, table
from course.data import ring
from course.energies import energy_score
from course.extras import remedy
from course.langevin import langevin
from course.sampling import walk

CHAINS, STEPS, STEP_SIZE = 10_000, 100, 0.001


def run() -> str:
    mixture, start = ring(), torch.randn(CHAINS, 2)

    def energy(x):
        return -mixture.log_prob(x)

    def ours(score):
        return lambda: [x for x in walk(langevin(score, STEP_SIZE), start, range(STEPS + 1))][-1]

    functions = {
        "course, exact score": ours(mixture.score),
        "course, score by autograd": ours(lambda x: energy_score(energy, x)),
    }
    missing = []
    try:
        from torchebm.core import BaseModel
        from torchebm.samplers import LangevinDynamics
    except ImportError:
        missing = [["torchebm", f"not installed: `{remedy('bench')}`", ""]]
    else:

        class Energy(BaseModel):
            def forward(self, x):
                return energy(x)

        sampler = LangevinDynamics(Energy(), step_size=STEP_SIZE)
        functions["torchebm LangevinDynamics"] = lambda: sampler.sample(x=start, n_steps=STEPS)
    taken = medians(functions)
    slowest = max(taken.values())
    rows = [[name, f"{STEPS / t:,.0f}", f"{slowest / t:.1f}"] for name, t in taken.items()]
    return table(["", f"steps/s of {CHAINS:,} chains", "times the slowest"], rows + missing)
