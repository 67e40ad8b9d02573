"""hw1: the right answers that the library has under no name of their own."""

import torch
from torch import Tensor

from course.densities import GaussianMixture


def gaussian_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    r"""Log-density of an isotropic Gaussian: of a mixture with one component.

    .. math:: \log \mathcal N(x; \mu, \sigma^2 I)
       = -\frac{\lVert x - \mu \rVert^2}{2 \sigma^2} - D \log \sigma - \frac{D}{2} \log 2\pi

    Args:
        x: shape (B, D).
        mean: μ, shape (D,).
        std: σ > 0, shape ().

    Returns:
        Shape (B,).
    """
    return GaussianMixture(torch.ones_like(std)[None], mean[None], std[None]).log_prob(x)


def mixture_log_prob(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> Tensor:
    r"""Log-density of a mixture of isotropic Gaussians.

    .. math:: \log p(x) = \log \sum_k \exp\bigl(\log w_k + \log \mathcal N(x; m_k, s_k^2 I)\bigr)

    Args:
        x: shape (B, D).
        weights: w, shape (K,), positive with sum one; means: m, shape (K, D); stds: s, shape (K,).

    Returns:
        Shape (B,).
    """
    return GaussianMixture(weights, means, stds).log_prob(x)


def mixture_score(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> Tensor:
    r"""Gradient of the mixture's log-density in x.

    .. math:: \nabla \log p(x) = \sum_k r_k(x) \frac{m_k - x}{s_k^2},
       \qquad r_k(x) = \frac{w_k \, \mathcal N(x; m_k, s_k^2 I)}{p(x)}

    Args:
        x: shape (B, D).
        weights: w, shape (K,), positive with sum one; means: m, shape (K, D); stds: s, shape (K,).

    Returns:
        Shape (B, D).
    """
    return GaussianMixture(weights, means, stds).score(x)


def em_step(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""One step of expectation–maximization, which never lowers the likelihood of x.

    With the responsibilities :math:`r_{nk}` of the old mixture and :math:`N_k = \sum_n r_{nk}`,

    .. math:: w_k = \frac{N_k}{N}, \qquad m_k = \frac{1}{N_k} \sum_n r_{nk} x_n,
       \qquad s_k^2 = \frac{1}{D N_k} \sum_n r_{nk} \lVert x_n - m_k \rVert^2

    Args:
        x: data, shape (N, D).
        weights: shape (K,); means: shape (K, D); stds: shape (K,).

    Returns:
        The new weights, means and stds, in the same shapes.

    Source: Dempster, Laird and Rubin (1977).
    """
    r = GaussianMixture(weights, means, stds).responsibilities(x)
    count = r.sum(0)
    new = r.mT @ x / count[:, None]
    square = (x[:, None] - new).square().sum(2)
    return count / len(x), new, ((r * square).sum(0) / (x.shape[1] * count)).sqrt()


def kde_log_prob(x: Tensor, data: Tensor, bandwidth: float) -> Tensor:
    r"""Log-density of a kernel density estimate: a mixture with a component of width h at every data point.

    .. math:: \log p(x) = \log \frac1N \sum_n \mathcal N(x; x_n, h^2 I)

    Args:
        x: shape (B, D); data: shape (N, D).
        bandwidth: h > 0.

    Returns:
        Shape (B,).

    Source: Parzen (1962).
    """
    ones = data.new_ones(len(data))
    return GaussianMixture(ones / len(data), data, bandwidth * ones).log_prob(x)


def best_bandwidth(train: Tensor, held_out: Tensor, bandwidths: Tensor) -> float:
    """The bandwidth under which a kernel density estimate on ``train`` makes ``held_out`` most likely.

    Args:
        train: shape (N, D); held_out: shape (M, D).
        bandwidths: those to choose from, in any order, shape (L,).
    """
    likelihood = [kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()]
    return bandwidths[int(torch.stack(likelihood).argmax())].item()
