"""A U-Net on patches of a picture that is told where the camera stands."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.networks.convolutional import UNet, unet
from course.tensors import check_images, check_real, check_takes, one_dtype, per_example
from course.types import Time


def view_of(azimuth: Time, x: Tensor) -> Tensor:
    """(cos a, sin a) for each example of x: a point of the unit circle, whose centre (0, 0) says nothing; (B, 2)."""
    angle = per_example(azimuth, x)
    return torch.stack([angle.cos(), angle.sin()], 1)


class ViewUNet(nn.Module):
    """A U-Net whose features are p × p patches, a quarter or less of the work, and that is told the camera's direction.

    A patch of noise has as many numbers as the features that hold it, and they had to carry it through unchanged to
    take it away at the end. So a gate that depends on the time alone adds a share of the input to the output.

    Args:
        channels: of the images.
        patch: p.
        widths, depth: of the ``UNet`` on patches.

    Shape: x (B, C, H, W), t of order one, a float or (B,), view (B, 2) from ``view_of`` or None, which is (0, 0) and
    says nothing → (B, C, H, W). Parameters: 776,032 for the defaults.

    Raises:
        ValueError: if patches do not tile the images, or the view is of another shape.
    """

    def __init__(self, channels: int = 3, patch: int = 4, widths: Sequence[int] = (64, 64), depth: int = 1):
        super().__init__()
        self.patch = patch
        self.body = UNet(channels * patch**2, widths, depth)
        dim = self.body.condition.dim
        self.view = nn.Sequential(nn.Linear(2, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.gate = nn.Linear(dim, channels * patch**2)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, x: Tensor, t: Time, view: Tensor | None = None) -> Tensor:
        check_images(x=x)
        if x.shape[2] % (self.patch * self.body.factor) or x.shape[3] % (self.patch * self.body.factor):
            raise ValueError(
                f"This U-Net takes sides that are multiples of {self.patch * self.body.factor}; "
                f"got {tuple(x.shape[2:])}."
            )
        view = x.new_zeros(len(x), 2) if view is None else view
        check_real(view=view)
        one_dtype(x=x, view=view)
        if view.shape != (len(x), 2):
            raise ValueError(f"Expected a view (cos, sin) per image, shape ({len(x)}, 2); got {tuple(view.shape)}.")
        patches = F.pixel_unshuffle(x, self.patch)
        body = self.body
        time = body.condition(patches, t)
        embedding = F.silu(time + self.view(view))
        out = self.gate(time)[:, :, None, None] * patches
        out = out + unet(patches, embedding, body.stem, list(body.down), body.middle, list(body.up), body.head)
        return F.pixel_shuffle(out, self.patch)


class ViewReader(nn.Module):
    """Where the camera stands, read from a picture: an estimate of (cos a, sin a), shorter where it is in doubt.

    Shape: (B, 3, 32, 32) → (B, 2). Parameters: 95,426.
    """

    def __init__(self, widths: Sequence[int] = (24, 48, 64, 96)):
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise((3, *widths)):
            layers += [nn.Conv2d(fan_in, fan_out, 3, stride=2, padding=1), nn.GroupNorm(8, fan_out), nn.SiLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * widths[-1], 2))

    def forward(self, x: Tensor) -> Tensor:
        check_takes("This reader takes images", x, 3, 32, 32)
        one_dtype(weights=self.body[0].weight, x=x)  # type: ignore[arg-type]
        return self.body(x)

    def azimuth(self, x: Tensor) -> Tensor:
        """The angle that is read, in (−π, π], shape (B,)."""
        cos, sin = self(x).unbind(1)
        return torch.atan2(sin, cos)
