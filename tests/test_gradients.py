"""Gradients do not vanish in silence: what cannot be differentiated says so, and the library's own scores can be."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from course.densities import GaussianMixture
from course.energies import energy_score
from course.guidance import classifier_guidance, classifier_score, linear_guidance, posterior_score
from course.likelihood import log_likelihood
from course.matching import (
    hutchinson_trace,
    implicit_score_matching,
    jacobian_trace,
    sliced_score_matching,
    value_and_trace,
)

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MIXTURE = GaussianMixture(torch.tensor([0.3, 0.7]).double(), X[:2].clone(), torch.tensor([0.6, 0.9]).double())


def energy(x):
    return -MIXTURE.log_prob(x)


def without_graph(x):
    with torch.no_grad():
        return MIXTURE.score(x)


NETWORK = nn.Linear(3, 3).double()
FORGETFUL = {
    "energy_score": partial(energy_score, energy),
    "no_grad": without_graph,
    "detach": lambda x: MIXTURE.score(x).detach(),
    "numpy": lambda x: torch.from_numpy(MIXTURE.score(x).detach().numpy()),
    "a network of the detached": lambda x: NETWORK(x.detach()),
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_a_score_that_forgot_its_graph_is_refused(name):
    score = FORGETFUL[name]
    calls = [
        lambda: jacobian_trace(score, X),
        lambda: implicit_score_matching(score, X),
        lambda: hutchinson_trace(score, X, X.sign()),
        lambda: sliced_score_matching(score, X, X.sign()),
        lambda: log_likelihood(X, lambda x, t: score(x), [0.0, 1.0], MIXTURE.log_prob),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"depends on x,? but (returned|it kept) no graph that leads to x"):
            call()


def affine_guidance(differentiable):
    """Of an affine denoiser, whose guided score is affine too."""
    measure, kernel = lambda x: x[:, :1], lambda t: (1.0, t)
    guidance = linear_guidance(lambda x, t: 0.5 * x, kernel, measure, X[:, :1], 0.1, differentiable=differentiable)
    return lambda x: posterior_score(lambda x, t: -x, x, 0.5, guidance, 1.0)


def logits(x, t):
    return MIXTURE.weights.log() + torch.stack([c.log_prob(x) for c in COMPONENTS], 1)


def guided(differentiable):
    labels = torch.zeros(6, dtype=torch.int64)
    score = classifier_guidance(lambda x, t: MIXTURE.score(x), logits, labels, 1.0, differentiable)
    return lambda x: score(x, 0.0)


PARTLY = {
    "energy_score": lambda x: -x + energy_score(energy, x),
    "linear_guidance": affine_guidance(False),
    "classifier_guidance": guided(False),
    "detach": lambda x: -x + (-x).detach(),
    "a network of the detached": lambda x: MIXTURE.score(x) + NETWORK(x.detach()),
}


@pytest.mark.parametrize("name", PARTLY)
def test_a_score_that_forgot_a_part_of_its_graph_is_refused(name):
    score = PARTLY[name]
    for trace in (
        lambda: jacobian_trace(score, X),
        lambda: log_likelihood(X, lambda x, t: score(x), [0.0, 1.0], MIXTURE.log_prob),
        lambda: log_likelihood(X, lambda x, t: score(x), [0.0, 1.0], MIXTURE.log_prob, X.sign()),
    ):
        with pytest.raises(ValueError, match=r"depends on x,? but (returned|it kept) no graph that leads to x"):
            trace()


KINKED = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 3), nn.Dropout(0.3))
RIGHT = {
    "a kink": lambda x: x.relu(),
    "a jump": lambda x: torch.where(x > 0, x, -2 * x),
    "details": lambda x: torch.tanh(1e6 * x),
    "waves": lambda x: torch.sin(1e4 * x),
    "large values": lambda x: x + 1e8,
    "chance": lambda x: x + torch.randn_like(x),
    "half precision": lambda x: (3 * x.bfloat16()).to(x.dtype),
    "kinks and dropout": lambda x: KINKED(x.float()).to(x.dtype),
    "a shift that cancels": lambda x: (x - x.detach().amax(1, keepdim=True)).softmax(1),
    "nan": lambda x: x * math.nan,
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_whole_graph_is_never_taken_for_a_part(name, dtype):
    before = torch.get_rng_state()
    for factor in (0.0, 1e-6, 1.0, 1e6):
        for x in ((factor * X).to(dtype), (factor * X[:1]).to(dtype)):
            jacobian_trace(RIGHT[name], x)
            value_and_trace(RIGHT[name], x, torch.ones_like(x), checked=True)
    if name not in ("chance", "kinks and dropout"):
        assert torch.equal(torch.get_rng_state(), before)


def test_black_images_are_not_a_blind_spot():
    with pytest.raises(ValueError, match="no graph that leads to x"):
        jacobian_trace(lambda x: (x**3).detach(), -torch.ones(3, 2))


def test_a_constant_field_has_no_divergence_and_is_no_mistake():
    constant = lambda x: torch.ones_like(x.detach())
    assert torch.equal(jacobian_trace(constant, X), torch.zeros(6).double())
    partly = lambda x: torch.stack([x[:, 0], torch.ones_like(x[:, 1]), -2 * x[:, 2]], 1)
    torch.testing.assert_close(jacobian_trace(partly, X), torch.full((6,), -1.0).double())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_traces_and_likelihoods_are_right_in_every_mode(mode):
    exact = [torch.func.jacrev(lambda p: MIXTURE.score(p[None])[0])(x).trace() for x in X]
    loss = implicit_score_matching(MIXTURE.score, X).item()
    with mode():
        x = X.clone()
        torch.testing.assert_close(jacobian_trace(MIXTURE.score, x).clone(), torch.stack(exact))
        assert implicit_score_matching(MIXTURE.score, x).item() == pytest.approx(loss)
        found = log_likelihood(x, lambda x, t: -x, torch.linspace(0, 1, 100), lambda z: -0.5 * z.square().sum(1))
        shrunk = X * math.exp(-1)
        torch.testing.assert_close(found.clone(), -0.5 * shrunk.square().sum(1) - 3, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(energy_score(energy, x).clone(), MIXTURE.score(X))
        labels = torch.zeros(6, dtype=torch.int64)
        found = classifier_score(logits, x, 0.0, labels).clone()
        torch.testing.assert_close(found, classifier_score(logits, X, 0.0, labels.clone()).clone())


def test_the_library_s_own_scores_can_be_differentiated_when_asked():
    asked = partial(energy_score, energy, differentiable=True)
    torch.testing.assert_close(jacobian_trace(asked, X), jacobian_trace(MIXTURE.score, X))

    first = COMPONENTS[0].score
    torch.testing.assert_close(guided(True)(X), first(X))
    torch.testing.assert_close(jacobian_trace(guided(True), X), jacobian_trace(first, X))
    pull = 0.5**2 / (0.1**2 + 0.25 / 1.25)  # minus the second derivative of (½ x − y)² / 2v
    torch.testing.assert_close(jacobian_trace(affine_guidance(True), X), torch.full((6,), -3 - pull).double())
    labels = torch.zeros(6, dtype=torch.int64)
    assert not classifier_score(logits, X, 0.0, labels).requires_grad


COMPONENTS = [
    GaussianMixture(torch.ones(1).double(), X[k : k + 1].clone(), torch.tensor([s]).double())
    for k, s in ((0, 0.6), (1, 0.9))
]


def test_too_few_labels_guide_nobody_in_silence():
    with pytest.raises(ValueError, match=r"Expected labels of shape \(6,\), one per example; got \(4,\)"):
        classifier_score(lambda x, t: x, X, 0.0, torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="Labels go from 0 to 2; got 0 to 7"):
        classifier_score(lambda x, t: x, X, 0.0, torch.tensor([0, 1, 2, 0, 1, 7]))
