"""A small convolutional classifier of digits, whose features also measure how close samples are to data."""

import torch
from torch import Tensor, nn

from course.tensors import check_generator, check_images, check_real, everywhere, expand, one_dtype, per_example
from course.types import Time


class Classifier(nn.Module):
    """Logits of images, and the features they are read from.

    Args:
        channels: of the images.
        classes: K.
        width: channels of the first convolution.

    Shape: (B, C, H, W) → (B, K), any H and W from 8 on. Parameters: 119,530 for 1 channel, 10 classes, width 32.
    """

    def __init__(self, channels: int = 1, classes: int = 10, width: int = 32):
        super().__init__()
        self.body = nn.Sequential(
            _layer(channels, width),
            _layer(width, width),
            nn.MaxPool2d(2),
            _layer(width, 2 * width),
            _layer(2 * width, 2 * width),
            nn.MaxPool2d(2),
            _layer(2 * width, 2 * width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * width, 2 * width),
            nn.SiLU(),
        )
        self.head = nn.Linear(2 * width, classes)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, shape (B, 2 · width)."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x=x)
        one_dtype(weights=self.head.weight, x=x)
        return self.head(self.features(x))


class NoisyClassifier(Classifier):
    """A classifier of images under noise, told their noise level as a further channel.

    Shape: x (B, C, H, W), σ > 0 a float or (B,) → (B, K). Parameters: 119,818 for 1 channel, 10 classes, width 32.
    """

    def __init__(self, channels: int = 1, classes: int = 10, width: int = 32):
        super().__init__(channels + 1, classes, width)

    def forward(self, x: Tensor, sigma: Time) -> Tensor:  # type: ignore[override]
        if not everywhere(sigma > 0):
            raise ValueError("A noise level is positive; without noise, `Classifier` is what to ask.")
        level = expand(per_example(sigma, x), x)
        told = (0.25 * level.log()).expand(-1, 1, *x.shape[2:])
        return super().forward(torch.cat([x / (1 + level**2).sqrt(), told], dim=1))


def _layer(fan_in: int, fan_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.GroupNorm(8, fan_out), nn.SiLU())


def jitter(
    x: Tensor, generator: torch.Generator, shift: float = 0.15, turn: float = 0.25, stretch: float = 0.15
) -> Tensor:
    """Images moved, turned and stretched a little, each its own way: ten thousand digits then teach like many more.

    Args:
        x: shape (B, C, H, W).
        generator: draws the amounts.
        shift: largest shift, as a share of half the image.
        turn: largest angle, in radians.
        stretch: largest change of scale along each axis, as a share.
    """
    check_real(4, x=x)
    check_generator(generator)
    u = 2 * torch.rand(5, len(x), generator=generator, device=x.device) - 1
    angle = turn * u[0]
    scale = 1 + stretch * u[1:3]
    rows = [angle.cos() * scale[0], -angle.sin() * scale[1], shift * u[3]]
    rows += [angle.sin() * scale[0], angle.cos() * scale[1], shift * u[4]]
    theta = torch.stack(rows, 1).reshape(-1, 2, 3)
    grid = nn.functional.affine_grid(theta, list(x.shape), align_corners=False)
    return nn.functional.grid_sample(x + 1, grid, align_corners=False) - 1  # outside is black, −1
