"""What several of hw6's exercises share: functions of time to hand over, cases, remarks, and a sentence."""

import math

import torch
from torch import Tensor

from course.exercises.case import Case, CaseRng, FunctionSpec

TIMES_AS_TENSORS = """drift(x, t) → drift(x, as_tensor(t, x))
    diffusion(t) → diffusion(as_tensor(t, x))
    score(x, t) → score(x, as_tensor(t, x))"""
"""A patch: every function is told a time for each example, whatever was given."""

NOT_EXPANDED = (
    "g(t) is a float where t is one, and has shape (B,) where t has: give it x's axes in both cases, expand(g, x)."
)


def field(draw: CaseRng, d: int, kind: str = "Field", size: float = 1.0, **more: Tensor) -> FunctionSpec:
    """A drift, a score or a velocity that changes a lot with time; where x is small, one of that size."""
    tensors = {"win": draw.normal(d, 7) / d**0.5, "bias": draw.normal(7), "rate": 3 * draw.normal(7)}
    return FunctionSpec(f"hw6.{kind}", {**tensors, "wout": size * draw.normal(7, d), **more})


def diffusion(draw: CaseRng) -> FunctionSpec:
    """g(t), which grows or falls by a factor of two or more."""
    return FunctionSpec(
        "hw6.Diffusion", {"base": draw.uniform(low=0.6, high=1.6), "rate": draw.uniform(low=0.8, high=1.4)}
    )


def ve_range(draw: CaseRng, size: float = 1.0) -> dict[str, float]:
    return {"sigma_min": size * draw.number(0.05, 0.4), "sigma_max": size * draw.number(5.0, 9.0)}


def vp_range(draw: CaseRng, size: float = 1.0) -> dict[str, float]:
    return {"beta_min": size * draw.number(0.1, 0.8), "beta_max": size * draw.number(3.0, 7.0)}


def sde_cases(draw: CaseRng, ranges) -> list[Case]:
    """States and times for the equation of a process."""
    return [
        Case({"x": 2 * draw.normal(5, 3), "t": draw.uniform(5, low=0.05), **ranges(draw)}),
        Case({"x": 2 * draw.normal(7, 2, 4), "t": draw.uniform(7, low=0.05), **ranges(draw)}, no_grad=True),
        # neither a time nor a coefficient is to be clamped
        Case({"x": 2 * draw.normal(6, 4), "t": 1e-3 * draw.uniform(6), **ranges(draw, 1e-4)}, magnitude=1e-3),
    ]


def drift_cases(draw: CaseRng) -> list[Case]:
    """Time as a float and as one number per example; the drift is not the score."""

    def case(t: float | Tensor, no_grad: bool, b: int, *shape: int) -> Case:
        d = math.prod(shape)
        arguments = {"x": 2 * draw.normal(b, *shape), "t": t, "drift": field(draw, d), "diffusion": diffusion(draw)}
        return Case({**arguments, "score": field(draw, d)}, no_grad)

    return [
        case(draw.number(0.2, 0.9), False, 5, 3),
        case(draw.uniform(7, low=0.1, high=0.9), False, 7, 4),
        case(draw.uniform(4, low=0.1, high=0.9), True, 4, 2, 3),
    ]


def variance(t: float) -> float:
    """The variance at time t under dx = −½ x dt + dw of what has variance 4 at time 0."""
    return 1 + 3 * math.exp(-t)


def solver_cases(draw: CaseRng) -> list[Case]:
    """Both directions of time, along a field that changes a lot in one step."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int) -> Case:
        return Case({"x": 2 * draw.normal(b, *shape), "t": t, "s": s, "field": field(draw, math.prod(shape))}, no_grad)

    t = draw.number(0.1, 0.3)
    return [
        case(t + draw.number(0.3, 0.6), t, False, 5, 3),
        case(t, t + draw.number(0.3, 0.6), False, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, True, 6, 4),
    ]


def order_remark(theory: int):
    """The errors at t = 1 of x′ = −2 t x from 1, whose solution is exp(−t²), in 8 and in 16 steps, and their ratio."""

    def error(function, n: int) -> float:
        x = torch.ones(1, 1, dtype=torch.float64)
        for i in range(n):
            x = function(x, i / n, (i + 1) / n, lambda x, t: -2 * t * x)
        return abs(x.item() - math.exp(-1))

    def remark(function) -> str:
        gain = error(function, 8) / error(function, 16)
        return f"steps half as long have an error {gain:.1f} times smaller; order {theory} promises {2**theory}."

    return remark
