"""Every sampler on the shipped networks of digits, drawn to ``samplers.png``: a picture, with numbers beside.

On VP's network and on EDM's (one class in each column), with about 35 evaluations where a sampler can do with so few.
The number is the share of samples that the clean classifier is at least 90 % sure of.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.report import table
from course import plots, pretrained, sampling
from course.data import mnist
from course.ddpm import ancestral, ddpm_schedule
from course.guidance import classifier_free_guidance
from course.langevin import annealed_langevin
from course.processes import EDM, VP
from course.sampling import geometric_sigmas, karras_times, uniform_times, walk
from course.scores import score_from_denoiser, score_from_noise
from course.types import Step

PICTURE = Path(__file__).with_name("samplers.png")
SAMPLES, SHOWN = 60, 20

Sampler = Callable[[torch.Generator], Tensor]


def run() -> str:
    classifier = pretrained.load("classifier")
    sure_of = lambda x: f"{(classifier(x).softmax(1).amax(1) > 0.9).float().mean().item():.0%}"
    real = mnist(16, "test")[0]
    rows, sheets = [["test digits", sure_of(real), ""]], [("test digits", real[:SHOWN])]
    for name, sampler in {**_vp(), **_edm(), **_chains()}.items():
        start = time.perf_counter()
        with torch.no_grad():
            x = sampler(torch.Generator().manual_seed(0))
        seconds = time.perf_counter() - start
        rows.append([name, sure_of(x), f"{seconds:.1f} s"])
        sheets.append((name, x[:SHOWN]))
    _draw(sheets)
    return table(["", "sure of the class", f"{SAMPLES} samples in"], rows)


def _vp() -> dict[str, Sampler]:
    process = VP()
    score = score_from_noise(pretrained.load("vp"), process)
    sde, flow = (process.reverse(score), process.diffusion), process.flow(score)

    def sampler(make: Callable, n: int) -> Sampler:
        times = uniform_times(1.0, 1e-3, n + 1)
        return lambda g: _end(make(g), process.prior(torch.zeros(SAMPLES, 1, 16, 16), g), times)

    def corrected(g: torch.Generator) -> Step:
        predictor = sampling.euler_maruyama(*sde, g)
        return sampling.predictor_corrector(predictor, sampling.langevin_corrector(score, 0.16, g))

    return {
        "VP: Euler–Maruyama, 250": sampler(lambda g: sampling.euler_maruyama(*sde, g), 250),
        "VP: predictor–corrector, 2 × 125": sampler(corrected, 125),
        "VP: stochastic Heun, 2 × 60": sampler(lambda g: sampling.stochastic_heun(*sde, g), 60),
        "VP: DDIM, η = 1, 100": sampler(lambda g: sampling.ddim(process, score, 1.0, g), 100),
        "VP: DDIM, 35": sampler(lambda g: sampling.ddim(process, score), 35),
        "VP: DPM-Solver++(2M), 35": sampler(lambda g: sampling.dpm_solver(process, score), 35),
        "VP: Adams, 35": sampler(lambda g: sampling.adams(process, score), 35),
        "VP: Heun, 2 × 18": sampler(lambda g: sampling.heun(flow), 18),
        "VP: RK4, 4 × 9": sampler(lambda g: sampling.rk4(flow), 9),
        "VP: adaptive RK45": lambda g: _end(
            sampling.adaptive(flow, 1e-3, 1e-3), process.prior(torch.zeros(SAMPLES, 1, 16, 16), g), [1.0, 1e-3]
        ),
    }


def _edm() -> dict[str, Sampler]:
    network, labels, process = pretrained.load("edm"), torch.arange(10).repeat(SAMPLES // 10), EDM(80.0)
    times = [*karras_times(80.0, 0.02, 18).tolist(), 0.0]

    def sampler(churn: float = 0.0, scale: float = 1.0) -> Sampler:
        guided = classifier_free_guidance(network, labels, pretrained.CLASSES, scale)
        step = lambda g: sampling.edm_step(score_from_denoiser(guided, process), churn, generator=g)
        return lambda g: _end(step(g), process.prior(torch.zeros(SAMPLES, 1, 16, 16), g), times)

    return {
        "EDM: Heun, 35": sampler(),
        "EDM: stochastic, 35": sampler(churn=0.3),
        "EDM: guided, w = 2, 35 × 2": sampler(scale=2.0),
    }


def _chains() -> dict[str, Sampler]:
    def ddpm(g: torch.Generator) -> Tensor:
        network, (betas, _) = pretrained.load("ddpm"), ddpm_schedule()
        step = ancestral(lambda x, i: network(x, i / len(betas)), betas, g)
        return _end(step, torch.randn(SAMPLES, 1, 16, 16, generator=g), range(len(betas), -1, -1))

    def annealed(g: torch.Generator) -> Tensor:
        start = 10 * torch.randn(SAMPLES, 1, 16, 16, generator=g)
        return annealed_langevin(pretrained.load("ncsn"), start, geometric_sigmas(10.0, 0.02, 60), 4e-5, 5, g)

    return {"NCSN: annealed Langevin, 60 × 5": annealed, "DDPM: ancestral, 1000": ddpm}


def _end(step: Callable, x: Tensor, times: Iterable[float]) -> Tensor:
    *_, x = walk(step, x, times)
    return x


def _draw(sheets: list[tuple[str, Tensor]]) -> None:
    columns = 4
    figure, axes = plots.figure(columns, -(-len(sheets) // columns), height=2.95)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (name, x) in zip(axes.flat, sheets):
        plots.images(ax, x, columns=5).set_title(name, fontsize=12)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=80)
