"""At the ends of time a step is exact, or says in one sentence that it cannot be taken."""

import math

import pytest
import torch

from course.data import ring
from course.langevin import annealed_langevin
from course.matching import velocity_loss
from course.processes import EDM, VP, Straight
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
from course.scores import score_from_denoiser

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
