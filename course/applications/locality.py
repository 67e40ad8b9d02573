r"""The best denoiser of a training set that is allowed to see only a window around each pixel.

Without a limit on what it sees, the minimum of the training loss is the posterior mean over whole training images,
``Empirical(images).diffuse(1, σ).denoise``, and sampling with it returns training images. A network cannot do that for
many images, and what it does instead has an exact counterpart: the same minimum among denoisers that see a window of
(2r + 1)² pixels. Each pixel weighs the training images anew, so that a sample is pieced together from many of them.

Kamb and Ganguli (2025) derive this minimum for convolutional networks, also with weights shared over all places, and
predict a trained network's samples by it; Niedoba et al. (2025) build it from patches of several sizes. Here a window
stays in its place, as digits are centred, and has one size at all noise levels: a slider may then move it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.tensors import check_images, one_dtype, positive, whole

CHUNK = 4_000_000
"""Numbers of a tensor of differences that are held at a time, 16 MB."""


def local_denoiser(images: Tensor, radius: int) -> Callable[[Tensor, float], Tensor]:
    r"""D(x, σ), the minimizer of the denoising loss on ``images`` among denoisers that see a window W_i at pixel i.

    .. math:: D_i(x, \sigma) = \sum_n w_{n,i} \, y_{n,i}, \qquad
       w_{n,i} \propto \exp\Bigl(-\frac{\lVert x_{W_i} - y_{n,W_i} \rVert^2}{2 \sigma^2}\Bigr)

    Args:
        images: y, the training set, shape (N, C, H, W), N ≥ 1.
        radius: r, a whole number; W_i are the pixels at most r rows and r columns away, so (2r + 1)² where the border
            is far. From max(H, W) − 1 on every pixel sees the whole image, and D is that of ``Empirical``.

    Returns:
        A function of x, shape (B, C, H, W), and σ > 0, a number, that gives (B, C, H, W).

    Raises:
        ValueError: if there is no image, the radius is negative, or the function is given x of another size or a noise
            level that is not positive.

    Source: Kamb and Ganguli (2025), whose "local score machine" this is.
    """
    check_images(images=images)
    if not len(images):
        raise ValueError("A denoiser of no images is not defined; give at least one.")
    whole("radius", radius, 0)
    rows, columns = (_near(n, radius, images) for n in images.shape[2:])

    def denoise(x: Tensor, sigma: float) -> Tensor:
        check_images(x=x)
        if x.shape[1:] != images.shape[1:]:
            raise ValueError(f"Expected x of shape (B, {', '.join(map(str, images.shape[1:]))}); got {tuple(x.shape)}.")
        one_dtype(images=images, x=x)
        positive(sigma=sigma)
        piece = max(1, CHUNK // images.numel())
        return torch.cat([_guess(part, float(sigma)) for part in x.split(piece)])

    def _guess(x: Tensor, sigma: float) -> Tensor:
        squares = (x[:, None] - images).square().sum(2)  # (B, N, H, W)
        weights = (-(rows @ squares @ columns) / (2 * sigma**2)).softmax(1)
        return torch.einsum("bnhw,nchw->bchw", weights, images)

    return denoise


def _near(n: int, radius: int, like: Tensor) -> Tensor:
    """Which of n places are at most a radius apart, (n, n): a sum over windows is a product with two of these."""
    place = torch.arange(n, device=like.device)
    return ((place[:, None] - place).abs() <= radius).to(like.dtype)
