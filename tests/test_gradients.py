"""Gradients do not vanish in silence: what cannot be differentiated says so, and the library's own scores can be."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from course.densities import GaussianMixture
from course.energies import energy_score
from course.guidance import classifier_guidance, classifier_score
from course.likelihood import log_likelihood
from course.matching import hutchinson_trace, implicit_score_matching, jacobian_trace, sliced_score_matching

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
        with pytest.raises(ValueError, match="depends on x but returned no graph that leads to x"):
            call()


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


def test_the_library_s_own_scores_can_be_differentiated_when_asked():
    asked = partial(energy_score, energy, differentiable=True)
    torch.testing.assert_close(jacobian_trace(asked, X), jacobian_trace(MIXTURE.score, X))

    def logits(x, t):
        return MIXTURE.weights.log() + torch.stack([c.log_prob(x) for c in COMPONENTS], 1)

    labels = torch.zeros(6, dtype=torch.int64)
    guided = classifier_guidance(lambda x, t: MIXTURE.score(x), logits, labels, 1.0, differentiable=True)
    first = COMPONENTS[0].score
    torch.testing.assert_close(guided(X, 0.0), first(X))
    torch.testing.assert_close(jacobian_trace(lambda x: guided(x, 0.0), X), jacobian_trace(first, X))
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
