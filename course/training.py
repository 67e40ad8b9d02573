"""One training loop for everything that the course trains: energies, scores, classifiers, and the other families.

What is trained differs only in its loss, a function of (model, batch, generator). The loop draws batches, steps Adam,
averages the weights, and writes checkpoints from which an interrupted run goes on as if nothing had happened.
"""

import copy
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Model = TypeVar("Model", bound=nn.Module)
Batch = Tensor | tuple[Tensor, ...]
Loss = Callable[[Any, Any, torch.Generator], Tensor]
"""(model, batch, generator) → a scalar; all its randomness comes from the generator."""


@dataclass
class Trained(Generic[Model]):
    """What training leaves behind.

    Attributes:
        model: the network with its last weights (the one that was handed in).
        ema: a copy of it with the exponential moving average of the weights, for sampling.
        losses: the loss of every step.
    """

    model: Model
    ema: Model
    losses: list[float] = field(default_factory=list)


def train(
    model: Model,
    loss: Loss,
    data: Batch,
    *,
    steps: int,
    batch_size: int = 128,
    lr: float = 1e-3,
    warmup: int = 100,
    decay: bool = True,
    ema: float = 0.999,
    clip: float = 1.0,
    precision: torch.dtype | None = None,
    compiled: bool = False,
    accelerator: Any = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    save_every: int = 500,
    progress: bool = True,
) -> Trained[Model]:
    r"""Minimize a loss over batches of data with Adam, and average the weights,

    .. math:: \bar\theta \leftarrow \mu_k \bar\theta + (1 - \mu_k) \theta,
       \qquad \mu_k = \min\bigl(\mu, \tfrac{1 + k}{10 + k}\bigr)

    Args:
        model: trained in place, on the device that it is on.
        loss: (model, batch, generator) → scalar. If it has a state (``state_dict``), checkpoints keep it too.
        data: a tensor or a tuple of tensors whose first dimensions agree; a batch is the same, drawn with replacement.
        steps: how many in all; a run that goes on from a checkpoint does the rest.
        batch_size: examples a step.
        lr: Adam's learning rate after the warm-up.
        warmup: steps over which the learning rate rises linearly to ``lr``.
        decay: then let it fall to zero along a cosine, reaching it at the last step.
        ema: μ, the decay of the weights' average.
        clip: largest norm of the gradient.
        precision: of matrix products and convolutions in the loss, such as ``torch.bfloat16``, where that is faster;
            weights stay as they are.
        compiled: let ``torch.compile`` make the network's code, which pays for itself in long runs, and on a GPU.
        accelerator: an ``accelerate.Accelerator`` in each process of a run that ``torchrun`` or ``accelerate launch``
            started: every process draws its own ``batch_size`` examples, and gradients are averaged.
        seed: of the generator that draws batches and noise. The global generators are not used (dropout would).
        checkpoint: a file to go on from if it is there, written every ``save_every`` steps, at the end, and when a
            run of one process is interrupted. Writing is atomic, and going on gives bit for bit the weights of an
            unbroken run.
        progress: show a bar.

    Raises:
        ValueError: if the data do not fit together, or the checkpoint is of another run.
        FloatingPointError: if the loss is not finite; the checkpoint keeps the last good step.
    """
    together = _Together(accelerator) if accelerator else _Alone()
    model = together.place(model)
    device = next(model.parameters()).device
    tensors = tuple(t.to(device) for t in data) if isinstance(data, tuple) else data.to(device)
    n = _check_data(tensors)
    run = _Run(model, loss, lr, ema, seed, precision, compiled, together)
    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "lr": lr,
        "warmup": warmup,
        "ema": ema,
        "clip": clip,
        "seed": seed,
    }
    settings |= {
        "decay": steps if decay else None,
        "precision": str(precision),
        "processes": together.size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "n": n,
    }
    file = Path(checkpoint) if checkpoint else None
    if file and file.exists():
        run.load(file, settings)
    bar = _bar(len(run.losses), steps, progress and together.rank == 0)
    model.train()
    try:
        while len(run.losses) < steps:
            k = len(run.losses)
            run.step(tensors, batch_size, _learning_rate(k, steps, lr, warmup, decay), clip)
            bar.update()
            if k % 20 == 0:
                bar.set_postfix(loss=f"{sum(run.losses[-100:]) / len(run.losses[-100:]):.4g}", refresh=False)
            if file and (k + 1) % save_every == 0:
                run.save(file, settings)
    except KeyboardInterrupt:
        if file and run.whole and together.size == 1:
            run.save(file, settings)
        raise
    finally:
        bar.close()
    if file:
        run.save(file, settings)
    model.eval()
    return Trained(model, run.average.module.eval(), run.losses)


def launched() -> Any:
    """The ``Accelerator`` of a process that ``torchrun`` or ``accelerate launch`` started with others; else None."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return None
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ImportError("Several processes need Accelerate: `pip install 'score-course[distributed]'`.") from None
    return Accelerator()


class _Alone:
    """A run of one process."""

    rank, size = 0, 1

    def place(self, model: nn.Module) -> Any:
        return model

    def wrap(self, model: nn.Module) -> nn.Module:
        return model

    def mean(self, value: Tensor) -> Tensor:
        return value

    def gather(self, state: Any) -> list[Any]:
        return [state]


class _Together(_Alone):
    """A run of the processes that an ``accelerate.Accelerator`` knows: the only place where they talk."""

    def __init__(self, accelerator: Any):
        self.accelerator, self.rank, self.size = accelerator, accelerator.process_index, accelerator.num_processes

    def place(self, model: nn.Module) -> Any:
        return model.to(self.accelerator.device)

    def wrap(self, model: nn.Module) -> nn.Module:
        return self.accelerator.prepare_model(model)

    def mean(self, value: Tensor) -> Tensor:
        return self.accelerator.reduce(value, "mean")

    def gather(self, state: Any) -> list[Any]:
        from accelerate.utils import gather_object

        return gather_object([state])


_SHARED = ("model", "average", "optimizer")  # the same in every process; generators and the loss's memory are not


class _Run:
    """Everything that changes while training, and so belongs in a checkpoint."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        lr: float,
        ema: float,
        seed: int,
        precision: torch.dtype | None,
        compiled: bool,
        together: _Alone,
    ):
        device = next(model.parameters()).device
        self.model, self.loss, self.together = model, loss, together
        self.network = together.wrap(model)  # what the loss calls; its weights are the model's
        if compiled:
            self.network = torch.compile(self.network)  # type: ignore[assignment]
        self.mixed = torch.autocast(device.type, precision, enabled=precision is not None)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.average: Any = AveragedModel(model, multi_avg_fn=_warm_ema(ema), use_buffers=False)
        self.generator = torch.Generator(device).manual_seed(seed + 1_000_003 * together.rank)
        self.losses: list[float] = []
        self.whole = True  # not in the middle of changing the weights

    def step(self, data: Batch, batch_size: int, lr: float, clip: float) -> None:
        """One step; broken off in the loss, it leaves everything as it was, so that it can be taken again."""
        noise, memory = self.generator.get_state(), copy.deepcopy(self._memory())
        try:
            with self.mixed:
                value = self.loss(self.network, _draw(data, batch_size, self.generator), self.generator)
            mean = self.together.mean(value.detach()).item()
            if not math.isfinite(mean):
                raise FloatingPointError(
                    f"The loss is {mean} at step {len(self.losses)}; try a learning rate smaller than "
                    f"{lr:.2g}, and look for a division by zero or an overflow in the loss."
                )
            self.optimizer.zero_grad()
            value.backward()
        except BaseException:
            self.generator.set_state(noise)
            if memory:
                self.loss.load_state_dict(memory)  # type: ignore[attr-defined]
            raise
        self.whole = False
        nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.average.update_parameters(self.model)
        self.losses.append(mean)
        self.whole = True

    def _memory(self) -> dict[str, Any]:
        """What the loss remembers from step to step, such as persistent chains."""
        return self.loss.state_dict() if hasattr(self.loss, "state_dict") else {}

    def save(self, file: Path, settings: dict) -> None:
        """Write beside the file, then put it in place: a crash leaves the old one or the new one, never half of one."""
        own = self.together.gather({"generator": self.generator.get_state(), "loss": self._memory()})
        if self.together.rank:
            return
        state = {name: getattr(self, name).state_dict() for name in _SHARED}
        state |= {"own": own, "losses": torch.tensor(self.losses, dtype=torch.float64)}
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(file.name + ".part")
        torch.save({"settings": settings, "state": state}, beside)
        os.replace(beside, file)

    def load(self, file: Path, settings: dict) -> None:
        """Go on from a file, if it is of this very run."""
        try:
            saved = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"{file} is no checkpoint of `train`; name another file, or delete this one.") from error
        differs = [key for key, value in settings.items() if saved["settings"].get(key) != value]
        if differs:
            now = ", ".join(f"{key} {saved['settings'].get(key)} there and {settings[key]} here" for key in differs)
            raise ValueError(f"The checkpoint {file} is of another run ({now}); name another file, or delete this one.")
        state = saved["state"]
        for name in _SHARED:
            getattr(self, name).load_state_dict(state[name])
        own = state["own"][self.together.rank]
        self.generator.set_state(own["generator"])
        if hasattr(self.loss, "load_state_dict"):
            self.loss.load_state_dict(own["loss"])
        self.losses = state["losses"].tolist()


def _warm_ema(decay: float) -> Callable:
    """An average that forgets the first, useless weights quickly: the decay rises to its final value."""

    def update(averages: Any, weights: Any, k: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + float(k)) / (10 + float(k))))(averages, weights, k)

    return update


def _learning_rate(k: int, steps: int, lr: float, warmup: int, decay: bool) -> float:
    rise = min(1.0, (k + 1) / max(warmup, 1))
    fall = 0.5 * (1 + math.cos(math.pi * k / steps)) if decay else 1.0
    return lr * rise * fall


def _check_data(data: Batch) -> int:
    tensors = data if isinstance(data, tuple) else (data,)
    if not tensors or len({len(t) for t in tensors}) != 1 or len(tensors[0]) == 0:
        raise ValueError(f"Data are tensors with the same number of examples; got {[tuple(t.shape) for t in tensors]}.")
    return len(tensors[0])


def _draw(data: Batch, n: int, generator: torch.Generator) -> Batch:
    """A batch, drawn with replacement."""
    first = data[0] if isinstance(data, tuple) else data
    index = torch.randint(len(first), (n,), generator=generator, device=first.device)
    return tuple(t[index] for t in data) if isinstance(data, tuple) else data[index]


def _bar(done: int, steps: int, show: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not show, desc="training", leave=False)
