"""Where a run talks to other processes: nowhere, or through an ``accelerate.Accelerator``."""

import os
from typing import Any

from torch import Tensor, nn

from course.extras import remedy


def launched() -> Any:
    """The ``Accelerator`` of a process that ``torchrun`` or ``accelerate launch`` started with others; else None."""
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdecimal():
        raise ValueError(f"WORLD_SIZE is the number of processes, which torchrun sets; got {size!r}. Unset it.")
    if int(size) == 1:
        return None
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ImportError(f"Several processes need Accelerate: `{remedy('distributed')}`.") from None
    return Accelerator()


class Alone:
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


class Together(Alone):
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
