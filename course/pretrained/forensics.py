"""Detectors of generated digits: the denoiser that ships, sampled by DPM-Solver++(2M), against real digits."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from course.applications.detection import Detector, auc, detection_pairs, detector_loss
from course.pretrained.recipe import CLASSES, SIZE, Recipe, digits, unseen_digits
from course.processes import EDM
from course.sampling import dpm_solver, karras_times, walk
from course.scores import score_from_denoiser

PROCESS = EDM(80.0)
TIMES = [*karras_times(80.0, 0.02, 18).tolist(), 0.0]
IMAGES = 3000
COARSE = 16
"""Grey levels, of which a background that is not quite black has the lowest."""


def generated(start: Tensor, labels: Tensor) -> Tensor:
    """Digits of the network ``edm``, from noise of deviation 80, by DPM-Solver++(2M) with 18 evaluations.

    Args:
        start: noise, shape (B, 1, 16, 16).
        labels: shape (B,).
    """
    from course.pretrained import load

    network, images = load("edm"), []
    for x, y in zip(start.split(250), labels.split(250)):
        step = dpm_solver(PROCESS, score_from_denoiser(partial(network, labels=y), PROCESS))
        *_, x = walk(step, x, TIMES)
        images.append(x)
    return torch.cat(images)


def draw(n: int, seed: int) -> Tensor:
    """n generated digits, as many of every class; (n, 1, 16, 16)."""
    noise = torch.randn(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    return generated(PROCESS.end * noise, torch.arange(n) % CLASSES)


def training_pairs(levels: int = 256) -> tuple[Tensor, Tensor]:
    """3,000 real and 3,000 generated digits, and 0.0 or 1.0; it takes a minute or two to draw these."""
    chosen = torch.randperm(len(digits()[0]), generator=torch.Generator().manual_seed(3))[:IMAGES]
    return detection_pairs(digits()[0][chosen], draw(IMAGES, 1000), levels)


def unseen_pairs(levels: int = 256) -> tuple[Tensor, Tensor]:
    """The 2,000 test digits and 500 generated ones."""
    return detection_pairs(unseen_digits()[0], draw(500, 2000), levels)


def measure(model: Any, x: Tensor, labels: Tensor) -> dict[str, float]:
    """Area under the ROC, and the accuracy at 0 where both kinds count alike."""
    scores = torch.cat([model(batch)[:, 0] for batch in x.split(500)])
    made, real = scores[labels == 1], scores[labels == 0]
    right = (made > 0).double().mean() + (real <= 0).double().mean()
    return {"auc": auc(made, real)[0], "accuracy": right.item() / 2}


def _recipe(seen: str, levels: int, what: str = "") -> Recipe:
    return Recipe(
        f"d(x), the log-odds that a digit {what}was generated, by the network edm and DPM-Solver++(2M)",
        Detector,
        detector_loss,
        measure,
        steps=800,
        batch_size=64,
        data=partial(training_pairs, levels),
        test=partial(unseen_pairs, levels),
        source=f"{IMAGES:,} training images of MNIST 16 × 16 and as many samples of edm, in {seen}",
    )


RECIPES: dict[str, Recipe] = {
    "detector": _recipe("8 bits", 256),
    "coarse_detector": _recipe(f"{COARSE} grey levels", COARSE, f"in {COARSE} grey levels "),
}
