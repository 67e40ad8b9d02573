"""Recipes: one small network trained equally long on 50 to 10,000 digits, and one in private; are the images new?"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course import matching
from course.applications.membership import denoising_losses, membership_auc
from course.applications.memorization import distance_ratio
from course.applications.privacy import PrivateLoss, epsilon, poisson_batch
from course.networks import UNet
from course.networks.patches import Patches
from course.pretrained.recipe import SIZE, Recipe, digits, unseen_digits
from course.processes import EDM
from course.sampling import edm_step, karras_times, walk
from course.scores import Preconditioned, score_from_denoiser

SIZES = (50, 100, 300, 1000, 10_000)
"""How many digits the networks memory_50 to memory_10000 were trained on."""
LEVELS = (0.5, 1.0, 2.0)
"""Noise levels at which membership is inferred: medium ones, where a digit is hidden from those who don't know it."""
PROCESS = EDM(80.0)
TIMES = [*karras_times(80.0, 0.002, 18).tolist(), 0.0]
ORDER = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))
"""Of the training digits; drawn here, so that no other seed of a notebook changes which ones a network has seen."""
DELTA, NOISE, NORM, MEAN_SIZE, NOISES, PRIVATE_STEPS = 1e-5, 1.0, 1.0, 256, 2, 1500


def subset(n: int) -> Tensor:
    """The n digits that memory_N knows, (n, 1, 16, 16): the first of one shuffled order, so small sets are in large."""
    return digits()[0][ORDER[:n]]


def unseen() -> tuple[Tensor]:
    """The 2,000 test digits, (2000, 1, 16, 16): in no training set."""
    return (unseen_digits()[0],)


def sample(denoiser: Callable[[Tensor, Any], Tensor], n: int, seed: int) -> Tensor:
    """n images by Karras et al.'s Heun steps, 35 evaluations of D(x, σ); (n, 1, 16, 16)."""
    noise = torch.randn(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    images = []
    for start in noise.split(500):
        *_, x = walk(edm_step(score_from_denoiser(denoiser, PROCESS)), PROCESS.end * start, TIMES)
        images.append(x)
    return torch.cat(images)


def knowledge(denoiser: Callable[[Tensor, Tensor], Tensor], x: Tensor, draws: int = 2) -> Tensor:
    """The losses by which membership is inferred, at ``LEVELS``, with the same noise for all; (N, ...) → (N,)."""
    noise = torch.randn(draws, *x.shape[1:], generator=torch.Generator().manual_seed(5))
    return torch.cat([denoising_losses(denoiser, batch, LEVELS, noise) for batch in x.split(500)])


def memory_network(width: int = 40) -> nn.Module:
    """D(x, σ): a U-Net on patches of 4 × 4; 174,256 weights, or 65,776 at width 24."""
    return Preconditioned(Patches(UNet(16, widths=(width,), attention=False), 4))


def memory_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Karras et al.'s loss, with more of the medium noise where memory decides."""
    return matching.edm_loss(model, batch, generator, mean=0.2, std=1.2)


def memory_quality(n: int) -> Callable[[Any, Tensor], dict[str, float]]:
    """Losses of members and others, the area under the ROC between them, and samples' median distance ratio."""

    def measure(model: Any, x: Tensor) -> dict[str, float]:
        seen = subset(n)
        members, others = knowledge(model, seen[:2000]), knowledge(model, x)
        return {
            "train_loss": members.mean().item(),
            "test_loss": others.mean().item(),
            "membership_auc": membership_auc(members, others),
            "median_distance_ratio": distance_ratio(sample(model, 500, 1), seen).median().item(),
        }

    return measure


def private_quality(model: Any, x: Tensor) -> dict[str, float]:
    """What ``memory_quality`` measures, and ε for δ = 1e-5."""
    spent = epsilon(NOISE, MEAN_SIZE / 10_000, PRIVATE_STEPS, DELTA)
    return memory_quality(10_000)(model, x) | {"epsilon": spent}


# -- in private --------------------------------------------------------------------------------------------------------


def several_noises(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Every image with ``NOISES`` noise levels and noises: (B, 1, 16, 16), (B, K), (B, K, 1, 16, 16).

    Before it is clipped, a gradient is averaged over them, which costs no privacy (Dockhorn et al., 2023).
    """
    sigma = (0.2 + 1.2 * torch.randn(len(x), NOISES, generator=generator, device=x.device)).exp()
    return x, sigma, torch.randn(len(x), NOISES, *x.shape[1:], generator=generator, device=x.device)


def loss_of_one(model: Any, x: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    """Karras et al.'s loss of one image, (1, ...), under its noises."""
    clean = x.expand_as(noise[0])
    weight = (sigma[0] ** 2 + 0.25) / (0.5 * sigma[0]) ** 2
    error = model(matching.perturb(clean, sigma[0], noise[0]), sigma[0]) - clean
    return (weight * error.square().flatten(1).mean(1)).mean()


def _memory(n: int) -> Recipe:
    return Recipe(
        f"D(x, σ), the denoiser of {n:,} digits: what it remembers of them depends on how few they are",
        memory_network,
        memory_loss,
        memory_quality(n),
        24_000,
        32,
        data=partial(subset, n),
        test=unseen,
        source=f"MNIST 16 × 16, {n:,} of the 10,000 training images of the package",
    )


_alike = Recipe(
    "D(x, σ), the denoiser of digits, trained like `private` but for clipping and noise",
    partial(memory_network, 24),
    memory_loss,
    memory_quality(10_000),
    PRIVATE_STEPS,
    MEAN_SIZE,
    data=partial(subset, 10_000),
    test=unseen,
)
_private = Recipe(
    "D(x, σ), the denoiser of digits, trained with differential privacy",
    _alike.network,
    PrivateLoss(several_noises, loss_of_one, MEAN_SIZE, NORM, NOISE, chunk=64),
    private_quality,
    PRIVATE_STEPS,
    MEAN_SIZE,
    data=_alike.data,
    test=unseen,
    draw=poisson_batch,
)
RECIPES: dict[str, Recipe] = {f"memory_{n}": _memory(n) for n in SIZES} | {"not_private": _alike, "private": _private}
