"""hw1: the laws that tie its functions together, and what students read after the commonest accidents."""

import math
from itertools import pairwise

import pytest
import torch

from course.densities import Gaussian
from course.distances import wasserstein
from course.exercises import check_exercise, load
from course.exercises.case import CaseRng
from course.exercises.hw1.em_step import em_step
from course.exercises.hw1.gaussian_log_prob import gaussian_log_prob
from course.exercises.hw1.kde_log_prob import kde_log_prob
from course.exercises.hw1.mixture_log_prob import mixture_log_prob
from course.exercises.hw1.mixture_score import mixture_score
from course.exercises.hw1.shared import mixture, points

HW1 = load("hw1")


def example(seed: int = 0) -> tuple[torch.Tensor, dict]:
    """200 points of a mixture of four in three dimensions, and the mixture."""
    draw = CaseRng(seed)
    parts = mixture(draw, 4, 3)
    return points(draw, 200, parts), parts


def test_a_gaussian_is_a_mixture_of_one_and_has_a_diagonal_covariance():
    x, parts = example()
    mean, std = parts["means"][0], parts["stds"][0]
    found = gaussian_log_prob(x, mean, std)
    full = Gaussian(mean, std**2 * torch.eye(3, dtype=x.dtype))
    alone = mixture_log_prob(x, torch.ones_like(std)[None], mean[None], std[None])
    torch.testing.assert_close(found, full.log_prob(x))
    torch.testing.assert_close(found, alone)


def test_a_kernel_estimate_is_a_mixture_with_equal_parts():
    x, _ = example()
    data = x[:7]
    parts = torch.full((7,), 1 / 7, dtype=x.dtype), data, torch.full((7,), 0.4, dtype=x.dtype)
    torch.testing.assert_close(kde_log_prob(x, data, 0.4), mixture_log_prob(x, *parts))


@pytest.mark.parametrize("away", [1, 3000])
def test_the_score_is_the_gradient_of_the_log_density(away: float):
    x, parts = example()
    x = (away * x).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture_log_prob(x, **parts).sum(), x)
    torch.testing.assert_close(mixture_score(x.detach(), **parts), gradient)


@pytest.mark.parametrize("seed", range(5))
def test_em_never_lowers_the_likelihood_and_stops_where_it_cannot_rise(seed: int):
    x, _ = example(seed)
    start = mixture(CaseRng(seed + 100), 3, 3)
    parts = start["weights"], start["means"], start["stds"]
    climb = []
    for _ in range(400):
        climb.append(mixture_log_prob(x, *parts).mean().item())
        parts = em_step(x, *parts)
    assert all(b >= a - 1e-12 for a, b in pairwise(climb))
    leaves = [p.clone().requires_grad_() for p in parts[1:]]
    slopes = torch.autograd.grad(mixture_log_prob(x, parts[0], *leaves).mean(), leaves)
    assert max(slope.abs().max().item() for slope in slopes) < 0.01


def test_after_a_step_the_mixture_has_the_mean_of_the_data_and_their_total_variance():
    """Exactly so for EM with means and widths; hard EM and the usual mistakes miss one or the other."""
    x, parts = example()
    w, m, s = em_step(x, **parts)
    torch.testing.assert_close(w @ m, x.mean(0))
    total = w @ (m.square().sum(1) + 3 * s**2)
    torch.testing.assert_close(total, x.square().sum(1).mean())


def test_mmd_has_no_bias_and_the_statistic_with_its_diagonals_has():
    """The V-statistic of Gretton et al., eq. 5, is above the other by what the diagonals add."""
    mmd, biased = HW1["mmd_squared"].answer, HW1["mmd_squared"].misconceptions[0].function
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randn(2000, 2, 12, 2, generator=generator, dtype=torch.float64)
    found = torch.stack([mmd(x, y, 1.0) for x, y in pairs])
    assert abs(found.mean().item()) < 5 * found.std().item() / 2000**0.5
    kernel = 1 / 3  # E k(x, y) of two independent standard Gaussians in the plane, (1 + 2/h²)^(−D/2)
    over = torch.stack([biased(x, y, 1.0) for x, y in pairs[:500]]).mean().item()
    assert over == pytest.approx(2 * (1 - kernel) / 12, rel=0.1)


def test_slices_are_never_further_apart_than_the_whole():
    draw = CaseRng(0)
    x, y, lines = draw.normal(40, 3), 2 * draw.normal(40, 3) + 1, draw.normal(60, 3)
    sliced = HW1["sliced_wasserstein"].answer(x, y, lines / lines.norm(dim=1, keepdim=True))
    assert 0 < sliced.item() < wasserstein(x, y)


def test_cases_leave_no_decision_to_rounding():
    """Half precision's worth of noise moves neither a coverage nor a bandwidth."""
    for seed in range(5):
        for name in ("mode_coverage", "best_bandwidth"):
            answer = HW1[name].answer
            for case in HW1[name].draw_cases(seed):
                tensors = {
                    k: v * (1 + 1e-5 * torch.randn_like(v)) if isinstance(v, torch.Tensor) and k != "bandwidths" else v
                    for k, v in case.arguments.items()
                }
                assert answer(**tensors) == answer(**case.arguments)


# -- what a student reads ----------------------------------------------------------------------------------------------


def kept_axis(x, weights, means, stds):
    return mixture_log_prob(x, weights, means, stds)[:, None]


def own_constant(x, mean, std):
    return gaussian_log_prob(x, mean, std) + 1.5


def a_list(x, weights, means, stds):
    return list(em_step(x, weights, means, stds))


def stds_as_column(x, weights, means, stds):
    w, m, s = em_step(x, weights, means, stds)
    return w, m, s[:, None]


def equal_sizes_only(x, y, bandwidth):
    return HW1["mmd_squared"].answer(x, y, bandwidth) + 0 * (x - y).sum()


def per_direction(x, y, directions):
    along = [(a @ directions.T).sort(0).values for a in (x, y)]
    return (along[0] - along[1]).square().mean(0)


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("mixture_log_prob", kept_axis, "got shape (7, 1), expected (7,)"),
        ("gaussian_log_prob", own_constant, "the expected one plus 1.5 everywhere"),
        ("em_step", a_list, "returned a list, expected a tuple of 3"),
        ("em_step", stds_as_column, "got shape (3, 1), expected (3,) of the third of the three results (`stds`)"),
        ("mmd_squared", equal_sizes_only, "raised RuntimeError at your line"),
        ("sliced_wasserstein", per_direction, "got shape (7,), expected ()"),
    ],
)
def test_one_clear_sentence(name: str, function, words: str):
    verdict = check_exercise(HW1[name], function)
    assert words in str(verdict)
    assert verdict.points == 0


def test_what_is_right_until_it_overflows_earns_half():
    for name in ("gaussian_log_prob", "mixture_log_prob", "mixture_score", "em_step", "kde_log_prob"):
        naive = next(m for m in HW1[name].misconceptions if m.credit == 0.5)
        assert check_exercise(HW1[name], naive.function).points == HW1[name].points / 2


def test_the_other_normalization_of_the_slices_is_not_ours():
    """Some average over D instead of directions, a factor √D larger for many directions."""

    def scaled(x, y, directions):
        return math.sqrt(x.shape[1]) * HW1["sliced_wasserstein"].answer(x, y, directions)

    assert not check_exercise(HW1["sliced_wasserstein"], scaled).passed
