r"""Densities that are known exactly, and stay so under noise.

Every sampler, loss and exercise of the course is held against these. A Gaussian mixture seen through noise,

.. math:: x_t = \alpha x_0 + \sigma z, \qquad z \sim \mathcal N(0, I),

is a Gaussian mixture again, so its density and score are known at every noise level; a data set is the mixture whose
components have no width. Shapes: K components, B points, ``*D`` any trailing dimensions, flattened inside.

Every method that takes points raises a ValueError where they have another shape or dtype than the density.
"""

import math
from copy import copy

import torch
from torch import Tensor

from course.tensors import check_generator, check_tensor, expand, randn_like, whole
from course.types import Time


class Gaussian:
    r"""A Gaussian with a full covariance, :math:`\mathcal N(\mu, \Sigma)`.

    Args:
        mean: μ, shape (D,).
        covariance: Σ, shape (D, D), symmetric and positive definite.

    Raises:
        ValueError: if shapes or dtypes do not match, or Σ is not symmetric and positive definite.
    """

    def __init__(self, mean: Tensor, covariance: Tensor):
        mean, covariance = torch.as_tensor(mean), torch.as_tensor(covariance)
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise ValueError(
                f"A Gaussian takes a mean of shape (D,) and a covariance of shape (D, D); "
                f"got {tuple(mean.shape)} and {tuple(covariance.shape)}."
            )
        _check_dtypes(mean=mean, covariance=covariance)
        factor, failed = torch.linalg.cholesky_ex(covariance)
        asymmetry = (covariance - covariance.mT).abs().max()
        if failed or not asymmetry <= 1e-4 * covariance.abs().max():
            raise ValueError(
                f"A covariance is symmetric with positive eigenvalues; got a matrix that differs from its transpose "
                f"by {asymmetry.item():.3g} and has {'no' if failed else 'a'} Cholesky factor."
            )
        self.mean, self.covariance, self._factor = mean, covariance, factor

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats; x (B, D) → (B,)."""
        _check_points(x, self.mean)
        white = torch.linalg.solve_triangular(self._factor, (x - self.mean).mT, upper=False)
        log_det = self._factor.diagonal().log().sum()
        return -0.5 * (white**2).sum(0) - log_det - 0.5 * len(self.mean) * math.log(2 * math.pi)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) = −Σ⁻¹(x − μ); x (B, D) → (B, D)."""
        _check_points(x, self.mean)
        return -torch.cholesky_solve((x - self.mean).mT, self._factor).mT

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent points, shape (n, D)."""
        whole("n", n)
        return self.mean + randn_like(self.mean.expand(n, -1), generator) @ self._factor.mT

    def diffuse(self, alpha: float, sigma: float) -> "Gaussian":
        """The law of α x₀ + σ z: mean αμ, covariance α²Σ + σ²I; α and σ are numbers, or a ValueError is raised."""
        shapes = [tuple(torch.as_tensor(a).shape) for a in (alpha, sigma)]
        if shapes != [(), ()]:
            raise ValueError(f"A Gaussian is diffused by two numbers; got shapes {shapes[0]} and {shapes[1]}.")
        eye = torch.eye(len(self.mean), dtype=self.mean.dtype, device=self.mean.device)
        return Gaussian(alpha * self.mean, alpha**2 * self.covariance + sigma**2 * eye)


class GaussianMixture:
    r"""A mixture of isotropic Gaussians, :math:`p(x) = \sum_k w_k \, \mathcal N(x; m_k, s_k^2 I)`.

    Args:
        weights: w, shape (K,), positive with sum one.
        means: m, shape (K, *D).
        stds: s, shape (K,), positive.

    Raises:
        ValueError: if shapes or dtypes do not match, weights or stds are not positive, or weights do not sum to one.
    """

    def __init__(self, weights: Tensor, means: Tensor, stds: Tensor):
        weights, means, stds = torch.as_tensor(weights), torch.as_tensor(means), torch.as_tensor(stds)
        if (
            weights.ndim != 1
            or not len(weights)
            or means.ndim < 2
            or stds.shape != weights.shape
            or len(means) != len(weights)
        ):
            raise ValueError(
                f"A mixture takes weights (K,), means (K, *D) and stds (K,); "
                f"got {tuple(weights.shape)}, {tuple(means.shape)} and {tuple(stds.shape)}."
            )
        _check_dtypes(weights=weights, means=means, stds=stds)
        if not (weights > 0).all() or abs(weights.sum().item() - 1) > 1e-4:
            raise ValueError(
                f"Weights are positive and sum to one; got a smallest of {weights.min().item():.6g} "
                f"and a sum of {weights.sum().item():.6g}."
            )
        if not (stds > 0).all():
            raise ValueError(f"Standard deviations are positive; got a smallest of {stds.min().item():.6g}.")
        self._set(weights / weights.sum(), means, stds)

    def _set(self, weights: Tensor, means: Tensor, stds: Tensor) -> None:
        """Keep the mixture of x₀, its means as offsets from their centre: squares of large numbers lose digits."""
        self.weights, self._means, self._stds = weights, means, stds
        self._log_weights = weights.log()
        self._centre = means.flatten(1).mean(0)
        self._offsets = means.flatten(1) - self._centre
        self._half_square = 0.5 * (self._offsets**2).sum(1)
        self._see_through(1.0, 0.0)

    def _see_through(self, alpha: Time, sigma: Time) -> None:
        """Keep the noise that x₀ is seen through; α and σ of shape (B,) are one noise a point."""
        self._alpha, self._sigma = alpha, sigma
        self._scale, noise = (a.to(self._means.dtype) if isinstance(a, Tensor) else a for a in (alpha, sigma))
        scale = self._scale
        self._column = scale[:, None] if isinstance(scale, Tensor) and scale.ndim else scale
        self._variance = v = scale**2 * self._stds[:, None] ** 2 + noise**2  # (K, 1) or (K, B)
        self._gain, self._precision = scale / v, 1 / v
        log_norm = self._log_weights[:, None] - 0.5 * len(self._centre) * v.log()
        self._bias = log_norm - scale**2 * self._half_square[:, None] / v
        self._widest = self._precision.amin(0)

    @property
    def means(self) -> Tensor:
        """Means of the components, shape (K, *D)."""
        self._one_noise_level("means")
        return self._alpha * self._means

    @property
    def stds(self) -> Tensor:
        """Standard deviations of the components, shape (K,)."""
        self._one_noise_level("stds")
        return self._variance.squeeze(1).sqrt()

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

    def _offset(self, x: Tensor) -> Tensor:
        """x − αc, flattened, with c the centre of the means, shape (B, D)."""
        return x.flatten(1) - self._column * self._centre

    def _joint(self, offset: Tensor) -> tuple[Tensor, Tensor]:
        """log w_k + log N(x; α m_k, v_k I) without −(D/2) log 2π, in two parts whose sum it is: (K, B) and (B,).

        ‖x − αm‖² is expanded, so that one matrix product computes it and no array of shape (B, K, D) is made. ‖x‖²/2v
        of the widest component is common to all and kept apart: far from the data it would drown their differences.
        Components come first: a softmax over the first axis is many times faster than one over a short last axis.
        """
        square = 0.5 * offset.square().sum(1)
        own = torch.addcmul(self._bias, self._gain, self._offsets @ offset.mT)
        return torch.addcmul(own, self._precision - self._widest, square, value=-1), -square * self._widest

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats; x (B, *D) → (B,)."""
        self._check(x)
        own, common = self._joint(self._offset(x))
        return own.logsumexp(0) + common - 0.5 * len(self._centre) * math.log(2 * math.pi)

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(component k | x); x (B, *D) → (B, K)."""
        self._check(x)
        return self._joint(self._offset(x))[0].softmax(0).mT

    def score(self, x: Tensor) -> Tensor:
        r"""∇ log p(x), the pull of every component weighted by its responsibility; x (B, *D) → (B, *D).

        .. math:: \nabla \log p(x) = \sum_k p(k \mid x) \frac{m_k - x}{s_k^2}
        """
        self._check(x)
        offset = self._offset(x)
        pull = self._joint(offset)[0].softmax(0) * self._precision
        return (pull.mT @ self._offsets * self._column - pull.sum(0)[:, None] * offset).reshape(x.shape)

    def denoise(self, x: Tensor) -> Tensor:
        r"""E[x₀ | x], the posterior mean of what was diffused, component by component; x (B, *D) → (B, *D).

        .. math:: E[x_0 \mid x, k] = m_k + \frac{\alpha s_k^2}{\alpha^2 s_k^2 + \sigma^2} (x - \alpha m_k)
        """
        self._check(x)
        offset = self._offset(x)
        weight = self._joint(offset)[0].softmax(0)
        gain = self._gain * self._stds[:, None] ** 2
        kept = weight * (1 - gain * self._scale)
        return (self._centre + kept.mT @ self._offsets + (weight * gain).sum(0)[:, None] * offset).reshape(x.shape)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent points, shape (n, *D)."""
        check_generator(generator)
        component = torch.multinomial(self.weights, whole("n", n, 1), replacement=True, generator=generator)
        means = self.means[component]
        return means + expand(self.stds[component], means) * randn_like(means, generator)

    def diffuse(self, alpha: Time, sigma: Time) -> "GaussianMixture":
        """The law of α x₀ + σ z: means αm, variances α²s² + σ².

        α and σ of shape (B,) give point b of a batch its own noise level. Such a mixture has no one value of its means,
        and raises a ValueError when it is asked for them, for other moments or for samples.

        Raises:
            ValueError: if α and σ, or the noise that is there already, are neither numbers nor all of one shape (B,).
        """
        _check_noise(alpha, sigma, self._alpha, self._sigma)
        mixture = copy(self)
        mixture._see_through(alpha * self._alpha, (alpha**2 * self._sigma**2 + sigma**2) ** 0.5)
        return mixture

    def _one_noise_level(self, what: str) -> None:
        if self._each_its_own():
            raise ValueError(f"Expected one noise level for `{what}`; this mixture was diffused by one for each point.")

    def _each_its_own(self) -> bool:
        return any(isinstance(a, Tensor) and a.ndim > 0 for a in (self._alpha, self._sigma))

    def _check(self, x: Tensor) -> None:
        _check_points(x, self._means[0])
        levels = self._variance.shape[1]
        if levels != len(x) and self._each_its_own():
            raise ValueError(f"This mixture has noise levels for {levels} points; got {len(x)} points.")


class Empirical:
    """The empirical distribution of a data set: 1/N at each point.

    It has no density, but under any noise it is a mixture, whose score is the best that a network trained on this data
    could learn, and which generates nothing but the data.

    Args:
        data: shape (N, *D).

    Raises:
        ValueError: if there is no point, or its numbers are integers.
    """

    def __init__(self, data: Tensor):
        data = torch.as_tensor(data)
        if data.ndim < 2 or len(data) == 0:
            raise ValueError(f"A data set has shape (N, *D) with at least one point; got {tuple(data.shape)}.")
        _check_dtypes(data=data)
        self.data = data
        self._points = object.__new__(GaussianMixture)
        self._points._set(data.new_full((len(data),), 1 / len(data)), data, data.new_zeros(len(data)))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points drawn with replacement, shape (n, *D)."""
        check_generator(generator)
        index = torch.randint(len(self.data), (whole("n", n),), generator=generator, device=self.data.device)
        return self.data[index]

    def diffuse(self, alpha: Time, sigma: Time) -> GaussianMixture:
        """The law of α x₀ + σ z, a mixture with a component of width σ at every α x₀; a ValueError if σ is not > 0."""
        visible = torch.as_tensor(sigma, dtype=self.data.dtype) ** -2  # the precision of every component
        if not ((torch.as_tensor(sigma) > 0).all() and visible.isfinite().all()):
            least = torch.as_tensor(sigma).min().item()
            raise ValueError(f"An empirical distribution has a density only under noise, sigma > 0; got {least:.6g}.")
        return self._points.diffuse(alpha, sigma)


def _check_dtypes(**tensors: Tensor) -> None:
    dtypes = [t.dtype for t in tensors.values()]
    if len(set(dtypes)) > 1 or not dtypes[0].is_floating_point:
        raise ValueError(
            f"Expected one floating-point dtype for {', '.join(tensors)}; got {', '.join(map(str, dtypes))}."
        )


def _check_points(x: Tensor, like: Tensor) -> None:
    check_tensor(x=x)
    if x.shape[1:] != like.shape or x.dtype != like.dtype:
        shape = f"(B, {', '.join(map(str, like.shape))})"
        raise ValueError(f"Expected points of shape {shape} and {like.dtype}; got {tuple(x.shape)} and {x.dtype}.")


def _check_noise(*levels: Time) -> None:
    shapes = {tuple(a.shape) for a in levels if isinstance(a, Tensor) and a.ndim}
    if len(shapes) > 1 or any(len(shape) > 1 for shape in shapes):
        given = " and ".join(map(str, sorted(shapes)))
        raise ValueError(f"Expected noise levels that are numbers or all of one shape (B,); got shapes {given}.")
