"""Small networks that ship with the course, each with the recipe that made it: ``course train NAME`` makes it again.

All know MNIST at 16 × 16 and are trained on the 10,000 digits that ship, on one core in half an hour or less. A
checkpoint is a safetensors file in half precision whose header keeps the recipe's settings and what was measured
of the result.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course import matching
from course.ddpm import ddpm_perturb, ddpm_schedule
from course.networks import DiT, InstanceNormBlock, UNet
from course.networks.classifier import Classifier, NoisyClassifier, jitter
from course.processes import VP, Straight
from course.scores import NoiseConditionalScore, Preconditioned
from course.tensors import whole
from course.training import Trained, launched, train
from course.training.checkpoint import check_writable, replacing

FOLDER = Path(__file__).with_name("checkpoints")
TRIALS = Path("trials")
"""Where trials go, in the current folder: nothing that ships is replaced by one."""
SIZE, CLASSES = 16, 10


@dataclass(frozen=True)
class Recipe:
    """How a network is made, and how good it is.

    Attributes:
        what: one sentence; what the network computes.
        network: makes it, untrained.
        loss: (model, (images, labels), generator) → scalar.
        measure: (model, images, labels) → numbers by name, on test images.
        steps, batch_size, lr: of ``train``.
    """

    what: str
    network: Callable[[], nn.Module]
    loss: Callable[[Any, Any, torch.Generator], Tensor]
    measure: Callable[[Any, Tensor, Tensor], dict[str, float]]
    steps: int = 12_000
    batch_size: int = 64
    lr: float = 2e-3


def load(name: str) -> Any:
    """A network that ships, ready to use, in float32 on the CPU.

    Raises:
        ValueError: if there is none of that name, or its checkpoint is damaged.
        FileNotFoundError: if its checkpoint is not there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = recipe(name).network()
    file = FOLDER / f"{name}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(f"The checkpoint {file.name} is not there; `course train {name}` makes it.")
    try:
        model.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"The checkpoint {file} is damaged or of another network ({str(error).splitlines()[0]}); install the "
            f"package again, or make it with `course train {name}`."
        ) from None
    return model.requires_grad_(False).eval()


def about(name: str) -> dict[str, Any]:
    """What the checkpoint records: settings, seconds and quality."""
    from safetensors import safe_open

    recipe(name)
    with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
        return json.loads(file.metadata()["recipe"])


def recipe(name: str) -> Recipe:
    """The recipe of that name, or a ValueError that lists them."""
    if name not in RECIPES:
        raise ValueError(f"There is no network {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name]


def make(
    name: str,
    folder: Path | None = None,
    steps: int | None = None,
    precision: torch.dtype | None = None,
    compiled: bool = False,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any] | None:
    """Train a network from nothing, measure it, and write its checkpoint; an interrupted run goes on where it was.

    Args:
        name: of the recipe.
        folder: where NAME.safetensors is written, unfinished training beside it. If None, a full run with seed 0 makes
            the network that ships again, in its place; any other is a trial and goes to ``TRIALS``.
        steps: other than the recipe's, for a trial.
        precision, compiled: of ``train``, where they are faster.
        seed: of the first weights, the batches and the noise; the networks that ship have 0.
        progress: show a bar.

    Returns:
        What is recorded: settings, seconds and quality. Nothing in a process that only helps another: the run is shared
        among all that ``torchrun`` started.

    Raises:
        ValueError: if there is no such recipe, steps are not positive, or a trial would replace a full run's network.
        OSError: before the first step, if the folder cannot be written.
    """
    from safetensors.torch import save

    from course.data import mnist

    it, start = recipe(name), time.perf_counter()
    steps = it.steps if steps is None else whole("steps", steps, 1)
    folder = folder or (FOLDER if (steps, seed) == (it.steps, 0) else TRIALS)
    file = folder / f"{name}.safetensors"
    if steps != it.steps and file.is_file() and _steps(file) in (None, it.steps):
        raise ValueError(
            f"{file} is of a full run, and a trial of {steps} steps does not replace it; name another --folder."
        )
    check_writable(file)
    torch.manual_seed(seed)  # the networks' first weights
    settings: dict[str, Any] = {"steps": steps, "batch_size": it.batch_size, "lr": it.lr, "seed": seed}
    settings |= {"precision": str(precision or torch.float32).removeprefix("torch.")}
    accelerator = launched()
    made: Trained = train(
        it.network().to("cuda" if torch.cuda.is_available() else "cpu"),
        it.loss,
        mnist(SIZE),
        steps=steps,
        batch_size=it.batch_size,
        lr=it.lr,
        precision=precision,
        compiled=compiled,
        accelerator=accelerator,
        seed=seed,
        checkpoint=folder / f"{name}.unfinished",
        progress=progress,
    )
    if accelerator and not accelerator.is_main_process:
        return None
    with torch.no_grad():
        half = {key: value.half() for key, value in made.ema.cpu().state_dict().items()}
        made.ema.load_state_dict({key: value.float() for key, value in half.items()})
        quality = it.measure(made.ema, *mnist(SIZE, "test"))
    record = {"what": it.what, "data": "MNIST 16 × 16, 10,000 training images of the package", **settings}
    record |= {"processes": accelerator.num_processes} if accelerator else {}
    record |= {"seconds": round(time.perf_counter() - start), "quality": {k: round(v, 4) for k, v in quality.items()}}
    with replacing(file) as beside:
        beside.write_bytes(save(half, {"recipe": json.dumps(record, ensure_ascii=False)}))
    (folder / f"{name}.unfinished").unlink()
    return record


def _steps(file: Path) -> int | None:
    """How many steps the network in a checkpoint was trained for; None where nobody knows."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            return json.loads(opened.metadata()["recipe"])["steps"]
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None


# -- losses and measures -----------------------------------------------------------------------------------------------


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


def _test_loss(loss: Callable[[Any, Any, torch.Generator], Tensor]) -> Callable[[Any, Tensor, Tensor], dict]:
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
