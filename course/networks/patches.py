"""A network on patches of an image: a fraction of the work at the full size."""

from torch import Tensor, nn
from torch.nn import functional as F

from course.tensors import check_images, whole
from course.types import Time


class Patches(nn.Module):
    """Let a network see an image of p × p patches as a small image of p² as many channels, and undo it in the result.

    Args:
        network: of (x, t, ...), of p² times the image's channels.
        patch: p.

    Shape: x (B, C, H, W), t, and what else the network takes → (B, C, H, W).

    Raises:
        ValueError: if patches do not tile the image.

    Source: Shi et al. (2016), sub-pixel convolution.
    """

    def __init__(self, network: nn.Module, patch: int):
        super().__init__()
        self.network, self.patch = network, whole("patch", patch, 1)

    def forward(self, x: Tensor, t: Time, *given: Tensor) -> Tensor:
        check_images(x=x)
        if x.shape[2] % self.patch or x.shape[3] % self.patch:
            raise ValueError(f"Patches of {self.patch} × {self.patch} do not tile an image of {tuple(x.shape[2:])}.")
        return F.pixel_shuffle(self.network(F.pixel_unshuffle(x, self.patch), t, *given), self.patch)
