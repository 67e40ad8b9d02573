"""One training loop for everything that the course trains: energies, scores, classifiers, and the other families.

What is trained differs only in its loss, a function of (model, batch, generator). The loop draws batches, steps Adam,
averages the weights, and writes checkpoints from which an interrupted run goes on as if nothing had happened.
"""

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course.tensors import check_number, positive, whole
from course.training import checkpoint as checkpoints
from course.training.together import Alone, Together

Model = TypeVar("Model", bound=nn.Module)
Batch = Tensor | tuple[Tensor, ...]
Loss = Callable[[Any, Any, torch.Generator], Tensor]
"""(model, batch, generator) → a scalar; all its randomness comes from the generator."""
Draw = Callable[[Any, int, torch.Generator], Any]
"""(data, batch_size, generator) → a batch: a tensor or a tuple of tensors, as the data are."""


def with_replacement(data: Batch, n: int, generator: torch.Generator) -> Batch:
    """A batch of n examples, each drawn from all."""
    first = data[0] if isinstance(data, tuple) else data
    index = torch.randint(len(first), (n,), generator=generator, device=first.device)
    return tuple(t[index] for t in data) if isinstance(data, tuple) else data[index]


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
    draw: Draw = with_replacement,
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
        loss: (model, batch, generator) → scalar. If it has a state (``state_dict``), checkpoints keep it too; if it has
            ``check_run(draw, batch_size)``, that is called first, and may raise.
        data: a tensor or a tuple of tensors whose first dimensions agree; a batch is the same.
        steps: how many in all; a run that goes on from a checkpoint does the rest.
        batch_size: examples a step.
        draw: how a batch is drawn from the data.
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
            run of one process ends early (Ctrl-C, SIGTERM, an error), with its last good step. Writing is atomic, and
            going on gives bit for bit the weights of an unbroken run.
        progress: show a bar.

    Raises:
        ValueError: if a setting is out of range, the data do not fit together, the model has nothing to train, or the
            checkpoint is of another run.
        OSError: before the first step, if the checkpoint could not be written.
        FloatingPointError: if the loss or its gradient is not finite; model and checkpoint keep the last good step.
    """
    _check_settings(steps, batch_size, lr, warmup, ema, clip, seed, save_every)
    tensors = _check_data(data)
    if hasattr(loss, "check_run"):
        loss.check_run(draw, batch_size)
    file = Path(checkpoint) if checkpoint else None
    if file:
        checkpoints.check_writable(file)
    together = Together(accelerator) if accelerator else Alone()
    model = together.place(model)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("The model has no parameter that requires a gradient, so there is nothing to train.")
    device = next(model.parameters()).device
    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "lr": lr,
        "warmup": warmup,
        "ema": ema,
        "clip": clip,
        "seed": seed,
        "decay": steps if decay else None,
        "precision": str(precision),
        "processes": together.size,
    }
    settings |= {} if draw is with_replacement else {"draw": getattr(draw, "__qualname__", type(draw).__qualname__)}
    settings |= checkpoints.identity(model, loss, tensors, draw)
    batches = tuple(t.to(device) for t in tensors) if isinstance(tensors, tuple) else tensors.to(device)
    run = _Run(model, loss, draw, lr, ema, seed, precision, compiled, together)
    if file and file.exists():
        run.load(file, settings)
    bar = _bar(len(run.losses), steps, progress and together.rank == 0)
    model.train()
    try:
        with _termination_raises():
            while len(run.losses) < steps:
                k = len(run.losses)
                run.step(batches, batch_size, _learning_rate(k, steps, lr, warmup, decay), clip)
                bar.update()
                if k % 20 == 0:
                    bar.set_postfix(loss=f"{sum(run.losses[-100:]) / len(run.losses[-100:]):.4g}", refresh=False)
                if file and (k + 1) % save_every == 0:
                    run.save(file, settings)
    except BaseException:
        if file and run.whole and run.losses and together.size == 1:
            run.save(file, settings)
        raise
    finally:
        bar.close()
    if file:
        run.save(file, settings)
    model.eval()
    return Trained(model, run.average.module.eval(), run.losses)


_SHARED = ("model", "average", "optimizer")  # the same in every process; generators and the loss's memory are not


class _Run:
    """Everything that changes while training, and so belongs in a checkpoint."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        draw: Draw,
        lr: float,
        ema: float,
        seed: int,
        precision: torch.dtype | None,
        compiled: bool,
        together: Alone,
    ):
        device = next(model.parameters()).device
        self.model, self.loss, self.draw, self.together = model, loss, draw, together
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
            batch = _own_memory(self.draw(data, batch_size, self.generator), data)
            with self.mixed:
                value = self.loss(self.network, batch, self.generator)
            if not isinstance(value, Tensor) or value.ndim or not value.requires_grad:
                raise ValueError(f"A loss returns a scalar with a graph, shape (); got {_described(value)}.")
            mean = self.together.mean(value.detach()).item()
            self._check_finite("loss", mean, lr)
            self.optimizer.zero_grad()
            value.backward()
            length = nn.utils.clip_grad_norm_(self.model.parameters(), clip)
            self._check_finite("norm of the loss's gradient", length.item(), lr)
        except BaseException:
            self.generator.set_state(noise)
            if memory:
                self.loss.load_state_dict(memory)  # type: ignore[attr-defined]
            raise
        self.whole = False
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.average.update_parameters(self.model)
        self.losses.append(mean)
        self.whole = True

    def _check_finite(self, what: str, number: float, lr: float) -> None:
        if not math.isfinite(number):
            raise FloatingPointError(
                f"The {what} is {number} at step {len(self.losses)}; try a learning rate smaller than {lr:.2g}, and "
                "look for a division by zero, a root of zero or an overflow in the loss."
            )

    def _memory(self) -> dict[str, Any]:
        """What the loss remembers from step to step, such as persistent chains."""
        return self.loss.state_dict() if hasattr(self.loss, "state_dict") else {}

    def save(self, file: Path, settings: dict[str, Any]) -> None:
        """Write everything that ``load`` needs."""
        own = self.together.gather({"generator": self.generator.get_state(), "loss": self._memory()})
        if self.together.rank:
            return
        state = {name: getattr(self, name).state_dict() for name in _SHARED}
        state |= {"own": own, "losses": torch.tensor(self.losses, dtype=torch.float64)}
        checkpoints.write(file, settings, state)

    def load(self, file: Path, settings: dict[str, Any]) -> None:
        """Go on from a file, if it is of this very run."""
        state = checkpoints.read(file, settings, (*_SHARED, "own", "losses"))
        for name in _SHARED:
            getattr(self, name).load_state_dict(state[name])
        own = state["own"][self.together.rank]
        self.generator.set_state(own["generator"])
        if hasattr(self.loss, "load_state_dict"):
            self.loss.load_state_dict(own["loss"])
        self.losses = state["losses"].tolist()


@contextmanager
def _termination_raises() -> Iterator[None]:
    """Let SIGTERM end the loop as Ctrl-C does, so that the run is saved; only a main thread can hear of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)


def _own_memory(batch: Any, data: Batch) -> Any:
    """The batch, copied where it is a view of the data, which a loss that works in place would change."""
    if isinstance(batch, (tuple, list)):
        return tuple(_own_memory(part, data) for part in batch)
    lent = {t.untyped_storage().data_ptr() for t in (data if isinstance(data, tuple) else (data,))}
    return batch.clone() if isinstance(batch, Tensor) and batch.untyped_storage().data_ptr() in lent else batch


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a value of type {type(value).__name__}"
    graph = "" if value.requires_grad else " without a graph"
    off = "" if torch.is_grad_enabled() else ", since gradients are switched off here (`torch.no_grad`)"
    return f"shape {tuple(value.shape)}{graph}{off}"


def _warm_ema(decay: float) -> Callable[..., Any]:
    """An average that forgets the first, useless weights quickly: the decay rises to its final value."""

    def update(averages: Any, weights: Any, k: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + float(k)) / (10 + float(k))))(averages, weights, k)

    return update


def _learning_rate(k: int, steps: int, lr: float, warmup: int, decay: bool) -> float:
    rise = min(1.0, (k + 1) / max(warmup, 1))
    fall = 0.5 * (1 + math.cos(math.pi * k / steps)) if decay else 1.0
    return lr * rise * fall


def _check_settings(
    steps: int, batch_size: int, lr: float, warmup: int, ema: float, clip: float, seed: int, save_every: int
) -> None:
    for name, n in (("steps", steps), ("batch_size", batch_size), ("save_every", save_every)):
        whole(name, n, 1)
    whole("warmup", warmup)
    whole("seed", seed, -(2**63))
    positive(lr=lr)
    check_number(ema=ema, clip=clip)
    if not 0 <= ema < 1:
        raise ValueError(f"ema is the share that the average keeps, from 0 to below 1; got {ema}.")
    if not clip > 0:
        raise ValueError(f"clip is the largest norm of a gradient, above 0 (math.inf for any); got {clip}.")


def _check_data(data: Any) -> Batch:
    """Tensors whose first dimensions agree; arrays are converted, and a list of tensors is a tuple of them."""
    numbers = isinstance(data, list) and all(isinstance(one, (int, float, list)) for one in data)
    several = isinstance(data, (tuple, list)) and not numbers
    tensors = tuple(t if isinstance(t, Tensor) else torch.as_tensor(t) for t in (data if several else (data,)))
    if not tensors or any(t.ndim == 0 for t in tensors) or len({len(t) for t in tensors}) != 1 or not len(tensors[0]):
        raise ValueError(f"Data are tensors with the same number of examples; got {[tuple(t.shape) for t in tensors]}.")
    return tensors if several else tensors[0]


def _bar(done: int, steps: int, show: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not show, desc="training", leave=False)
