"""hw1: kernel density estimates, and their bandwidth."""

import math

import torch

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw1 import answers

# -- kde_log_prob ------------------------------------------------------------------------------------------------------


def _kde_cases(draw: Draw) -> list[Case]:
    def case(b: int, n: int, d: int, bandwidth: float, away: float = 1.0, no_grad: bool = False) -> Case:
        scale = min(1.0, 10 * bandwidth)
        data = scale * draw.normal(n, d) + 0.7
        x = 0.7 + away * scale * draw.normal(b, d)
        square = max(x.square().sum(1).max().item(), data.square().sum(1).max().item())
        arguments = {"x": x, "data": data, "bandwidth": bandwidth}
        return Case(arguments, no_grad=no_grad, magnitude=square / bandwidth**2)

    return [
        case(5, 11, 3, draw.number(0.5, 0.8)),
        case(8, 6, 4, draw.number(1.4, 2.0), no_grad=True),
        case(4, 9, 5, draw.number(0.4, 0.6), away=2000.0),
        case(6, 7, 611, 0.01),
        case(5, 9, 3, 1e-4),  # nothing can be added to the bandwidth
    ]


def _integral_remark(function) -> str:
    data = 2 * torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    axis = torch.linspace(-8, 8, 65)
    total = function(torch.cartesian_prod(axis, axis), data, 0.5).exp().sum().item() / 16
    return f"your estimate from seven points in the plane integrates to {total:.4f}."


kde_log_prob = Exercise("kde_log_prob", 8, answers.kde_log_prob, _kde_cases, remark=_integral_remark)


def _kernels(x, data, h):
    """Exponents of the kernels, shape (B, N), for the misconceptions below."""
    return -(x[:, None] - data).square().sum(2) / (2 * h**2)


def _constant(x, data, h):
    return -math.log(len(data)) - x.shape[1] * (math.log(h) + 0.5 * math.log(2 * math.pi))


@kde_log_prob.misconception(
    "exp has become 0 or inf before the logarithm could undo it: keep logarithms and sum with torch.logsumexp.",
    credit=0.5,
)
def kernels_underflow(x, data, bandwidth):
    kernels = torch.exp(-(x[:, None] - data).square().sum(2) / (2 * bandwidth**2))
    log_norm = x.shape[1] * math.log(bandwidth * math.sqrt(2 * math.pi))
    return torch.log(kernels.mean(1)) - log_norm


@kde_log_prob.misconception(
    "exp overflows all the same, since what you take out is not the largest exponent of each point: take that, or use "
    "torch.logsumexp.",
    credit=0.5,
)
def smallest_exponent_taken_out(x, data, bandwidth):
    exponents = _kernels(x, data, bandwidth)
    least = exponents.amin(1, keepdim=True)
    return least[:, 0] + (exponents - least).exp().sum(1).log() + _constant(x, data, bandwidth)


@kde_log_prob.misconception(
    "exp has become 0, since you take out one exponent for all points: take out each point's largest, or use "
    "torch.logsumexp.",
    credit=0.5,
)
def one_exponent_for_all_points(x, data, bandwidth):
    exponents = _kernels(x, data, bandwidth)
    return exponents.max() + (exponents - exponents.max()).exp().sum(1).log() + _constant(x, data, bandwidth)


@kde_log_prob.misconception("you sum the N kernels: a density averages them, so subtract log N.")
def sum_for_mean(x, data, bandwidth):
    exponents = -(x[:, None] - data).square().sum(2) / (2 * bandwidth**2)
    return torch.logsumexp(exponents, 1) - x.shape[1] * math.log(bandwidth * math.sqrt(2 * math.pi))


@kde_log_prob.misconception("the kernel is not normalized: subtract D log h and D/2 · log 2π.")
def kernel_not_normalized(x, data, bandwidth):
    return torch.logsumexp(_kernels(x, data, bandwidth), 1) - math.log(len(data))


@kde_log_prob.misconception("h enters the constant once, but in D dimensions it is h^D: subtract D log h.")
def bandwidth_once(x, data, bandwidth):
    return answers.kde_log_prob(x, data, bandwidth) + (x.shape[1] - 1) * math.log(bandwidth)


@kde_log_prob.misconception("h is missing in the constant: a wide kernel is low, so subtract D log h.")
def bandwidth_not_in_constant(x, data, bandwidth):
    return answers.kde_log_prob(x, data, bandwidth) + x.shape[1] * math.log(bandwidth)


@kde_log_prob.misconception("(2π)^(1/2) belongs to one dimension: in D dimensions it is (2π)^(D/2).")
def two_pi_once(x, data, bandwidth):
    return answers.kde_log_prob(x, data, bandwidth) + 0.5 * (x.shape[1] - 1) * math.log(2 * math.pi)


@kde_log_prob.misconception("2π is in none of your terms: subtract D/2 · log 2π.")
def no_two_pi(x, data, bandwidth):
    return answers.kde_log_prob(x, data, bandwidth) + 0.5 * x.shape[1] * math.log(2 * math.pi)


@kde_log_prob.misconception("log h and ½ log 2π are there once, but each of the D dimensions brings its own.")
def constants_once(x, data, bandwidth):
    exponents = _kernels(x, data, bandwidth)
    return torch.logsumexp(exponents, 1) - math.log(len(data)) - math.log(bandwidth * math.sqrt(2 * math.pi))


@kde_log_prob.misconception("you use the bandwidth as a variance: it is a standard deviation, h² in the exponent.")
def bandwidth_for_variance(x, data, bandwidth):
    return answers.kde_log_prob(x, data, math.sqrt(bandwidth))


@kde_log_prob.misconception("squares are divided by 2h: the exponent of the kernel is −‖x − x_n‖²/(2h²).")
def bandwidth_not_squared(x, data, bandwidth):
    return torch.logsumexp(bandwidth * _kernels(x, data, bandwidth), 1) + _constant(x, data, bandwidth)


@kde_log_prob.misconception("squares are divided by h²: the exponent of the kernel is −‖x − x_n‖²/(2h²).")
def half_left_out(x, data, bandwidth):
    return torch.logsumexp(2 * _kernels(x, data, bandwidth), 1) + _constant(x, data, bandwidth)


@kde_log_prob.misconception("the distance is not squared: the exponent of the kernel is −‖x − x_n‖²/(2h²).")
def distance_not_squared(x, data, bandwidth):
    exponents = -torch.cdist(x, data) / (2 * bandwidth**2)
    return torch.logsumexp(exponents, 1) + _constant(x, data, bandwidth)


@kde_log_prob.misconception("you average the kernels' logarithms: average the kernels, and take the logarithm last.")
def mean_of_logs(x, data, bandwidth):
    return _kernels(x, data, bandwidth).mean(1) + _constant(x, data, bandwidth) + math.log(len(data))


@kde_log_prob.misconception("you sum over the B points: sum over the N data, so that B numbers are left.")
def summed_over_points(x, data, bandwidth):
    return torch.logsumexp(_kernels(x, data, bandwidth), 0) + _constant(x, data, bandwidth)


@kde_log_prob.misconception("only the nearest data point counts in yours: all N kernels add up.")
def nearest_only(x, data, bandwidth):
    return _kernels(x, data, bandwidth).amax(1) + _constant(x, data, bandwidth)


# -- best_bandwidth ----------------------------------------------------------------------------------------------------


def _bandwidth_cases(draw: Draw) -> list[Case]:
    def case(
        n: int, m: int, d: int, choices: int, spread: float = 1.0, narrowest: float = 0.15, no_grad: bool = False
    ) -> Case:
        train, held_out = draw.normal(n, d) + 1, spread * draw.normal(m, d) + 1
        if m > 400:
            held_out[0, 0] += 120  # so far that its kernels are zero to a computer
        widths = narrowest * 1.35 ** torch.arange(choices, dtype=torch.float64) * draw.number(1, 1.3)
        widths = _without_a_runner_up(train, held_out, widths)[draw.permutation(choices)]
        return Case({"train": train, "held_out": held_out, "bandwidths": widths}, no_grad=no_grad)

    return [
        case(61, 47, 7, 15, narrowest=0.02),
        case(40, 83, 2, 10, spread=2.0, no_grad=True),
        case(90, 701, 6, 9, narrowest=0.4),
        case(33, 29, 4, 11, spread=0.4, narrowest=0.4),
    ]


def _without_a_runner_up(train: torch.Tensor, held_out: torch.Tensor, bandwidths: torch.Tensor) -> torch.Tensor:
    """Move every other bandwidth that is nearly as good as the best out of the way: no close decisions."""
    ahead = True
    while ahead:
        likelihood = torch.stack([answers.kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()])
        best = int(likelihood.argmax())
        close = likelihood > likelihood[best] - 1e-3 * (1 + likelihood[best].abs())
        close[best] = False
        bandwidths = torch.where(close, bandwidths * torch.where(bandwidths > bandwidths[best], 1.02, 0.98), bandwidths)
        ahead = bool(close.any())
    return bandwidths


def _held_out_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    train, held_out, test = (torch.randn(n, 1, generator=generator) for n in (400, 400, 2000))
    h = function(train, held_out, torch.linspace(0.1, 1, 37))
    found, truth = answers.kde_log_prob(test, train, h).mean().item(), -0.5 * test.square().mean().item()
    truth -= 0.5 * math.log(2 * math.pi)
    return (
        f"for 400 points of a standard Gaussian yours is h = {h:.3f}; fresh points then have {found:.3f} nats, and "
        f"{truth:.3f} under the true density."
    )


best_bandwidth = Exercise("best_bandwidth", 8, answers.best_bandwidth, _bandwidth_cases, remark=_held_out_remark)


def _likelihoods(train, held_out, bandwidths):
    return torch.stack([answers.kde_log_prob(held_out, train, h).mean() for h in bandwidths.tolist()])


@best_bandwidth.misconception(
    "exp has become 0 before the logarithm could undo it, so a good bandwidth looks impossible: use torch.logsumexp.",
    credit=0.5,
)
def kernels_vanish(train, held_out, bandwidths):
    square = (held_out[:, None] - train).square().sum(2)
    scores = []
    for h in bandwidths.tolist():
        log_p = torch.log(torch.exp(-square / (2 * h**2)).mean(1)) - held_out.shape[1] * math.log(h)
        scores.append(log_p.mean())
    return bandwidths[torch.stack(scores).argmax()].item()


@best_bandwidth.misconception(
    "you choose by the likelihood of the training points, each of which sits under its own kernel, so the narrowest "
    "always wins: score `held_out`."
)
def chosen_on_training(train, held_out, bandwidths):
    return bandwidths[_likelihoods(train, train, bandwidths).argmax()].item()


@best_bandwidth.misconception(
    "the two sets are swapped: kernels sit on the points of `train`, and `held_out` is scored."
)
def sets_swapped(train, held_out, bandwidths):
    return bandwidths[_likelihoods(held_out, train, bandwidths).argmax()].item()


@best_bandwidth.misconception("you choose the least likely: take the argmax of the log-likelihood.")
def least_likely(train, held_out, bandwidths):
    return bandwidths[_likelihoods(train, held_out, bandwidths).argmin()].item()


@best_bandwidth.misconception("that is the place of the best bandwidth in the list: return the bandwidth itself.")
def index_returned(train, held_out, bandwidths):
    return float(_likelihoods(train, held_out, bandwidths).argmax())


@best_bandwidth.misconception("that is the highest log-likelihood: return the bandwidth that reaches it.")
def likelihood_returned(train, held_out, bandwidths):
    return _likelihoods(train, held_out, bandwidths).amax().item()


@best_bandwidth.misconception("a tensor comes back: `.item()` makes a Python float of it.")
def tensor_returned(train, held_out, bandwidths):
    return bandwidths[_likelihoods(train, held_out, bandwidths).argmax()]


@best_bandwidth.misconception(
    "you average densities over the held-out points: average their logarithms, or the points that fit badly do not "
    "count."
)
def densities_averaged(train, held_out, bandwidths):
    logs = torch.stack([answers.kde_log_prob(held_out, train, h) for h in bandwidths.tolist()])
    return bandwidths[logs.logsumexp(1).argmax()].item()


@best_bandwidth.misconception("your kernels are not divided by h^D, so the widest always wins: subtract D log h.")
def not_normalized(train, held_out, bandwidths):
    scores = _likelihoods(train, held_out, bandwidths) + train.shape[1] * bandwidths.log()
    return bandwidths[scores.argmax()].item()


@best_bandwidth.misconception("your kernels are divided by h, not by h^D: subtract D log h.")
def normalized_once(train, held_out, bandwidths):
    scores = _likelihoods(train, held_out, bandwidths) + (train.shape[1] - 1) * bandwidths.log()
    return bandwidths[scores.argmax()].item()


@best_bandwidth.misconception("train and held-out points are scored together: score `held_out` alone.")
def scored_on_both(train, held_out, bandwidths):
    return bandwidths[_likelihoods(train, torch.cat([train, held_out]), bandwidths).argmax()].item()
