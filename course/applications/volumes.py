r"""A volume of density and colour, and what a camera sees of it: emission and absorption along rays.

.. math:: C = \int_0^\infty T(s) \, \sigma(s) \, c(s) \, \mathrm d s + T(\infty) \, c_\text{background},
   \qquad T(s) = \exp\Bigl(-\int_0^s \sigma(s') \, \mathrm d s'\Bigr)

The density σ (per unit of length, ≥ 0) says how soon a ray ends, the colour c what is seen where it does. All of it is
differentiable, so that pictures teach the volume.

Space and camera are those of ``course.data.solids``: the cube from −1 to 1, y up, parallel rays, and from azimuth a the
camera is in the direction (sin a, 0, cos a). Since it turns about the vertical axis alone, every horizontal slice of
the volume is a row of every picture.

NeRF and DreamFusion keep σ and c in a perceptron that is asked at every sample of a ray. A grid of 32³ voxels is asked
by interpolation, a thousand times more cheaply, and is as fine as our pictures (Plenoxels do without a network, too).

Source: Max (1995); Mildenhall et al. (2020), eq. 1 to 3; Fridovich-Keil et al. (2022).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.data.solids import over
from course.tensors import check_real, finite, one_dtype, positive, whole


def render(density: Tensor, colour: Tensor, azimuth: Tensor, samples: int | None = None) -> Tensor:
    r"""Pictures of a volume, one from each azimuth, by quadrature with densities and colours constant on each interval,

    .. math:: \hat C = \sum_i T_i \bigl(1 - e^{-\sigma_i \delta}\bigr) c_i,
       \qquad T_i = \exp\Bigl(-\sum_{j < i} \sigma_j \delta\Bigr)

    Args:
        density: σ ≥ 0 at the voxels' centres, shape (N, H, N): from back to front (z), from top to bottom, x.
        colour: c there, shape (C, N, H, N).
        azimuth: radians, shape (B,).
        samples: along each ray, of which δ is 2 over their number; N if None.

    Returns:
        Shape (B, C + 1, H, N): colours multiplied by coverage, and the coverage 1 − T(∞), to be laid ``over`` a
        background. Outside of the cube there is nothing.

    Raises:
        ValueError: if shapes do not fit, or a density is negative.
    """
    check_real(density=density, colour=colour, azimuth=azimuth)
    one_dtype(density=density, colour=colour, azimuth=azimuth)
    if density.ndim != 3 or density.shape[0] != density.shape[2]:
        raise ValueError(f"Expected a density of shape (N, H, N), as deep as it is wide; got {tuple(density.shape)}.")
    if colour.ndim != 4 or colour.shape[1:] != density.shape:
        raise ValueError(f"Expected a colour of shape {('C', *density.shape)}; got {tuple(colour.shape)}.")
    if azimuth.ndim != 1:
        raise ValueError(f"Expected azimuths of shape (B,); got {tuple(azimuth.shape)}.")
    if (density.detach() < 0).any():
        raise ValueError(f"A density is not negative; got {density.min().item():.3g}. Try softplus.")
    n, height, _ = density.shape
    steps = n if samples is None else whole("samples", samples, 1)
    across, ahead = _centres(n, density), -_centres(steps, density)[:, None]  # the nearest sample comes first
    sin, cos = azimuth.sin()[:, None, None], azimuth.cos()[:, None, None]
    places = torch.stack([cos * across + sin * ahead, -sin * across + cos * ahead], -1)  # (B, S, N, 2): x and z
    slices = torch.cat([density[None], colour]).transpose(1, 2).flatten(0, 1)  # (1 + C) · H planes of z and x
    found = F.grid_sample(slices[None], places.flatten(0, 1)[None], align_corners=False)
    found = found.reshape(len(slices) // height, height, len(azimuth), steps, n)
    depth = found[0] * (2 / steps)
    passed = depth.cumsum(2)
    weight = (depth - passed).exp() * -torch.expm1(-depth)  # of each sample: that light gets there, and ends there
    colours = (weight * found[1:]).sum(3)
    return torch.cat([colours, -torch.expm1(-passed[None, :, :, -1])]).permute(2, 0, 1, 3)


def _centres(n: int, like: Tensor) -> Tensor:
    return (torch.arange(n, dtype=like.dtype, device=like.device) + 0.5) * 2 / n - 1


class Volume(nn.Module):
    r"""A cube of voxels to be learned: σ = softplus(a) · S and c = tanh(b), with a and b free at every voxel.

    It starts as a grey cloud, densest at its centre, as DreamFusion's does: whatever is to be there can grow from it.

    Args:
        size: N voxels along each side.
        radius: of the cloud, where a is 0.
        sharpness: S; with 2 S / N well above one, a voxel can hide what is behind it.

    Shape: azimuth (B,) → pictures with coverage, (B, 4, N, N).
    """

    def __init__(self, size: int = 32, radius: float = 0.6, sharpness: float = 16.0):
        super().__init__()
        positive(radius=radius, sharpness=sharpness)
        self.sharpness = sharpness
        line = _centres(whole("size", size, 2), torch.empty(()))
        distance = (line[:, None, None] ** 2 + line[:, None] ** 2 + line**2).sqrt()
        self.a = nn.Parameter(4 * (1 - distance / radius) - 2)
        self.b = nn.Parameter(torch.zeros(3, size, size, size))

    @property
    def density(self) -> Tensor:
        """σ, shape (N, N, N)."""
        return self.sharpness * F.softplus(self.a)

    @property
    def colour(self) -> Tensor:
        """c in (−1, 1), shape (3, N, N, N)."""
        return self.b.tanh()

    def forward(self, azimuth: Tensor) -> Tensor:
        return render(self.density, self.colour, azimuth)

    def variation(self) -> Tensor:
        """Total variation: the sum over all neighbours of their absolute differences in a and in b, shape ()."""
        both = torch.cat([self.a[None], self.b])
        return torch.stack([both.diff(dim=axis).abs().sum() for axis in (1, 2, 3)]).sum()


def around(n: int, offset: float = 0.0) -> Tensor:
    """n azimuths at equal distances, all the way round from ``offset`` radians; shape (n,)."""
    finite(offset=offset)
    return offset + torch.arange(whole("n", n, 1)) * (2 * math.pi / n)


@torch.no_grad()
def turntable(volume: nn.Module, n: int = 8, background: float = 1.0) -> Tensor:
    """Pictures of a volume that turns once, the face first; shape (n, 3, H, W) in [−1, 1]."""
    return over(pictures_of(volume, around(n)), background).clamp(-1, 1)


def pictures_of(volume: Callable[[Tensor], Tensor], azimuth: Tensor) -> Tensor:
    """What a volume returns for azimuths (B,), if it is one picture with coverage for each, (B, 4, H, W)."""
    picture = volume(azimuth)
    check_real(0, **{"what the volume returns": picture})
    if picture.ndim != 4 or picture.shape[:2] != (len(azimuth), 4):
        raise ValueError(
            f"Expected volume(azimuth) to return pictures with coverage, ({len(azimuth)}, 4, H, W); "
            f"got {tuple(picture.shape)}."
        )
    return picture
