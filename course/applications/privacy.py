r"""Differential privacy: a training in which no single image can have mattered much, and a proof of how little.

Dockhorn et al. (2023) and Ghalebikesabi et al. (2023) train private diffusion models of images on GPUs, with batches of
thousands and many draws of noise per image. Here the same step is taken in small: gradients per example by
``torch.func``, clipped and noised, inside the course's own loop, which resumes exactly. Opacus brings its own loader
and optimizer, so it is the judge: tests compare its gradients and its accountant with these.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from course.tensors import check_generator, check_real, check_tensor, positive, randn_like, whole
from course.training.loop import Batch


def clipped_gradients(gradients: Tensor, max_norm: float) -> Tensor:
    r"""The mean over examples of gradients that are no longer than C.

    .. math:: \frac1B \sum_i g_i \min\Bigl(1, \frac{C}{\lVert g_i \rVert}\Bigr)

    Args:
        gradients: one per example, shape (B, P), B ≥ 1; a gradient may be zero, and then stays so.
        max_norm: C > 0.

    Returns:
        Shape (P,). One example more or less changes B times this by at most C.

    Raises:
        ValueError: if the gradients are not of shape (B, P), there is none, or C is not positive.

    Source: Abadi et al. (2016), algorithm 1.
    """
    positive(max_norm=max_norm)
    check_real(gradients=gradients)
    if gradients.ndim != 2 or not len(gradients):
        raise ValueError(f"Expected one gradient per example, shape (B, P); got {tuple(gradients.shape)}.")
    huge = gradients.norm(dim=1).isinf()  # of squares that overflow: only the direction matters
    gradients = torch.where(huge[:, None], gradients / gradients.abs().amax(1, keepdim=True), gradients)
    norms = gradients.norm(dim=1)
    factors = torch.where(huge | (norms > max_norm), max_norm / norms, 1.0)
    return (factors[:, None] * gradients).mean(0)


def example_gradients(
    model: nn.Module, loss: Callable[..., Tensor], *batch: Tensor, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    r"""The gradient of every example's own loss, by ``vmap`` of ``grad``.

    Args:
        model: whose layers treat every example alone: group norm, and no batch norm.
        loss: (model, \*example) → scalar, of tensors with a first axis of size one.
        batch: tensors of shape (B, ...).
        chunk: examples at a time; all at once if None.

    Returns:
        Gradients, shape (B, P), in the order of ``model.parameters()``, and losses, shape (B,).

    Raises:
        TypeError: if the batch holds anything but tensors, or the loss is no scalar.
    """
    weights = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}

    def alone(weights: dict[str, Tensor], *example: Tensor) -> Tensor:
        call = lambda *args: functional_call(model, weights, args)
        value = loss(call, *(a[None] for a in example))
        if not isinstance(value, Tensor) or value.ndim:
            raise TypeError(f"Expected the loss of one example to be a scalar; got {getattr(value, 'shape', value)}.")
        return value

    check_tensor(**{f"batch[{i}]": tensor for i, tensor in enumerate(batch)})
    axes = (None, *[0] * len(batch))
    gradients, losses = vmap(grad_and_value(alone), in_dims=axes, chunk_size=chunk)(weights, *batch)
    return torch.cat([g.flatten(1) for g in gradients.values()], dim=1), losses


def poisson_batch(data: Batch, n: int, generator: torch.Generator) -> Batch:
    """Every example by a toss of its own, with probability n / N: n of them on average, at times none.

    It is the ``draw`` of ``train`` for which the privacy of a step is known; drawing n with replacement is not.
    """
    first = data[0] if isinstance(data, tuple) else data
    check_tensor(data=first)
    check_generator(generator)
    if whole("n", n, 1) > len(first):
        raise ValueError(f"A batch of {n} on average is drawn from as many examples or more; got {len(first)}.")
    chosen = torch.rand(len(first), generator=generator, device=first.device) < n / len(first)
    return tuple(tensor[chosen] for tensor in data) if isinstance(data, tuple) else data[chosen]


class PrivateLoss:
    r"""A loss for ``train`` whose gradient is that of DP-SGD.

    .. math:: \tilde g = \frac1n \Bigl(\sum_{i \in \text{batch}} g_i \min\bigl(1, C / \lVert g_i \rVert\bigr)
       + \nu C z\Bigr), \qquad z \sim \mathcal N(0, I)

    Whatever the loop then does with it (Adam, averages of the weights) sees the data through this alone. The value is
    the batch's mean loss, which is not private and for the eye of the one who trains.

    Args:
        prepare: (batch, generator) → tensors of shape (B, ...): the batch with its noise.
        loss: (model, \*example) → scalar, of one example of these tensors, each with a first axis of size one.
        batch_size: n, the mean size of Poisson's batches, with ``train(..., draw=poisson_batch, batch_size=n)``.
        max_norm: C.
        noise_multiplier: ν; 0 clips only, and promises nothing.
        chunk: examples at a time.

    Source: Abadi et al. (2016), algorithm 1.
    """

    def __init__(
        self,
        prepare: Callable[[Any, torch.Generator], tuple[Tensor, ...]],
        loss: Callable[..., Tensor],
        batch_size: int,
        max_norm: float,
        noise_multiplier: float,
        chunk: int | None = None,
    ):
        positive(max_norm=max_norm)
        if not noise_multiplier >= 0:
            raise ValueError(f"The noise multiplier is 0 or more; got {noise_multiplier}.")
        self.prepare, self.loss, self.batch_size = prepare, loss, whole("batch_size", batch_size, 1)
        self.max_norm, self.noise_multiplier, self.chunk = max_norm, noise_multiplier, chunk

    def check_run(self, draw: Any, batch_size: int) -> None:
        """Raise a ValueError, which ``train`` asks for, if batches are drawn so that ν says nothing of privacy."""
        if self.noise_multiplier and (draw is not poisson_batch or batch_size != self.batch_size):
            raise ValueError(
                f"A private loss is for train(..., draw=poisson_batch, batch_size={self.batch_size}); got "
                f"{getattr(draw, '__name__', draw)} and {batch_size}, of which no privacy follows."
            )

    def __call__(self, model: nn.Module, batch: Any, generator: torch.Generator) -> Tensor:
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        gradient = torch.zeros(sum(w.numel() for w in weights), dtype=weights[0].dtype, device=weights[0].device)
        total = gradient.new_zeros(())
        examples = self.prepare(batch, generator)
        for part in zip(*(tensor.split(self.chunk or max(len(tensor), 1)) for tensor in examples)):
            if len(part[0]):
                gradients, losses = example_gradients(model, self.loss, *part)
                gradient += clipped_gradients(gradients, self.max_norm) * len(gradients)
                total += losses.sum()
        noise = self.noise_multiplier * self.max_norm * randn_like(gradient, generator)
        pieces = ((gradient + noise) / self.batch_size).split([w.numel() for w in weights])
        surrogate = sum((w * piece.view_as(w)).sum() for w, piece in zip(weights, pieces))
        return total / max(len(examples[0]), 1) + (surrogate - surrogate.detach())


ORDERS = tuple(range(2, 257))
"""Orders α of Rényi divergence among which ``epsilon`` looks for the best."""


def renyi_divergence(order: int, noise_multiplier: float, rate: float) -> float:
    r"""What one step reveals at most: the Rényi divergence of order α between its outcomes with and without an example.

    .. math:: \frac{1}{\alpha - 1} \log \sum_{k=0}^{\alpha} \binom{\alpha}{k} (1 - q)^{\alpha - k} q^k
       \exp\Bigl(\frac{k^2 - k}{2 \nu^2}\Bigr)

    Args:
        order: α, a whole number, 2 or more.
        noise_multiplier: ν > 0.
        rate: q, the probability with which an example is in a batch, above 0, at most 1.

    Source: Mironov et al. (2019), section 3.3. At q = 1 it is α / 2ν².
    """
    whole("order", order, 2)
    positive(noise_multiplier=noise_multiplier, rate=rate)
    noise_multiplier, rate = float(noise_multiplier), float(rate)
    if rate > 1:
        raise ValueError(f"A rate is a probability; got {rate}.")
    k = torch.arange(order + 1, dtype=torch.float64)
    choose = math.lgamma(order + 1) - torch.lgamma(k + 1) - torch.lgamma(order - k + 1)
    out = torch.special.xlogy(order - k, torch.tensor(1.0 - rate, dtype=torch.float64))
    terms = (
        choose + out + k * math.log(rate) + (k**2 - k) / max(2 * noise_multiplier**2, 5e-324)
    )  # a square may underflow
    return terms.logsumexp(0).item() / (order - 1)


def epsilon(noise_multiplier: float, rate: float, steps: int, delta: float) -> float:
    r"""The ε of (ε, δ)-differential privacy after a training with DP-SGD on Poisson's batches.

    .. math:: \varepsilon = \min_\alpha \; T \rho_\alpha + \log \frac{\alpha - 1}{\alpha}
       - \frac{\log \delta + \log \alpha}{\alpha - 1}, \qquad \rho_\alpha \text{ of a single step}

    An attacker who knows all other images tells whether one was there with true and false positive rates that obey
    TPR ≤ e^ε FPR + δ.

    Args:
        noise_multiplier: ν > 0.
        rate: q = n / N.
        steps: T.
        delta: δ between 0 and 1, well below 1 / N.

    Source: Mironov et al. (2019); the conversion by Balle et al. (2020), theorem 21, as in Opacus.
    """
    whole("steps", steps, 1)
    if not 0 < delta < 1:
        raise ValueError(f"δ is a probability between 0 and 1; got {delta}.")

    def at(order: int) -> float:
        spent = steps * renyi_divergence(order, noise_multiplier, rate)
        return spent + math.log((order - 1) / order) - (math.log(delta) + math.log(order)) / (order - 1)

    return max(0.0, min(map(at, ORDERS)))
