"""hw3: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from course.exercises.hw3.errors import error_by_density, fisher_divergence
from course.exercises.hw3.hutchinson import hutchinson_trace
from course.exercises.hw3.jacobian import jacobian_trace
from course.exercises.hw3.losses import implicit_score_matching, sliced_score_matching


@fisher_divergence.accept
def sum_divided_by_batch(score, true_score, x):
    return ((score(x) - true_score(x)) ** 2).sum() / (2 * len(x))


@fisher_divergence.accept
def squares_expanded(score, true_score, x):
    s, t = score(x).reshape(len(x), -1), true_score(x).detach().reshape(len(x), -1)
    return ((s * s).sum(1) / 2 - (s * t).sum(1) + (t * t).sum(1) / 2).mean()


@fisher_divergence.accept
def norm_of_rows(score, true_score, x):
    with torch.no_grad():
        target = true_score(x)
    return 0.5 * torch.linalg.vector_norm((score(x) - target).flatten(1), dim=1).pow(2).mean()


def one(score):
    """The score of a single example, (D,) → (D,)."""
    return lambda row: score(row[None])[0]


@jacobian_trace.accept
def vmapped_jacobian(score, x):
    return torch.func.vmap(torch.func.jacrev(one(score)))(x).diagonal(dim1=-2, dim2=-1).sum(-1)


@jacobian_trace.accept
def forward_mode_along_axes(score, x):
    total = torch.zeros_like(x[:, 0])
    for axis in torch.eye(x.shape[1], dtype=x.dtype, device=x.device):
        along = torch.func.jvp(score, (x,), (axis.expand_as(x).contiguous(),))[1]
        total = total + along @ axis
    return total


@jacobian_trace.accept
def example_by_example(score, x):
    with torch.enable_grad():
        whole = [torch.autograd.functional.jacobian(one(score), row, create_graph=True) for row in x]
        return torch.stack([j.trace() for j in whole])


@jacobian_trace.accept
def with_masks(score, x):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        s, total = score(y), 0
        for mask in torch.eye(x.shape[1], dtype=x.dtype, device=x.device):
            total = total + (torch.autograd.grad(s, y, mask.expand_as(s), create_graph=True)[0] * mask).sum(1)
    return total


@implicit_score_matching.accept
def from_the_trace(score, x):
    return 0.5 * score(x).pow(2).sum() / len(x) + vmapped_jacobian(score, x).mean()


@implicit_score_matching.accept
def coordinate_by_coordinate(score, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        s, loss = score(y), torch.zeros((), dtype=x.dtype, device=x.device)
        for i, column in enumerate(s.unbind(1)):
            slope = torch.autograd.grad(column.sum(), y, create_graph=True)[0][:, i]
            loss = loss + (0.5 * column**2 + slope).mean()
    return loss


@hutchinson_trace.accept
def forward_mode(score, x, probe):
    return (probe * torch.func.jvp(score, (x,), (probe,))[1]).sum(1)


@hutchinson_trace.accept
def dual_numbers(score, x, probe):
    with torch.autograd.forward_ad.dual_level():
        dual = score(torch.autograd.forward_ad.make_dual(x, probe))
        return torch.einsum("bd,bd->b", torch.autograd.forward_ad.unpack_dual(dual).tangent, probe)


@hutchinson_trace.accept
def vector_jacobian_product(score, x, probe):
    pull: Any = torch.func.vjp(score, x)[1]
    return (pull(probe)[0] * probe).sum(-1)


@hutchinson_trace.accept
def probe_as_output_gradient(score, x, probe):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        (row,) = torch.autograd.grad(score(y), y, grad_outputs=probe, create_graph=True)
    return torch.linalg.vecdot(row, probe)


@hutchinson_trace.accept
def derivative_of_the_projection(score, x, probe):
    with torch.enable_grad():
        return (torch.autograd.functional.jvp(score, x.detach(), probe, create_graph=True)[1] * probe).sum(1)


@sliced_score_matching.accept
def with_forward_mode(score, x, probe):
    s, along, *_ = torch.func.jvp(score, (x,), (probe,))
    return (s.square() / 2 + along * probe).sum() / len(x)


@sliced_score_matching.accept
def two_evaluations(score, x, probe):
    return 0.5 * score(x).pow(2).sum(1).mean() + probe_as_output_gradient(score, x, probe).mean()


@error_by_density.accept
def bin_by_bin(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).pow(2).flatten(1).sum(1)
    bins = pairwise(edges)
    return torch.stack([error[(log_density >= low) & (log_density < high)].mean() for low, high in bins])


@error_by_density.accept
@torch.no_grad()
def added_up_by_index(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).square().reshape(len(x), -1).sum(1)
    index = torch.searchsorted(edges, log_density, right=True)  # 0 is below all bins, M + 1 above
    total, count = (torch.zeros(len(edges) + 1, dtype=x.dtype, device=x.device) for _ in range(2))
    total.index_add_(0, index, error)
    count.index_add_(0, index, torch.ones_like(error))
    return (total / count)[1:-1]


@error_by_density.accept
def nan_from_the_start(score, true_score, x, log_density, edges):
    error = torch.linalg.vector_norm((score(x) - true_score(x)).flatten(1).detach(), dim=1) ** 2
    index: Tensor = torch.bucketize(log_density, edges, right=True) - 1
    result = x.new_full((len(edges) - 1,), torch.nan)
    for j in index.unique().tolist():
        if 0 <= j < len(result):
            result[j] = error[index == j].mean()
    return result
