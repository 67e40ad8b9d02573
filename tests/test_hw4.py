"""hw4: what its checks say of a few famous variants and accidents, and laws that connect its functions."""

import math

import pytest
import torch

from course.exercises import check_exercise, load

HW4 = load("hw4")
ANSWER = {name: exercise.answer for name, exercise in HW4.items()}


def said(name, function):
    return str(check_exercise(HW4[name], function))


def test_points_and_the_question_add_to_a_hundred():
    assert sum(exercise.points for exercise in HW4.values()) + 10 == 100


# -- famous variants ---------------------------------------------------------------------------------------------------


def test_the_other_variance_of_ddpm_is_named_and_half_right():
    def step(x, eps, betas, i, noise):
        alpha_bars = (1 - betas).cumprod(0)
        mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
        return mean + (betas[i].sqrt() * noise if i else 0)

    verdict = check_exercise(HW4["ddpm_step"], step)
    assert verdict.sentence.startswith("the noise has variance β_i, the other choice of Ho et al.")
    assert verdict.points == 6


def test_song_and_ermons_own_convention_is_named():
    def anneal(score, x, sigmas, base, n_per_level, generator):
        for sigma in sigmas:
            alpha = base * sigma**2 / sigmas[-1] ** 2
            for _ in range(n_per_level):
                z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = x + alpha / 2 * score(x, sigma.expand(len(x))) + alpha.sqrt() * z
        return x

    assert "Song and Ermon's convention, ε/2 with √ε" in said("annealed_langevin", anneal)


def test_the_loss_as_a_denoisers_error_is_right():
    def loss(score, x0, sigma, noise):
        level = sigma.reshape(-1, *[1] * (x0.ndim - 1))
        guess = ANSWER["denoise"](score, x0 + level * noise, sigma)
        return 0.5 * ((guess - x0) / level).square().flatten(1).sum(1).mean()

    assert said("dsm_loss", loss).startswith("✓")


# -- accidents ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hand_over", [lambda sigma, x: sigma, lambda sigma, x: sigma.item()])
def test_a_score_told_one_number_for_all(hand_over):
    def anneal(score, x, sigmas, base, n_per_level, generator):
        for sigma in sigmas:
            eps = base * (sigma / sigmas[-1]) ** 2
            for _ in range(n_per_level):
                z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                x = x + eps * score(x, hand_over(sigma, x)) + (2 * eps) ** 0.5 * z
        return x

    assert "such as sigma.expand(len(x))" in said("annealed_langevin", anneal)


def test_a_wrong_law_is_told_by_its_moments():
    def anneal(score, x, sigmas, base, n_per_level, generator):
        return ANSWER["annealed_langevin"](score, x, sigmas, 1.5 * base, n_per_level, generator)

    assert "of the ends (relative to theory)" in said("annealed_langevin", anneal)


def test_double_precision_from_numpy():
    def sigmas(sigma_max, sigma_min, n):
        return ANSWER["geometric_sigmas"](sigma_max, sigma_min, n).double()

    assert "got dtype torch.float64, expected torch.float32" in said("geometric_sigmas", sigmas)


def test_sigma_without_trailing_axes():
    assert "expand(sigma, x0)" in said("perturb", lambda x0, sigma, noise: x0 + sigma * noise)


def test_what_is_a_trifle_off_is_not_taken_for_a_guard_that_shows_elsewhere():
    def target(noise, sigma):
        exact = ANSWER["dsm_target"](noise, sigma)
        return exact if noise.dtype is torch.float64 else 1.0002 * exact

    verdict = check_exercise(HW4["dsm_target"], target)
    assert not verdict.passed
    assert verdict.misconception is None


def test_epsilons_and_clamps_show_where_noise_is_small():
    guards = [lambda s: s + 1e-8, lambda s: s.clamp(min=1e-3), lambda s: s.clamp(min=0.01)]
    for guard in guards:
        assert not check_exercise(HW4["perturb"], lambda x0, s, z, g=guard: ANSWER["perturb"](x0, g(s), z)).passed
        assert not check_exercise(HW4["dsm_target"], lambda z, s, g=guard: ANSWER["dsm_target"](z, g(s))).passed
        assert not check_exercise(
            HW4["denoise"], lambda score, x, s, g=guard: ANSWER["perturb"](x, g(s) ** 2, score(x, s))
        ).passed


# -- laws --------------------------------------------------------------------------------------------------------------


def test_ddpms_noise_is_the_same_family_of_blurred_data(normal):
    x0, z, alpha_bar = normal(5, 2, 3), normal(5, 2, 3), torch.linspace(0.1, 0.9, 5).double()
    mixed = ANSWER["ddpm_perturb"](x0, alpha_bar, z) / alpha_bar.sqrt()[:, None, None]
    torch.testing.assert_close(mixed, ANSWER["perturb"](x0, ((1 - alpha_bar) / alpha_bar).sqrt(), z))


def test_averages_of_targets_are_the_score(normal):
    """Of N(1, 0.5²) under σ = 0.8: regressing targets on x gives the exact score's slope and intercept."""
    n, sigma = 400_000, torch.tensor(0.8).double()
    z = normal(n, 1)
    x = ANSWER["perturb"](1 + 0.5 * normal(n, 1), sigma.expand(n), z)[:, 0]
    target = ANSWER["dsm_target"](z, sigma.expand(n))[:, 0]
    slope = ((x - x.mean()) * target).mean() / x.var()
    assert slope.item() == pytest.approx(-1 / (0.25 + 0.64), abs=0.02)
    assert (target.mean() - slope * (x.mean() - 1)).item() == pytest.approx(0, abs=0.02)


def test_ddpms_chain_forward_is_its_jump():
    """Variance of the data kept: after each step of the chain, ᾱ s² + 1 − ᾱ."""
    betas, alpha_bars = ANSWER["ddpm_schedule"](0.01, 0.3, 12)
    variance = 4.0
    for beta, alpha_bar in zip(betas.tolist(), alpha_bars.tolist()):
        variance = (1 - beta) * variance + beta
        assert math.isclose(variance, alpha_bar * 4 + 1 - alpha_bar, rel_tol=1e-5)
