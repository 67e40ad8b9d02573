"""2.7, the loss of an energy: data low, negatives high, and a penalty that keeps energies near zero."""

import torch

from course import energies
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw2.shared import network


def contrastive_divergence(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


def cases(draw: CaseRng) -> list[Case]:
    def case(energy: FunctionSpec, data: torch.Tensor, negatives: torch.Tensor, penalty: float) -> Case:
        arguments = {"energy": energy, "data": data, "negatives": negatives, "penalty": penalty}
        return Case(arguments, gradients=("energy", "data", "negatives"), magnitude=20)

    return [
        case(network(draw, 3, 2.0), draw.normal(9, 3), draw.normal(5, 3) + 1, 0.0),
        case(network(draw, 6, -1.0), draw.normal(4, 2, 3), draw.normal(7, 2, 3) - 1, 0.3),
    ]


def remark(function) -> str:
    low, high = torch.tensor([[0.5]]), torch.tensor([[2.0]])
    found = function(lambda x: x.square().sum(1), low, high, 0.0).item()
    return f"with E = x², data at 0.5 and negatives at 2 it is {found:g}: negative, since the data lie lower already."


exercise = Exercise(answer=contrastive_divergence, cases=cases, counted=("energy",), remark=remark)
exercise.right(energies.contrastive_divergence)


@exercise.right
def one_pass(energy, data, negatives, penalty):
    e = energy(torch.cat([data, negatives]).detach())
    low, high = e.split([len(data), len(negatives)])
    return (low + penalty * low**2).mean() + (penalty * high**2 - high).mean()


@exercise.right
def phase_by_phase(energy, data, negatives, penalty):
    total = 0.0
    for sign, x in ((1, data), (-1, negatives)):
        e = energy(x.clone().detach())
        total = total + sign * torch.mean(e) + penalty * torch.mean(torch.square(e))
    return total


squares = "low.square().mean() + high.square().mean()"

exercise.mistake(
    "low.mean() - high.mean() → high.mean() - low.mean()",
    "the phases are swapped: training lowers the energy of data and raises the negatives'.",
)
exercise.mistake(
    "data.detach() → data",
    "negatives.detach() → negatives",
    """data.detach() → data
       negatives.detach() → negatives""",
    "a gradient reaches the samples: they are given numbers here, so use data.detach() and negatives.detach().",
)
exercise.mistake(
    f"{squares} → low.mean() ** 2 + high.mean() ** 2",
    "the penalty is on the mean of E², not on the square of the mean of E.",
)
exercise.mistake(
    f"{squares} → low.square().mean()",
    "the penalty holds the energies of the negatives near zero too: add their mean E².",
)
exercise.mistake(
    f"low.mean() - high.mean() + penalty * ({squares}) → low.mean() - high.mean() - penalty * ({squares})",
    "the penalty has the wrong sign: it should make large energies costly.",
)
exercise.mistake(
    f"""low.mean() - high.mean() → low.sum() - high.sum()
        {squares} → low.square().sum() + high.square().sum()""",
    "you sum over the batch: take means, or the loss depends on the batch size.",
)
exercise.mistake(
    "energy(negatives.detach()) → energy(negatives.detach()).detach()",
    "the energy of the negatives is detached, so they are never pushed up: detach the samples, not their energies.",
)
exercise.mistake(
    f"{squares} → 2 * torch.cat([low, high]).square().mean()",
    "data and negatives differ in number: average each set by itself, then add.",
)
exercise.mistake(
    f"{squares} → energy(data.detach()).square().mean() + energy(negatives.detach()).square().mean()",
    "you evaluate `energy` again for the penalty: keep the energies of data and negatives, and use them twice.",
    credit=0.5,
)
