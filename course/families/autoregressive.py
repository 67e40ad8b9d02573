r"""An autoregressive model: a density is a product of one-dimensional ones, each given the coordinates before.

.. math:: p(x) = \prod_i p(x_i \mid x_1, \dots, x_{i-1})
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.mlp import MLP
from course.tensors import check_generator, check_takes, whole


class Autoregressive(nn.Module):
    """Each coordinate has a histogram over equal bins, whose heights a network reads off the coordinates before.

    Args:
        d: dimension.
        bins: of each histogram.
        low, high: where the bins begin and end; outside, the density is zero.
        hidden: width of the networks' two hidden layers.

    Shape: ``log_prob`` (B, d) → (B,), ``sample`` n → (n, d). Parameters: those of d networks
    ``MLP(max(i, 1), [hidden, hidden], bins)``.

    Raises:
        ValueError: if the bins have no width.

    Source: Bengio and Bengio (2000); van den Oord et al. (2016) for the histogram.
    """

    def __init__(self, d: int = 2, bins: int = 64, low: float = -4.0, high: float = 4.0, hidden: int = 128):
        super().__init__()
        whole("d", d, 1)
        if whole("bins", bins) < 1 or not low < high:
            raise ValueError(f"Bins divide a range from low to high; got {bins} from {low} to {high}.")
        self.d, self.bins, self.low, self.width = d, bins, low, (high - low) / bins
        self.networks = nn.ModuleList(MLP(max(i, 1), [hidden, hidden], bins, scale=4.0) for i in range(d))

    def _log_heights(self, x: Tensor, i: int) -> Tensor:
        """log p(x_i in each bin | x_<i), shape (B, bins)."""
        before = x[:, :i] if i else torch.zeros_like(x[:, :1])
        return F.log_softmax(self.networks[i](before), dim=1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact, in nats; x (B, d) → (B,)."""
        check_takes("This model takes points", x, self.d)
        bin = ((x - self.low) / self.width).floor().long()
        inside = ((bin >= 0) & (bin < self.bins)).all(1)
        bin = bin.clamp(0, self.bins - 1)
        heights = [self._log_heights(x, i).gather(1, bin[:, i : i + 1])[:, 0] for i in range(self.d)]
        log_p = torch.stack(heights).sum(0) - self.d * math.log(self.width)
        return torch.where(inside, log_p, -torch.inf)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points, coordinate after coordinate, shape (n, d)."""
        whole("n", n)
        check_generator(generator)
        weight = next(self.parameters())
        x = torch.zeros(n, self.d, dtype=weight.dtype, device=weight.device)
        for i in range(self.d):
            bin = torch.multinomial(self._log_heights(x, i).exp(), 1, generator=generator)[:, 0]
            within = torch.rand(n, generator=generator, dtype=x.dtype, device=x.device)
            x[:, i] = self.low + self.width * (bin + within)
        return x
