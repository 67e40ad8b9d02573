"""hw4: data under noise, by one level and by DDPM's chain; the score of the noise."""

import torch

from course import ddpm, matching
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.tensors import expand

OWN_NOISE = "you draw noise of your own: use the `noise` that is handed in, or nothing is reproducible."
TRAILING = (
    "`[:, None]` fits x of shape (B, D) only; images (B, C, H, W) need more axes of size one, as many as x has: use "
    "expand({0}, x)."
)


SMALL = 1e-4
"""A size at which anything shows that is added to a noise level, or at which a level is clamped."""


def levels(draw: Draw, b: int) -> torch.Tensor:
    """A noise level for each example, all different, from 0.1 to 2."""
    return 0.1 * 20 ** ((draw.permutation(b) + draw.uniform(b, low=0.1, high=0.9)) / b)


def small_levels(draw: Draw, b: int) -> torch.Tensor:
    """A noise level for each example, from 0.0001 to 0.0003."""
    return SMALL * draw.uniform(b, low=1.0, high=3.0)


# -- perturb -----------------------------------------------------------------------------------------------------------


def _perturb_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"x0": 2 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b), "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad)

    small = {"x0": SMALL * draw.normal(5, 4), "sigma": small_levels(draw, 5), "noise": draw.normal(5, 4)}
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), Case(small, magnitude=SMALL)]


def _perturb_remark(function) -> str:
    z = torch.randn(10_000, 1, generator=torch.Generator().manual_seed(0))
    found = function(torch.full((10_000, 1), 3.0), torch.full((10_000,), 2.0), z)
    return f"10,000 copies of the point 3, each with noise σ = 2: mean {found.mean():.2f}, deviation {found.std():.2f}."


perturb = Exercise("perturb", 5, matching.perturb, _perturb_cases, remark=_perturb_remark)


@perturb.misconception("that scales the noise by the variance σ²; σ is its standard deviation: add σ·noise.")
def variance_for_deviation(x0, sigma, noise):
    return x0 + sigma.reshape(-1, *[1] * (x0.ndim - 1)) ** 2 * noise


@perturb.misconception("that scales the noise by √σ; σ is its standard deviation already: add σ·noise.")
def root_of_deviation(x0, sigma, noise):
    return x0 + expand(sigma.sqrt(), x0) * noise


@perturb.misconception("the noise has the wrong sign: the target that comes next belongs to x₀ + σ·noise.")
def noise_subtracted(x0, sigma, noise):
    return x0 - expand(sigma, x0) * noise


@perturb.misconception("one noise level serves the whole batch: example b has its own, sigma[b].")
def one_level_for_all(x0, sigma, noise):
    return x0 + sigma.mean() * noise


@perturb.misconception(
    "`sigma * noise` lines up sigma's B numbers with the last axis of noise: give it trailing axes, expand(sigma, x0)."
)
def sigma_on_the_last_axis(x0, sigma, noise):
    return x0 + sigma * noise


@perturb.misconception(TRAILING.format("sigma"))
def one_trailing_axis(x0, sigma, noise):
    return x0 + sigma[:, None] * noise


@perturb.misconception("the data are shrunk: here x₀ stays as it is and noise comes on top (DDPM's mixing is 4.9).")
def data_shrunk(x0, sigma, noise):
    level = expand(sigma, x0)
    return (1 - level) * x0 + level * noise


@perturb.misconception("the data shrink so that the variance is kept; here x₀ stays as it is and noise comes on top.")
def variance_kept(x0, sigma, noise):
    level = expand(sigma, x0)
    return (x0 + level * noise) / (1 + level**2).sqrt()


@perturb.misconception(OWN_NOISE)
def own_noise(x0, sigma, noise):
    return x0 + expand(sigma, x0) * torch.randn_like(x0)


@perturb.misconception("x0 is changed in place (`+=`), and the caller still needs it: return a new tensor.")
def in_place(x0, sigma, noise):
    x0 += expand(sigma, x0) * noise
    return x0


# -- dsm_target --------------------------------------------------------------------------------------------------------


def _target_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        return Case({"noise": draw.normal(b, *shape), "sigma": levels(draw, b)}, no_grad=no_grad)

    small = Case({"noise": draw.normal(6, 5), "sigma": small_levels(draw, 6)})
    return [case(6, 3), case(5, 2, 4, 3, no_grad=True), case(7, 3, 4), small]


def _target_remark(function) -> str:
    found = function(torch.tensor([[1.5]]), torch.tensor([0.5])).item()
    return f"x lies 0.75 to the right of x₀ under noise σ = 0.5, and the target there is {found:g}: back to the left."


dsm_target = Exercise("dsm_target", 5, matching.dsm_target, _target_cases, remark=_target_remark)


@dsm_target.misconception("the sign is wrong: the score points from x back to x₀, against the noise, so it is −z/σ.")
def points_away(noise, sigma):
    return noise / sigma.reshape(-1, *[1] * (noise.ndim - 1))


@dsm_target.misconception("that divides by σ²: −(x − x₀)/σ² with x − x₀ = σz leaves −z/σ.")
def divided_twice(noise, sigma):
    return -noise / expand(sigma, noise) ** 2


@dsm_target.misconception("that is −z, not yet divided by σ: the score of N(x₀, σ²I) at x₀ + σz is −z/σ.")
def not_divided(noise, sigma):
    return -noise


@dsm_target.misconception("that multiplies by σ; the narrower the Gaussian, the steeper its log-density: divide by σ.")
def multiplied(noise, sigma):
    return -noise * expand(sigma, noise)


@dsm_target.misconception(
    "the noise level is kept from being small: σ is positive, so divide by it as it is, without adding or clamping.",
    credit=0.5,
)
def target_guarded(noise, sigma):
    return -noise / (expand(sigma, noise) + 1e-8)


@dsm_target.misconception("one noise level serves the whole batch: example b has its own, sigma[b].")
def target_of_one_level(noise, sigma):
    return -noise / sigma.mean()


@dsm_target.misconception(
    "`noise / sigma` lines up sigma's B numbers with the last axis of noise: use expand(sigma, noise)."
)
def target_on_the_last_axis(noise, sigma):
    return -noise / sigma


@dsm_target.misconception(TRAILING.format("sigma"))
def target_one_trailing_axis(noise, sigma):
    return -noise / sigma[:, None]


# -- ddpm_perturb ------------------------------------------------------------------------------------------------------


def _mix_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        alpha_bar = (draw.permutation(b) + draw.uniform(b, low=0.2, high=0.8)) / b
        arguments = {"x0": 2 * draw.normal(b, *shape) + 1, "alpha_bar": alpha_bar, "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad)

    def extreme(b: int, d: int, size: float, alpha_bar: torch.Tensor) -> Case:
        arguments = {"x0": size * draw.normal(b, d), "alpha_bar": alpha_bar, "noise": draw.normal(b, d)}
        return Case(arguments)

    nearly_clean = extreme(6, 5, SMALL, 1 - SMALL * draw.uniform(6, low=0.01, high=0.03))
    nearly_lost = extreme(4, 5, 1 / SMALL, SMALL * draw.uniform(4, low=0.01, high=0.03))
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), nearly_clean, nearly_lost]


def _mix_remark(function) -> str:
    x0, z = torch.randn(2, 10_000, 1, generator=torch.Generator().manual_seed(0))
    found = [function(x0, torch.full((10_000,), a), z).var().item() for a in (0.9, 0.5, 0.1)]
    return (
        "data of variance 1 at ᾱ = 0.9, 0.5 and 0.1 have variance "
        f"{found[0]:.2f}, {found[1]:.2f} and {found[2]:.2f}: it is kept all the way."
    )


ddpm_perturb = Exercise("ddpm_perturb", 5, ddpm.ddpm_perturb, _mix_cases, remark=_mix_remark)


@ddpm_perturb.misconception(
    "something is added under a root, or ᾱ is clamped, which shows where data are nearly clean: both roots are fine "
    "as they are.",
    credit=0.5,
)
def roots_guarded(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 + (1 - a + 1e-8).sqrt() * noise


@ddpm_perturb.misconception("the roots are missing: ᾱ and 1 − ᾱ are variances, so the factors are √ᾱ and √(1 − ᾱ).")
def roots_missing(x0, alpha_bar, noise):
    a = alpha_bar.reshape(-1, *[1] * (x0.ndim - 1))
    return a * x0 + (1 - a) * noise


@ddpm_perturb.misconception("the noise is scaled by its variance 1 − ᾱ: its standard deviation is √(1 − ᾱ).")
def noise_by_its_variance(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a.sqrt() * x0 + (1 - a) * noise


@ddpm_perturb.misconception("the data are scaled by ᾱ: it is a ratio of variances, so their factor is √ᾱ.")
def data_by_their_variance(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0)
    return a * x0 + (1 - a).sqrt() * noise


@ddpm_perturb.misconception("√(1 − ᾱ) is not 1 − √ᾱ: the two squares must add to one, not the two factors.")
def one_minus_root(x0, alpha_bar, noise):
    a = expand(alpha_bar, x0).sqrt()
    return a * x0 + (1 - a) * noise


@ddpm_perturb.misconception("data and noise are swapped: ᾱ near 1 means nearly clean.")
def roles_swapped(x0, alpha_bar, noise):
    return ddpm.ddpm_perturb(noise, alpha_bar, x0)


@ddpm_perturb.misconception("the data are not shrunk: unlike in 4.1, x₀ is multiplied by √ᾱ before noise comes on top.")
def data_not_shrunk(x0, alpha_bar, noise):
    return x0 + expand((1 - alpha_bar).sqrt(), x0) * noise


@ddpm_perturb.misconception("one ᾱ serves the whole batch: example b has its own, alpha_bar[b].")
def one_alpha_for_all(x0, alpha_bar, noise):
    return ddpm.ddpm_perturb(x0, alpha_bar.mean().expand(len(x0)), noise)


@ddpm_perturb.misconception(TRAILING.format("alpha_bar"))
def mix_one_trailing_axis(x0, alpha_bar, noise):
    return alpha_bar.sqrt()[:, None] * x0 + (1 - alpha_bar).sqrt()[:, None] * noise


@ddpm_perturb.misconception(OWN_NOISE)
def mix_own_noise(x0, alpha_bar, noise):
    return ddpm.ddpm_perturb(x0, alpha_bar, torch.randn_like(x0))
