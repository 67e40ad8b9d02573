"""One careful call of every public callable: what it is called with says what kind each argument is.

Sizes differ from one another, so that an argument of the wrong shape cannot fit by chance.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from course import (
    data,
    ddpm,
    densities,
    distances,
    energies,
    families,
    guidance,
    langevin,
    likelihood,
    matching,
    networks,
    processes,
    sampling,
    scores,
    training,
)
from course.networks.classifier import Classifier, NoisyClassifier, jitter
from tests.careless.applications import all_calls

B, D = 5, 3


@dataclass(frozen=True)
class Call:
    """A callable and arguments that suit it, by name."""

    name: str
    function: Callable
    arguments: dict[str, Any]


def _normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


X, Z, T = _normal(B, D), _normal(B, D) + 0.1, torch.linspace(0.2, 0.8, B)
IMAGE, LABELS = _normal(B, 1, 16, 16), torch.arange(B) % 3
COLOUR = _normal(B, 3, 8, 8)
GREY = COLOUR[:, :1].clone()
DIRECTIONS = torch.eye(D)[:2]
WEIGHTS, MEANS, STDS = torch.tensor([0.4, 0.6]), _normal(2, D), torch.tensor([0.5, 0.8])
MIXTURE = densities.GaussianMixture(WEIGHTS, MEANS, STDS)
DATA = densities.Empirical(_normal(7, D))
GAUSSIAN = densities.Gaussian(torch.zeros(D), torch.eye(D))


def stationary(x: Tensor) -> Tensor:
    return -x * (1 + x.square().sum(1, keepdim=True)) ** -0.5


def score(x: Tensor, t: Any = 0.5) -> Tensor:
    return -x


def bowl(x: Tensor) -> Tensor:
    return 0.5 * x.flatten(1).square().sum(1)


def log_prob(x: Tensor) -> Tensor:
    return -bowl(x)


def diffusion(t: Any) -> Any:
    return 0.5 * t


def kernel(t: Any) -> tuple[Any, Any]:
    return 1 - 0.5 * t, t


def logits(x: Tensor, t: Any) -> Tensor:
    return x @ torch.linspace(-1, 1, 3 * D).reshape(D, 3)


def labelled(x: Tensor, t: Any, labels: Tensor) -> Tensor:
    return -x + labels[:, None]


def euler(x: Tensor, t: float, s: float) -> Tensor:
    return x - (s - t) * x


def measure(x: Tensor) -> Tensor:
    return x[:, :2]


def loss(model: nn.Module, batch: Tensor, generator: torch.Generator) -> Tensor:
    return model(batch).square().mean()


def end(step: Callable, x: Tensor, times: Any) -> Tensor:
    *_, x = sampling.walk(step, x, times)
    return x


VP, VE = processes.VP(), processes.VE()
PROCESSES = {"VP": VP, "VE": VE, "EDM": processes.EDM(), "SubVP": processes.SubVP(), "Straight": processes.Straight()}
STEP = {"x": X, "t": 0.6, "s": 0.4}


def _list() -> list[Call]:
    calls: list[Call] = []

    def call(function: Callable, **arguments: Any) -> None:
        calls.append(Call(_name(function), function, arguments))

    def call_as(name: str, function: Callable, **arguments: Any) -> None:
        calls.append(Call(name, function, arguments))

    # densities
    call(densities.Gaussian, mean=torch.zeros(D), covariance=torch.eye(D))
    call(densities.GaussianMixture, weights=WEIGHTS, means=MEANS, stds=STDS)
    call(densities.Empirical, data=_normal(7, D))
    for density in (GAUSSIAN, MIXTURE):
        call(density.log_prob, x=X)
        call(density.score, x=X)
        call(density.sample, n=4, generator=seeded())
        call(density.diffuse, alpha=0.8, sigma=0.5)
    call(MIXTURE.responsibilities, x=X)
    call(MIXTURE.denoise, x=X)
    call(DATA.sample, n=4, generator=seeded())
    call(DATA.diffuse, alpha=0.8, sigma=0.5)
    # distances
    call(distances.kl_on_grid, log_p=log_prob(X), log_q=log_prob(Z), cell=0.1)
    call(distances.mmd_squared, x=X, y=_normal(6, D), bandwidth=0.7)
    call(distances.wasserstein, x=X, y=Z, p=2.0)
    call(distances.sliced_wasserstein, x=X, y=Z, directions=DIRECTIONS)
    call(distances.frechet_distance, x=_normal(8, D), y=_normal(9, D))
    call(distances.mode_coverage, samples=X, modes=MEANS, radius=1.0)
    call(distances.precision_recall, real=X, generated=_normal(6, D), k=2)
    call(distances.digit_features, x=IMAGE)
    # energies and Langevin dynamics
    call(energies.log_partition, energy=bowl, points=X, cell=0.1)
    call(energies.energy_score, energy=bowl, x=X)
    call(energies.contrastive_divergence, energy=bowl, data=X, negatives=_normal(4, D), penalty=0.1)
    restart = torch.tensor([True, False, True])
    call(energies.start_negatives, buffer=X, index=torch.tensor([0, 1, 2]), fresh=_normal(3, D), restart=restart)
    call(langevin.langevin_step, x=X, score=stationary, step_size=0.1, noise=Z)
    call(langevin.langevin_chain, x=X, score=stationary, step_size=0.1, n_steps=2, generator=seeded())
    call(langevin.mala_log_accept, x=X, proposal=Z, log_prob=log_prob, score=stationary, step_size=0.1)
    uniform = torch.linspace(0.1, 0.9, B)
    call(langevin.mala_step, x=X, log_prob=log_prob, score=stationary, step_size=0.1, noise=Z, uniform=uniform)
    call(langevin.annealed_step_size, sigma=T, sigma_min=0.1, base=0.01)
    sigmas = torch.tensor([1.0, 0.5, 0.1])
    call(langevin.annealed_langevin, score=score, x=X, sigmas=sigmas, base=0.01, n_per_level=2, generator=seeded())
    # matching and likelihood
    call(matching.fisher_divergence, score=stationary, true_score=stationary, x=X)
    call(matching.jacobian_trace, score=stationary, x=X)
    call(matching.implicit_score_matching, score=stationary, x=X)
    call(matching.hutchinson_trace, score=stationary, x=X, probe=Z)
    call(matching.sliced_score_matching, score=stationary, x=X, probe=Z)
    call(matching.value_and_trace, score=stationary, x=X)
    edges = torch.tensor([-9.0, -1.5, -1.0, 0.0])
    per_point = {"score": stationary, "true_score": stationary, "x": X, "log_density": log_prob(X), "edges": edges}
    call(matching.error_by_density, **per_point)
    call(matching.perturb, x0=X, sigma=T, noise=Z)
    call(matching.dsm_target, noise=Z, sigma=T)
    call(matching.dsm_loss, score=score, x0=X, sigma=T, noise=Z)
    call(matching.denoise, score=score, x=X, sigma=T)
    call(matching.noise_loss, noise=score, process=VP, x0=X, t=T, z=Z)
    call(matching.velocity_loss, velocity=score, process=VP, x0=X, t=T, z=Z)
    call(matching.edm_loss, denoiser=score, x0=X, generator=seeded())
    call(likelihood.divergence, field=score, x=X, t=0.5, probe=Z)
    times = [0.1, 0.5, 1.0]
    call(likelihood.log_likelihood, x=X, field=score, times=times, prior_log_prob=log_prob, probe=Z)
    call(likelihood.bits_per_dimension, log_prob=log_prob(X), d=D, bin_width=0.1)
    # processes and the chain
    for process in PROCESSES.values():
        for method in ("alpha", "sigma", "decay", "variance_rate", "kernel", "rates", "diffusion"):
            call(getattr(process, method), t=T)
        call(process.drift, x=X, t=T)
        call(process.perturb, x0=X, t=T, noise=Z)
        call(process.prior, like=X, generator=seeded())
    call(VP.beta, t=T)
    call(VP.time_at, alpha=T)
    call(processes.VE, sigma_min=0.1, sigma_max=5.0)
    call(processes.VP, beta_min=0.1, beta_max=20.0)
    call(processes.EDM, sigma_max=80.0)
    call(processes.reverse_drift, x=X, t=T, drift=score, diffusion=diffusion, score=score)
    call(processes.probability_flow, x=X, t=T, drift=score, diffusion=diffusion, score=score)
    call(ddpm.ddpm_schedule, beta_min=1e-4, beta_max=0.02, n=6)
    call(ddpm.ddpm_perturb, x0=X, alpha_bar=T, noise=Z)
    betas = ddpm.ddpm_schedule(n=6)[0]
    call(ddpm.ddpm_step, x=X, eps=Z, betas=betas, i=3, noise=Z + 1)
    # scores and their other faces
    views = "score_from_noise score_from_denoiser score_from_velocity noise_from_score denoiser_from_score"
    for view in views.split():
        call_as(view, getattr(scores, view)(score, VP), x=X, t=T)
    # sampling
    call_as("walk", end, step=euler, x=X, times=times[::-1])
    call(sampling.ddim_step, **STEP, score=score, kernel=kernel)
    call(sampling.euler_maruyama_step, **STEP, drift=score, diffusion=diffusion, noise=Z)
    call(sampling.stochastic_heun_step, **STEP, drift=score, diffusion=diffusion, noise=Z)
    call(sampling.heun_step, **STEP, field=score)
    call(sampling.rk4_step, **STEP, field=score)
    call(sampling.corrector_step, x=X, t=0.5, score=score, snr=0.2, noise=Z)
    steps = {
        "ddim": sampling.ddim(VP, score),
        "dpm_solver": sampling.dpm_solver(VP, score),
        "adams": sampling.adams(VP, score),
        "edm_step": sampling.edm_step(score),
        "heun": sampling.heun(score),
        "rk4": sampling.rk4(score),
        "adaptive": sampling.adaptive(score),
        "euler_maruyama": sampling.euler_maruyama(score, diffusion, seeded()),
        "stochastic_heun": sampling.stochastic_heun(score, diffusion, seeded()),
        "predictor_corrector": sampling.predictor_corrector(euler, sampling.langevin_corrector(score)),
        "langevin": langevin.langevin(stationary, 0.1, seeded()),
        "mala": langevin.mala(log_prob, stationary, 0.1, seeded()),
        "resample": guidance.resample(euler, kernel, 2, seeded()),
    }
    calls.extend(Call(name, step, dict(STEP)) for name, step in steps.items())
    calls.append(Call("ancestral", ddpm.ancestral(score, betas, seeded()), {"x": X, "t": 4.0, "s": 3.0}))
    factories = {
        "ddim": partial(sampling.ddim, VP, score, generator=seeded()),
        "edm_step": partial(sampling.edm_step, score),
        "adams": partial(sampling.adams, VP, score),
        "langevin_corrector": partial(sampling.langevin_corrector, score),
        "resample": partial(guidance.resample, euler, kernel),
    }
    settings = {"ddim": {"eta": 0.5}, "edm_step": {"churn": 0.1}, "adams": {"order": 2}, "resample": {"times": 2}}
    settings["langevin_corrector"] = {"snr": 0.2}
    calls.extend(Call(f"{name}(...)", make, settings[name]) for name, make in factories.items())
    call(sampling.uniform_times, start=1.0, end=0.1, n=4)
    call(sampling.geometric_sigmas, sigma_max=10.0, sigma_min=0.1, n=4)
    call(sampling.karras_times, sigma_max=10.0, sigma_min=0.1, n=4, rho=7.0)
    # guidance
    call(guidance.classifier_score, classifier=logits, x=X, t=0.5, labels=LABELS)
    call(guidance.posterior_score, score=score, x=X, t=0.5, likelihood_grad=score, scale=2.0)
    call_as("classifier_guidance", guidance.classifier_guidance(score, logits, LABELS, 2.0), x=X, t=0.5)
    call(guidance.drop_labels, labels=LABELS, null=3, probability=0.2, uniform=uniform)
    call(guidance.classifier_free, conditional=X, unconditional=Z, scale=2.0)
    call_as("classifier_free_guidance", guidance.classifier_free_guidance(labelled, LABELS, 3, 2.0), x=X, t=0.5)
    call(guidance.noisy_known, known=X, alpha=0.8, sigma=0.5, noise=Z)
    mask = (X > 0).float()
    call(guidance.inpaint_step, **STEP, step=euler, known=Z, mask=mask, kernel=kernel, noise=Z + 1)
    in_colour = {"x": COLOUR, "t": 0.6, "s": 0.4, "step": euler, "grey": GREY, "kernel": kernel}
    call(guidance.colorize_step, **in_colour, noise=GREY + 0.1)
    call_as("linear_guidance", guidance.linear_guidance(score, kernel, measure, X[:, :2] + 1, 0.1), x=X, t=0.5)
    # networks
    torch.manual_seed(0)
    unet, dit = networks.UNet(widths=(8, 8), classes=3), networks.DiT(dim=16, classes=3)
    call(unet, x=IMAGE, t=0.5, labels=LABELS)
    call(dit, x=IMAGE, t=0.5, labels=LABELS)
    call(networks.MLP(D, [4], 2), x=X)
    call(networks.FourierMLP(D, [4]), x=X, t=0.5)
    call(networks.ConvEnergy(torch.zeros(1, 16, 16), torch.ones(1, 16, 16), 4), x=IMAGE)
    call(Classifier(width=8), x=IMAGE)
    call(NoisyClassifier(width=8), x=IMAGE, sigma=0.5)
    call(scores.Preconditioned(networks.FourierMLP(D, [4])), x=X, sigma=0.5)
    call(scores.NoiseConditionalScore(networks.FourierMLP(D, [4])), x=X, sigma=0.5)
    call(jitter, x=IMAGE, generator=seeded())
    call(networks.UNet, widths=(8, 8), depth=1)
    call(networks.DiT, size=16, patch=2, dim=16, depth=1, heads=2)
    call(networks.sinusoidal_embedding, t=T, dim=6, max_period=100.0)
    features, one = _normal(B, 4, 6, 6), _normal(B, 4)
    call(networks.conditional_instance_norm, x=features, gamma=one, alpha=one, beta=one)
    call(networks.self_attention, x=_normal(B, 7, 4), w_qkv=_normal(12, 4), w_out=_normal(4, 4), heads=2)
    conv, project = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(6, 4)
    parts = {"conv1": conv, "conv2": conv, "project": project}
    call(networks.residual_block, x=features, embedding=_normal(B, 6), **parts)
    call(networks.patchify, x=IMAGE, p=4)
    call(networks.unpatchify, tokens=_normal(B, 16, 16), p=4, height=16, width=16)
    tokens = _normal(B, 7, 4)
    call(networks.adaptive_layer_norm, x=tokens, shift=one, scale=one, gate=one, branch=nn.Linear(4, 4))
    # families and training
    for family in (families.Flow(D), families.Autoregressive(D), families.VAE(D)):
        call(family.log_prob, x=0.5 * X)
        call(family.sample, n=4, generator=seeded())
    call(families.Flow(D).inverse, z=X)
    call(families.VAE(D).elbo, x=X, noise=X[:, :2])
    call(families.Generator(D).sample, n=4, generator=seeded())
    call(families.Flow, d=D, layers=2)
    call(families.Autoregressive, d=D, bins=8, low=-4.0, high=4.0)
    game = {"model": families.Generator(D), "discriminator": networks.MLP(D, [4], 1, squeeze=True), "data": X}
    call(families.train_gan, **game, steps=2, batch_size=4, lr=1e-3)
    run = {"model": networks.MLP(D, [4], 1), "loss": loss, "data": X, "steps": 2, "batch_size": 4, "lr": 1e-3}
    call(training.train, **run, warmup=1, ema=0.9, clip=1.0, seed=0, save_every=1, progress=False)
    # data
    call(data.ring, modes=4, radius=2.0, std=0.1)
    call(data.two_modes, separation=2.0, std=0.5, weight=0.4)
    call(data.grid, side=2, spacing=1.0, std=0.1)
    for draw in (data.moons, data.spiral, data.checkerboard, data.pinwheel):
        call(draw, n=4, generator=seeded())
    return calls


def _name(function: Callable) -> str:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", type(function).__name__)
    return f"{type(owner).__name__}.{name}" if owner is not None else name


CALLS = [*_list(), *(Call(*one) for one in all_calls())]

MODULES = [
    "data",
    "densities",
    "distances",
    "energies",
    "families",
    "guidance",
    "langevin",
    "likelihood",
    "matching",
    "networks",
    "ddpm",
    "processes",
    "sampling",
    "scores",
    "training",
    "applications",
]

NOT_CALLED = {
    "Loss": "a type",
    "Trained": "a record",
    "Prediction": "a record",
    "Process": "abstract",
    "launched": "takes nothing",
    "luminance_basis": "takes nothing",
    "elbo_loss": "is called by train",
    "likelihood_loss": "is called by train",
    "mmd_loss": "is called by train",
    "unet": "its parts are modules; UNet is called",
    "InstanceNormBlock": "a part of UNet",
    "TimeBlock": "a part of UNet",
    "mnist": "takes strings and sizes: tests/test_data.py",
    "PrivateLoss": "is called by train: tests/test_privacy.py",
    "TemporalAttention": "a part of VideoUNet",
    "detector_loss": "is called by train",
    "frame_by_frame": "wraps a network; tests/test_video.py",
    "Scenes": "a record; what takes its fields is called",
}


def public() -> set[str]:
    """The names of all functions and classes of the library's modules."""
    found = set()
    for name in MODULES:
        module = import_module(f"course.{name}")
        names = getattr(module, "__all__", None) or [
            key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
        ]
        found |= {key for key in names if not key.startswith("_") and callable(getattr(module, key))}
        found -= {key for key in found if key.isupper() or inspect.ismodule(getattr(module, key, None))}
    return found
