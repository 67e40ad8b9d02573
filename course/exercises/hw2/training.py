"""hw2: training an energy by contrastive divergence, with chains that go on."""

import torch

from course import energies
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw2.energies import network

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
    "contrastive_divergence",
    14,
    energies.contrastive_divergence,
    _divergence_cases,
    counted=("energy",),
    remark=_divergence_remark,
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


@contrastive_divergence.misconception(
    "you evaluate `energy` again for the penalty: keep the energies of data and negatives, and use them twice.",
    credit=0.5,
)
def energies_computed_twice(energy, data, negatives, penalty):
    x, y = data.detach(), negatives.detach()
    return energy(x).mean() - energy(y).mean() + penalty * (energy(x).square().mean() + energy(y).square().mean())


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
