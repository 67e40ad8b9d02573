"""An energy for small images: a Gaussian to start from, and a convolutional network that corrects it."""

import torch
from torch import Tensor, nn

from course.tensors import check_takes


class ConvEnergy(nn.Module):
    r"""Energy of images, :math:`E(x) = \tfrac12 \lVert (x - m)/s \rVert^2 + f_\theta(x)`.

    The first term is the energy of a Gaussian with the pixels' means and standard deviations: it holds chains near the
    data from the first training step on, so that the network f only learns what pixels have to do with each other.

    Args:
        mean: m, the pixels' means, shape (C, H, W), H and W divisible by 4.
        std: s, the pixels' standard deviations, positive, shape (C, H, W).
        width: channels of the first convolution.

    Shape: (B, C, H, W) → (B,). Parameters: 164,705 for 1 × 16 × 16 at width 32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor, width: int = 32):
        super().__init__()
        if mean.ndim != 3 or mean.shape != std.shape or not (std > 0).all():
            raise ValueError(
                f"Expected a mean and a positive std for each pixel, shape (C, H, W); "
                f"got {tuple(mean.shape)} and {tuple(std.shape)}."
            )
        channels, height, size = mean.shape
        if height % 4 or size % 4:
            raise ValueError(f"Height and width must be divisible by 4; got {height} × {size}.")
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.correction = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(2 * width, 4 * width, (height // 4, size // 4)),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(4 * width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        check_takes("Expected images", x, *self.mean.shape)
        gaussian = 0.5 * ((x - self.mean) / self.std).square().flatten(1).sum(1)
        return gaussian + self.correction(x).squeeze(1)

    def start(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n images drawn from the Gaussian, where chains may start; shape (n, C, H, W)."""
        z = torch.randn(n, *self.mean.shape, generator=generator, dtype=self.mean.dtype, device=self.mean.device)
        return self.mean + self.std * z
