"""Making a network that ships, or a trial of its recipe: train it, measure it, write its checkpoint."""

import json
import time
from pathlib import Path
from typing import Any

import torch

from course.files import replacing
from course.pretrained import loading
from course.pretrained.loading import recipe
from course.tensors import whole
from course.training import Trained, launched, train
from course.training.checkpoint import check_writable

TRIALS = Path("trials")
"""Where trials go, in the current folder: nothing that ships is replaced by one."""


def make(
    name: str,
    folder: str | Path | None = None,
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
        ValueError: if there is no such recipe, steps are not positive, or a file is there that is not of
            this package, or is of a full run with seed 0, which a trial does not replace.
        OSError: before the first step, if the folder cannot be written.
    """
    from safetensors.torch import save

    it, start = recipe(name), time.perf_counter()
    steps = it.steps if steps is None else whole("steps", steps, 1)
    ours, full = (steps, seed), (it.steps, 0)
    folder = (loading.FOLDER if ours == full else TRIALS) if folder is None else Path(folder)
    file = folder / f"{name}.safetensors"
    there = _run(file) if file.is_file() else ours
    if there is None or (there == full != ours):
        what, trial = ("of a full run" if there else "not of this package"), ("run" if ours == full else "trial")
        raise ValueError(
            f"{file} is {what}, and a {trial} of {steps} steps with seed {seed} does not replace it; name another "
            "--folder."
        )
    check_writable(file)
    torch.manual_seed(seed)  # the networks' first weights
    settings: dict[str, Any] = {"steps": steps, "batch_size": it.batch_size, "lr": it.lr, "seed": seed}
    settings |= {"precision": str(precision or torch.float32).removeprefix("torch.")}
    accelerator = launched()
    made: Trained[Any] = train(
        it.network().to("cuda" if torch.cuda.is_available() else "cpu"),
        it.loss,
        it.data(),
        steps=steps,
        batch_size=it.batch_size,
        draw=it.draw,
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
        quality = it.measure(made.ema, *it.test())
    record = {"what": it.what, "data": it.source, **settings}
    record |= {"processes": accelerator.num_processes} if accelerator else {}
    record |= {"seconds": round(time.perf_counter() - start), "quality": {k: round(v, 4) for k, v in quality.items()}}
    with replacing(file) as beside:
        beside.write_bytes(save(half, {"recipe": json.dumps(record, ensure_ascii=False)}))
    (folder / f"{name}.unfinished").unlink()
    return record


def _run(file: Path) -> tuple[int, int] | None:
    """Steps and seed of the network in a checkpoint; None where nobody knows."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            record = json.loads(opened.metadata()["recipe"])
            return record["steps"], record["seed"]
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None
