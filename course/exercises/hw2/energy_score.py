"""2.2, the score of an energy: −∇E by automatic differentiation, also under no_grad."""

import torch

from course import energies
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw2.shared import network, quadratic


def energy_score(energy, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return -torch.autograd.grad(energy(x).sum(), x)[0]


def cases(draw: CaseRng) -> list[Case]:
    return [
        Case({"energy": network(draw, 3), "x": draw.normal(5, 3)}),
        Case({"energy": network(draw, 3), "x": draw.normal(4, 3)}, no_grad=True),
        Case({"energy": quadratic(draw, 6, 3000.0), "x": draw.normal(4, 2, 3)}, magnitude=5),
    ]


def remark(function) -> str:
    x = torch.tensor([[2.0, -1.0]])
    found = function(lambda x: 0.5 * x.square().sum(1), x)[0].tolist()
    return f"for E = ½‖x‖² at (2, −1) the score is ({found[0]:g}, {found[1]:g}): it points downhill in energy."


exercise = Exercise(answer=energy_score, cases=cases, attached=False, counted=("energy",), remark=remark)
exercise.right(energies.energy_score)


@exercise.right
def functional_gradient(energy, x):
    return -torch.func.grad(lambda y: energy(y).sum())(x).detach()


@exercise.right
def gradient_with_ones(energy, x):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        e = energy(y)
        (g,) = torch.autograd.grad(e, y, grad_outputs=torch.ones_like(e))
    return g.neg()


@exercise.right
def example_by_example(energy, x):
    with torch.enable_grad():
        rows = [row[None].detach().requires_grad_() for row in x]
        return torch.cat([torch.autograd.grad(-energy(row).squeeze(), row)[0] for row in rows])


gradient = "torch.autograd.grad(energy(x).sum(), x)[0]"

exercise.right(f"{gradient} → torch.autograd.grad(energy(x).sum(), x)[-1]", "the tuple has one entry")
exercise.mistake(
    f"-{gradient} → {gradient}",
    "that is +∇E, which points uphill in energy: the score is −∇E.",
)
exercise.mistake(
    "energy(x).sum() → energy(x).mean()",
    "averaging over the batch divides every gradient by B: differentiate energy(x).sum().",
)
exercise.mistake(
    f"-{gradient} → torch.autograd.grad(torch.exp(-energy(x)).sum(), x)[0]",
    "that is the gradient of exp(−E); the score is the gradient of log p, which is −∇E.",
)


@exercise.mistake(
    "`.backward()` adds to the gradients of the energy's parameters, in the middle of somebody's training: use "
    "torch.autograd.grad with respect to x alone."
)
def backward_into_parameters(energy, x):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        energy(x).sum().backward()
    return -x.grad


@exercise.mistake(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def not_under_no_grad(energy, x):
    x = x.detach().requires_grad_()
    return -torch.autograd.grad(energy(x).sum(), x)[0]


exercise.mistake(
    f"{gradient} → torch.autograd.grad(energy(x).sum(), x, create_graph=True)[0]",
    "create_graph keeps a graph behind the score, and a chain of a thousand steps would keep a thousand: leave it out.",
)
exercise.mistake(
    "x.detach().requires_grad_() → x.requires_grad_()",
    "x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().",
)
