"""What mistakes of several assignments have in common: two sentences, and a time of the wrong kind."""

from typing import Any

import torch
from torch import Tensor

IN_PLACE = "your function changes in place (`+=`, `*=`) what `{0}` returned, which may be x itself: make a new tensor."
OTHER_TIME = "t is handed on as a tensor where it was given as a float: call `{0}` with t as it is."


def as_tensor(t: float | Tensor, x: Tensor) -> Any:
    """A time for each example, whatever was given."""
    return torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))
