r"""Implicit models: a network makes samples from noise, and has no density; it is trained by telling samples apart.

A GAN learns what tells them apart, a discriminator D, and each plays against the other; MMD fixes it, a kernel.

.. math:: \min_D \; E \log(1 + e^{-D(x)}) + E \log(1 + e^{D(G(z))}), \qquad \min_G \; E \log(1 + e^{-D(G(z))})
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.distances import mmd_squared
from course.networks.mlp import MLP
from course.tensors import check_generator, not_empty, positive, returned_one_each, whole


class Generator(nn.Module):
    """z ~ N(0, I) through a perceptron.

    Args:
        d: dimension of the samples.
        latent: dimension of z.
        hidden: width of the two hidden layers.

    Shape: ``forward`` (B, latent) → (B, d), ``sample`` n → (n, d). Parameters: those of an
    ``MLP(latent, [hidden, hidden], d)``.
    """

    def __init__(self, d: int = 2, latent: int = 2, hidden: int = 128):
        super().__init__()
        self.latent, self.network = latent, MLP(latent, [hidden, hidden], d)

    def forward(self, z: Tensor) -> Tensor:
        return self.network(z)

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n samples through which gradients flow, shape (n, d)."""
        whole("n", n)
        check_generator(generator)
        weight = next(self.parameters())
        return self(torch.randn(n, self.latent, generator=generator, dtype=weight.dtype, device=weight.device))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n samples, shape (n, d)."""
        return self.draw(n, generator)


def mmd_loss(model: Any, x: Tensor, generator: torch.Generator) -> Tensor:
    """MMD² between data and as many samples, summed over bandwidths from a quarter to four, for ``train``.

    Source: Li, Swersky and Zemel (2015).
    """
    y = model.draw(len(x), generator)
    return sum((mmd_squared(x, y, h) for h in (0.25, 0.5, 1.0, 2.0, 4.0)), x.new_zeros(()))


def train_gan(
    model: Generator,
    discriminator: nn.Module,
    data: Tensor,
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Both networks by turns, a step of Adam each, in place; ``train`` minimizes one loss, and here are two.

    Args:
        model: makes samples.
        discriminator: (B, d) → (B,), large at data.
        data: shape (N, d).
        steps: of each network.
        batch_size, lr, seed: as in ``train``; Adam forgets fast, β₁ = 0.5, since what is best keeps changing.

    Returns:
        The discriminator's and the generator's loss at every step: 2 log 2 and log 2 where none can tell.

    Raises:
        ValueError: if steps, batch size or learning rate are not positive, or the discriminator does not return (B,).
        FloatingPointError: if a loss is not finite.

    Source: Goodfellow et al. (2014), the non-saturating game.
    """
    not_empty(data=data)
    whole("steps", steps, 1)
    whole("batch_size", batch_size, 1)
    positive(lr=lr)
    judge = lambda x: returned_one_each(x, discriminator(x), "discriminator")
    generator = torch.Generator(data.device).manual_seed(seed)
    adams = [torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.9)) for net in (discriminator, model)]
    losses = []
    for _ in range(steps):
        x = data[torch.randint(len(data), (batch_size,), generator=generator, device=data.device)]
        y = model.sample(batch_size, generator)
        told = F.softplus(-judge(x)).mean() + F.softplus(judge(y)).mean()
        _descend(adams[0], told)
        fooled = F.softplus(-judge(model.draw(batch_size, generator))).mean()
        _descend(adams[1], fooled)
        losses.append((told.item(), fooled.item()))
    return losses


def _descend(adam: torch.optim.Adam, loss: Tensor) -> None:
    if not torch.isfinite(loss):
        raise FloatingPointError(f"A loss of the game is {loss.item()}; try a smaller learning rate.")
    adam.zero_grad()
    loss.backward()
    adam.step()
