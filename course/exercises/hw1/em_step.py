"""1.4, one step of expectation–maximization: responsibilities, then the weights, means and widths that they give."""

import torch

from course.densities import GaussianMixture
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw1 import shared
from course.exercises.hw1.shared import magnitude, mixture, points


def em_step(x, weights, means, stds):
    n, d = x.shape
    square = (x[:, None] - means).square().sum(2)
    r = (weights.log() - square / (2 * stds**2) - d * stds.log()).softmax(dim=1)
    owned = r.sum(0)
    new = r.T @ x / owned[:, None]
    variance = (r * (x[:, None] - new).square().sum(2)).sum(0) / (d * owned)
    return owned / n, new, variance.sqrt()


def case(draw: CaseRng, n: int, k: int, d: int, no_grad: bool = False) -> Case:
    """Data of one mixture, and a step that starts from another."""
    made, start = mixture(draw, k, d), mixture(draw, k, d)
    start["means"] = made["means"] + 0.5 * draw.normal(k, d)
    x = points(draw, n, made)
    return Case({"x": x, **start}, no_grad=no_grad, magnitude=magnitude(x, start))


def extreme_case(
    draw: CaseRng, n: int, k: int, d: int, high: float = 1.5, shrink: float = 1.0, apart: float = 0.5
) -> Case:
    """Every density at every point is zero, or infinite, to a computer; yet each component has points of its own.

    Unless they are not far ``apart``: then the densities at one point differ by a few powers of ten.
    """
    made = mixture(draw, k, d, low=0.9, high=high, apart=apart)
    x = points(draw, n, made)
    start = {**made, "means": made["means"] + 0.6 * apart * draw.normal(k, d), "stds": made["stds"] * shrink}
    return Case({"x": x, **start}, magnitude=magnitude(x, start))


def tiny_case(draw: CaseRng, n: int, k: int, d: int) -> Case:
    """Nothing can be added to a variance, nor to what one component has of the points: less than a point in all."""
    made = mixture(draw, k, d, low=1e-4, high=2e-4)
    x = points(draw, n, made)
    weights = made["weights"] * torch.tensor([1e-8] + [1.0] * (k - 1)).double()
    start = {"weights": weights / weights.sum(), "means": made["means"] + 5e-5 * draw.normal(k, d)}
    start["stds"] = made["stds"]
    return Case({"x": x, **start}, magnitude=magnitude(x, start))


def cases(draw: CaseRng) -> list[Case]:
    return [
        case(draw, 41, 3, 4),
        case(draw, 53, 5, 3, no_grad=True),
        extreme_case(draw, 37, 2, 6, high=0.95, shrink=0.02),
        extreme_case(draw, 29, 2, 801),
        extreme_case(draw, 31, 3, 2402, high=0.91, apart=0.02),
        tiny_case(draw, 43, 4, 5),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    truth = GaussianMixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.5, 0.0], [1.5, 1.0]]), torch.tensor([0.4, 0.8]))
    x = truth.sample(1000, generator)
    parts = torch.full((2,), 0.5), torch.tensor([[-0.1, 0.0], [0.1, 0.0]]), torch.ones(2)
    before = GaussianMixture(*parts).log_prob(x).mean().item()
    for _ in range(40):
        parts = function(x, *parts)
    after, true = GaussianMixture(*parts).log_prob(x).mean().item(), truth.log_prob(x).mean().item()
    return (
        f"forty of your steps raise the mean log-likelihood of 1,000 points from {before:.2f} to {after:.3f}; the "
        f"mixture that made them has {true:.3f}. A little less than yours: why?"
    )


exercise = Exercise(answer=em_step, cases=cases, remark=remark, results=("weights", "means", "stds"))


@exercise.right
def of_the_librarys_mixture(x, weights, means, stds):
    r = GaussianMixture(weights, means, stds).responsibilities(x)
    count = r.sum(0)
    new = r.mT @ x / count[:, None]
    square = (x[:, None] - new).square().sum(2)
    return count / len(x), new, ((r * square).sum(0) / (x.shape[1] * count)).sqrt()


@exercise.right
def component_after_component(x, weights, means, stds):
    square = torch.stack([(x - m).square().sum(1) for m in means], 1)
    r = (weights.log() - 0.5 * square / stds.square() - x.shape[1] * stds.log()).softmax(1)
    parts = []
    for k in range(len(weights)):
        share = r[:, k] / r[:, k].sum()
        m = share @ x
        parts.append((r[:, k].mean(), m, (share[:, None] * (x - m) ** 2).mean(1).sum().sqrt()))
    return tuple(torch.stack(column) for column in zip(*parts))


squares = "(x[:, None] - means).square().sum(2)"
logs = "weights.log() - square / (2 * stds**2) - d * stds.log()"
spread = "(r * (x[:, None] - new).square().sum(2)).sum(0)"
names_logs = f"square = {squares} → logs = weights.log() - {squares} / (2 * stds**2) - d * stds.log()"

exercise.right(f"""r.T @ x → (r[:, :, None] * x[:, None, :]).sum(0)
                   owned / n → r.mean(0)
                   {spread} / (d * owned) → (r[:, :, None] * (x[:, None, :] - new) ** 2).sum((0, 2)) / owned / d""")
exercise.right(f"""({logs}).softmax(dim=1) → (({logs}) - ({logs}).logsumexp(1, keepdim=True)).exp()
                   {spread} / (d * owned) → (r.T @ x.square().sum(1) / owned - new.square().sum(1)) / d""")
exercise.right(
    "owned / n → owned.div_(n)",
    "`owned` is the function's own, and the means and widths that it divides are computed before",
)
exercise.right(
    "r * (x[:, None] - new).square().sum(2) → r.mul_((x[:, None] - new).square().sum(2))",
    "`r` is the function's own, and not used again",
)
exercise.right(
    "square / (2 * stds**2) → square.div_(2 * stds**2)",
    "`square` is the function's own, and not used again",
)
exercise.mistake(
    f"""square = {squares} → joint = weights * torch.exp(-{squares} / (2 * stds**2)) / stds**d
        ({logs}).softmax(dim=1) → joint / joint.sum(1, keepdim=True)""",
    "your responsibilities are 0/0 where every density is 0 or inf: take a softmax of log w + log N instead.",
    credit=0.5,
)
exercise.mistake(
    f"""{names_logs}
        ({logs}).softmax(dim=1) → {shared.LESS_THE_SMALLEST} / {shared.LESS_THE_SMALLEST}.sum(1, keepdim=True)""",
    shared.NOT_THE_LARGEST.format("term", "softmax"),
    credit=0.5,
)
exercise.mistake(
    f"""{names_logs}
        ({logs}).softmax(dim=1) → {shared.LESS_ONE_FOR_ALL} / {shared.LESS_ONE_FOR_ALL}.sum(1, keepdim=True)""",
    "the responsibilities are 0/0, since you take out one term for all points: take out each point's largest, or use "
    "softmax.",
    credit=0.5,
)
exercise.mistake(
    """r.sum(0) → r.sum(0).clamp(min=1.0)
       owned / n → r.mean(0)""",
    "r.sum(0) → r.sum(0).clamp(min=1.0)",
    "N_k is kept from being small: a component may have less than one point in all, so divide by N_k as it is.",
    credit=0.5,
)
exercise.mistake(
    "variance.sqrt() → variance.clamp(min=1e-6).sqrt()",
    "the variance is kept from being small: data may be as narrow as you like, so add nothing to it and clamp nothing.",
    credit=0.5,
)
exercise.mistake(
    f"({logs}).softmax(dim=1) → ({logs}).softmax(dim=0)",
    "the responsibilities are normalized over the points: for each point, those of the K components add to 1.",
)
exercise.mistake(
    f"({logs}).softmax(dim=1) → torch.nn.functional.one_hot(({logs}).argmax(1), len(weights)).to(x.dtype)",
    "each point goes to its most likely component alone: EM shares it out by responsibilities (yours is hard EM, "
    "a relative of k-means).",
)
exercise.mistake(
    "d * owned → owned",
    "the variance misses the factor D: ‖x − m‖² adds up D coordinates, each with variance s², so divide by D N_k.",
)
exercise.mistake(
    "x[:, None] - new → x[:, None] - means",
    "the variance is taken around the old means: use the means that this step has just found.",
)
exercise.mistake(
    "variance.sqrt() → variance",
    "you return variances: `stds` are standard deviations, so take the square root.",
)
exercise.mistake(
    f"""{spread} / (d * owned) → (r * (x[:, None] - new).norm(dim=2)).sum(0) / (d**0.5 * owned)
        variance.sqrt() → variance""",
    "the new stds average distances: average their squares, and take the root last.",
)
exercise.mistake(
    "owned / n → owned",
    "the new weights are sums over the data: divide by N, so that they add to 1.",
)
exercise.mistake(
    "owned / n → weights",
    "the weights stay as they were: the new w_k is the mean responsibility of component k.",
)
exercise.mistake(
    "owned[:, None] → n",
    "the sum of r x is divided by N: divide by N_k, the sum of component k's responsibilities.",
)
exercise.mistake(
    "d * owned → d * n",
    "the variance is divided by N: divide by D N_k, N_k the sum of component k's responsibilities.",
)
exercise.mistake(
    "variance.sqrt() → (owned @ variance / n).sqrt().repeat(len(means))",
    "all components get one width: each has its own, from its own responsibilities.",
)
exercise.mistake(
    "weights.log() - square / (2 * stds**2) → -square / (2 * stds**2)",
    "the responsibilities leave out the weights: they are shares of w_k N(x; m_k, s_k² I).",
)
exercise.mistake(
    f"{logs} → weights.log() - square / (2 * stds**2)",
    "the responsibilities leave out −D log s: a wide component is lower, which is part of its density.",
)
exercise.mistake(
    "d * stds.log() → stds.log()",
    "the responsibilities have log s once: in D dimensions a Gaussian's constant has D log s.",
)
exercise.mistake(
    """2 * stds**2 → 2 * stds
       stds.log() → 0.5 * stds.log()""",
    "the responsibilities use `stds` as if they were variances: the exponent has 2s².",
)
exercise.mistake(
    f"{spread} / (d * owned) → (r[..., None] * (x[:, None] - new).square()).sum(0) / owned[:, None]",
    "each coordinate gets its own width: one component has one, the mean over coordinates.",
)
exercise.mistake(
    "owned / n, new, variance.sqrt() → weights.copy_(owned / n), means.copy_(new), stds.copy_(variance.sqrt())",
    "the old parameters are overwritten: return new tensors, the caller still needs its own.",
)
