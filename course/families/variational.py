r"""A variational autoencoder: a Gaussian seen through a network, and a second network that guesses what was seen.

.. math:: \log p(x) \ge E_{q(z \mid x)} \log \frac{p(x \mid z) \, p(z)}{q(z \mid x)}, \qquad p(z) = \mathcal N(0, I)
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from course.networks.mlp import MLP
from course.tensors import check_generator, check_real, check_takes, whole


class VAE(nn.Module):
    """Encoder q(z | x) and decoder p(x | z), Gaussians with diagonal covariance; the decoder's width is learned.

    Args:
        d: dimension of the data.
        latent: dimension of z.
        hidden: width of the two hidden layers of both networks.

    Shape: ``elbo`` (B, d) → (B,), ``sample`` n → (n, d). Parameters: those of ``MLP(d, [hidden, hidden], 2 · latent)``
    and ``MLP(latent, [hidden, hidden], d)``, and one.

    Source: Kingma and Welling (2014).
    """

    def __init__(self, d: int = 2, latent: int = 2, hidden: int = 128):
        super().__init__()
        self.d, self.latent = whole("d", d, 1), whole("latent", latent, 1)
        self.encoder = MLP(d, [hidden, hidden], 2 * latent, scale=4.0)
        self.decoder = MLP(latent, [hidden, hidden], d, scale=4.0)
        self.log_std = nn.Parameter(torch.tensor(0.0))

    def _log_weight(self, x: Tensor, noise: Tensor) -> Tensor:
        """log p(x | z) p(z) / q(z | x) at z = μ + s · noise, shape (B,)."""
        check_takes("This VAE takes points", x, self.d)
        if noise.shape != (len(x), self.latent):
            raise ValueError(f"Expected noise of shape {(len(x), self.latent)}; got {tuple(noise.shape)}.")
        mean, log_std = self.encoder(x).chunk(2, dim=1)
        z = mean + log_std.exp() * noise
        error = (x - self.decoder(z)) / self.log_std.exp()
        log_joint = -0.5 * (error.square() + math.log(2 * math.pi)).sum(1) - x.shape[1] * self.log_std
        return log_joint - 0.5 * (z.square() - noise.square()).sum(1) + log_std.sum(1)

    def elbo(self, x: Tensor, noise: Tensor) -> Tensor:
        """An unbiased estimate of the bound; x (B, d), noise ~ N(0, I) (B, latent) → (B,)."""
        return self._log_weight(x, noise)

    @torch.no_grad()
    def log_prob(self, x: Tensor, k: int = 500, generator: torch.Generator | None = None) -> Tensor:
        """Nearly log p(x), by importance sampling with k draws: below it on average, and the closer the larger k is.

        Source: Burda, Grosse and Salakhutdinov (2016).
        """
        check_real(x=x)
        whole("k", k, 1)
        draw = lambda: torch.randn(len(x), self.latent, generator=generator, dtype=x.dtype, device=x.device)
        return torch.stack([self._log_weight(x, draw()) for _ in range(k)]).logsumexp(0) - math.log(k)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points, with the decoder's noise, shape (n, d)."""
        whole("n", n)
        check_generator(generator)
        z = torch.randn(n, self.latent, generator=generator, dtype=self.log_std.dtype, device=self.log_std.device)
        x = self.decoder(z)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return x + self.log_std.exp() * noise


def elbo_loss(model: Any, x: Tensor, generator: torch.Generator) -> Tensor:
    """−mean ELBO in nats, for ``train``."""
    return -model.elbo(x, torch.randn(len(x), model.latent, generator=generator, dtype=x.dtype, device=x.device)).mean()
