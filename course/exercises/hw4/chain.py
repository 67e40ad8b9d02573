"""hw4: DDPM's chain, its schedule and its step back."""

import torch

from course import ddpm
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise

# -- ddpm_schedule -----------------------------------------------------------------------------------------------------


def _schedule_cases(draw: Draw) -> list[Case]:
    def case(low: float, high: float, n: int) -> Case:
        return Case({"beta_min": draw.number(low, 1.5 * low), "beta_max": draw.number(high, 1.2 * high), "n": n})

    return [case(0.02, 0.3, 7), case(0.001, 0.02, 150), case(0.1, 0.6, 2), case(0.3, 0.75, 9)]


def _schedule_remark(function) -> str:
    left = function(1e-4, 0.02, 1000)[1][-1].item()
    return f"with Ho et al.'s 1,000 steps, ᾱ ends at {left:.1e}: of the data's variance nothing is left but that share."


ddpm_schedule = Exercise(
    "ddpm_schedule",
    7,
    ddpm.ddpm_schedule,
    _schedule_cases,
    attached=False,
    remark=_schedule_remark,
    results=("betas", "alpha_bars"),
)


@ddpm_schedule.misconception("that adds up the betas: what is left of the signal is a product, ∏ (1 − β).")
def sum_for_product(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, 1 - betas.cumsum(0)


@ddpm_schedule.misconception("that is 1 − β of each step: ᾱ is their cumulative product, torch.cumprod.")
def not_cumulated(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, 1 - betas


@ddpm_schedule.misconception("that multiplies the betas: ᾱ is the product of 1 − β, what each step keeps.")
def product_of_betas(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, betas.cumprod(0)


@ddpm_schedule.misconception("ᾱ is one step late: alpha_bars[i] includes step i's own factor, so ᾱ₀ = 1 − β₀, not 1.")
def one_step_late(beta_min, beta_max, n):
    betas, alpha_bars = ddpm.ddpm_schedule(beta_min, beta_max, n)
    return betas, torch.cat([torch.ones(1), alpha_bars[:-1]])


@ddpm_schedule.misconception("the betas are divided by n: here they are given for each step already.")
def divided_by_n(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n) / n
    return betas, (1 - betas).cumprod(0)


@ddpm_schedule.misconception("β_max is missing: n betas, equally spaced, with both ends among them.")
def beta_max_missing(beta_min, beta_max, n):
    betas = beta_min + (beta_max - beta_min) * torch.arange(n) / n
    return betas, (1 - betas).cumprod(0)


@ddpm_schedule.misconception("the betas descend: noise grows along the chain, from β_min to β_max.")
def betas_descend(beta_min, beta_max, n):
    betas = torch.linspace(beta_max, beta_min, n)
    return betas, (1 - betas).cumprod(0)


@ddpm_schedule.misconception("the roots of the betas are equally spaced; here the betas themselves are.")
def roots_equally_spaced(beta_min, beta_max, n):
    betas = torch.linspace(beta_min**0.5, beta_max**0.5, n) ** 2
    return betas, (1 - betas).cumprod(0)


@ddpm_schedule.misconception("the betas have equal ratios: these are equally spaced, torch.linspace.")
def betas_geometric(beta_min, beta_max, n):
    betas = beta_min * (beta_max / beta_min) ** torch.linspace(0, 1, n)
    return betas, (1 - betas).cumprod(0)


@ddpm_schedule.misconception("that is √ᾱ, the data's factor: return ᾱ itself, the product of 1 − β.")
def root_taken(beta_min, beta_max, n):
    betas, alpha_bars = ddpm.ddpm_schedule(beta_min, beta_max, n)
    return betas, alpha_bars.sqrt()


@ddpm_schedule.misconception("ᾱ adds the factors 1 − β up: it multiplies them, .cumprod(0).")
def summed_for_multiplied(beta_min, beta_max, n):
    betas, _ = ddpm.ddpm_schedule(beta_min, beta_max, n)
    return betas, (1 - betas).cumsum(0)


@ddpm_schedule.misconception("that is 1 − ᾱ, the variance of the noise: return ᾱ itself.")
def noise_variance(beta_min, beta_max, n):
    betas, alpha_bars = ddpm.ddpm_schedule(beta_min, beta_max, n)
    return betas, 1 - alpha_bars


@ddpm_schedule.misconception("the results are in the wrong order: betas first, then alpha_bars.")
def schedule_swapped(beta_min, beta_max, n):
    return ddpm.ddpm_schedule(beta_min, beta_max, n)[::-1]


# -- ddpm_step ---------------------------------------------------------------------------------------------------------


def _step_cases(draw: Draw) -> list[Case]:
    def case(n: int, i: int, b: int, *shape: int, no_grad: bool = False, size: float = 1.0) -> Case:
        magnitude = 20 if size > 0.1 else 400  # 1 − ᾱ is a small difference of large numbers
        betas = size * torch.linspace(draw.number(0.02, 0.05), draw.number(0.2, 0.4), n, dtype=torch.float64)
        x = min(1.0, size**0.5) * (2 * draw.normal(b, *shape) + 1)
        arguments = {"x": x, "eps": draw.normal(b, *shape), "betas": betas, "i": i}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad, magnitude=magnitude)

    return [
        case(9, 4, 7, 3),
        case(8, 0, 5, 4, no_grad=True),
        case(7, 6, 5, 2, 3, 4, no_grad=True),
        case(6, 1, 4, 3, 2),
        case(5, 2, 6, 3, size=1e-5),  # so little noise that nothing can be added to it
        case(24, 21, 3, 6, size=2.3),  # so much that what is left of the data is not to be clamped
    ]


def _step_remark(function) -> str:
    betas = torch.linspace(1e-4, 0.02, 1000)
    alpha_bars = (1 - betas).cumprod(0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 1, generator=generator)
    for i in reversed(range(1000)):
        left = alpha_bars[i]
        eps = (1 - left).sqrt() * (x - 3 * left.sqrt()) / (0.25 * left + 1 - left)  # exact for data N(3, 0.25)
        x = function(x, eps, betas, i, torch.randn(x.shape, generator=generator))
    return (
        f"1,000 of your steps lead 2,000 points from N(0, 1) to mean {x.mean():.2f} and deviation {x.std():.2f}; the "
        "data have 3 and 0.5."
    )


ddpm_step = Exercise("ddpm_step", 12, ddpm.ddpm_step, _step_cases, remark=_step_remark)


def _parts(betas, i):
    """β_i, ᾱ_i and ᾱ_{i−1}, for the misconceptions below."""
    alpha_bars = (1 - betas).cumprod(0)
    return betas[i], alpha_bars[i], alpha_bars[i - 1] if i else torch.ones_like(betas[0])


@ddpm_step.misconception("at i = 0 there is no step left to be uncertain about: add no noise there.", credit=0.5)
def noise_at_the_end(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, 0)
    before = alpha_bars[i - 1] if i > 0 else alpha_bars[0]
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean + (betas[i] * (1 - before) / (1 - alpha_bars[i])).sqrt() * noise


@ddpm_step.misconception(
    "alpha_bars[i - 1] at i = 0 is alpha_bars[-1], the *last* entry: before step 0 nothing is noisy, and no noise is "
    "added."
)
def index_wraps_around(x, eps, betas, i, noise):
    alpha_bars = torch.cumprod(1 - betas, 0)
    mean = (x - betas[i] / (1 - alpha_bars[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
    return mean + (betas[i] * (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i])).sqrt() * noise


@ddpm_step.misconception(
    "the noise has variance β_i, the other choice of Ho et al.: ours is β̃_i = β_i (1 − ᾱ_{i−1})/(1 − ᾱ_i), the exact "
    "posterior's.",
    credit=0.5,
)
def variance_beta(x, eps, betas, i, noise):
    beta, now, _ = _parts(betas, i)
    mean = (x - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()
    return mean + beta.sqrt() * noise * (i > 0)


@ddpm_step.misconception(
    "something is added under a root, or a variance is clamped: steps with little noise show it, and none needs it.",
    credit=0.5,
)
def variance_guarded(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now + 1e-8).sqrt() * eps) / (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now + 1e-8)).sqrt() * noise


@ddpm_step.misconception("the noise is scaled by its variance β̃: its standard deviation is √β̃.")
def variance_for_deviation_back(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()
    return mean + beta * (1 - before) / (1 - now) * noise


@ddpm_step.misconception("there is no noise in your step: add √β̃·noise while i > 0.")
def step_without_noise(x, eps, betas, i, noise):
    beta, now, _ = _parts(betas, i)
    return (x - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()


@ddpm_step.misconception("you divide by √ᾱ_i, which undoes all steps at once: one step back is divided by √(1 − β_i).")
def alpha_bar_for_alpha(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now).sqrt() * eps) / now.sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("√(1 − β_i) divides the whole bracket, x too: yours divides only what is subtracted.")
def bracket_forgotten(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = x - beta / (1 - now).sqrt() * eps / (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("you multiply by √(1 − β_i): the way forward shrank x by it, so the way back divides.")
def multiplied_for_divided(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now).sqrt() * eps) * (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("the division by √(1 − β_i) is missing: the way forward shrank x by that factor.")
def division_missing(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = x - beta / (1 - now).sqrt() * eps
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("only x is divided by √(1 − β_i): divide the whole bracket, the predicted noise too.")
def bracket_not_closed(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = x / (1 - beta).sqrt() - beta / (1 - now).sqrt() * eps
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("the root below β_i is missing: the predicted noise is multiplied by β_i / √(1 − ᾱ_i).")
def root_below_missing(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now) * eps) / (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("√β_i stands where β_i belongs: the predicted noise is multiplied by β_i / √(1 − ᾱ_i).")
def root_of_beta(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta.sqrt() / (1 - now).sqrt() * eps) / (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("the predicted noise is added: subtract it, it is what has to go.")
def noise_added(x, eps, betas, i, noise):
    return ddpm.ddpm_step(x, -eps, betas, i, noise)


@ddpm_step.misconception(
    "that jumps to the estimate of x₀ and adds noise to it afresh: x_{i−1} also keeps part of x_i, in the posterior's "
    "mean."
)
def through_the_estimate(x, eps, betas, i, noise):
    _, now, before = _parts(betas, i)
    clean = (x - (1 - now).sqrt() * eps) / now.sqrt()
    return before.sqrt() * clean + (1 - before).sqrt() * noise


@ddpm_step.misconception("the estimate of the clean image is clipped to [−1, 1]: not here, data can be anything.")
def estimate_clipped(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    clean = ((x - (1 - now).sqrt() * eps) / now.sqrt()).clamp(-1, 1)
    mean = (before.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("ᾱ is read one step too early in the mean: it is √(1 − ᾱ_i), with i and not i − 1.")
def alpha_bar_of_the_step_before(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - (before if i else now)).sqrt() * eps) / (1 - beta).sqrt()
    return mean + (beta * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.misconception("the two noise variances in β̃ are swapped: it is smaller than β_i, (1 − ᾱ_{i−1}) is above.")
def variances_swapped(x, eps, betas, i, noise):
    beta, now, before = _parts(betas, i)
    mean = (x - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()
    return mean + (beta * (1 - now) / (1 - before)).sqrt() * noise if i else mean


@ddpm_step.misconception("you draw noise of your own: use the `noise` that is handed in, or nothing is reproducible.")
def step_own_noise(x, eps, betas, i, noise):
    return ddpm.ddpm_step(x, eps, betas, i, torch.randn_like(x))
