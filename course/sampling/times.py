"""Where a walk stops on its way: grids of times, or of noise levels where these are the time."""

import math

import torch
from torch import Tensor


def uniform_times(start: float, end: float, n: int) -> Tensor:
    """n times from start to end, equally spaced, both included; shape (n,)."""
    return torch.linspace(start, end, _at_least_two(n))


def geometric_sigmas(sigma_max: float, sigma_min: float, n: int) -> Tensor:
    """n noise levels in equal ratios, or any other positive times, both ends included; shape (n,).

    Raises:
        ValueError: if n < 2, or an end is not positive.

    Source: Song and Ermon (2019), section 4.
    """
    if not (sigma_max > 0 and sigma_min > 0):
        raise ValueError(f"Equal ratios need positive ends; got {sigma_max} and {sigma_min}.")
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), _at_least_two(n)).exp()


def karras_times(sigma_max: float, sigma_min: float, n: int, rho: float = 7.0) -> Tensor:
    r"""n noise levels, descending, both ends included and no zero appended; shape (n,).

    .. math:: \sigma_i = \Bigl(\sigma_{\max}^{1/\rho} + \tfrac{i}{n-1}
       \bigl(\sigma_{\min}^{1/\rho} - \sigma_{\max}^{1/\rho}\bigr)\Bigr)^{\rho}

    Raises:
        ValueError: if n < 2.

    Source: Karras et al. (2022), eq. 5.
    """
    return torch.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), _at_least_two(n)) ** rho


def _at_least_two(n: int) -> int:
    if n < 2:
        raise ValueError(f"A walk needs two times or more; got n = {n}.")
    return n
