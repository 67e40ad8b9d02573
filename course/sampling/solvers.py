r"""Steps for any SDE :math:`\mathrm d x = f(x, t) \, \mathrm d t + g(t) \, \mathrm d w` or ODE :math:`x' = v(x, t)`.

They know nothing of scores. For sampling, f is ``process.reverse(score)`` and v is ``process.flow(score)``. Every step
goes from t to s, forwards or backwards in time.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.tensors import randn_like
from course.types import Field, Step


def euler_maruyama_step(
    x: Tensor, t: float, s: float, drift: Field, diffusion: Callable[[float], float], noise: Tensor
) -> Tensor:
    r"""One Euler–Maruyama step; weak order 1.

    .. math:: x_s = x_t + (s - t) f(x_t, t) + g(t) \sqrt{|s - t|} \, z

    Args:
        x: x_t, shape (B, \*D).
        t, s: from and to, floats.
        drift: f(x, t).
        diffusion: g(t).
        noise: z ~ N(0, I), of x's shape.
    """
    return x + (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


def euler_maruyama(drift: Field, diffusion: Callable[[float], float], generator: torch.Generator | None = None) -> Step:
    """``euler_maruyama_step`` with fresh noise, as a Step."""
    return lambda x, t, s: euler_maruyama_step(x, t, s, drift, diffusion, randn_like(x, generator))


def stochastic_heun_step(
    x: Tensor, t: float, s: float, drift: Field, diffusion: Callable[[float], float], noise: Tensor
) -> Tensor:
    r"""Heun's method for an SDE whose diffusion does not depend on x; with h = s − t, weak order 2, two calls.

    .. math:: \tilde x = x_t + h f(x_t, t) + g(t) \sqrt{|h|} z, \qquad
       x_s = x_t + \tfrac h2 \bigl(f(x_t, t) + f(\tilde x, s)\bigr) + \tfrac12 (g(t) + g(s)) \sqrt{|h|} z

    Shapes are those of ``euler_maruyama_step``.

    Source: Rößler (2010), for additive noise.
    """
    h, here, kick = s - t, drift(x, t), abs(s - t) ** 0.5 * noise
    there = drift(x + h * here + diffusion(t) * kick, s)
    return x + h / 2 * (here + there) + (diffusion(t) + diffusion(s)) / 2 * kick


def stochastic_heun(
    drift: Field, diffusion: Callable[[float], float], generator: torch.Generator | None = None
) -> Step:
    """``stochastic_heun_step`` with fresh noise, as a Step."""
    return lambda x, t, s: stochastic_heun_step(x, t, s, drift, diffusion, randn_like(x, generator))


def heun_step(x: Tensor, t: float, s: float, field: Field) -> Tensor:
    r"""Heun's method: Euler's prediction, then the average of the fields at both ends; order 2, two calls.

    .. math:: x_s = x_t + \tfrac{s - t}{2} \bigl(v(x_t, t) + v(x_t + (s - t) v(x_t, t), s)\bigr)
    """
    here = field(x, t)
    there = field(x + (s - t) * here, s)
    return x + (s - t) / 2 * (here + there)


def heun(field: Field) -> Step:
    """``heun_step`` as a Step."""
    return lambda x, t, s: heun_step(x, t, s, field)


def rk4_step(x: Tensor, t: float, s: float, field: Field) -> Tensor:
    """The classical Runge–Kutta method; order 4, four calls."""
    h = s - t
    a = field(x, t)
    b = field(x + h / 2 * a, t + h / 2)
    c = field(x + h / 2 * b, t + h / 2)
    d = field(x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


def rk4(field: Field) -> Step:
    """``rk4_step`` as a Step."""
    return lambda x, t, s: rk4_step(x, t, s, field)


def adaptive(field: Field, rtol: float = 1e-5, atol: float = 1e-5, method: str = "RK45") -> Step:
    """A step of any length by scipy's ``solve_ivp``, which chooses its own steps in between for the whole batch.

    Args:
        field: v(x, t).
        rtol, atol: allowed errors, relative and absolute.
        method: of ``scipy.integrate.solve_ivp``.

    Raises:
        RuntimeError: if the solver gives up, with its own words.
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        from scipy.integrate import solve_ivp

        def flat(time: float, y: object) -> object:
            return field(torch.as_tensor(y).to(x).reshape(x.shape), float(time)).double().flatten().cpu().numpy()

        start = x.double().flatten().cpu().numpy()
        found = solve_ivp(flat, (t, s), start, method=method, t_eval=[s], rtol=rtol, atol=atol)
        if not found.success:
            raise RuntimeError(f"The adaptive solver stopped between t = {t:.4g} and {s:.4g}: {found.message}")
        return torch.as_tensor(found.y[:, -1]).to(x).reshape(x.shape)

    return step
