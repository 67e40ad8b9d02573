r"""Densities that are known exactly, and stay so under noise.

Every sampler, loss and exercise of the course is held against these. A Gaussian mixture seen through noise,

.. math:: x_t = \alpha x_0 + \sigma z, \qquad z \sim \mathcal N(0, I),

is a Gaussian mixture again, so its density and score are known at every noise level; a data set is the mixture whose
components have no width. Shapes: K components, B points, ``*D`` any trailing dimensions, flattened inside.
"""

import math

import torch
from torch import Tensor

from course.tensors import expand, randn_like
from course.types import Time


class Gaussian:
    r"""A Gaussian with a full covariance, :math:`\mathcal N(\mu, \Sigma)`.

    Args:
        mean: μ, shape (D,).
        covariance: Σ, shape (D, D), symmetric and positive definite.

    Raises:
        ValueError: if the shapes do not match, or Σ is not symmetric and positive definite.
    """

    def __init__(self, mean: Tensor, covariance: Tensor):
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise ValueError(
                f"A Gaussian takes a mean of shape (D,) and a covariance of shape (D, D); "
                f"got {tuple(mean.shape)} and {tuple(covariance.shape)}."
            )
        factor, failed = torch.linalg.cholesky_ex(covariance)
        if failed or not torch.allclose(covariance, covariance.mT, rtol=1e-4):
            raise ValueError("A covariance is symmetric with positive eigenvalues; the one given is not.")
        self.mean, self.covariance, self._factor = mean, covariance, factor

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats; x (B, D) → (B,)."""
        _check_points(x, self.mean.shape)
        white = torch.linalg.solve_triangular(self._factor, (x - self.mean).mT, upper=False)
        log_det = self._factor.diagonal().log().sum()
        return -0.5 * (white**2).sum(0) - log_det - 0.5 * len(self.mean) * math.log(2 * math.pi)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) = −Σ⁻¹(x − μ); x (B, D) → (B, D)."""
        _check_points(x, self.mean.shape)
        return -torch.cholesky_solve((x - self.mean).mT, self._factor).mT

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent points, shape (n, D)."""
        return self.mean + randn_like(self.mean.expand(n, -1), generator) @ self._factor.mT

    def diffuse(self, alpha: float, sigma: float) -> "Gaussian":
        """The law of α x₀ + σ z: mean αμ, covariance α²Σ + σ²I."""
        eye = torch.eye(len(self.mean), dtype=self.mean.dtype, device=self.mean.device)
        return Gaussian(alpha * self.mean, alpha**2 * self.covariance + sigma**2 * eye)


class GaussianMixture:
    r"""A mixture of isotropic Gaussians, :math:`p(x) = \sum_k w_k \, \mathcal N(x; m_k, s_k^2 I)`.

    Args:
        weights: w, shape (K,), positive with sum one.
        means: m, shape (K, *D).
        stds: s, shape (K,), positive.

    Raises:
        ValueError: if shapes do not match, a weight or a standard deviation is not positive, or weights do not sum to one.
    """

    def __init__(self, weights: Tensor, means: Tensor, stds: Tensor):
        if weights.ndim != 1 or means.ndim < 2 or stds.shape != weights.shape or len(means) != len(weights):
            raise ValueError(
                f"A mixture takes weights (K,), means (K, D) and stds (K,); "
                f"got {tuple(weights.shape)}, {tuple(means.shape)} and {tuple(stds.shape)}."
            )
        if not (weights > 0).all() or abs(weights.sum().item() - 1) > 1e-4:
            raise ValueError(
                f"Weights are positive and sum to one; got a sum of {weights.sum().item():.6g}: {weights}."
            )
        if not (stds > 0).all():
            raise ValueError(f"Standard deviations are positive; got {stds}.")
        self._set(weights, means, stds, 1.0, 0.0)

    @classmethod
    def _under_noise(cls, weights: Tensor, means: Tensor, stds: Tensor, alpha: Time, sigma: Time) -> "GaussianMixture":
        mixture = object.__new__(cls)
        mixture._set(weights, means, stds, alpha, sigma)
        return mixture

    def _set(self, weights: Tensor, means: Tensor, stds: Tensor, alpha: Time, sigma: Time) -> None:
        """Keep the mixture of x₀ and the noise it is seen through; α and σ of shape (B,) are one noise a point."""
        self.weights, self._means, self._stds, self._alpha, self._sigma = weights, means, stds, alpha, sigma
        self._flat = means.flatten(1)
        self._half_square = 0.5 * (self._flat**2).sum(1)
        self._log_weights = weights.log()
        column = [a[:, None] if isinstance(a, Tensor) and a.ndim else a for a in (alpha, sigma)]
        self._scale = column[0]
        self._variance = column[0] ** 2 * stds**2 + column[1] ** 2  # (K,) or (B, K)

    @property
    def means(self) -> Tensor:
        """Means of the components, shape (K, *D)."""
        self._one_noise_level("means")
        return self._alpha * self._means

    @property
    def stds(self) -> Tensor:
        """Standard deviations of the components, shape (K,)."""
        self._one_noise_level("stds")
        return self._variance.sqrt()

    @property
    def mean(self) -> Tensor:
        """E x, shape (*D)."""
        return torch.tensordot(self.weights, self.means, 1)

    @property
    def covariance(self) -> Tensor:
        """Cov x over the flattened dimensions, shape (D, D)."""
        centred = self.means.flatten(1) - self.mean.flatten()
        eye = torch.eye(centred.shape[1], dtype=centred.dtype, device=centred.device)
        return (self.weights[:, None] * centred).mT @ centred + (self.weights @ self.stds**2) * eye

    def _joint(self, x: Tensor) -> Tensor:
        """log w_k + log N(x; α m_k, v_k I) up to −(D/2) log 2π, shape (B, K), by one matrix product.

        ‖x − αm‖² is expanded and ‖x‖² kept apart: far from every mode this loses less to rounding than the square of
        the difference does.
        """
        flat, v = x.flatten(1), self._variance
        cross = self._scale * (flat @ self._flat.mT) - self._scale**2 * self._half_square
        square = 0.5 * (flat**2).sum(1, keepdim=True)
        return self._log_weights - 0.5 * flat.shape[1] * v.log() + (cross - square) / v

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats; x (B, *D) → (B,)."""
        self._check(x)
        return self._joint(x).logsumexp(1) - 0.5 * self._flat.shape[1] * math.log(2 * math.pi)

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(component k | x); x (B, *D) → (B, K)."""
        self._check(x)
        return self._joint(x).softmax(1)

    def score(self, x: Tensor) -> Tensor:
        r"""∇ log p(x), the pull of every component weighted by its responsibility; x (B, *D) → (B, *D).

        .. math:: \nabla \log p(x) = \sum_k p(k \mid x) \frac{m_k - x}{s_k^2}
        """
        pull = self.responsibilities(x) / self._variance
        return (pull @ self._flat * self._scale - pull.sum(1, keepdim=True) * x.flatten(1)).reshape(x.shape)

    def denoise(self, x: Tensor) -> Tensor:
        r"""E[x₀ | x], the posterior mean of what was diffused, component by component; x (B, *D) → (B, *D).

        .. math:: E[x_0 \mid x, k] = m_k + \frac{\alpha s_k^2}{\alpha^2 s_k^2 + \sigma^2} (x - \alpha m_k)
        """
        gain = self._scale * self._stds**2 / self._variance  # (K,) or (B, K)
        weight = self.responsibilities(x)
        mean = (weight * (1 - gain * self._scale)) @ self._flat + (weight * gain).sum(1, keepdim=True) * x.flatten(1)
        return mean.reshape(x.shape)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent points, shape (n, *D)."""
        component = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        means = self.means[component]
        return means + expand(self.stds[component], means) * randn_like(means, generator)

    def diffuse(self, alpha: Time, sigma: Time) -> "GaussianMixture":
        """The law of α x₀ + σ z: means αm, variances α²s² + σ².

        α and σ of shape (B,) give point b of a batch its own noise level.
        """
        noise = (alpha**2 * self._sigma**2 + sigma**2) ** 0.5
        return self._under_noise(self.weights, self._means, self._stds, alpha * self._alpha, noise)

    def _one_noise_level(self, what: str) -> None:
        if self._variance.ndim == 2:
            raise ValueError(f"This mixture has a noise level for each point, so it has no one value of `{what}`.")

    def _check(self, x: Tensor) -> None:
        _check_points(x, self._means.shape[1:])
        if self._variance.ndim == 2 and len(self._variance) != len(x):
            raise ValueError(f"This mixture has noise levels for {len(self._variance)} points; got {len(x)} points.")


class Empirical:
    """The empirical distribution of a data set: 1/N at each point.

    It has no density, but under any noise it is a mixture, whose score is the best that a network trained on this data
    could learn, and which generates nothing but the data.

    Args:
        data: shape (N, *D).
    """

    def __init__(self, data: Tensor):
        if data.ndim < 2 or len(data) == 0:
            raise ValueError(f"A data set has shape (N, *D) with at least one point; got {tuple(data.shape)}.")
        self.data = data

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points drawn with replacement, shape (n, *D)."""
        return self.data[torch.randint(len(self.data), (n,), generator=generator, device=self.data.device)]

    def diffuse(self, alpha: Time, sigma: Time) -> GaussianMixture:
        """The law of α x₀ + σ z, a mixture with a component of width σ > 0 at every α x₀."""
        if not (torch.as_tensor(sigma) > 0).all():
            raise ValueError(f"An empirical distribution has a density only under noise, sigma > 0; got sigma {sigma}.")
        zeros = self.data.new_zeros(len(self.data))
        return GaussianMixture._under_noise(zeros + 1 / len(zeros), self.data, zeros, alpha, sigma)


def _check_points(x: Tensor, shape: torch.Size) -> None:
    if x.shape[1:] != shape:
        raise ValueError(f"Expected points of shape (B, {', '.join(map(str, shape))}); got {tuple(x.shape)}.")
