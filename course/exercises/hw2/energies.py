"""hw2: normalizing constants, scores of energies, and training by contrastive divergence."""

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


def _grid(draw: Draw, energy: Given, side: int, d: int) -> dict:
    axis = torch.linspace(-4, 5, side, dtype=torch.float64) + draw.number(0, 0.3)
    points = torch.cartesian_prod(*[axis] * d)
    return {"energy": energy, "points": points, "cell": (9 / (side - 1)) ** d}


def _partition_cases(draw: Draw) -> list[Case]:
    return [
        Case(_grid(draw, quadratic(draw, 3), 7, 3), magnitude=50),
        Case(_grid(draw, network(draw, 2, 3.0), 23, 2), magnitude=50),
        Case(_grid(draw, quadratic(draw, 3, 2000.0), 6, 3), magnitude=2000),
        Case(_grid(draw, network(draw, 2, -2000.0), 19, 2), magnitude=2000),
    ]


def _gaussian_remark(function) -> str:
    axis = torch.linspace(-6, 6, 61)
    grid = torch.cartesian_prod(axis, axis)
    found = function(lambda x: 0.5 * x.square().sum(1), grid, 0.04).item()
    return f"log Z of a standard Gaussian in the plane: {found:.4f}, exactly log 2π = {math.log(2 * math.pi):.4f}."


log_partition = Exercise("log_partition", 8, energies.log_partition, _partition_cases, remark=_gaussian_remark)


@log_partition.misconception("exp(−E) overflows or vanishes when energies are large: use torch.logsumexp.", credit=0.5)
def exponential_overflows(energy, points, cell):
    return torch.log(torch.exp(-energy(points)).sum() * cell)


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


energy_score = Exercise("energy_score", 10, energies.energy_score, _score_cases, attached=False, remark=_score_remark)


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


# -- contrastive_divergence --------------------------------------------------------------------------------------------


def _divergence_cases(draw: Draw) -> list[Case]:
    def case(energy: Given, data: torch.Tensor, negatives: torch.Tensor, penalty: float) -> Case:
        arguments = {"energy": energy, "data": data, "negatives": negatives, "penalty": penalty}
        return Case(arguments, gradients=("energy", "data", "negatives"), magnitude=20)

    return [
        case(network(draw, 3, 2.0), draw.normal(9, 3), draw.normal(5, 3) + 1, 0.0),
        case(network(draw, 6, -1.0), draw.normal(4, 2, 3), draw.normal(7, 2, 3) - 1, 0.3),
    ]


def _divergence_remark(function) -> str:
    low, high = torch.tensor([[0.5]]), torch.tensor([[2.0]])
    found = function(lambda x: x.square().sum(1), low, high, 0.0).item()
    return f"with E = x², data at 0.5 and negatives at 2 it is {found:g}: negative, since the data lie lower already."


contrastive_divergence = Exercise(
    "contrastive_divergence", 14, energies.contrastive_divergence, _divergence_cases, remark=_divergence_remark
)


@contrastive_divergence.misconception(
    "the phases are swapped: training lowers the energy of data and raises the negatives'."
)
def phases_swapped(energy, data, negatives, penalty):
    high, low = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


_SAMPLES_LEARN = (
    "a gradient reaches the samples: they are given numbers here, so use data.detach() and negatives.detach()."
)


@contrastive_divergence.misconception(_SAMPLES_LEARN)
def gradient_reaches_data(energy, data, negatives, penalty):
    low, high = energy(data), energy(negatives.detach())
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


@contrastive_divergence.misconception(_SAMPLES_LEARN)
def gradient_reaches_negatives(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives)
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


@contrastive_divergence.misconception(_SAMPLES_LEARN)
def gradient_reaches_samples(energy, data, negatives, penalty):
    low, high = energy(data), energy(negatives)
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


@contrastive_divergence.misconception("the penalty is on the mean of E², not on the square of the mean of E.")
def square_of_mean(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() + penalty * (low.mean() ** 2 + high.mean() ** 2)


@contrastive_divergence.misconception(
    "the penalty holds the energies of the negatives near zero too: add their mean E²."
)
def penalty_on_data_only(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() + penalty * low.square().mean()


@contrastive_divergence.misconception("the penalty has the wrong sign: it should make large energies costly.")
def penalty_rewarded(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() - penalty * (low.square().mean() + high.square().mean())


@contrastive_divergence.misconception("you sum over the batch: take means, or the loss depends on the batch size.")
def sum_for_mean(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.sum() - high.sum() + penalty * (low.square().sum() + high.square().sum())


@contrastive_divergence.misconception(
    "the energy of the negatives is detached, so they are never pushed up: detach the samples, not their energies."
)
def negative_energy_detached(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach()).detach()
    return low.mean() - high.mean() + penalty * (low.square().mean() + high.square().mean())


@contrastive_divergence.misconception("data and negatives differ in number: average each set by itself, then add.")
def one_mean_for_both(energy, data, negatives, penalty):
    low, high = energy(data.detach()), energy(negatives.detach())
    return low.mean() - high.mean() + 2 * penalty * torch.cat([low, high]).square().mean()


# -- start_negatives ---------------------------------------------------------------------------------------------------


def _start_cases(draw: Draw) -> list[Case]:
    def case(n: int, b: int, *shape: int, again: bool = False) -> Case:
        restart = torch.zeros(b, dtype=torch.bool)
        restart[draw.permutation(b)[: max(1, b // 3)]] = True
        index = draw.permutation(n)[:b]
        if again:  # two chains continue from one place in the buffer, and one of them restarts
            restart[:2] = torch.tensor([True, False])
            index[1] = index[0]
        return Case(
            {"buffer": draw.normal(n, *shape), "index": index, "fresh": draw.normal(b, *shape), "restart": restart}
        )

    return [case(13, 7, 3), case(11, 5, 2, 3, 4), case(9, 4, 4, again=True)]


start_negatives = Exercise("start_negatives", 8, energies.start_negatives, _start_cases)


@start_negatives.misconception("`restart` is used the wrong way round: where it is true, take `fresh`.")
def restart_inverted(buffer, index, fresh, restart):
    return energies.start_negatives(buffer, index, fresh, ~restart)


@start_negatives.misconception("chain b continues from buffer[index[b]], not from buffer[b]: use `index`.")
def index_ignored(buffer, index, fresh, restart):
    return energies.start_negatives(buffer, torch.arange(len(index), device=index.device), fresh, restart)


@start_negatives.misconception("no chain restarts: where `restart` is true, take `fresh` instead of the buffer.")
def never_restarts(buffer, index, fresh, restart):
    return buffer[index]


@start_negatives.misconception("this writes into the buffer, which is only lent: build the starting points on a copy.")
def writes_to_buffer(buffer, index, fresh, restart):
    buffer[index[restart]] = fresh[restart]
    return buffer[index]


@start_negatives.misconception(
    "`fresh` is written to the restarted chains' places in the buffer, where other chains may start too (`index` can "
    "repeat): take buffer[index] first, then overwrite chain by chain."
)
def restarts_places(buffer, index, fresh, restart):
    start = buffer.clone()
    start[index[restart]] = fresh[restart]
    return start[index]


@start_negatives.misconception("the order changes: chain b of the result is chain b of `index`, `fresh` and `restart`.")
def order_lost(buffer, index, fresh, restart):
    return torch.cat([buffer[index[~restart]], fresh[restart]])


@start_negatives.misconception("fresh[b] belongs to chain b: take fresh[restart], not the first few of `fresh`.")
def first_fresh_taken(buffer, index, fresh, restart):
    start = buffer[index]
    start[restart] = fresh[: int(restart.sum())]
    return start


@start_negatives.misconception("each chain decides for itself: one restart must not restart the whole batch.")
def all_restart_together(buffer, index, fresh, restart):
    return fresh.clone() if restart.any() else buffer[index]
