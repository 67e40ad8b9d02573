r"""One loop samples everything: ``walk`` applies a step along a sequence of times.

What is solved is a drift and a diffusion, a field, or a process with a score; how it is solved is a Step. Sampling
walks from large times to small ones, so that s < t below. With the two estimates that a score gives,

.. math:: \hat x_0 = \frac{x + \sigma_t^2 \, s(x, t)}{\alpha_t}, \qquad \hat\varepsilon = -\sigma_t \, s(x, t)

every step that knows the process is a rule for combining them.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from course.processes import Process
from course.tensors import randn_like
from course.types import Field, Score, Step


def walk(step: Step, x: Tensor, times: Iterable[float]) -> Iterator[Tensor]:
    """Yield x at every one of the times, the first included, keeping no graph.

    Args:
        step: any callable that takes x at time t, t and s to x at time s.
        x: the start, shape (B, *D).
        times: at least one. The step gets Python floats, so that its coefficients cost nothing beside the network;
            other numbers and a 1-d tensor are converted.

    Yields:
        Shape (B, *D), once per time.

    Raises:
        ValueError: when the first state is asked for, if times is a tensor that is not 1-d.

    Example:
        ``*_, sample = walk(step, noise, times)`` keeps the end; ``torch.stack(list(walk(...)))`` keeps the path.
    """
    if isinstance(times, Tensor):
        if times.ndim != 1:
            raise ValueError(f"Expected times of shape (n,); got {tuple(times.shape)}.")
        times = times.tolist()
    yield x
    for t, s in pairwise(map(float, times)):
        with torch.no_grad():
            x = step(x, t, s)
        yield x


# -- times -------------------------------------------------------------------------------------------------------------


def uniform_times(start: float, end: float, n: int) -> Tensor:
    """n times from start to end, equally spaced, both included; shape (n,)."""
    return torch.linspace(start, end, _at_least_two(n))


def geometric_times(start: float, end: float, n: int) -> Tensor:
    """n positive times from start to end in equal ratios, both included; shape (n,)."""
    return torch.linspace(math.log(start), math.log(end), _at_least_two(n)).exp()


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


# -- steps of SDEs and ODEs --------------------------------------------------------------------------------------------


def euler_maruyama_step(
    x: Tensor, t: float, s: float, drift: Field, diffusion: Callable[[float], float], noise: Tensor
) -> Tensor:
    r"""One Euler–Maruyama step, forwards or backwards in time.

    .. math:: x_s = x_t + (s - t) f(x_t, t) + g(t) \sqrt{|s - t|} \, z
    """
    return x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


def euler_maruyama(drift: Field, diffusion: Callable[[float], float], generator: torch.Generator | None = None) -> Step:
    """Euler–Maruyama for an SDE; weak order 1. For sampling, ``drift`` is ``process.reverse(score)``."""
    return lambda x, t, s: euler_maruyama_step(x, t, s, drift, diffusion, randn_like(x, generator))


def heun(field: Field) -> Step:
    r"""Heun's method for an ODE: Euler's prediction, then the average of the fields at both ends; order 2, two calls.

    .. math:: x_s = x_t + \tfrac{s - t}{2} \bigl(v(x_t, t) + v(x_t + (s - t) v(x_t, t), s)\bigr)
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        here = field(x, t)
        there = field(x + (s - t) * here, s)
        return x + (s - t) / 2 * (here + there)

    return step


def rk4(field: Field) -> Step:
    """The classical Runge–Kutta method for an ODE; order 4, four calls."""

    def step(x: Tensor, t: float, s: float) -> Tensor:
        h = s - t
        a = field(x, t)
        b = field(x + h / 2 * a, t + h / 2)
        c = field(x + h / 2 * b, t + h / 2)
        d = field(x + h * c, s)
        return x + h / 6 * (a + 2 * b + 2 * c + d)

    return step


# -- steps that know the process ---------------------------------------------------------------------------------------


def ddim(process: Process, score: Score, eta: float = 0.0, generator: torch.Generator | None = None) -> Step:
    r"""DDIM: keep the two estimates, change the noise level; deterministic at η = 0, DDPM's ancestral step at η = 1.

    .. math:: x_s = \alpha_s \hat x_0 + \sqrt{\sigma_s^2 - \tau^2} \, \hat\varepsilon + \tau z,
       \qquad \tau^2 = \eta^2 \sigma_s^2 \Bigl(1 - \frac{\alpha_t^2 \sigma_s^2}{\alpha_s^2 \sigma_t^2}\Bigr)

    Source: Song, Meng and Ermon (2021), eq. 12 and 16, for any α and σ.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is between 0 (no noise) and 1 (the ancestral step); got {eta}.")

    def step(x: Tensor, t: float, s: float) -> Tensor:
        (alpha, sigma), (alpha_s, sigma_s) = process.kernel(t), process.kernel(s)
        fresh = eta * sigma_s * max(0.0, 1 - (alpha * sigma_s / (alpha_s * sigma)) ** 2) ** 0.5
        kept = (sigma_s**2 - fresh**2) ** 0.5
        ratio = alpha_s / alpha
        x = torch.add(ratio * x, score(x, t), alpha=ratio * sigma**2 - kept * sigma)
        return x + fresh * randn_like(x, generator) if fresh else x

    return step


def dpm_solver(process: Process, score: Score) -> Step:
    r"""DPM-Solver++(2M): the exact solution where x̂₀ is a straight line in λ = log(α/σ); order 2, one call a step.

    .. math:: x_s = \frac{\sigma_s}{\sigma_t} x_t + \alpha_s (1 - e^{-h}) \, \bigl(\hat x_0 + \tfrac{h}{2 h'}
       (\hat x_0 - \hat x_0')\bigr), \qquad h = \lambda_s - \lambda_t

    x̂₀′ and h′ are those of the step before, which this Step remembers: it is for one walk at a time. A step that does
    not go on where the last one ended, the first of a walk above all, and one to zero noise, are of first order.

    Source: Lu et al. (2022), algorithm 2.
    """
    ended: float | None = None
    before, h_before = torch.empty(0), 0.0

    def step(x: Tensor, t: float, s: float) -> Tensor:
        nonlocal ended, before, h_before
        (alpha, sigma), (alpha_s, sigma_s) = process.kernel(t), process.kernel(s)
        clean = torch.add(x, score(x, t), alpha=sigma**2) / alpha
        h = math.log(alpha_s / sigma_s) - math.log(alpha / sigma) if sigma_s else math.inf
        goes_on = t == ended and before.shape == x.shape and math.isfinite(h)
        guess = torch.lerp(before, clean, 1 + 0.5 * h / h_before) if goes_on else clean
        ended, before, h_before = s, clean, h
        return torch.add(sigma_s / sigma * x, guess, alpha=-alpha_s * math.expm1(-h))

    return step


def predictor_corrector(predictor: Step, corrector: Step) -> Step:
    """A step in time, then a step at the time that was reached, which leaves its law as it is (Song et al., 2021)."""

    def step(x: Tensor, t: float, s: float) -> Tensor:
        return corrector(predictor(x, t, s), s, s)

    return step


def langevin_corrector(score: Score, snr: float = 0.16, generator: torch.Generator | None = None) -> Step:
    r"""One Langevin step at a fixed time, its size set by a signal-to-noise ratio.

    .. math:: x' = x + \varepsilon s(x, t) + \sqrt{2 \varepsilon} z, \qquad
       \varepsilon = 2 \Bigl(\mathrm{snr} \, \frac{\overline{\lVert z \rVert}}{\overline{\lVert s \rVert}}\Bigr)^2

    Source: Song et al. (2021), algorithms 4 and 5.
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        noise, direction = randn_like(x, generator), score(x, s)
        size = 2 * (snr * noise.flatten(1).norm(dim=1).mean() / direction.flatten(1).norm(dim=1).mean()) ** 2
        return x + size * direction + (2 * size).sqrt() * noise

    return step
