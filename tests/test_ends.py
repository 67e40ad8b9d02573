"""At the ends of time a step is exact, or says in one sentence that it cannot be taken."""

import math

import pytest
import torch

from course.data import ring
from course.ddpm import ancestral, ddpm_step
from course.densities import Empirical
from course.langevin import annealed_langevin, annealed_step_size, langevin_chain
from course.matching import edm_loss, velocity_loss
from course.processes import EDM, VE, VP, Straight
from course.sampling import (
    adams,
    adaptive,
    corrector_step,
    ddim,
    dpm_solver,
    edm_step,
    geometric_sigmas,
    heun,
    karras_times,
    langevin_corrector,
    rk4,
    stochastic_heun,
    uniform_times,
    walk,
)
from course.scores import Preconditioned, score_from_denoiser, score_from_noise

RING = ring()
X = 5 * torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
PROCESS = EDM(5.0)


def score(x, t):
    if t == 0:
        return torch.full_like(x, torch.nan)
    return RING.diffuse(1.0, t).score(x)


def network_score(x, t):
    return score_from_denoiser(lambda x, t: RING.diffuse(1.0, max(t, 1e-6)).denoise(x), PROCESS)(x, t)


def end(step, times=(5.0, 2.0, 1.0, 0.5, 0.0)):
    *_, x = walk(step, X, times)
    return x


@pytest.mark.parametrize("make", [ddim, dpm_solver, adams])
def test_steps_that_know_the_process_reach_zero_noise(make):
    assert end(make(PROCESS, score)).isfinite().all()
    assert end(edm_step(score)).isfinite().all()


@pytest.mark.parametrize("own", [score, network_score])
@pytest.mark.parametrize(
    "make",
    [
        lambda s: heun(PROCESS.flow(s)),
        lambda s: rk4(PROCESS.flow(s)),
        lambda s: stochastic_heun(PROCESS.reverse(s), PROCESS.diffusion),
    ],
    ids=["heun", "rk4", "stochastic_heun"],
)
def test_a_general_solver_says_that_a_score_has_no_value_there(make, own):
    with pytest.raises(ValueError, match=r"not finite at time 0|divides by the noise, and there is none"):
        end(make(own))


def test_a_field_that_is_finite_at_zero_is_walked_to_zero():
    for make in (heun, rk4):
        torch.testing.assert_close(end(make(lambda x, t: x * 0 + 1)), X - 5)


def test_an_adaptive_solver_ends_with_a_sentence():
    with pytest.raises(ValueError, match="The field is not finite at time"):
        end(adaptive(lambda x, t: x * math.nan))
    with pytest.raises(RuntimeError, match="asked for the field 50 times"):
        end(adaptive(lambda x, t: -1e6 * x, most=50))


def test_the_straight_path_has_a_velocity_at_both_ends():
    z, x0 = torch.randn(2, 50, 2, generator=torch.Generator().manual_seed(1))
    for t in (0.0, 1.0):
        exact = velocity_loss(lambda x, t: z - x0, Straight(), x0, torch.full((50,), t), z)
        assert exact.item() == 0
    assert EDM().rates(0.0) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"no value at t = 1; start at 0.999"):
        Straight().flow(score)(X, 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: karras_times(1.0, 5.0, 4), "Noise descends from sigma_max"),
        (lambda: karras_times(5.0, -1.0, 4), "Noise descends from sigma_max"),
        (lambda: karras_times(5.0, 0.1, 4, rho=0.0), "with rho > 0"),
        (lambda: geometric_sigmas(math.nan, 0.1, 4), "need positive ends"),
        (lambda: uniform_times(math.nan, 0.0, 4), "Both ends are finite"),
        (lambda: next(walk(heun(score), X, [])), "a time to start from; got none"),
        (lambda: end(heun(lambda x, t: x), (1.0, math.nan)), "goes on from 1 to another time; got nan"),
        (lambda: annealed_langevin(score, X, torch.tensor([]), 0.1, 1), "Noise levels are positive and descend"),
        (lambda: annealed_langevin(score, X, torch.tensor([1.0]), 0.1, 0), "Expected n_per_level of 1 or more"),
        (lambda: annealed_langevin(score, X, torch.tensor([1.0]), -0.1, 1), "step size is positive"),
        (lambda: corrector_step(X, 1.0, score, -0.1, X), "signal-to-noise ratio is positive"),
        (lambda: langevin_corrector(score, math.nan), "signal-to-noise ratio is positive"),
        (lambda: end(ddim(PROCESS, score), (0.0, 1.0)), r"needs σ\(t\), α\(t\) and α\(s\) above 0"),
        (lambda: end(dpm_solver(VP(), score), (50.0, 1.0)), r"needs σ\(t\), α\(t\) and α\(s\) above 0"),
    ],
)
def test_times_and_counts_that_lead_nowhere_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_levels_may_be_a_list():
    own = lambda x, s: RING.diffuse(1.0, s).score(x)
    listed, tensor = (
        annealed_langevin(own, X, levels, 0.01, 2, torch.Generator().manual_seed(0))
        for levels in ([1.0, 0.5], torch.tensor([1.0, 0.5]))
    )
    assert torch.equal(listed, tensor)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ddim(PROCESS, score),
        lambda: dpm_solver(PROCESS, score),
        lambda: adams(PROCESS, score),
        lambda: adaptive(PROCESS.flow(score)),
        lambda: heun(PROCESS.flow(score)),
    ],
    ids=["ddim", "dpm_solver", "adams", "adaptive", "heun"],
)
def test_a_time_that_follows_itself_changes_nothing(make):
    once, twice = end(make(), (5.0, 2.0, 1.0, 0.5)), end(make(), (5.0, 5.0, 2.0, 1.0, 1.0, 0.5, 0.5))
    torch.testing.assert_close(twice, once)


@pytest.mark.parametrize("make", [dpm_solver, adams])
def test_a_step_that_turns_back_starts_anew(make):
    """A sampler that has inverted data goes on from other noise as a fresh one does."""
    times, used = (0.5, 1.0, 2.0, 5.0), make(PROCESS, score)
    end(used, times)
    torch.testing.assert_close(end(used, times[::-1]), end(make(PROCESS, score), times[::-1]), rtol=0, atol=0)


IN_PLACE = {
    "walk": lambda: end(lambda x, t, s: x.add_(1)),
    "ddim": lambda: end(ddim(PROCESS, lambda x, t: x.neg_())),
    "dpm_solver": lambda: end(dpm_solver(PROCESS, lambda x, t: x.neg_())),
    "adams": lambda: end(adams(PROCESS, lambda x, t: x.neg_())),
    "edm_step": lambda: end(edm_step(lambda x, t: x.neg_())),
    "heun": lambda: end(heun(lambda x, t: x.neg_())),
    "rk4": lambda: end(rk4(lambda x, t: x.neg_())),
    "flow": lambda: PROCESS.flow(lambda x, t: x.neg_())(X.clone(), 1.0),
    "langevin_chain": lambda: langevin_chain(X.clone(), lambda x: x.neg_(), 0.1, 3),
    "score_from_noise": lambda: score_from_noise(lambda x, t: x.neg_(), PROCESS)(X.clone(), 1.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_function_that_changes_what_it_is_lent_is_named(name):
    before = X.clone()
    try:
        with pytest.raises(ValueError, match="modifies its argument x in place"):
            IN_PLACE[name]()
        with torch.inference_mode():
            assert torch.equal(end(lambda x, t, s: x + 1), X + 4)
    finally:
        X.copy_(before)


EACH = torch.tensor([0.5, 1.0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: VP().diffusion(-0.1), "at -0.1 there is no noise level"),
        (lambda: VP().sigma(-0.1), "at -0.1 there is no noise level"),
        (lambda: Straight().diffusion(1.5), "at 1.5 there is no noise level"),
        (lambda: EDM().sigma(-1.0), "at -1 there is no noise level"),
        (lambda: VE().perturb(X, torch.full((7,), -1.0), X), "got times from -1 to -1"),
        (lambda: VP().kernel(math.nan), "at nan there is no noise level"),
        (lambda: Straight().perturb(X, torch.full((7,), 1.5), X), "got times from 1.5 to 1.5"),
        (lambda: VP().time_at(2.0), "above 0 and at most 1; got 2.0"),
        (lambda: velocity_loss(lambda x, t: x, VP(), X, torch.zeros(7), X), "no finite rate where there is none"),
        (lambda: score_from_noise(lambda x, t: x, PROCESS)(X, torch.zeros(7)), "divides by the noise"),
        (lambda: Preconditioned(torch.nn.Identity())(X, torch.zeros(7)), "positive and finite; got 0"),
        (lambda: Preconditioned(torch.nn.Identity())(X, -torch.ones(7)), "positive and finite; got -1"),
        (lambda: Preconditioned(torch.nn.Identity(), 0.0), "sigma_data"),
        (lambda: edm_loss(lambda x, s: x, X, sigma_data=0.0), "sigma_data"),
        (lambda: edm_step(score, churn=math.inf), "churn adds noise"),
        (lambda: annealed_step_size(torch.ones(3), 0.0, 0.1), "sigma_min to be positive"),
        (lambda: corrector_step(X, 1.0, lambda x, t: 0 * x, 0.1, X), "zero everywhere"),
        (lambda: ddpm_step(X, X, torch.tensor([0.1, 1.5]), 1, X), "betas between 0 and 1"),
        (lambda: end(ddim(PROCESS, lambda x, t: torch.fft.ifft(x))), "return real numbers; got torch.complex64"),
        (lambda: Empirical(X).diffuse(1.0, 1e-25), "only under noise"),
        (lambda: next(walk(heun(score), X, "10")), "times to be several numbers"),
        (lambda: next(walk(heun(score), X, 10)), "times to be several numbers"),
        (lambda: adams(PROCESS, score, 20), "order from 1 to 8"),
        (lambda: adams(PROCESS, score, prediction="noise"), "Expected a Prediction"),
        (lambda: ddim(PROCESS, score, EACH), "eta to be one number"),
        (lambda: ancestral(score, (X, X)), "betas to be a tensor"),
        (lambda: corrector_step(X, 1.0, score, EACH, X), "snr to be one number"),
        (lambda: langevin_chain(X, lambda x: x, EACH, 3), "step_size to be one number"),
        (lambda: heun(score)(X, EACH, 0.1), "t to be one number"),
    ],
)
def test_what_has_no_finite_answer_has_a_sentence(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()
