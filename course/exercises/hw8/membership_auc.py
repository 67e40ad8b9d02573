"""8.8, who was in the training set: the chance that a member has a lower loss than another."""

import torch
from torch import Tensor

from course.applications import membership
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def membership_auc(member_losses, other_losses):
    lead = other_losses - member_losses[:, None]
    return ((lead > 0).double() + 0.5 * (lead == 0).double()).mean().item()


def cases(draw: CaseRng) -> list[Case]:
    def case(members: Tensor, others: Tensor) -> Case:
        return Case({"member_losses": members, "other_losses": others})

    def tied(n: int, levels: int) -> Tensor:
        """Quarters, so that equal numbers are equal in any precision."""
        return draw.integers(levels, n).double() / 4

    several = case(
        torch.cat([tied(13, 5), torch.tensor([0.25, 1.5])]), torch.cat([0.25 + tied(8, 6), torch.tensor([0.25])])
    )
    return [
        case(draw.uniform(17), 0.1 + draw.uniform(29) ** 0.7),
        several,
        case(0.4 + draw.uniform(8), draw.uniform(8)),
        case(torch.full((3,), 0.75).double(), torch.full((5,), 0.75).double()),
        case(draw.uniform(1), 2 + draw.uniform(1)),
        case(3 + draw.uniform(4, low=0, high=50), 3 + draw.uniform(1, low=10, high=40)),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(4000, generator=generator), torch.randn(4000, generator=generator)
    alike, lower = function(a, b), function(a - 1, b)
    return f"losses of the same law: {alike:.2f}; members lower by one standard deviation: {lower:.3f}, exactly 0.760."


exercise = Exercise(answer=membership_auc, cases=cases, remark=remark)
exercise.right(membership.membership_auc)
LEAD = "other_losses - member_losses[:, None]"
LOWER, TIE = "(lead > 0).double()", "0.5 * (lead == 0).double()"
SUM = f"{LOWER} + {TIE}"
MEAN = f"({SUM}).mean().item()"


@exercise.right
def by_signs(member_losses, other_losses):
    return 0.5 + 0.5 * torch.sign(other_losses[None, :] - member_losses[:, None]).mean().item()


@exercise.right
def by_ranks(member_losses, other_losses):
    everything, m = torch.cat([other_losses, member_losses]), len(other_losses)
    below = (everything[None] < everything[:, None]).sum(1)
    same = (everything[None] == everything[:, None]).sum(1)
    ranks = below + (same + 1) / 2
    return ((ranks[:m].sum() - m * (m + 1) / 2) / (m * len(member_losses))).item()


@exercise.right
def under_the_curve(member_losses, other_losses):
    thresholds = torch.cat([member_losses, other_losses]).unique()
    rate = lambda losses: torch.stack([(losses <= h).double().mean() for h in [thresholds[0] - 1, *thresholds]])
    return torch.trapezoid(rate(member_losses), rate(other_losses)).item()


@exercise.right
def pair_by_pair(member_losses, other_losses):
    wins = 0.0
    for a in member_losses.tolist():
        for b in other_losses.tolist():
            wins += 1.0 if a < b else 0.5 if a == b else 0.0
    return wins / (len(member_losses) * len(other_losses))


exercise.mistake(
    f"{LEAD} → member_losses[:, None] - other_losses",
    f"{MEAN} → 1 - {MEAN}",
    "the losses are compared the wrong way round: members are expected to have the *lower* loss.",
)
exercise.mistake(
    f"{SUM} → {LOWER}",
    "a tie counts for nothing: it counts half.",
    credit=0.5,
)
exercise.mistake(
    f"{SUM} → {LOWER} + (lead == 0).double()",
    f"{SUM} → (lead >= 0).double()",
    "a tie counts as a whole win: it counts half.",
    credit=0.5,
)
exercise.mistake(
    f"{MEAN} → ({SUM}).sum().item()",
    "that is the number of pairs: divide by how many there are, N × M.",
)
exercise.mistake(
    f"{MEAN} → ({SUM}).sum().item() / len(member_losses) ** 2",
    f"{MEAN} → ({SUM}).sum().item() / len(other_losses) ** 2",
    f"{MEAN} → ({SUM}).sum().item() / (len(member_losses) + len(other_losses))",
    "there are N × M pairs: divide by that.",
)
exercise.mistake(
    f"{MEAN} → 2 * {MEAN} - 1",
    f"{MEAN} → lead.sign().mean().item()",
    "that runs from −1 to 1: the area under the curve is ½ where the loss tells nothing.",
)
exercise.mistake(
    f"{MEAN} → max({MEAN}, 1 - {MEAN})",
    f"{MEAN} → 0.5 + abs({MEAN} - 0.5)",
    "you turn the answer round where it is below ½: an attack that is worse than guessing should say so.",
)
exercise.mistake(
    f"{MEAN} → ({SUM}).mean()",
    "the result is a tensor: return a Python float, with `.item()`.",
)
exercise.mistake(
    f"{LEAD} → other_losses.mean() - member_losses",
    f"{LEAD} → other_losses.median() - member_losses",
    "members are compared with a typical loss of the others: compare every member with every other.",
)
exercise.mistake(
    f"{LEAD} → other_losses - member_losses.mean()",
    f"{LEAD} → other_losses - member_losses.median()",
    "others are compared with a typical loss of the members: compare every member with every other.",
)
exercise.mistake(
    f"{LEAD} → other_losses[: len(member_losses)] - member_losses[: len(other_losses)]",
    f"{LEAD} → other_losses - member_losses",
    "members and others are compared in pairs, first with first: there are no pairs, so compare each with each.",
)
exercise.mistake(
    f"{LEAD} → other_losses.sort().values[: len(member_losses)] - member_losses.sort().values[: len(other_losses)]",
    "both are sorted and compared rank by rank: compare each member with each other.",
)
exercise.mistake(
    f"{MEAN} → lead.mean().item()",
    f"{MEAN} → lead.clamp(min=0).mean().item()",
    "that measures by how much losses differ: only which of two is lower counts.",
)
exercise.mistake(
    f"{MEAN} → torch.sigmoid(lead).double().mean().item()",
    "a sigmoid makes it soft: a pair counts one, half or nothing.",
)


@exercise.mistake(
    "that is the accuracy at one threshold: the area under the curve is over all thresholds, which is the share of "
    "pairs in the "
    "right order."
)
def accuracy_at_the_median(member_losses, other_losses):
    threshold = torch.cat([member_losses, other_losses]).median()
    found, spared = (member_losses <= threshold).double().mean(), (other_losses > threshold).double().mean()
    return ((found + spared) / 2).item()


@exercise.mistake(
    "that is the accuracy at the best threshold: the area under the curve is over all thresholds, which is the share "
    "of pairs in "
    "the right order."
)
def best_accuracy(member_losses, other_losses):
    rates = [
        ((member_losses <= h).double().mean() + (other_losses > h).double().mean()) / 2
        for h in torch.cat([member_losses, other_losses])
    ]
    return torch.stack(rates).max().item()
