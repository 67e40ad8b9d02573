r"""Tree-ring watermark: constants on rings of the noise's Fourier transform, the same in every image.

.. math:: \hat z(\omega) \leftarrow c_{\lfloor |\omega| \rceil} \quad \text{where } |\omega| \le r

Rings are unchanged when an image turns, and no image needs a number; but the noise is no longer N(0, I): its low
frequencies, which decide what an image shows, are the same in all of them, and a detector can learn it.

Source: Wen et al. (2023), who mark rings up to radius 10 of a 64 × 64 latent. Ours have real constants, so that noise
stays real without discarding an imaginary part, and variance one, as Fourier coefficients of white noise have.
"""

import torch
from torch import Tensor

from course.tensors import check_images, check_real, whole


def tree_ring(noise: Tensor, rings: Tensor) -> Tensor:
    """Noise with ring q of its Fourier transform set to ``rings[q]``, q = 0 … r.

    Args:
        noise: shape (B, C, H, W).
        rings: c, real, shape (r + 1,), such as draws of N(0, 1); r below half the image.

    Returns:
        Shape (B, C, H, W).

    Raises:
        ValueError: if the rings do not fit into the image.
    """
    inside, pattern = _pattern(noise, rings)
    spectrum = torch.fft.fft2(noise, norm="ortho")
    return torch.fft.ifft2(torch.where(inside, pattern.to(spectrum), spectrum), norm="ortho").real


def tree_ring_score(recovered: Tensor, rings: Tensor) -> Tensor:
    r"""Correlation of recovered noise's spectrum with the rings over the disc, from −1 to 1; (B, C, H, W) → (B,)."""
    inside, pattern = _pattern(recovered, rings)
    found = torch.fft.fft2(recovered, norm="ortho").real[..., inside].flatten(1)
    wanted = pattern[inside].repeat(recovered.shape[1])
    return found @ wanted / (wanted.norm() * found.norm(dim=1)).clamp(min=1e-30)


def _pattern(x: Tensor, rings: Tensor) -> tuple[Tensor, Tensor]:
    """Which frequencies are marked, and with what; shapes (H, W)."""
    check_images(x=x)
    check_real(rings=rings)
    if rings.ndim != 1 or not 1 <= whole("the number of rings", len(rings)) <= min(x.shape[2:]) // 2:
        raise ValueError(f"Expected rings of shape (r + 1,), r below half the image; got {tuple(rings.shape)}.")
    rows, columns = (n * torch.fft.fftfreq(n, device=x.device) for n in x.shape[2:])
    ring = (rows[:, None] ** 2 + columns**2).sqrt().round().long()
    inside = ring < len(rings)
    return inside, torch.where(inside, rings.to(x)[ring.clamp(max=len(rings) - 1)], 0.0)
