"""Was noise drawn in single precision where double was asked for?"""

import torch
from torch import Tensor

from course.exercises.exercise import Statistic


def in_single_precision(z: Tensor, scale: float, dtype: torch.dtype) -> Statistic:
    """The share of a chain's noise that a float32 holds, before or after it is scaled: none in double precision.

    Of all doubles, one in thousands lies as near to a float32 as rounding tells.

    Args:
        z: noise of variance one, recovered from the chain in float64.
        scale: what the chain multiplies it by.
        dtype: the chain's; in single precision there is nothing to tell.
    """
    shares = torch.stack([((n - n.float()).abs() < 1e-11 * n.abs()).double().mean() for n in (z, scale * z)])
    none = torch.tensor(0.0, dtype=torch.float64)
    return Statistic(shares.max() if dtype is torch.float64 else none, none, 0.3)
