"""What a network is told beside the image, as one vector."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.layers import sinusoidal_embedding
from course.tensors import check_labels, one_dtype, one_each, per_example
from course.types import Time


class Condition(nn.Module):
    """Time, and a class where there are classes, as one vector: (t, labels) → (B, dim).

    Args:
        dim: E.
        classes: K, or None. Label K is the null class: nothing is known.
        time_scale: multiplies the times, which are of order one.

    Parameters: 2 · E(E + 1), and (K + 1)E with classes.
    """

    def __init__(self, dim: int, classes: int | None = None, time_scale: float = 100.0):
        super().__init__()
        self.dim, self.classes, self.time_scale = dim, classes, time_scale
        self.time = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.label = nn.Embedding(classes + 1, dim) if classes else None

    def forward(self, x: Tensor, t: Time, labels: Tensor | None = None) -> Tensor:
        times = per_example(t, x)
        one_dtype(weights=next(self.time.parameters(), x), x=x)
        e = self.time(sinusoidal_embedding(self.time_scale * times, self.dim))
        if self.label is None:
            if labels is not None:
                raise ValueError("This network was made without classes, and takes no labels.")
            return F.silu(e)
        if labels is None:
            labels = torch.full((len(x),), self.label.num_embeddings - 1, device=x.device)
        one_each(x, labels=labels)
        try:
            return F.silu(e + self.label(labels))
        except (IndexError, RuntimeError):
            check_labels(labels, x, self.label.num_embeddings)
            raise
