"""2.1, the normalizing constant of an energy: log Z by a Riemann sum on a grid."""

import math

import torch

from course import energies
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw2.shared import network, quadratic


def log_partition(energy, points, cell):
    return torch.logsumexp(-energy(points), dim=0) + math.log(cell)


def cases(draw: CaseRng) -> list[Case]:
    def grid(energy: FunctionSpec, side: int, d: int, low: float = -4.0, high: float = 5.0) -> dict:
        axis = torch.linspace(low, high, side, dtype=torch.float64) + draw.number(0, 0.3)
        points = torch.cartesian_prod(*[axis] * d)
        return {"energy": energy, "points": points, "cell": ((high - low) / (side - 1)) ** d}

    return [
        Case(grid(quadratic(draw, 3), 7, 3), magnitude=50),
        Case(grid(network(draw, 2, 3.0), 23, 2), magnitude=50),
        Case(grid(quadratic(draw, 3, 2000.0), 6, 3), magnitude=2000),
        Case(grid(network(draw, 2, -2000.0), 19, 2), magnitude=2000),
        Case(grid(quadratic(draw, 2, 0.3), 2, 2, 0.0, 1.0), magnitude=50),  # the first and the last point weigh as much
        # energies so different that the exponential of their differences overflows in every precision
        Case(grid(network(draw, 2, 5.0), 37, 2, -60.0, 70.0), magnitude=50),
    ]


def remark(function) -> str:
    axis = torch.linspace(-6, 6, 61)
    grid = torch.cartesian_prod(axis, axis)
    found = function(lambda x: 0.5 * x.square().sum(1), grid, 0.04).item()
    return f"log Z of a standard Gaussian in the plane: {found:.4f}, exactly log 2π = {math.log(2 * math.pi):.4f}."


exercise = Exercise(answer=log_partition, cases=cases, counted=("energy",), remark=remark)
exercise.right(energies.log_partition)


@exercise.right
def largest_term_taken_out(energy, points, cell):
    e = energy(points)
    return torch.log(torch.exp(e.min() - e).sum() * cell) - e.min()


log_sum = "torch.logsumexp(-energy(points), dim=0)"

exercise.right(f"{log_sum} + math.log(cell) → (-energy(points) + math.log(cell)).logsumexp(dim=0)")
exercise.right(f"{log_sum} → torch.logsumexp(-energy(points), dim=-1)", "there is one axis")
exercise.mistake(
    f"{log_sum} + math.log(cell) → torch.log(torch.exp(-energy(points)).sum() * cell)",
    "exp(−E) overflows or vanishes when energies are large: use torch.logsumexp.",
    credit=0.5,
)


@exercise.mistake(
    "exp overflows all the same, since what you take out is not the lowest energy: take that, or use torch.logsumexp.",
    credit=0.5,
)
def highest_energy_taken_out(energy, points, cell):
    e = energy(points)
    return torch.log(torch.exp(e.max() - e).sum() * cell) - e.max()


exercise.mistake(
    f"{log_sum} + math.log(cell) → torch.log(torch.exp(-energy(points).clamp(-80, 80)).sum() * cell)",
    "the energies are clamped before exp, which changes log Z: take the lowest energy out, or use torch.logsumexp.",
    credit=0.5,
)
exercise.mistake(
    f"{log_sum} + math.log(cell) → {log_sum}",
    "every grid point stands for a volume: multiply the sum by `cell` (add log cell).",
)
exercise.mistake(
    "-energy(points) → energy(points)",
    "the density is exp(−E), not exp(E): low energy is high probability.",
)
exercise.mistake(
    "math.log(cell) → math.log(cell) - math.log(len(points))",
    "a Riemann sum adds up height × cell; you average over the points instead.",
)
exercise.mistake(
    "math.log(cell) → cell",
    "that adds `cell` itself to a logarithm: add log cell, since log(ab) = log a + log b.",
)
exercise.mistake(
    f"{log_sum} + math.log(cell) → cell * {log_sum}",
    "that multiplies the logarithm by `cell`: log(Σ · cell) is log Σ + log cell.",
)
exercise.mistake(
    "math.log(cell) → points.shape[1] * math.log(cell)",
    "`cell` is a volume already: do not raise it to the power D.",
)
exercise.mistake(
    f"{log_sum} → -energy(points)",
    "that is log p at each grid point; sum over the points to get one number.",
)
