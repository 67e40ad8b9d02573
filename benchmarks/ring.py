"""End-point error against the number of network evaluations: an eight-mode ring, its exact score, Karras times.

Root mean square over 512 points of the distance to where 20,000 RK4 steps end; radius 2, standard deviation 0.1.
"""

import torch

from benchmarks.report import table
from course.densities import GaussianMixture
from course.extras import remedy
from course.processes import EDM
from course.sampling import CLEAN_PREDICTION, NOISE_PREDICTION, adams, ddim, dpm_solver, heun, rk4, walk

BUDGETS = [8, 16, 32, 64, 128]
SIGMA_MAX, SIGMA_MIN, RHO = 80.0, 0.002, 7
REFERENCE = 20_000


def times(steps: int) -> list[float]:
    """Karras times in double precision."""
    high, low = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return [(high + i / steps * (low - high)) ** RHO for i in range(steps + 1)]


def ring() -> GaussianMixture:
    angle = torch.arange(8, dtype=torch.float64) * torch.pi / 4
    means = 2 * torch.stack([angle.cos(), angle.sin()], 1)
    return GaussianMixture(torch.full((8,), 0.125).double(), means, torch.full((8,), 0.1).double())


def run() -> str:
    mixture, process = ring(), EDM(SIGMA_MAX)
    start = SIGMA_MAX * torch.randn(512, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def score(x, t):
        return mixture.diffuse(1.0, t).score(x)

    def end(step, steps):
        x = start
        for x in walk(step, start, times(steps)):  # noqa: B007
            pass
        return x

    flow = process.flow(score)
    exact = end(rk4(flow), REFERENCE)

    def error(x):
        return (x.double() - exact).square().sum(1).mean().sqrt().item()

    ours = {
        "`ddim` (Euler)": (1, lambda: ddim(process, score)),
        "`dpm_solver` (2M)": (1, lambda: dpm_solver(process, score)),
        "`adams`, order 2, noise, uncorrected": (1, lambda: adams(process, score, 2, False, NOISE_PREDICTION)),
        "`adams`, order 3, uncorrected": (1, lambda: adams(process, score, 3, False)),
        "`adams`, order 3": (1, lambda: adams(process, score, 3)),
        "`adams`, order 4": (1, lambda: adams(process, score, 4)),
        "`adams`, order 4, clean": (1, lambda: adams(process, score, 4, prediction=CLEAN_PREDICTION)),
        "`heun`": (2, lambda: heun(flow)),
        "`rk4`": (4, lambda: rk4(flow)),
    }
    results = {name: [error(end(make(), n // calls)) for n in BUDGETS] for name, (calls, make) in ours.items()}
    results["best of ours"] = [min(row[i] for row in results.values()) for i in range(len(BUDGETS))]
    missing = []
    for other in (diffusers, azula):
        name = other.__name__
        try:
            results |= {f"{name} {k}": v for k, v in other(start, score, error).items()}
        except ImportError:
            missing.append([name, f"not installed: `{remedy('bench')}`", *[""] * (len(BUDGETS) - 1)])
    rows = [[name, *(f"{value:.5f}" for value in row)] for name, row in results.items()]
    return table(["evaluations", *map(str, BUDGETS)], rows + missing)


def diffusers(start, score, error) -> dict[str, list[float]]:
    """Its EDM schedulers on the same times, in double precision, without their last step to zero noise."""
    from diffusers import EDMDPMSolverMultistepScheduler, EDMEulerScheduler

    def solve(make, n):
        scheduler = make()
        scheduler.set_timesteps(n + 1)
        scheduler.sigmas = torch.tensor([*times(n), 0.0], dtype=torch.float64)
        x = start
        for t, sigma in zip(scheduler.timesteps[:-1], times(n)):
            scheduler.scale_model_input(x, t)  # moves its index on
            c_in = 1 / (sigma**2 + scheduler.config.sigma_data**2) ** 0.5
            c_out, c_skip = sigma * scheduler.config.sigma_data * c_in, (scheduler.config.sigma_data * c_in) ** 2
            output = (x + sigma**2 * score(x, sigma) - c_skip * x) / c_out
            x = scheduler.step(output, t, x).prev_sample
        return error(x)

    common = {"sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX, "sigma_data": 0.5, "rho": RHO}
    makers = {"Euler": lambda: EDMEulerScheduler(**common)}
    for order in (2, 3):
        makers[f"DPM-Solver++ {order}M"] = lambda order=order: EDMDPMSolverMultistepScheduler(
            **common, solver_order=order, lower_order_final=False, euler_at_final=False
        )
    return {name: [solve(make, n) for n in BUDGETS] for name, make in makers.items()}


def azula(start, score, error) -> dict[str, list[float]]:
    """Its multistep samplers on the same times, in double precision, and the best of all of them."""
    from azula import sample
    from azula.denoise import Denoiser, DiracPosterior

    class Exact(Denoiser):
        def schedule(self, t):
            return torch.ones_like(t), t

        def forward(self, x, t):
            return DiracPosterior(x + t**2 * score(x, float(t)))

    def solve(family, n, **options):
        class Along(family):
            timesteps = property(lambda self: torch.tensor(times(n), dtype=torch.float64))

        return error(Along(Exact(), silent=True, **options)(start))

    every = {
        f"{family} {order}": [solve(getattr(sample, f"{family}Sampler"), n, order=order) for n in BUDGETS]
        for family in ("zAB", "vAB", "zEAB", "xEAB", "REAB")
        for order in (2, 3, 4)
    }
    every["Heun"] = [solve(sample.HeunSampler, n // 2) for n in BUDGETS]
    every["DDIM"] = [solve(sample.DDIMSampler, n) for n in BUDGETS]
    best = [min(row[i] for row in every.values()) for i in range(len(BUDGETS))]
    shown = {name for i in range(len(BUDGETS)) for name, row in every.items() if row[i] == best[i]}
    return {name: every[name] for name in every if name in shown} | {f"best of {len(every)}": best}
