r"""Who was in the training set? A model knows what it has seen a little better than what it has not.

Carlini et al. (2023) attack diffusion models of CIFAR-10 by training many shadow models and comparing an image's
denoising loss among them (LiRA); Matsumoto et al. (2023) threshold the loss of one model. One small model's loss is the
score here too, at fixed noise levels and with the same noise for every image, so that only the image differs. An
average such as the AUC may hide that a few are found with certainty: see the true positives at few false ones.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course.matching import perturb
from course.tensors import check_real, positive, returned_as


def denoising_losses(
    denoiser: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    noise: Tensor,
    sigma_data: float = 0.5,
) -> Tensor:
    r"""How badly a model denoises each image: the mean over noise levels σ_l and draws z_k, the same for all images, of

    .. math:: w(\sigma_l) \, \lVert D(x + \sigma_l z_k, \sigma_l) - x \rVert^2 / D,
       \qquad w(\sigma) = \frac{\sigma^2 + \sigma_d^2}{(\sigma \sigma_d)^2}

    Args:
        denoiser: D(x, σ), such as ``Preconditioned``; σ arrives as shape (N,).
        x: images, shape (N, \*D).
        sigmas: L noise levels. Copies are betrayed at medium ones, where the noise hides the image from a model that
            has not seen it, and a model that has recognises it.
        noise: z, K draws of noise, shape (K, \*D).
        sigma_data: σ_d of the loss's weight.

    Returns:
        Shape (N,), no graph.

    Raises:
        ValueError: if noise is not of shape (K, \*D), there is none, or a level or σ_d is not positive.
    """
    check_real(2, x=x, noise=noise)
    if noise.shape[1:] != x.shape[1:] or not len(noise):
        expected = ", ".join(["K", *map(str, x.shape[1:])])
        raise ValueError(f"Expected noise of shape ({expected}), one or more draws for all; got {tuple(noise.shape)}.")
    if not len(sigmas):
        raise ValueError("A loss is taken at one noise level or more; got none.")
    positive(sigma_data=sigma_data)
    total = x.new_zeros(len(x))
    with torch.no_grad():
        for sigma in sigmas:
            positive(sigma=sigma)
            level, weight = x.new_full((len(x),), sigma), (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
            for z in noise:
                error = returned_as(x, denoiser(perturb(x, level, z.expand_as(x)), level), "denoiser") - x
                total += weight * error.square().flatten(1).mean(1)
    return total / (len(sigmas) * len(noise))


def membership_auc(member_losses: Tensor, other_losses: Tensor) -> float:
    r"""The chance that a member has a lower loss than another, a tie counting half: the area under the ROC curve.

    .. math:: \frac{1}{NM} \sum_{i,j} \mathbf 1[a_i < b_j] + \tfrac12 \mathbf 1[a_i = b_j]

    Args:
        member_losses: a, shape (N,), N ≥ 1: of training images.
        other_losses: b, shape (M,), M ≥ 1: of images that were not trained on.

    Returns:
        From 0 to 1; ½ where the loss tells nothing. It takes N log M operations, not N × M.

    Raises:
        ValueError: if a shape is not (N,), a set is empty, or a loss is nan.

    Source: Mann and Whitney (1947). Its standard error is that of ``course.applications.detection.auc``.
    """
    a, b = _two_samples(member_losses, other_losses)
    ordered = b.sort().values
    below, upto = (torch.searchsorted(ordered, a, right=right) for right in (False, True))
    wins = (len(b) - upto).sum().item() + 0.5 * (upto - below).sum().item()
    return wins / (len(a) * len(b))


def roc_curve(member_losses: Tensor, other_losses: Tensor) -> tuple[Tensor, Tensor]:
    """False and true positive rates as the threshold on the loss rises, from (0, 0) to (1, 1).

    Shapes (N,), (M,) → (K,), (K,), both ascending, one point per distinct loss and the first; their area by the
    trapezoidal rule is ``membership_auc``.
    """
    a, b = _two_samples(member_losses, other_losses)
    thresholds = torch.cat([a, b]).unique()
    found = [torch.searchsorted(x.sort().values, thresholds, right=True).double() / len(x) for x in (b, a)]
    false_positives, true_positives = (torch.cat([rate.new_zeros(1), rate]) for rate in found)
    return false_positives, true_positives


def true_positive_rate(member_losses: Tensor, other_losses: Tensor, false_positive_rate: float = 0.01) -> float:
    """The most members that a threshold finds while it accuses at most that share of the others.

    Raises a ValueError where the rate is not from 0 to 1.

    Source: Carlini et al. (2022), "Membership inference attacks from first principles", who ask for it beside the AUC.
    """
    if not 0 <= false_positive_rate <= 1:
        raise ValueError(f"A rate is from 0 to 1; got {false_positive_rate}.")
    false_positives, true_positives = roc_curve(member_losses, other_losses)
    return true_positives[false_positives <= false_positive_rate].max().item()


def _two_samples(member_losses: Tensor, other_losses: Tensor) -> tuple[Tensor, Tensor]:
    check_real(member_losses=member_losses, other_losses=other_losses)
    for name, losses in (("member_losses", member_losses), ("other_losses", other_losses)):
        if losses.ndim != 1 or not len(losses):
            raise ValueError(f"Expected {name} of shape (N,), one or more; got {tuple(losses.shape)}.")
        if losses.isnan().any():
            raise ValueError(f"Some of {name} are nan, which cannot be put in order.")
    return member_losses.detach().double(), other_losses.detach().double()
