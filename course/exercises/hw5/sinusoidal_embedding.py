"""5.1, a number as a vector of waves: cosines, then sines, at geometric frequencies."""

import math

import torch

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.networks import layers


def sinusoidal_embedding(t, dim, max_period):
    half = dim // 2
    omega = max_period ** (-torch.arange(half, dtype=t.dtype, device=t.device) / half)
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, dim: int, max_period: float, **how) -> Case:
        t = draw.uniform(b, low=-1.5, high=3.0)  # of order one: single precision in the frequencies is no mistake there
        return Case({"t": t, "dim": dim, "max_period": max_period}, **how)

    return [case(7, 10, 10_000.0), case(4, 12, draw.number(20, 60), gradients=("t",)), case(3, 8, 500.0, no_grad=True)]


def remark(function) -> str:
    e = function(torch.tensor([10.0, 13.0, 500.0, 503.0]), 64, 10_000.0)
    near, far = (e[0] @ e[1]).item(), (e[2] @ e[3]).item()
    return f"e(10)·e(13) = {near:.2f} and e(500)·e(503) = {far:.2f}: only the difference of two times counts."


exercise = Exercise(answer=sinusoidal_embedding, cases=cases, remark=remark)
exercise.right(layers.sinusoidal_embedding)

k = "torch.arange(half, dtype=t.dtype, device=t.device)"
exponent = f"-{k} / half"
omega = f"max_period ** ({exponent})"

exercise.right(
    f"""{exponent} → -torch.arange(0, dim, 2, dtype=t.dtype, device=t.device) / dim
        t[:, None] * omega → torch.outer(t, omega)"""
)


@exercise.right
def geometric_ratio(t, dim, max_period):
    half = dim // 2
    ratio = max_period ** (-1 / half)
    columns = [t * ratio**k for k in range(half)]
    return torch.stack([torch.cos(a) for a in columns] + [torch.sin(a) for a in columns], dim=1)


@exercise.right
def filled_in(t, dim, max_period):
    half = dim // 2
    out = t.new_empty(len(t), dim)
    omega = torch.exp(torch.arange(half, device=t.device) * (-math.log(max_period) / half)).to(t.dtype)
    out[:, :half] = (t.unsqueeze(1) * omega.unsqueeze(0)).cos()
    out[:, half:] = (t.unsqueeze(1) * omega.unsqueeze(0)).sin()
    return out


@exercise.right
def as_a_complex_wave(t, dim, max_period):
    omega = torch.logspace(0, -1 + 2 / dim, dim // 2, base=max_period, dtype=t.dtype, device=t.device)
    wave = torch.polar(torch.ones_like(t[:, None] * omega), t[:, None] * omega)
    return torch.cat([wave.real, wave.imag], 1)


exercise.right("dim // 2 → dim / 2", "`dim` is even, and `arange` counts to a whole float as to an int")
exercise.right(
    f"{k} → torch.arange(half, device=t.device)", "frequencies may be in single precision, says the docstring"
)
exercise.right(f"{k} → torch.arange(half, dtype=t.dtype)", "fails where there is a GPU")
exercise.mistake(
    "[angle.cos(), angle.sin()] → [angle.sin(), angle.cos()]",
    "your sines come first: here all cosines stand before all sines.",
)
exercise.mistake(
    "torch.cat([angle.cos(), angle.sin()], dim=1) → torch.stack([angle.cos(), angle.sin()], dim=2).flatten(1)",
    "cosines and sines alternate: put all cosines first, then all sines (torch.cat, not a stack that is flattened).",
)
exercise.mistake(
    f"{exponent} → -{k} / (half - 1)",
    "you divide k by dim/2 − 1, as some published code does: the exponent here is −k/(dim/2).",
)
exercise.mistake(
    f"{exponent} → -{k} / dim",
    "your frequencies fall too slowly: k is divided by dim/2, the number of frequencies, not by dim.",
)
exercise.mistake(
    f"{exponent} → -2 * {k} / half",
    "your frequencies fall too fast: the exponent is −k/(dim/2), which is −2k/dim.",
)
exercise.mistake(
    f"{exponent} → {k} / half",
    "your frequencies grow with k: the exponent is negative, max_period^(−k/(dim/2)).",
)
exercise.mistake(
    f"{k} → torch.arange(1, half + 1, dtype=t.dtype, device=t.device)",
    "k starts at 0, so that the fastest wave has frequency 1; yours starts at 1.",
)
exercise.mistake(
    "t[:, None] * omega → 2 * math.pi * t[:, None] * omega", "there is no 2π here: the angle is frequency × time."
)
exercise.mistake(
    "max_period → 10_000.0",
    "`max_period` has no effect: it is the base of the powers, not always ten thousand.",
    credit=0.5,
)
exercise.mistake(
    f"{omega} → torch.linspace(1, 1 / max_period, half, dtype=t.dtype, device=t.device)",
    "your frequencies are equally spaced: they are powers of max_period, each smaller than the last by one factor.",
)
exercise.mistake(
    f"{omega} → torch.exp({exponent})",
    "exp(−k/(dim/2)) has the base e: multiply the exponent by log(max_period), or take powers of max_period.",
)
exercise.mistake(
    f"{exponent} → -({k} // half)",
    "integer division (//) makes every exponent zero, so all frequencies are 1: divide with /.",
)
