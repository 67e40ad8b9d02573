"""hw1: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math

import torch
from torch import distributions as dist

from course.exercises.hw1.coverage import mode_coverage
from course.exercises.hw1.distances import mmd_squared, sliced_wasserstein
from course.exercises.hw1.em import em_step
from course.exercises.hw1.gaussian import gaussian_log_prob
from course.exercises.hw1.kernels import best_bandwidth, kde_log_prob
from course.exercises.hw1.mixtures import mixture_log_prob, mixture_score


@gaussian_log_prob.accept
def term_by_term(x, mean, std):
    z = (x - mean) / std
    return -0.5 * (z**2).sum(-1) - x.shape[-1] * (torch.log(std) + 0.5 * math.log(2 * math.pi))


@gaussian_log_prob.accept
def sum_of_normals(x, mean, std):
    return dist.Normal(mean, std).log_prob(x).sum(dim=1)


@gaussian_log_prob.accept
def square_expanded(x, mean, std):
    square = (x * x).sum(1) - 2 * x @ mean + mean @ mean
    return -0.5 * (square / std**2 + x.shape[1] * torch.log(2 * math.pi * std**2))


@gaussian_log_prob.accept
def with_a_covariance_matrix(x, mean, std):
    covariance = torch.eye(len(mean), dtype=x.dtype, device=x.device) * std**2
    return dist.MultivariateNormal(mean, covariance).log_prob(x)


def joint(x, weights, means, stds):
    """log w_k + log N(x; m_k, s_k² I), (B, K), by the shortest formula."""
    d = x.shape[1]
    square = ((x.unsqueeze(1) - means.unsqueeze(0)) ** 2).sum(-1)
    return weights.log() - 0.5 * square / stds.square() - d * stds.log() - 0.5 * d * math.log(2 * math.pi)


@mixture_log_prob.accept
def logsumexp(x, weights, means, stds):
    return joint(x, weights, means, stds).logsumexp(dim=1)


@mixture_log_prob.accept
def largest_term_taken_out(x, weights, means, stds):
    logs = joint(x, weights, means, stds)
    top = logs.max(1, keepdim=True).values
    return top[:, 0] + (logs - top).exp().sum(1).log()


@mixture_log_prob.accept
def component_by_component(x, weights, means, stds):
    total = None
    for w, m, s in zip(weights, means, stds):
        term = torch.log(w) + dist.Normal(m, s).log_prob(x).sum(1)
        total = term if total is None else torch.logaddexp(total, term)
    return total


@mixture_log_prob.accept
def torchs_own_mixture(x, weights, means, stds):
    parts = dist.Independent(dist.Normal(means, stds[:, None].expand_as(means)), 1)
    return dist.MixtureSameFamily(dist.Categorical(weights), parts).log_prob(x)


@mixture_log_prob.accept
def distances_by_product(x, weights, means, stds):
    square = (x * x).sum(1, keepdim=True) - 2 * x @ means.T + (means * means).sum(1)
    return torch.logsumexp(weights.log() - square / (2 * stds**2) - means.shape[1] * _log_root(stds), 1)


def _log_root(stds):
    return 0.5 * torch.log(2 * math.pi * stds**2)


@mixture_score.accept
def shares_then_pulls(x, weights, means, stds):
    r = joint(x, weights, means, stds).softmax(dim=1)
    return torch.einsum("bk,bkd->bd", r / stds**2, means[None] - x[:, None])


@mixture_score.accept
def pulls_by_product(x, weights, means, stds):
    logs = joint(x, weights, means, stds)
    r = torch.exp(logs - torch.logsumexp(logs, 1, keepdim=True)) / stds.square()
    return r @ means - r.sum(1, keepdim=True) * x


@mixture_score.accept
def pull_by_pull(x, weights, means, stds):
    r = joint(x, weights, means, stds).softmax(1)
    score = torch.zeros_like(x)
    for k in range(len(weights)):
        score += r[:, k : k + 1] * (means[k] - x) / stds[k] ** 2
    return score


@em_step.accept
def with_the_new_means(x, weights, means, stds):
    r = joint(x, weights, means, stds).softmax(1)
    count = r.sum(0)
    new = (r[:, :, None] * x[:, None, :]).sum(0) / count[:, None]
    variance = (r[:, :, None] * (x[:, None, :] - new) ** 2).sum((0, 2)) / count / x.shape[1]
    return r.mean(0), new, torch.sqrt(variance)


@em_step.accept
def second_moment_less_square(x, weights, means, stds):
    logs = joint(x, weights, means, stds)
    r = (logs - logs.logsumexp(1, keepdim=True)).exp()
    share = r / r.sum(0)
    new = share.T @ x
    variance = (share.T @ x.square().sum(1) - new.square().sum(1)) / x.shape[1]
    return r.sum(0) / x.shape[0], new, variance.sqrt()


@em_step.accept
def component_after_component(x, weights, means, stds):
    r = joint(x, weights, means, stds).softmax(1)
    parts = []
    for k in range(len(weights)):
        share = r[:, k] / r[:, k].sum()
        m = share @ x
        parts.append((r[:, k].mean(), m, (share[:, None] * (x - m) ** 2).mean(1).sum().sqrt()))
    return tuple(torch.stack(column) for column in zip(*parts))


@kde_log_prob.accept
def as_a_mixture(x, data, bandwidth):
    n, d = data.shape
    exponents = -0.5 * torch.cdist(x, data, compute_mode="donot_use_mm_for_euclid_dist") ** 2 / bandwidth**2
    return exponents.logsumexp(1) - math.log(n) - d * math.log(bandwidth) - d / 2 * math.log(2 * math.pi)


@kde_log_prob.accept
def distances_by_matrix_product(x, data, bandwidth):
    square = x.square().sum(1)[:, None] + data.square().sum(1) - 2 * x @ data.mT
    log_norm = 0.5 * x.shape[1] * math.log(2 * math.pi * bandwidth**2)
    return torch.logsumexp(-square / (2 * bandwidth**2), 1) - log_norm - math.log(len(data))


@kde_log_prob.accept
def point_after_point(x, data, bandwidth):
    normals = dist.Normal(data, bandwidth)
    return torch.stack([normals.log_prob(row).sum(1).logsumexp(0) for row in x]) - math.log(len(data))


@kde_log_prob.accept
def nearest_taken_out(x, data, bandwidth):
    z = (x[:, None, :] - data[None]) / bandwidth
    half = 0.5 * (z**2).sum(2)
    nearest = half.amin(1)
    mean = torch.exp(nearest[:, None] - half).mean(1)
    return mean.log() - nearest - x.shape[1] * math.log(math.sqrt(2 * math.pi) * bandwidth)


@best_bandwidth.accept
def with_a_loop(train, held_out, bandwidths):
    best, chosen = -math.inf, 0.0
    for h in bandwidths:
        likelihood = as_a_mixture(held_out, train, float(h)).sum().item()
        if likelihood > best:
            best, chosen = likelihood, float(h)
    return chosen


@best_bandwidth.accept
def all_at_once(train, held_out, bandwidths):
    square = (held_out[:, None] - train).square().sum(2)
    logs = torch.logsumexp(-square / (2 * bandwidths[:, None, None] ** 2), 2).mean(1)
    return bandwidths[(logs - train.shape[1] * torch.log(bandwidths)).argmax()].item()


@best_bandwidth.accept
def with_max(train, held_out, bandwidths):
    return max(bandwidths.tolist(), key=lambda h: distances_by_matrix_product(held_out, train, h).mean().item())


@mmd_squared.accept
def diagonals_taken_out(x, y, bandwidth):
    def kernel(a, b):
        return torch.exp(-0.5 * ((a[:, None] - b[None]) / bandwidth).square().sum(-1))

    n, m = len(x), len(y)
    kxx, kyy = kernel(x, x), kernel(y, y)
    within = (kxx.sum() - kxx.trace()) / (n * (n - 1)) + (kyy.sum() - kyy.trace()) / (m * (m - 1))
    return within - 2 * kernel(x, y).mean()


@mmd_squared.accept
def pairs_masked(x, y, bandwidth):
    def mean(a, b, pairs):
        return torch.exp(-(torch.cdist(a, b) ** 2) / (2 * bandwidth**2))[pairs].mean()

    other = lambda n: ~torch.eye(n, dtype=torch.bool, device=x.device)
    across = torch.ones(len(x), len(y), dtype=torch.bool, device=x.device)
    return mean(x, x, other(len(x))) + mean(y, y, other(len(y))) - 2 * mean(x, y, across)


@mmd_squared.accept
def each_pair_once(x, y, bandwidth):
    kernel = lambda square: torch.exp(-square / (2 * bandwidth**2))
    within = [kernel(torch.nn.functional.pdist(a).square()).mean() for a in (x, y)]
    product = x @ y.T
    across = kernel(x.square().sum(1)[:, None] - 2 * product + y.square().sum(1))
    return sum(within) - 2 * across.mean()


@sliced_wasserstein.accept
def sorted_along_lines(x, y, directions):
    px, py = torch.sort(x @ directions.T, dim=0)[0], torch.sort(y @ directions.T, dim=0)[0]
    return torch.sqrt(((px - py) ** 2).mean(0).mean())


@sliced_wasserstein.accept
def line_after_line(x, y, directions):
    squares = []
    for direction in directions:
        a, b = (x @ direction).sort().values, (y @ direction).sort().values
        squares.append(torch.nn.functional.mse_loss(a, b))
    return torch.stack(squares).mean() ** 0.5


@sliced_wasserstein.accept
def largest_first(x, y, directions):
    along = [torch.einsum("nd,pd->pn", a, directions).sort(dim=1, descending=True).values for a in (x, y)]
    return (along[0] - along[1]).norm() / math.sqrt(along[0].numel())


@mode_coverage.accept
def nearest_sample(samples, modes, radius):
    nearest = torch.cdist(modes, samples).min(dim=1).values
    return float((nearest < radius).float().mean())


@mode_coverage.accept
def any_sample(samples, modes, radius):
    near = (samples[:, None, :] - modes[None]).pow(2).sum(-1) <= radius**2
    return near.any(dim=0).sum().item() / len(modes)


@mode_coverage.accept
def mode_after_mode(samples, modes, radius):
    covered = 0
    for mode in modes:
        if ((samples - mode).norm(dim=1).min() <= radius).item():
            covered += 1
    return covered / len(modes)
