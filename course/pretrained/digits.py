"""Digits at 16 × 16: classifiers, and the networks of lectures 6 to 11, each by its loss and its measure."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course import matching
from course.ddpm import ddpm_perturb, ddpm_schedule
from course.networks import DiT, InstanceNormBlock, UNet
from course.networks.classifier import Classifier, NoisyClassifier, jitter
from course.pretrained.recipe import CLASSES, Recipe
from course.processes import VP, Straight
from course.scores import NoiseConditionalScore, Preconditioned


def _times(x: Tensor, generator: torch.Generator, least: float = 1e-3) -> Tensor:
    return least + (1 - least) * torch.rand(len(x), generator=generator, dtype=x.dtype, device=x.device)


def _noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _forget(labels: Tensor, generator: torch.Generator) -> Tensor:
    """One label in ten becomes the null class, so that the network learns the unconditional score too."""
    dropped = torch.rand(len(labels), generator=generator, device=labels.device) < 0.1
    return torch.where(dropped, CLASSES, labels)


def ncsn_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Denoising score matching at noise levels spread evenly over log σ, from 0.01 to 10; per dimension."""
    x, _ = batch
    sigma = 0.01 * 1000 ** torch.rand(len(x), generator=generator, device=x.device)
    return matching.dsm_loss(model, x, sigma, _noise(x, generator)) / x[0].numel()


def ddpm_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """The noise predicted at a random index of DDPM's chain of 1,000; the network is told index / 1,000."""
    x, _ = batch
    _, alpha_bars = ddpm_schedule()
    i = torch.randint(len(alpha_bars), (len(x),), generator=generator, device=x.device)
    z = _noise(x, generator)
    return (model(ddpm_perturb(x, alpha_bars.to(x)[i], z), i / len(alpha_bars)) - z).square().mean()


def vp_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """The noise predicted at a random time of VP."""
    x, _ = batch
    return matching.noise_loss(model, VP(), x, _times(x, generator), _noise(x, generator))


def edm_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Karras et al.'s loss, given the class nine times in ten, with more of the large noise that decides the class."""
    x, labels = batch
    return matching.edm_loss(model, x, generator, _forget(labels, generator), mean=0.2, std=1.4)


def dit_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Flow matching on the straight path, given the class nine times in ten."""
    x, labels = batch
    told = partial(model, labels=_forget(labels, generator))
    return matching.velocity_loss(told, Straight(), x, _times(x, generator, 1e-4), _noise(x, generator))


def classifier_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Cross-entropy of digits, each moved and turned a little."""
    x, labels = batch
    return F.cross_entropy(model(jitter(x, generator)), labels)


def noisy_classifier_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Cross-entropy of digits seen through noise of every level of EDM's training."""
    x, labels = batch
    sigma = (1.2 * torch.randn(len(x), generator=generator, device=x.device) - 0.6).exp()
    noisy = matching.perturb(jitter(x, generator), sigma, _noise(x, generator))
    return F.cross_entropy(model(noisy, sigma), labels)


def _test_loss(
    loss: Callable[[Any, Any, torch.Generator], Tensor],
) -> Callable[[Any, Tensor, Tensor], dict[str, float]]:
    """The loss on the test images under two draws of fixed noise."""

    def measure(model: Any, x: Tensor, labels: Tensor) -> dict[str, float]:
        generator = torch.Generator().manual_seed(1)
        return {"test_loss": sum(loss(model, (x, labels), generator).item() for _ in range(2)) / 2}

    return measure


def _accuracy(model: Any, x: Tensor, labels: Tensor) -> dict[str, float]:
    return {"test_accuracy": (model(x).argmax(1) == labels).float().mean().item()}


def _noisy_accuracy(model: Any, x: Tensor, labels: Tensor) -> dict[str, float]:
    """By noise level, of images x + σz."""
    z = _noise(x, torch.Generator().manual_seed(1))
    right = {s: model(x + s * z, s).argmax(1) == labels for s in (0.02, 0.5, 1.0, 2.0)}
    return {f"test_accuracy_at_{s}": hits.float().mean().item() for s, hits in right.items()}


RECIPES: dict[str, Recipe] = {
    "classifier": Recipe("Logits of clean digits", Classifier, classifier_loss, _accuracy, 2500, 128),
    "edm": Recipe(
        "D(x, σ, labels), the denoiser of digits given their class; label 10 is the null class",
        lambda: Preconditioned(UNet(classes=CLASSES)),
        edm_loss,
        _test_loss(edm_loss),
    ),
    "vp": Recipe("ε̂(x, t), the noise in digits at time t of VP", UNet, vp_loss, _test_loss(vp_loss)),
    "ncsn": Recipe(
        "s(x, σ), the score of digits under noise σ from 0.01 to 10, by conditional instance norm",
        lambda: NoiseConditionalScore(UNet(block=InstanceNormBlock)),
        ncsn_loss,
        _test_loss(ncsn_loss),
    ),
    "noisy_classifier": Recipe(
        "Logits of digits under noise σ", NoisyClassifier, noisy_classifier_loss, _noisy_accuracy, 2500
    ),
    "ddpm": Recipe(
        "ε̂(x, i/1000), the noise in digits at index i of DDPM's chain", UNet, ddpm_loss, _test_loss(ddpm_loss)
    ),
    "dit": Recipe(
        "v̂(x, t, labels), the velocity of digits on the straight path, by a transformer; label 10 is the null class",
        lambda: DiT(dim=64, classes=CLASSES),
        dit_loss,
        _test_loss(dit_loss),
    ),
}
