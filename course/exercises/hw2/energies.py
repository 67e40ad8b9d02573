"""hw2: normalizing constants, and scores of energies."""

import math

import torch

from course import energies
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise


def quadratic(draw: Draw, d: int, offset: float = 0.0) -> Given:
    """An energy with a mean that is not zero and a covariance that is not a multiple of one."""
    tensors = {"centre": draw.normal(d), "precision": draw.precision(d), "offset": torch.tensor(offset).double()}
    return Given("QuadraticEnergy", tensors)


def network(draw: Draw, d: int, offset: float = 0.0) -> Given:
    """An energy that is no one's closed form."""
    tensors = {"win": draw.normal(d, 7) / d**0.5, "bias": draw.normal(7), "wout": draw.normal(7)}
    return Given("NetworkEnergy", {**tensors, "offset": torch.tensor(offset).double()})


# -- log_partition -----------------------------------------------------------------------------------------------------


def _grid(draw: Draw, energy: Given, side: int, d: int, low: float = -4.0, high: float = 5.0) -> dict:
    axis = torch.linspace(low, high, side, dtype=torch.float64) + draw.number(0, 0.3)
    points = torch.cartesian_prod(*[axis] * d)
    return {"energy": energy, "points": points, "cell": ((high - low) / (side - 1)) ** d}


def _partition_cases(draw: Draw) -> list[Case]:
    return [
        Case(_grid(draw, quadratic(draw, 3), 7, 3), magnitude=50),
        Case(_grid(draw, network(draw, 2, 3.0), 23, 2), magnitude=50),
        Case(_grid(draw, quadratic(draw, 3, 2000.0), 6, 3), magnitude=2000),
        Case(_grid(draw, network(draw, 2, -2000.0), 19, 2), magnitude=2000),
        # energies so different that the exponential of their differences overflows in every precision
        Case(_grid(draw, network(draw, 2, 5.0), 37, 2, -60.0, 70.0), magnitude=50),
    ]


def _gaussian_remark(function) -> str:
    axis = torch.linspace(-6, 6, 61)
    grid = torch.cartesian_prod(axis, axis)
    found = function(lambda x: 0.5 * x.square().sum(1), grid, 0.04).item()
    return f"log Z of a standard Gaussian in the plane: {found:.4f}, exactly log 2π = {math.log(2 * math.pi):.4f}."


log_partition = Exercise(
    "log_partition", 8, energies.log_partition, _partition_cases, counted=("energy",), remark=_gaussian_remark
)


@log_partition.misconception("exp(−E) overflows or vanishes when energies are large: use torch.logsumexp.", credit=0.5)
def exponential_overflows(energy, points, cell):
    return torch.log(torch.exp(-energy(points)).sum() * cell)


@log_partition.misconception(
    "exp overflows all the same, since what you take out is not the lowest energy: take that, or use torch.logsumexp.",
    credit=0.5,
)
def highest_energy_taken_out(energy, points, cell):
    e = energy(points)
    return torch.log(torch.exp(e.max() - e).sum() * cell) - e.max()


@log_partition.misconception(
    "the energies are clamped before exp, which changes log Z: take the lowest energy out, or use torch.logsumexp.",
    credit=0.5,
)
def energies_clamped(energy, points, cell):
    return torch.log(torch.exp(-energy(points).clamp(-80, 80)).sum() * cell)


@log_partition.misconception("every grid point stands for a volume: multiply the sum by `cell` (add log cell).")
def cell_left_out(energy, points, cell):
    return torch.logsumexp(-energy(points), 0)


@log_partition.misconception("the density is exp(−E), not exp(E): low energy is high probability.")
def sign_of_energy(energy, points, cell):
    return torch.logsumexp(energy(points), 0) + math.log(cell)


@log_partition.misconception("a Riemann sum adds up height × cell; you average over the points instead.")
def mean_for_sum(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) + math.log(cell) - math.log(len(points))


@log_partition.misconception("that adds `cell` itself to a logarithm: add log cell, since log(ab) = log a + log b.")
def cell_not_logged(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) + cell


@log_partition.misconception("that multiplies the logarithm by `cell`: log(Σ · cell) is log Σ + log cell.")
def logarithm_times_cell(energy, points, cell):
    return cell * torch.logsumexp(-energy(points), 0)


@log_partition.misconception("`cell` is a volume already: do not raise it to the power D.")
def cell_taken_for_a_side(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) + points.shape[1] * math.log(cell)


@log_partition.misconception("that is log p at each grid point; sum over the points to get one number.")
def not_summed(energy, points, cell):
    return -energy(points) + math.log(cell)


# -- energy_score ------------------------------------------------------------------------------------------------------


def _score_cases(draw: Draw) -> list[Case]:
    return [
        Case({"energy": network(draw, 3), "x": draw.normal(5, 3)}),
        Case({"energy": network(draw, 3), "x": draw.normal(4, 3)}, no_grad=True),
        Case({"energy": quadratic(draw, 6, 3000.0), "x": draw.normal(4, 2, 3)}, magnitude=5),
    ]


def _score_remark(function) -> str:
    x = torch.tensor([[2.0, -1.0]])
    found = function(lambda x: 0.5 * x.square().sum(1), x)[0].tolist()
    return f"for E = ½‖x‖² at (2, −1) the score is ({found[0]:g}, {found[1]:g}): it points downhill in energy."


def _energy_score(energy, x):  # without the library's own option
    return energies.energy_score(energy, x)


energy_score = Exercise(
    "energy_score",
    10,
    _energy_score,
    _score_cases,
    attached=False,
    counted=("energy",),
    remark=_score_remark,
)


@energy_score.misconception("that is +∇E, which points uphill in energy: the score is −∇E.")
def gradient_without_minus(energy, x):
    return -energies.energy_score(energy, x)


@energy_score.misconception("averaging over the batch divides every gradient by B: differentiate energy(x).sum().")
def mean_over_batch(energy, x):
    return energies.energy_score(energy, x) / len(x)


@energy_score.misconception("that is the gradient of exp(−E); the score is the gradient of log p, which is −∇E.")
def gradient_of_density(energy, x):
    return energies.energy_score(lambda y: -torch.exp(-energy(y)), x)


@energy_score.misconception(
    "`.backward()` adds to the gradients of the energy's parameters, in the middle of somebody's training: use "
    "torch.autograd.grad with respect to x alone."
)
def backward_into_parameters(energy, x):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        energy(x).sum().backward()
    return -x.grad


@energy_score.misconception(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def not_under_no_grad(energy, x):
    x = x.detach().requires_grad_()
    return -torch.autograd.grad(energy(x).sum(), x)[0]


@energy_score.misconception(
    "create_graph keeps a graph behind the score, and a chain of a thousand steps would keep a thousand: leave it out."
)
def graph_kept(energy, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return -torch.autograd.grad(energy(x).sum(), x, create_graph=True)[0]


@energy_score.misconception("x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().")
def switches_on_callers_x(energy, x):
    with torch.enable_grad():
        return -torch.autograd.grad(energy(x.requires_grad_()).sum(), x)[0]
