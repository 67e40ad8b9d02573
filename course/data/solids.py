r"""Heads in three dimensions, seen from all around: a face in front, an ear on each side, a ponytail behind.

A head is a few ellipsoids. The ray of a pixel meets an ellipsoid where a quadratic vanishes, so that a picture needs no
mesh and no volume, and what learns from these pictures is judged by geometry that it has never been given. The camera
is far away (parallel rays), at the height of the eyes, and goes around the vertical axis; light falls from above, which
looks the same from everywhere. No two heads are quite alike.

Axes: x to the head's left, which is the right of a picture from the front, y up, z forward. Everything that is seen
fits into the cube from −1 to 1.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from course.tensors import check_generator, check_images, check_real, finite, one_each, whole

SIZE = 32
_AT_ONCE = 16  # pictures whose rays fit into a processor's cache


class Ellipsoids(NamedTuple):
    """B solids of K ellipsoids each, whose axes are those of space.

    Attributes:
        centres: shape (B, K, 3).
        radii: positive, shape (B, K, 3).
        colours: red, green and blue in [−1, 1], shape (B, K, 3).
    """

    centres: Tensor
    radii: Tensor
    colours: Tensor


SKIN, HAIR, SHIRT, RIBBON, WHITE, DARK, RED = range(7)
_PALETTE = [(244, 196, 156), (92, 52, 24), (40, 96, 184), (226, 40, 60), (252, 252, 252), (24, 20, 28), (190, 36, 48)]
_PARTS = [  # colour, centre, radii
    (SKIN, (0.0, 0.06, 0.0), (0.50, 0.60, 0.52)),  # face
    (HAIR, (0.0, 0.20, -0.14), (0.55, 0.62, 0.52)),
    (SKIN, (0.0, -0.03, 0.56), (0.09, 0.12, 0.14)),  # nose
    (WHITE, (-0.20, 0.14, 0.41), (0.13, 0.13, 0.10)),
    (WHITE, (0.20, 0.14, 0.41), (0.13, 0.13, 0.10)),
    (DARK, (-0.19, 0.14, 0.49), (0.07, 0.08, 0.05)),
    (DARK, (0.19, 0.14, 0.49), (0.07, 0.08, 0.05)),
    (RED, (0.0, -0.28, 0.40), (0.20, 0.07, 0.09)),  # mouth
    (SKIN, (-0.54, 0.02, 0.02), (0.09, 0.16, 0.12)),  # ears
    (SKIN, (0.54, 0.02, 0.02), (0.09, 0.16, 0.12)),
    (SKIN, (0.0, -0.58, -0.04), (0.20, 0.22, 0.20)),  # neck
    (SHIRT, (0.0, -1.02, -0.04), (0.66, 0.40, 0.42)),
    (RIBBON, (0.0, 0.36, -0.66), (0.26, 0.15, 0.10)),
    (HAIR, (0.0, 0.06, -0.76), (0.15, 0.34, 0.14)),  # ponytail
]


def heads(n: int, generator: torch.Generator | None = None) -> Ellipsoids:
    """n heads, each of its own proportions and colours.

    Raises:
        ValueError: if n is negative.
        TypeError: if n is no whole number, or the generator is none.
    """
    check_generator(generator)
    whole("n", n)
    which = torch.tensor([part[0] for part in _PARTS])
    centres, radii = (torch.tensor([part[i] for part in _PARTS]) for i in (1, 2))
    palette = torch.tensor(_PALETTE) / 127.5 - 1
    stretch = 1 + 0.04 * _uniform((n, 1, 3), generator)
    lift = torch.cat([torch.zeros(n, 1, 1), 0.03 * _uniform((n, 1, 1), generator), torch.zeros(n, 1, 1)], 2)
    own = 1 + 0.08 * _uniform((n, len(which), 1), generator)
    own[:, 4], own[:, 6], own[:, 9] = own[:, 3], own[:, 5], own[:, 8]  # eyes and ears are alike
    colours = (palette + 0.10 * _uniform((n, len(palette), 3), generator)).clamp(-1, 1)
    return Ellipsoids(stretch * centres + lift, stretch * own * radii, colours[:, which])


def photograph(solids: Ellipsoids, azimuth: Tensor, size: int = SIZE, fine: int = 2) -> Tensor:
    r"""A picture of each solid from its azimuth, with what it covers.

    From the azimuth a, the camera is in the direction :math:`d = (\sin a, 0, \cos a)`: at 0 it faces the face, at 90°
    it sees the head's left side. The ray :math:`o + s d` meets an ellipsoid with centre c and radii r where

    .. math:: \sum_i \frac{(o_i + s d_i - c_i)^2}{r_i^2} = 1

    and the largest s of all is seen. Colours are lit by ¾ + ¼ n_y, n the surface's normal.

    Args:
        solids: B of them.
        azimuth: radians, shape (B,).
        size: pixels along a side.
        fine: rays along a side of each pixel; their mean is its value.

    Returns:
        Shape (B, 4, size, size), to be laid ``over`` a background: the coverage c in [0, 1] of each pixel is its last
        channel, and red, green and blue in [−1, 1] are multiplied by it (premultiplied, as Porter and Duff have it).

    Raises:
        ValueError: if there is not one azimuth per solid, or a size is below 1.
    """
    check_real(azimuth=azimuth)
    one_each(solids.centres, azimuth=azimuth)
    rays = whole("size", size, 1) * whole("fine", fine, 1)
    across = (torch.arange(rays, dtype=azimuth.dtype, device=azimuth.device) + 0.5) * 2 / rays - 1
    sin, cos = azimuth.sin()[:, None, None, None], azimuth.cos()[:, None, None, None]
    (cx, cy, cz), (rx, ry, rz) = (part[..., None, None].unbind(2) for part in (solids.centres, solids.radii))
    # In units of the radii: the direction d, and from the centre to o, which but for its height depends on the column.
    dx, dz = sin / rx, cos / rz
    ox, oz = (cos * across - cx) / rx, (-sin * across - cz) / rz
    oy = (-across[:, None] - cy) / ry
    a, b = dx**2 + dz**2, dx * ox + dz * oz
    s = ((b**2 - a * (ox**2 + oz**2 - 1)) - a * oy**2).sqrt_().sub_(b).div_(a)  # nan where the ray misses
    nearest, k = s.nan_to_num_(-math.inf).max(1, keepdim=True)
    hit = nearest > -math.inf
    seen = lambda part: part.expand(-1, -1, rays, rays).gather(1, k)
    nx, nz = (seen(o / r) + nearest * seen(d / r) for o, d, r in ((ox, dx, rx), (oz, dz, rz)))
    ny = seen(oy / ry)
    light = 0.75 + 0.25 * ny / (nx**2 + ny**2 + nz**2).sqrt()
    colour = solids.colours.mT.gather(2, k.flatten(1)[:, None].expand(-1, 3, -1)).unflatten(2, (rays, rays))
    lit = ((colour + 1) * light - 1).where(hit, 0)
    return F.avg_pool2d(torch.cat([lit, hit.to(lit.dtype)], 1), fine)


def over(picture: Tensor, background: Tensor | float = 1.0) -> Tensor:
    """A picture laid over a background: (B, 4, H, W), and a number or (B, 3, 1, 1) → (B, 3, H, W).

    Raises:
        ValueError: if shapes are others, or the background is not finite.

    Source: Porter and Duff (1984).
    """
    check_images(picture=picture)
    if isinstance(background, Tensor) and background.ndim:
        if background.shape != (len(picture), 3, 1, 1):
            shape = (len(picture), 3, 1, 1)
            raise ValueError(f"Expected a background of shape {shape}, or a number; got {tuple(background.shape)}.")
    else:
        finite(background=background)  # type: ignore[arg-type]
    if picture.shape[1] != 4:
        raise ValueError(f"Expected pictures of 4 channels, the last their coverage; got {tuple(picture.shape)}.")
    return picture[:, :3] + background * (1 - picture[:, 3:])


def turned(a: Tensor, b: Tensor) -> Tensor:
    """The angle from b to a the short way round, in [−π, π), radians; both of one shape."""
    check_real(a=a, b=b)
    if a.shape != b.shape:
        raise ValueError(f"Expected angles a and b of one shape; got {tuple(a.shape)} and {tuple(b.shape)}.")
    return (a - b + math.pi) % (2 * math.pi) - math.pi


def head_views(n: int, generator: torch.Generator | None = None, size: int = SIZE) -> tuple[Tensor, Tensor]:
    """n different heads, each seen from its own azimuth: pictures (n, 4, size, size) and azimuths (n,) in [−π, π)."""
    whole("n", n), whole("size", size, 1)
    pictures, azimuths = [torch.empty(0, 4, size, size)], [torch.empty(0)]
    for start in range(0, n, _AT_ONCE):
        count = min(_AT_ONCE, n - start)
        azimuths.append(math.pi * _uniform((count,), generator))
        pictures.append(photograph(heads(count, generator), azimuths[-1], size))
    return torch.cat(pictures), torch.cat(azimuths)


def _uniform(shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    """Between −1 and 1."""
    return 2 * torch.rand(shape, generator=generator) - 1
