r"""An invisible watermark in the starting noise, found again by walking the probability flow backwards.

In k orthonormal directions v_i the noise takes its signs from a key and keeps its magnitudes,

.. math:: z = n + \sum_i \bigl(s_i \, |\langle v_i, n \rangle| - \langle v_i, n \rangle\bigr) v_i, \qquad
   n \sim \mathcal N(0, I), \quad s_i = \pm 1

A fair sign times the magnitude of a Gaussian is a Gaussian: over uniform s, z is exactly N(0, I), and no statistic of
the images can change. So every image needs fresh signs: a pseudorandom function of the key and the image's number.
Deterministic samplers solve an ODE, which is solved backwards from the image to ẑ. An image made without the key knows
nothing of s: the number of matching signs, weighted by whatever the image is, has a known distribution, exactly.

Peers: tree-ring (Wen et al., 2023) writes rings into the noise's Fourier transform, the same in every image, and so
changes its distribution (``tree_ring``). Gaussian shading (Yang et al., 2024) takes all signs of Stable Diffusion's
16,384 latents from a stream cipher; Gunn et al. (2025) need no number for each image, by sparse parity checks instead.
A digit's 256 pixels are mostly black and keep no sign: we mark the principal directions of the data, and weigh them.
"""

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor

from course.sampling import walk
from course.tensors import check_real, finite, one_dtype, positive, whole
from course.types import Step

LEVELS = 8
"""Weights of signs are whole numbers up to this one, so that the distribution of their sum is a finite table."""


def keyed_signs(key: str, numbers: Iterable[int], bits: int) -> Tensor:
    r"""The bits of SHAKE-256(key, number) as ±1: for whoever lacks the key, fair coins, independent for every number.

    Args:
        key: the secret.
        numbers: of the images; none may be used for two images, whose noises would then be alike.
        bits: k, signs in each image.

    Returns:
        Shape (B, k), float32, one row for each number.

    Raises:
        TypeError: if the key is no string, or a number is not whole.
        ValueError: if a number is negative, or there are no bits.
    """
    if not isinstance(key, str):
        raise TypeError(
            f"A key is a string, such as 'correct horse battery'; got a value of type {type(key).__name__}."
        )
    whole("bits", bits, 1)
    digests = [hashlib.shake_256(f"{whole('number', n)}/{key}".encode()).digest(-(-bits // 8)) for n in numbers]
    if not digests:
        return torch.zeros(0, bits)
    packed = torch.frombuffer(bytearray(b"".join(digests)), dtype=torch.uint8).reshape(len(digests), -1)
    unpacked = (packed[:, :, None] >> torch.arange(8, dtype=torch.uint8)) & 1
    return 2.0 * unpacked.flatten(1)[:, :bits].float() - 1


def principal_directions(x: Tensor, k: int) -> Tensor:
    """The k directions in which data vary most, orthonormal rows; (N, *D) → (k, D), D the product of the axes.

    Raises:
        ValueError: if there are fewer points or dimensions than k.
    """
    check_real(2, x=x)
    flat = x.flatten(1)
    if not 1 <= whole("k", k) <= min(flat.shape):
        raise ValueError(f"{len(flat)} points in {flat.shape[1]} dimensions have no {k} principal directions.")
    return torch.linalg.eigh(flat.double().T.cov()).eigenvectors.mT.flip(0)[:k].to(x)


def watermarked_noise(noise: Tensor, signs: Tensor, directions: Tensor) -> Tensor:
    r"""Noise whose coordinates ⟨v_i, z⟩ have the given signs, all else as it was.

    Args:
        noise: n ~ N(0, I), shape (B, \*D).
        signs: ±1, shape (B, k), as from ``keyed_signs``.
        directions: orthonormal rows, shape (k, D); ``torch.eye(D)`` marks every pixel.

    Returns:
        Shape (B, \*D); over uniform signs N(0, I) if the noise is.

    Raises:
        ValueError: if shapes do not fit each other.

    Source: Yang et al. (2024), with one bit for each coordinate, in any orthonormal directions.
    """
    coordinates = _coordinates(noise, directions)
    _check_signs(signs, coordinates)
    return noise + ((signs * coordinates.abs() - coordinates) @ directions).reshape(noise.shape)


def recovered_noise(step: Step, x: Tensor, times: Iterable[float], scale: float) -> Tensor:
    r"""ẑ: the walk from noise to images, taken backwards.

    Args:
        step: without noise of its own, such as ``ddim``, ``edm_step`` or ``dpm_solver`` with the score that made the
            images; where their class is not known, with the unconditional score.
        x: images, shape (B, \*D).
        times: as for sampling, from the largest down; times of zero, where there is no score, are left out.
        scale: σ at the largest time, where sampling started from scale · z.

    Returns:
        Shape (B, \*D). What the sampler contracted is lost: ẑ is near zero where z left no trace in the image.
    """
    positive(scale=scale)
    for t in (times := list(times)):
        finite(**{"a time": t})
    ascending = sorted(float(t) for t in times if t > 0)
    *_, end = walk(step, x, ascending)
    return end / scale


def watermark_score(recovered: Tensor, signs: Tensor, directions: Tensor) -> Tensor:
    r"""How much the recovered noise agrees with the signs, in standard deviations of the null distribution.

    .. math:: \frac{\sum_i a_i s_i}{\sqrt{\sum_i a_i^2}}, \qquad a_i = \mathrm{round}\Bigl(L \,
       \mathrm{clamp}\bigl(\tfrac{\hat c_i}{2 \, \mathrm{rms}(\hat c)}, -1, 1\bigr)\Bigr), \quad \hat c_i = \langle v_i,
       \hat z \rangle

    A coordinate that the sampler has lost is near zero in ẑ, and counts for little.

    Args:
        recovered: ẑ, shape (B, \*D).
        signs: shape (B, k).
        directions: shape (k, D).

    Returns:
        Shape (B,): mean 0 and variance 1 for images made without the key.
    """
    a = _weights(recovered, directions)
    _check_signs(signs, a)
    return (a * signs).sum(1) / a.square().sum(1).sqrt().clamp(min=1)


def watermark_p_value(recovered: Tensor, signs: Tensor, directions: Tensor) -> Tensor:
    r"""The probability that signs drawn at random agree as well or better; exact, whatever the image.

    .. math:: p = P\Bigl(\sum_i |a_i| M_i \ge \sum_i |a_i| \, [a_i s_i > 0]\Bigr), \qquad M_i \sim \mathrm{Bernoulli}
       (\tfrac12)

    ``p ≤ level`` as a test has at most ``level`` false alarms: the key is what is random, not the image.

    Args, as for ``watermark_score``. Returns shape (B,), float64.
    """
    a = _weights(recovered, directions)
    _check_signs(signs, a)
    matched = (a.abs() * (a * signs > 0)).sum(1).long()
    return _tails(a).gather(1, matched[:, None])[:, 0]


def trace_watermark(recovered: Tensor, signs: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    r"""Which of N issued numbers an image carries, if any: the smallest p-value, times N for having looked N times.

    Args:
        recovered: ẑ, shape (B, \*D).
        signs: of every number that was issued, shape (N, k).
        directions: shape (k, D).

    Returns:
        min(1, N p), shape (B,), and the row of ``signs`` that it is of, (B,). An unmarked image has N p ≤ level with
        at most the probability ``level``.
    """
    a = _weights(recovered, directions)
    check_real(1, signs=signs)
    if not len(signs):
        raise ValueError("A watermark is traced among one issued number or more; got none.")
    _check_signs(signs, a.new_empty(len(signs), a.shape[1]))
    matched = ((a.abs().sum(1, keepdim=True) + a @ signs.mT) / 2).round().long()  # Σ|a|[as > 0], for every number
    best, row = matched.max(1)
    return (len(signs) * _tails(a).gather(1, best[:, None])[:, 0]).clamp(max=1), row


def _weights(recovered: Tensor, directions: Tensor) -> Tensor:
    coordinates = _coordinates(recovered, directions)
    unit = 2 * coordinates.square().mean(1, keepdim=True).sqrt().clamp(min=1e-30)
    return (LEVELS * (coordinates / unit).clamp(-1, 1)).round()


def _tails(a: Tensor) -> Tensor:
    """P(Σ |a_i| M_i ≥ m) for m = 0 … LEVELS · k, by convolving one fair coin after the other; (B, k) → (B, 1 + …)."""
    total = torch.arange(LEVELS * a.shape[1] + 1, device=a.device)
    mass = (total == 0).double().expand(len(a), -1)
    for weight in a.abs().long().T:
        source = total - weight[:, None]
        mass = (mass + torch.where(source >= 0, mass.gather(1, source.clamp(min=0)), 0.0)) / 2
    return mass.flip(1).cumsum(1).flip(1).clamp(max=1)


def _coordinates(x: Tensor, directions: Tensor) -> Tensor:
    check_real(2, x=x, directions=directions)
    one_dtype(x=x, directions=directions)
    flat = x.flatten(1)
    if directions.ndim != 2 or directions.shape[1] != flat.shape[1]:
        raise ValueError(f"Expected directions of shape (k, {flat.shape[1]}); got {tuple(directions.shape)}.")
    return flat @ directions.mT


def _check_signs(signs: Tensor, coordinates: Tensor) -> None:
    check_real(signs=signs)
    one_dtype(noise=coordinates, signs=signs)
    if signs.shape != coordinates.shape:
        raise ValueError(f"Expected signs of shape {tuple(coordinates.shape)}; got {tuple(signs.shape)}.")
    if not (signs.abs() == 1).all():
        raise ValueError("Signs are −1 or 1; some of these are not. `keyed_signs` makes them.")
