"""Agreement with diffusers, step by step, where it is installed (the extra ``bench``)."""

from itertools import pairwise

import pytest
import torch

from course.ddpm import ddpm_schedule, ddpm_step
from course.densities import GaussianMixture
from course.processes import EDM, VP
from course.sampling import ddim, dpm_solver, karras_times, walk
from course.scores import noise_from_score

diffusers = pytest.importorskip("diffusers", reason="agreement with diffusers needs the extra `bench`")

MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7]).double(),
    torch.tensor([[-1.0, 0.2], [1.0, 0.5]]).double(),
    torch.tensor([0.6, 0.9]).double(),
)


def exact(process):
    return lambda x, t: MIXTURE.diffuse(*process.kernel(t)).score(x)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim(eta, normal):
    """On DDPM's chain of 1,000, twenty steps; VP's times are those that mix alike."""
    scheduler = diffusers.DDIMScheduler(1000, 1e-4, 0.02, clip_sample=False, set_alpha_to_one=False)
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    scheduler.set_timesteps(20)
    process = VP()
    index = [*scheduler.timesteps.tolist(), 0]
    times = [process.time_at(scheduler.alphas_cumprod[i].sqrt().item()) for i in index]
    score, x = exact(process), normal(6, 2)
    ours, theirs = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    step, reference = ddim(process, score, eta, ours), x
    for i, (t, s) in enumerate(pairwise(times)):
        if t == s:
            continue
        x = step(x, t, s)
        eps = noise_from_score(score, process)(reference, t)
        reference = scheduler.step(eps, index[i], reference, eta=eta, generator=theirs).prev_sample
        torch.testing.assert_close(x, reference, rtol=1e-6, atol=1e-6)


def test_ddpms_ancestral_step(normal):
    scheduler = diffusers.DDPMScheduler(1000, 1e-4, 0.02, clip_sample=False, variance_type="fixed_small")
    betas, _ = ddpm_schedule()
    for i in (999, 500, 1, 0):
        x, eps = normal(3, 2).float(), normal(3, 2).float()
        noise = torch.randn(3, 2, generator=torch.Generator().manual_seed(i))
        theirs = scheduler.step(eps, i, x, generator=torch.Generator().manual_seed(i)).prev_sample
        torch.testing.assert_close(ddpm_step(x, eps, betas, i, noise), theirs, rtol=1e-4, atol=1e-4)


def test_dpm_solver(normal):
    """EDM's times, every step of second order but the first, and none to zero noise."""
    scheduler = diffusers.EDMDPMSolverMultistepScheduler(
        sigma_min=0.002, sigma_max=80.0, sigma_data=0.5, solver_order=2, lower_order_final=False, euler_at_final=False
    )
    times = karras_times(80.0, 0.002, 21).double()
    scheduler.set_timesteps(21)
    scheduler.sigmas = torch.cat([times, torch.zeros(1).double()])
    score, x = exact(EDM()), 80 * normal(6, 2)
    states = walk(dpm_solver(EDM(), score), x, times)
    next(states)
    for t, sigma, ours in zip(scheduler.timesteps, times.tolist(), states):
        scheduler.scale_model_input(x, t)
        norm = (sigma**2 + 0.25) ** 0.5
        output = (x + sigma**2 * score(x, sigma) - 0.25 / norm**2 * x) / (0.5 * sigma / norm)
        x = scheduler.step(output, t, x).prev_sample.double()
        torch.testing.assert_close(ours, x, rtol=1e-7, atol=1e-7)
