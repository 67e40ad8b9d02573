"""What sampling adds to a network's own time: a 3 × 256 MLP, 50 steps, over bare passes at the same points."""

from collections import deque
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.report import medians, table
from course.extras import remedy
from course.networks import MLP
from course.processes import VP
from course.sampling import adams, ddim, dpm_solver, uniform_times, walk

STEPS = 50
BATCHES = (1, 64, 512)
TIMES = uniform_times(1.0, 0.01, STEPS + 1).tolist()


def run() -> str:
    network = MLP(2, [256, 256, 256], 2).eval()
    samplers, missing = ours(network), []
    for other in (diffusers, azula, smalldiffusion):
        try:
            samplers |= {f"{other.__name__} {name}": sampler for name, sampler in other(network).items()}
        except ImportError:
            missing.append([other.__name__, f"not installed: `{remedy('bench')}`", "", ""])
    free = ddim(VP(), lambda x, t: x)
    columns, bare_times, alone = [], [], []
    for batch in BATCHES:
        x = torch.randn(batch, 2)
        visited = points(network, x)
        functions = {"bare": lambda visited=visited: bare(network, visited)}
        functions["alone"] = lambda x=x, step=free: deque(walk(step, x, TIMES), maxlen=1)
        functions |= {name: lambda x=x, sampler=sampler: sampler(x) for name, sampler in samplers.items()}
        taken = medians(functions, repeats=31)
        bare_times.append(f"{1e6 * taken['bare'] / STEPS:.0f} µs")
        alone.append(f"{1e6 * taken['alone'] / STEPS:.1f} µs")
        columns.append([f"{taken[name] / taken['bare']:.2f}" for name in samplers])
    rows = [["one forward pass", *bare_times], ["a step of course DDIM without its network", *alone]]
    rows += [[name, *(column[i] for column in columns)] for i, name in enumerate(samplers)]
    return table(["", *(f"batch {batch}" for batch in BATCHES)], rows + missing)


def points(network: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Where DDIM evaluates the network: a pass takes longer at large numbers than at small ones."""
    return list(walk(ddim(VP(), lambda x, t: network(x)), x, TIMES))[:-1]


def bare(network: nn.Module, points: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for x in points:
            network(x)


def ours(network: nn.Module) -> dict[str, Callable]:
    process = VP()

    def score(x, t):
        return network(x)

    makers = {"DDIM": ddim, "DPM-Solver++(2M)": dpm_solver, "Adams, order 3": adams}
    return {
        f"course {name}": lambda x, make=make: deque(walk(make(process, score), x, TIMES), maxlen=1)
        for name, make in makers.items()
    }


def diffusers(network: nn.Module) -> dict[str, Callable]:
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    def sample(x, scheduler):
        scheduler.set_timesteps(STEPS)
        with torch.no_grad():
            for t in scheduler.timesteps:
                x = scheduler.step(network(scheduler.scale_model_input(x, t)), t, x).prev_sample
        return x

    makers = {"DDIM": DDIMScheduler, "DPM-Solver++(2M)": DPMSolverMultistepScheduler}
    return {name: lambda x, make=make: sample(x, make()) for name, make in makers.items()}


def azula(network: nn.Module) -> dict[str, Callable]:
    from azula import sample
    from azula.denoise import Denoiser, DiracPosterior
    from azula.noise import VPSchedule

    class Bare(Denoiser):
        schedule = VPSchedule()

        def forward(self, x, t):
            return DiracPosterior(network(x))

    makers = {"DDIM": sample.DDIMSampler, "xEAB, order 2": sample.xEABSampler}
    return {name: lambda x, make=make: make(Bare(), steps=STEPS, silent=True)(x) for name, make in makers.items()}


def smalldiffusion(network: nn.Module) -> dict[str, Callable]:
    from accelerate import Accelerator
    from smalldiffusion import ModelMixin, ScheduleLogLinear, samples

    class Bare(nn.Module, ModelMixin):
        input_dims = (2,)

        def forward(self, x, sigma, cond=None):
            return network(x)

    model, accelerator = Bare(), Accelerator(cpu=True)
    sigmas = ScheduleLogLinear(1000).sample_sigmas(STEPS)
    return {"DDIM": lambda x: deque(samples(model, sigmas, xt=x, accelerator=accelerator), maxlen=1)}
