"""hw3: what ties its exercises together, and what students read after the accidents that are common there."""

import pytest
import torch
from torch import nn

from course.exercises import check_exercise, load
from course.exercises.case_functions.common import NetworkScore
from course.exercises.case_functions.hw3 import OncePassedScore

HW3 = load("hw3")


def score(d=4, kind=NetworkScore, **more):
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(shape, generator=generator, dtype=torch.float64)
    return kind(win=draw(d, 8), bias=draw(8), wout=draw(8, d), **more)


def test_unit_probes_along_the_axes_add_up_to_the_trace():
    x, net = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64), score()
    axes = torch.eye(4, dtype=torch.float64)
    parts = [HW3["hutchinson_trace"].answer(net, x, axis.expand(5, 4)) for axis in axes]
    torch.testing.assert_close(sum(parts), HW3["jacobian_trace"].answer(net, x))


def test_averaged_over_all_signs_the_sliced_loss_is_the_implicit_one():
    x, net = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64), score(3)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3)
    losses = [HW3["sliced_score_matching"].answer(net, x, v.expand(5, 3)) for v in signs]
    torch.testing.assert_close(sum(losses) / 8, HW3["implicit_score_matching"].answer(net, x))


def test_both_losses_find_the_score_of_a_gaussian():
    """Among s = a (m − x), both are least at a = 1/variance, m = mean; for signs and this score they are equal."""
    x = 1.5 + 0.8 * torch.randn(2000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    probe = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).sign().double()

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(torch.tensor(1 / x.var(0, unbiased=False).mean().item()).double())
            self.m = nn.Parameter(x.mean(0))

        def forward(self, y):
            return self.a * (self.m - y)

    linear = Linear()
    for loss in (
        HW3["implicit_score_matching"].answer(linear, x),
        HW3["sliced_score_matching"].answer(linear, x, probe),
    ):
        for gradient in torch.autograd.grad(loss, list(linear.parameters())):
            torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-6, rtol=0)


def test_a_score_counts_the_passes_after_the_first():
    x = torch.randn(3, 4, dtype=torch.float64)
    net = score(kind=OncePassedScore, again=torch.zeros((), dtype=torch.float64))
    HW3["hutchinson_trace"].answer(net, x, x)
    assert net.again.item() == 0
    HW3["jacobian_trace"].answer(net, x)
    assert net.again.item() == 3


# -- what students write -----------------------------------------------------------------------------------------------


def every_pass(score, x, probe):
    """The whole Jacobian, by torch's own function: right, but D passes."""
    with torch.enable_grad():
        whole = [
            torch.autograd.functional.jacobian(lambda y: score(y[None])[0], row, create_graph=True).T @ v @ v
            for row, v in zip(x, probe)
        ]
    return torch.stack(whole)


def probe_of_numpy(score, x, probe):
    return torch.as_tensor(x.numpy() * probe.numpy()).sum(1)


def first_form(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        along = torch.linalg.vecdot(score(y), probe)
        row = torch.autograd.grad(along.sum(), y, create_graph=True)[0]
    return (along**2 / 2 + torch.linalg.vecdot(row, probe)).mean()


def no_create_graph(score, x):
    with torch.enable_grad():
        y = x.clone().requires_grad_()
        s = score(y)
        return torch.stack([torch.autograd.grad(s[:, i].sum(), y)[0][:, i] for i in range(x.shape[1])]).sum(0)


def sum_of_everything(score, x):
    with torch.enable_grad():
        y = x.clone().requires_grad_()
        return torch.autograd.grad(score(y).sum(), y, create_graph=True)[0].sum(-1)


def histogram_bins(score, true_score, x, log_density, edges):
    """numpy's convention: the last bin is closed."""
    error = (score(x) - true_score(x)).detach().flatten(1).pow(2).sum(1)
    means = []
    for j, (low, high) in enumerate(zip(edges[:-1], edges[1:])):  # noqa: RUF007
        last = (log_density == high) & (j == len(edges) - 2)
        means.append(error[(log_density >= low) & ((log_density < high) | last)].mean())
    return torch.stack(means)


def batch_times_size(score, true_score, x):
    return nn.functional.mse_loss(score(x), true_score(x)) / 2


@pytest.mark.parametrize(
    ("name", "function", "words", "points"),
    [
        ("hutchinson_trace", every_pass, "D passes went through the score", 9),
        ("hutchinson_trace", probe_of_numpy, "the result has no gradient for `score`", 0),
        ("sliced_score_matching", first_form, "the first form of sliced score matching", 7),
        ("jacobian_trace", no_create_graph, "pass create_graph=True to torch.autograd.grad", 0),
        ("jacobian_trace", sum_of_everything, "adds up all D² entries of the Jacobian", 0),
        ("error_by_density", histogram_bins, "a point exactly on the last edge is outside", 0),
        ("fisher_divergence", batch_times_size, "you average over the coordinates too", 0),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_accidents_are_recognised(name, function, words, points):
    for seed in range(3):
        verdict = check_exercise(HW3[name], function, seed)
        assert words in verdict.sentence, verdict
        assert verdict.points == points
