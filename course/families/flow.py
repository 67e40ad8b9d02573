r"""A normalizing flow: an invertible network carries a Gaussian to the data, and its Jacobian accounts for volume.

.. math:: \log p(x) = \log \mathcal N(f(x); 0, I) + \log \lvert \det \nabla f(x) \rvert
"""

import math

import torch
from torch import Tensor, nn

from course.networks.mlp import MLP
from course.tensors import check_generator, check_takes, whole


class Flow(nn.Module):
    """Affine couplings: half of the coordinates shift and scale the other half, then the halves change roles.

    Args:
        d: dimension, at least 2.
        layers: number of couplings.
        hidden: width of the two hidden layers of each coupling's network.

    Shape: ``log_prob`` (B, d) → (B,), ``sample`` n → (n, d). Parameters: those of ``layers`` networks
    ``MLP(d, [hidden, hidden], 2d)``.

    Raises:
        ValueError: if d < 2.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), RealNVP.
    """

    masks: Tensor

    def __init__(self, d: int = 2, layers: int = 8, hidden: int = 64):
        super().__init__()
        if whole("d", d) < 2:
            raise ValueError(f"A coupling splits the coordinates, so d is 2 or more; got {d}.")
        self.d = d
        self.networks = nn.ModuleList(MLP(d, [hidden, hidden], 2 * d) for _ in range(whole("layers", layers, 1)))
        self.register_buffer("masks", (torch.arange(d) + torch.arange(layers)[:, None]) % 2 == 0)

    def _check(self, x: Tensor) -> None:
        check_takes("This flow takes points", x, self.d)

    def _coupling(self, x: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Log-scale and shift of the coordinates that move, from those that stay; both (B, d), zero where they stay."""
        stay = self.masks[layer].to(x.dtype)
        log_scale, shift = self.networks[layer](x * stay).chunk(2, dim=1)
        return (1 - stay) * 2 * torch.tanh(log_scale / 2), (1 - stay) * shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(x) and ``log |det ∇f(x)|``; (B, d) → (B, d) and (B,)."""
        self._check(x)
        log_det = x.new_zeros(len(x))
        for layer in range(len(self.networks)):
            log_scale, shift = self._coupling(x, layer)
            x, log_det = x * log_scale.exp() + shift, log_det + log_scale.sum(1)
        return x, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """f⁻¹(z); (B, d) → (B, d)."""
        self._check(z)
        for layer in reversed(range(len(self.networks))):
            log_scale, shift = self._coupling(z, layer)  # what stays is the same before and after
            z = (z - shift) * (-log_scale).exp()
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact, in nats; x (B, d) → (B,)."""
        z, log_det = self(x)
        return -0.5 * z.square().sum(1) - 0.5 * self.d * math.log(2 * math.pi) + log_det

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points in one pass, shape (n, d)."""
        whole("n", n)
        check_generator(generator)
        weight = next(self.parameters())
        return self.inverse(torch.randn(n, self.d, generator=generator, dtype=weight.dtype, device=weight.device))
