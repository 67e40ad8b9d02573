"""Where a walk stops on its way: grids of times, or of noise levels where these are the time."""

import math

import torch
from torch import Tensor

from course.tensors import whole


def uniform_times(start: float, end: float, n: int) -> Tensor:
    """n times from start to end, equally spaced, both included; shape (n,).

    Raises:
        ValueError: if n < 2, or an end is not finite.
    """
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"Both ends are finite; got {start} and {end}.")
    return torch.linspace(start, end, whole("n", n, 2))


def geometric_sigmas(sigma_max: float, sigma_min: float, n: int) -> Tensor:
    """n noise levels in equal ratios, or any other positive times, both ends included; shape (n,).

    Raises:
        ValueError: if n < 2, or an end is not positive.

    Source: Song and Ermon (2019), section 4.
    """
    if not (0 < sigma_max < math.inf and 0 < sigma_min < math.inf):
        raise ValueError(f"Equal ratios need positive ends; got {sigma_max} and {sigma_min}.")
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), whole("n", n, 2)).exp()


def karras_times(sigma_max: float, sigma_min: float, n: int, rho: float = 7.0) -> Tensor:
    r"""n noise levels, descending, both ends included and no zero appended; shape (n,).

    .. math:: \sigma_i = \Bigl(\sigma_{\max}^{1/\rho} + \tfrac{i}{n-1}
       \bigl(\sigma_{\min}^{1/\rho} - \sigma_{\max}^{1/\rho}\bigr)\Bigr)^{\rho}

    Raises:
        ValueError: if n < 2, ρ is not positive, or noise does not descend from σ_max to σ_min ≥ 0.

    Source: Karras et al. (2022), eq. 5.
    """
    if not (0 <= sigma_min < sigma_max < math.inf and 0 < rho < math.inf):
        raise ValueError(
            "Noise descends from sigma_max to sigma_min >= 0, with rho > 0; "
            f"got sigma_max = {sigma_max}, sigma_min = {sigma_min} and rho = {rho}."
        )
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), whole("n", n, 2)) ** rho
