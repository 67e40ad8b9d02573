"""hw6: laws that tie its functions together, variants from the literature, and what a student reads."""

import math
import warnings

import pytest
import torch

from course.densities import GaussianMixture
from course.exercises import check_exercise, load
from course.exercises.check import all_cases
from course.exercises.judge import judge
from course.exercises.messages import pack_observations, unpack_observations
from course.exercises.observe import observe_all

HW6 = load("hw6")
RIGHT = {name: exercise.answer for name, exercise in HW6.items()}


def sentence(name, function):
    return check_exercise(HW6[name], function).sentence


# -- laws --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("process", "ends"), [("ve", (0.1, 5.0)), ("vp", (0.1, 20.0))])
def test_kernel_and_equation_are_of_one_process(process, ends):
    """f = α′/α and g² = (σ²)′ − 2 f σ², by automatic differentiation of the kernel."""
    t = torch.linspace(0.05, 0.95, 7, dtype=torch.float64)
    kernel = lambda t: torch.stack(RIGHT[f"{process}_kernel"](t, *ends))
    (alpha, sigma), (d_alpha, d_sigma) = torch.autograd.functional.jvp(kernel, t, torch.ones_like(t))
    drift, g = RIGHT[f"{process}_sde"](torch.ones(7, 1, dtype=torch.float64), t, *ends)
    torch.testing.assert_close(drift[:, 0], d_alpha / alpha)
    torch.testing.assert_close(g**2, 2 * sigma * d_sigma - 2 * drift[:, 0] * sigma**2)


def test_the_flow_is_half_way_between_forward_and_reverse_drift(normal):
    x, f, s = normal(4, 3), lambda x, t: x * t, lambda x, t: torch.sin(x)
    pair = (RIGHT[name](x, 0.3, f, lambda t: 1 + t, s) for name in ("reverse_drift", "probability_flow"))
    reverse, flow = pair
    torch.testing.assert_close(2 * flow, f(x, 0.3) + reverse)


def test_ddim_is_eulers_step_of_the_flow_in_the_limit(normal):
    """Both take a short step along the same line: their difference falls with the square of its length."""
    mixture = GaussianMixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.5], [1.0]]), torch.tensor([0.3, 0.4]))
    double = GaussianMixture(*(a.double() for a in (mixture.weights, mixture.means, mixture.stds)))

    def kernel(t):
        return tuple(a.item() for a in RIGHT["vp_kernel"](torch.tensor([t]).double(), 0.1, 20.0))

    def drift(x, t):
        return RIGHT["vp_sde"](x, torch.full((len(x),), t).double(), 0.1, 20.0)[0]

    score = lambda x, t: double.diffuse(*kernel(t)).score(x)
    flow = RIGHT["probability_flow"](x := normal(5, 1), 0.4, drift, lambda t: (0.1 + 19.9 * t) ** 0.5, score)
    gaps = [
        (RIGHT["ddim_step"](x, 0.4, 0.4 - h, score, kernel) - (x - h * flow)).abs().max().item() for h in (1e-3, 5e-4)
    ]
    assert math.log2(gaps[0] / gaps[1]) == pytest.approx(2, abs=0.05)


def test_heun_and_runge_kutta_undo_themselves_to_their_order(normal):
    field = lambda x, t: torch.sin(3 * x + t)
    for name, order in (("heun_step", 2), ("rk4_step", 4)):
        step, x = RIGHT[name], normal(4, 3)
        gaps = [(step(step(x, 0.2, 0.2 + h, field), 0.2 + h, 0.2, field) - x).abs().max().item() for h in (0.02, 0.01)]
        assert math.log2(gaps[0] / gaps[1]) > order + 0.9


def test_axes_as_probes_add_up_to_the_divergence(normal):
    a, x = normal(3, 3), normal(5, 3)
    total = sum(RIGHT["divergence"](lambda x, t: t * x @ a.mT, x, 2.0, e.expand_as(x)) for e in torch.eye(3).double())
    torch.testing.assert_close(total, (2 * a.trace()).expand(5))


# -- variants from the literature --------------------------------------------------------------------------------------


def test_songs_corrector_is_accepted_in_his_words():
    """Song et al.'s repository: norms over an example, averaged; step_size = (snr · noise / grad)² · 2."""

    def langevin_corrector(x, t, score, snr, noise):
        grad = score(x, t)
        grad_norm = torch.norm(grad.reshape(grad.shape[0], -1), dim=-1).mean()
        noise_norm = torch.norm(noise.reshape(noise.shape[0], -1), dim=-1).mean()
        step_size = (snr * noise_norm / grad_norm) ** 2 * 2
        x_mean = x + step_size * grad
        return x_mean + torch.sqrt(step_size * 2) * noise

    assert check_exercise(HW6["corrector_step"], langevin_corrector).passed


def test_ddims_own_words_are_for_vp_alone():
    """DDIM's paper writes √(1 − ᾱ) for σ, which is right for VP and for no other kernel."""

    def in_alpha_bars(x, t, s, score, kernel):
        a, b = kernel(t)[0] ** 2, kernel(s)[0] ** 2
        eps = -((1 - a) ** 0.5) * score(x, t)
        return b**0.5 * (x - (1 - a) ** 0.5 * eps) / a**0.5 + (1 - b) ** 0.5 * eps

    assert "holds for VP only" in sentence("ddim_step", in_alpha_bars)


def test_songs_vp_is_accepted_but_for_its_lost_digits():
    """His marginal_prob takes 1 − exp(2 log α) for the variance."""

    def marginal_prob(t, beta_0, beta_1):
        log_mean_coeff = -0.25 * t**2 * (beta_1 - beta_0) - 0.5 * t * beta_0
        return torch.exp(log_mean_coeff), torch.sqrt(1.0 - torch.exp(2.0 * log_mean_coeff))

    verdict = check_exercise(HW6["vp_kernel"], marginal_prob)
    assert verdict.sentence.startswith("near t = 0 the difference 1 − α² of two nearly equal numbers loses its digits")
    assert verdict.points == 3


def test_forward_mode_is_a_right_answer():
    """Not among the variants: its first call imports half of torch, which takes long on a busy machine."""

    def forward_mode(field, x, t, probe):
        return (torch.func.jvp(lambda y: field(y, t), (x,), (probe,))[1] * probe).sum(dim=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forward_mode(lambda x, t: x, torch.ones(1, 1), 0.0, torch.ones(1, 1))
    assert check_exercise(HW6["divergence"], forward_mode).passed


# -- what a student reads ----------------------------------------------------------------------------------------------


def test_a_complex_root_is_named_and_survives_the_way_to_the_grader():
    """(s − t) ** 0.5 of a negative float is a complex number in Python, and no warning may reach the notebook."""

    def power(x, t, s, drift, diffusion, noise):
        return x + (s - t) * drift(x, t) + diffusion(t) * (s - t) ** 0.5 * noise

    exercise = HW6["euler_maruyama_step"]
    cases = all_cases(exercise, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = unpack_observations(pack_observations(observe_all(power, cases)), len(cases))
        assert judge(exercise, cases, seen).sentence.startswith("backwards in time s − t is negative")


def test_a_complex_result_that_nobody_knows_is_described():
    def other(x, t, s, drift, diffusion, noise):
        return x + (-1) ** 0.5 * noise

    assert "returned a complex tensor, expected a tensor of shape (5, 3)" in sentence("euler_maruyama_step", other)


def test_a_missing_axis_is_named_not_only_raised():
    unexpanded = lambda x, t, drift, diffusion, score: drift(x, t) - score(x, t) * diffusion(t) ** 2
    assert "expand(g, x)" in sentence("reverse_drift", unexpanded)


def test_levels_in_double_precision_are_told_apart():
    """A grid made from a float64 tensor would turn a float32 walk into float64."""

    def double(sigma_max, sigma_min, n, rho):
        u = torch.linspace(0, 1, n, dtype=torch.float64)
        return (sigma_max ** (1 / rho) + u * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho

    assert "got dtype torch.float64, expected torch.float32" in sentence("karras_times", double)
