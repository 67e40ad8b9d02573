r"""How far samples are from a density, or from other samples.

A divergence of densities (KL) needs both in closed form; distances of samples (MMD, Wasserstein) need none; and for
images, distances are measured between the features of a classifier. Points may have any trailing dimensions ``*D``.
"""

import torch
from torch import Tensor

from course.tensors import check_real, in_double, not_empty, positive, shaped_as, whole


def kl_on_grid(log_p: Tensor, log_q: Tensor, cell: float) -> Tensor:
    r"""KL(p‖q) = ∫ p log(p/q), as a Riemann sum.

    Args:
        log_p, log_q: log-densities at the points of one grid, shape (N,).
        cell: volume of a cell of the grid.

    Returns:
        Shape (); infinite where p has mass that q has not.

    Raises:
        ValueError: if the two are not of one shape.
    """
    shaped_as(log_p, log_q=log_q)
    positive(cell=cell)
    terms = log_p.exp() * (log_p - log_q)
    return torch.where(log_p.isneginf(), 0.0, terms).sum() * cell


def mmd_squared(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    r"""Squared maximum mean discrepancy, without bias, so that it may be negative.

    .. math:: \frac{1}{N(N-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{M(M-1)} \sum_{i \ne j} k(y_i, y_j)
       - \frac{2}{NM} \sum_{i,j} k(x_i, y_j), \qquad k(a, b) = e^{-\lVert a - b \rVert^2 / 2h^2}

    Args:
        x: shape (N, \*D), N ≥ 2; y: shape (M, \*D), M ≥ 2.
        bandwidth: h > 0.

    Returns:
        Shape (), differentiable.

    Raises:
        ValueError: if there are too few points, or h is not positive.

    Source: Gretton et al. (2012), eq. 3.
    """
    x, y = _flat(x, y)
    if min(len(x), len(y)) < 2:
        raise ValueError(f"Without bias, two points of each are needed; got {len(x)} and {len(y)}.")
    positive(bandwidth=bandwidth)
    kernel = lambda a, b: torch.exp(-_squared_distances(a, b) / (2 * bandwidth**2))
    within = [(kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1)) for a in (x, y)]
    return within[0] + within[1] - 2 * kernel(x, y).mean()


def wasserstein(x: Tensor, y: Tensor, p: float = 2.0) -> float:
    r"""Exact Wasserstein distance of two samples of equal size: the cheapest pairing.

    .. math:: W_p = \Bigl(\min_\pi \frac1N \sum_i \lVert x_i - y_{\pi(i)} \rVert^p\Bigr)^{1/p}

    Args:
        x, y: shape (N, \*D); a thousand points take about a tenth of a second.
        p: ≥ 1.

    Raises:
        ValueError: if the sizes differ, or p is below 1.
    """
    from scipy.optimize import linear_sum_assignment

    if not 1 <= p < float("inf"):
        raise ValueError(f"Wasserstein distances have p from 1 on; got {p}.")
    x, y = _flat(x, y, same_size=True)
    cost = _squared_distances(in_double(x), in_double(y)) ** (p / 2)
    if not cost.isfinite().all():
        raise ValueError("Only finite points can be paired; some of these are nan or infinite.")
    rows, columns = linear_sum_assignment(cost.detach().cpu().numpy())
    return cost[rows, columns].mean().item() ** (1 / p)


def sliced_wasserstein(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    r"""The square root of the mean over directions of W₂² along each, where sorting finds the pairing.

    Args:
        x, y: shape (N, D).
        directions: unit vectors, shape (P, D).

    Returns:
        Shape (), differentiable.

    Raises:
        ValueError: if the sizes differ, or directions are no unit vectors.

    Source: Rabin et al. (2012).
    """
    x, y = _flat(x, y, same_size=True)
    not_empty(directions=directions)
    if directions.ndim != 2 or directions.shape[1] != x.shape[1]:
        raise ValueError(f"Expected directions of shape (P, {x.shape[1]}); got {tuple(directions.shape)}.")
    lengths = directions.detach().norm(dim=1)
    if ((lengths - 1).abs() > 0.01).any():
        raise ValueError(
            f"Directions are unit vectors; got lengths from {lengths.min().item():.3g} to {lengths.max().item():.3g}. "
            "Try `torch.nn.functional.normalize(directions)`."
        )
    along_x, along_y = ((directions @ a.mT).sort(dim=1).values for a in (x, y))
    return (along_x - along_y).square().mean().sqrt()


def frechet_distance(x: Tensor, y: Tensor) -> float:
    r"""Squared Wasserstein distance of the Gaussians with the moments of two samples.

    .. math:: \lVert \mu - \nu \rVert^2 + \operatorname{tr}\bigl(A + B - 2 (A^{1/2} B A^{1/2})^{1/2}\bigr)

    Args:
        x: features, shape (N, F); y: shape (M, F).

    Source: Dowson and Landau (1982); Heusel et al. (2017), with the features of Inception.
    """
    x, y = (in_double(a) for a in _flat(x, y))
    if min(len(x), len(y)) < 2:
        raise ValueError(f"A covariance needs two points or more; got {len(x)} and {len(y)}.")
    a, b = (points.T.cov().reshape(points.shape[1], -1) for points in (x, y))
    values, vectors = torch.linalg.eigh(a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    return ((x.mean(0) - y.mean(0)).square().sum() + a.trace() + b.trace() - 2 * cross).item()


def digit_features(x: Tensor) -> Tensor:
    """Features of the classifier that ships, for distances between images of digits; (N, 1, 16, 16) → (N, 64)."""
    from course.pretrained import load

    check_real(4, x=x)
    classifier = load("classifier").to(x.device)
    with torch.no_grad():
        return torch.cat([classifier.features(batch) for batch in x.split(500)])


def mode_coverage(samples: Tensor, modes: Tensor, radius: float) -> float:
    """The share of modes with a sample within the radius; samples (N, D), modes (K, D)."""
    samples, modes = _flat(samples, modes)
    positive(radius=radius)
    if not len(modes) or not len(samples):
        raise ValueError(f"Coverage needs a mode and a sample; got {len(modes)} and {len(samples)}.")
    if not (samples.isfinite().all() and modes.isfinite().all()):
        raise ValueError("Only finite points have distances; some of these are nan or infinite.")
    return (_squared_distances(modes, samples).amin(1) <= radius**2).float().mean().item()


def precision_recall(real: Tensor, generated: Tensor, k: int = 3) -> tuple[float, float]:
    r"""The share of generated points that lie among the real, and of real points that lie among the generated.

    A point lies among others if it is in one of the balls that reach from each of these to its k-th neighbour.

    Args:
        real: features, shape (N, F); generated: shape (M, F).
        k: the neighbour, less than N and M.

    Raises:
        ValueError: if there are not so many neighbours.

    Source: Kynkäänniemi et al. (2019).
    """
    real, generated = _flat(real, generated)
    if not 1 <= whole("k", k) < min(len(real), len(generated)):
        raise ValueError(f"Each point needs {k} neighbours, so more points; got {len(real)} and {len(generated)}.")
    across = torch.cdist(generated, real, compute_mode="donot_use_mm_for_euclid_dist")

    def among(distance: Tensor, others: Tensor) -> float:
        own = torch.cdist(others, others, compute_mode="donot_use_mm_for_euclid_dist")
        radii = own.kthvalue(k + 1, dim=1).values  # the nearest of all is the point itself
        return (distance <= radii).any(1).float().mean().item()

    return among(across, real), among(across.T, generated)


def _flat(x: Tensor, y: Tensor, same_size: bool = False) -> tuple[Tensor, Tensor]:
    not_empty(x=x, y=y)
    if x.dtype != y.dtype:
        raise TypeError(f"Expected two samples of one dtype; got {x.dtype} and {y.dtype}.")
    if x.shape[1:] != y.shape[1:] or x.ndim < 2 or (same_size and len(x) != len(y)):
        wanted = "two samples of one shape (N, *D)" if same_size else "samples of shapes (N, *D) and (M, *D)"
        raise ValueError(f"Expected {wanted}; got {tuple(x.shape)} and {tuple(y.shape)}.")
    return x.flatten(1), y.flatten(1)


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """‖x_i − y_j‖², (N, M), by a matrix product of points taken from their common centre, which keeps digits."""
    centre = x.detach().mean(0)
    x, y = x - centre, y - centre
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)
