r"""Steps for any SDE :math:`\mathrm d x = f(x, t) \, \mathrm d t + g(t) \, \mathrm d w` or ODE :math:`x' = v(x, t)`.

They know nothing of scores. For sampling, f is ``process.reverse(score)`` and v is ``process.flow(score)``. Every step
goes from t to s, forwards or backwards in time.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course.tensors import check_number, check_real, evaluate, expand, in_double, randn_like, returned_as, shaped_as
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
        diffusion: g(t), a number, or one per example, shape (B,).
        noise: z ~ N(0, I), of x's shape.

    Raises:
        ValueError: if a shape does not fit, or a function modifies x in place.
        TypeError: if t or s is not a number, or x or what a function returns not real.
    """
    check_real(x=x)
    shaped_as(x, noise=noise)
    check_number(t=t, s=s)
    return x + (s - t) * evaluate("drift", drift, x, t) + expand(diffusion(t), x) * abs(s - t) ** 0.5 * noise


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
    check_real(x=x)
    shaped_as(x, noise=noise)
    check_number(t=t, s=s)
    h, here, kick = s - t, evaluate("drift", drift, x, t), abs(s - t) ** 0.5 * noise
    there = _at_the_end(drift, x + h * here + expand(diffusion(t), x) * kick, s, "drift")
    return x + h / 2 * (here + there) + expand((diffusion(t) + diffusion(s)) / 2, x) * kick


def stochastic_heun(
    drift: Field, diffusion: Callable[[float], float], generator: torch.Generator | None = None
) -> Step:
    """``stochastic_heun_step`` with fresh noise, as a Step."""
    return lambda x, t, s: stochastic_heun_step(x, t, s, drift, diffusion, randn_like(x, generator))


def heun_step(x: Tensor, t: float, s: float, field: Field) -> Tensor:
    r"""Heun's method: Euler's prediction, then the average of the fields at both ends; order 2, two calls.

    .. math:: x_s = x_t + \tfrac{s - t}{2} \bigl(v(x_t, t) + v(x_t + (s - t) v(x_t, t), s)\bigr)
    """
    check_real(x=x)
    check_number(t=t, s=s)
    here = evaluate("field", field, x, t)
    there = _at_the_end(field, x + (s - t) * here, s)
    return x + (s - t) / 2 * (here + there)


def heun(field: Field) -> Step:
    """``heun_step`` as a Step."""
    return lambda x, t, s: heun_step(x, t, s, field)


def rk4_step(x: Tensor, t: float, s: float, field: Field) -> Tensor:
    """The classical Runge–Kutta method; order 4, four calls."""
    check_real(x=x)
    check_number(t=t, s=s)
    h = s - t
    a = evaluate("field", field, x, t)
    b = returned_as(x, field(x + h / 2 * a, t + h / 2), "field")
    c = returned_as(x, field(x + h / 2 * b, t + h / 2), "field")
    d = _at_the_end(field, x + h * c, s)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


def rk4(field: Field) -> Step:
    """``rk4_step`` as a Step."""
    return lambda x, t, s: rk4_step(x, t, s, field)


def _at_the_end(field: Field, x: Tensor, s: float, name: str = "field") -> Tensor:
    """A field where a step ends; at time 0, where that of a score has none, one sentence instead of nan."""
    if s != 0:
        return returned_as(x, field(x, s), name)
    try:
        there = returned_as(x, field(x, s), name)
    except ZeroDivisionError:
        there = torch.full_like(x, torch.nan)
    if not there.isfinite().all():
        raise ValueError(
            f"The {name} is not finite at time 0, where a score divides by no noise; end at a small time, or go the "
            "last step with `ddim` or `edm_step`, which are exact there."
        )
    return there


def adaptive(field: Field, rtol: float = 1e-5, atol: float = 1e-5, method: str = "RK45", most: int = 100_000) -> Step:
    """A step of any length by scipy's ``solve_ivp``, which chooses its own steps in between for the whole batch.

    Args:
        field: v(x, t).
        rtol, atol: allowed errors, relative and absolute.
        method: of ``scipy.integrate.solve_ivp``.
        most: evaluations that a step may take; an explicit method never ends on a field that is too stiff for it.

    Raises:
        RuntimeError: if the solver gives up, with its own words, or asks for the field more than ``most`` times.
        ValueError: if the field is not finite somewhere on the way, which the solver would never leave.
    """

    def step(x: Tensor, t: float, s: float) -> Tensor:
        check_real(x=x)
        if t == s:
            return x
        if not (math.isfinite(t) and math.isfinite(s)):
            raise ValueError(f"Times are finite; got {t} and {s}.")
        from scipy.integrate import solve_ivp

        calls = 0

        def flat(time: float, y: object) -> object:
            nonlocal calls
            calls += 1
            if calls > most:
                raise RuntimeError(f"The adaptive solver asked for the field {most} times between {t:.4g} and {s:.4g}.")
            here = torch.as_tensor(y, dtype=x.dtype).to(x.device).reshape(x.shape)
            values = returned_as(x, field(here, float(time)), "field")
            if not values.isfinite().all():
                raise ValueError(f"The field is not finite at time {time:.6g}; end at a small time, before it is.")
            return in_double(values).flatten().cpu().numpy()

        start = in_double(x).flatten().cpu().numpy()
        found = solve_ivp(flat, (t, s), start, method=method, t_eval=[s], rtol=rtol, atol=atol)
        if not found.success:
            raise RuntimeError(f"The adaptive solver stopped between t = {t:.4g} and {s:.4g}: {found.message}")
        return torch.as_tensor(found.y[:, -1], dtype=x.dtype).to(x.device).reshape(x.shape)

    return step
