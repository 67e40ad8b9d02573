"""The loss of every family that knows its own density."""

from typing import Any

import torch
from torch import Tensor


def likelihood_loss(model: Any, x: Tensor, generator: torch.Generator) -> Tensor:
    """−mean log p(x) in nats, for ``train``: an estimate of KL(data‖model) up to the data's entropy."""
    return -model.log_prob(x).mean()
