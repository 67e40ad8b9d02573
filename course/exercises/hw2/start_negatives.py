"""2.8, where the chains of a training step start: in the buffer, or afresh."""

import math

import torch

from course import energies
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def start_negatives(buffer, index, fresh, restart):
    restart = restart.reshape(-1, *[1] * (fresh.ndim - 1))
    return torch.where(restart, fresh, buffer[index])


def cases(draw: CaseRng) -> list[Case]:
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

    lost = case(8, 5, 3)
    buffer, restart = lost.arguments["buffer"], lost.arguments["restart"]
    buffer[lost.arguments["index"][restart]] = math.inf  # a chain that ran away starts afresh
    return [case(13, 7, 3), case(11, 5, 2, 3, 4), case(9, 4, 4, again=True), lost]


exercise = Exercise(answer=start_negatives, cases=cases)
exercise.right(energies.start_negatives)


@exercise.right
def copy_then_overwrite(buffer, index, fresh, restart):
    start = buffer[index].clone()
    start[restart] = fresh[restart]
    return start


mask = "restart = restart.reshape(-1, *[1] * (fresh.ndim - 1))"
chosen = "torch.where(restart, fresh, buffer[index])"

exercise.right(
    f"{chosen} → torch.stack([fresh[b] if restart[b] else buffer[index[b]] for b in range(len(index))])",
)
exercise.mistake(
    f"{chosen} → restart * fresh + ~restart * buffer[index]",
    "a chain that ran away to infinity is never rid of it, since 0 · inf is nan: choose with torch.where.",
)
exercise.mistake(
    f"{chosen} → torch.where(restart, buffer[index], fresh)",
    "`restart` is used the wrong way round: where it is true, take `fresh`.",
)
exercise.mistake(
    "buffer[index] → buffer[: len(index)]",
    "chain b continues from buffer[index[b]], not from buffer[b]: use `index`.",
)
exercise.mistake(
    f"{chosen} → buffer[index]",
    "no chain restarts: where `restart` is true, take `fresh` instead of the buffer.",
)
exercise.mistake(
    f"""{mask} → buffer[index[restart]] = fresh[restart]
        {chosen} → buffer[index]""",
    "this writes into the buffer, which is only lent: build the starting points on a copy.",
)


@exercise.mistake(
    "`fresh` is written to the restarted chains' places in the buffer, where other chains may start too (`index` can "
    "repeat): take buffer[index] first, then overwrite chain by chain."
)
def restarts_places(buffer, index, fresh, restart):
    start = buffer.clone()
    start[index[restart]] = fresh[restart]
    return start[index]


exercise.mistake(
    f"""{mask} →
        {chosen} → torch.cat([buffer[index[~restart]], fresh[restart]])""",
    "the order changes: chain b of the result is chain b of `index`, `fresh` and `restart`.",
)


@exercise.mistake("fresh[b] belongs to chain b: take fresh[restart], not the first few of `fresh`.")
def first_fresh_taken(buffer, index, fresh, restart):
    start = buffer[index]
    start[restart] = fresh[: int(restart.sum())]
    return start


exercise.mistake(
    f"{chosen} → fresh.clone() if restart.any() else buffer[index]",
    "each chain decides for itself: one restart must not restart the whole batch.",
)
