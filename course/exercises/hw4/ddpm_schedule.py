"""4.8, DDPM's noise schedule: n equally spaced β, and ᾱ, the cumulative product of 1 − β."""

import torch

from course import ddpm
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def ddpm_schedule(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, torch.cumprod(1 - betas, dim=0)


def cases(draw: CaseRng) -> list[Case]:
    def case(low: float, high: float, n: int) -> Case:
        return Case({"beta_min": draw.number(low, 1.5 * low), "beta_max": draw.number(high, 1.2 * high), "n": n})

    return [case(0.02, 0.3, 7), case(0.001, 0.02, 150), case(0.1, 0.6, 2), case(0.3, 0.75, 9)]


def remark(function) -> str:
    left = function(1e-4, 0.02, 1000)[1][-1].item()
    return f"with Ho et al.'s 1,000 steps, ᾱ ends at {left:.1e}: of the data's variance nothing is left but that share."


exercise = Exercise(answer=ddpm_schedule, cases=cases, attached=False, remark=remark, results=("betas", "alpha_bars"))
exercise.right(ddpm.ddpm_schedule)

BETAS = "torch.linspace(beta_min, beta_max, n)"
PRODUCT = "torch.cumprod(1 - betas, dim=0)"

exercise.right(f"{PRODUCT} → torch.exp(torch.cumsum(torch.log1p(-betas), 0))")


@exercise.right
def by_a_loop(beta_min, beta_max, n):
    betas = [beta_min + (beta_max - beta_min) * i / (n - 1) for i in range(n)]
    alpha_bars, left = [], 1.0
    for beta in betas:
        left *= 1 - beta
        alpha_bars.append(left)
    return torch.tensor(betas), torch.tensor(alpha_bars)


exercise.right(f"{PRODUCT} → torch.cumprod(1 - betas, dim=-1)", "there is one axis")
exercise.mistake(
    f"{PRODUCT} → 1 - betas.cumsum(0)", "that adds up the betas: what is left of the signal is a product, ∏ (1 − β)."
)
exercise.mistake(f"{PRODUCT} → 1 - betas", "that is 1 − β of each step: ᾱ is their cumulative product, torch.cumprod.")
exercise.mistake("1 - betas → betas", "that multiplies the betas: ᾱ is the product of 1 − β, what each step keeps.")
exercise.mistake(
    f"{PRODUCT} → torch.cat([torch.ones(1), {PRODUCT}[:-1]])",
    "ᾱ is one step late: alpha_bars[i] includes step i's own factor, so ᾱ₀ = 1 − β₀, not 1.",
)
exercise.mistake(f"{BETAS} → {BETAS} / n", "the betas are divided by n: here they are given for each step already.")
exercise.mistake(
    f"{BETAS} → beta_min + (beta_max - beta_min) * torch.arange(n) / n",
    "β_max is missing: n betas, equally spaced, with both ends among them.",
)
exercise.mistake(
    f"{BETAS} → torch.linspace(beta_max, beta_min, n)",
    "the betas descend: noise grows along the chain, from β_min to β_max.",
)
exercise.mistake(
    f"{BETAS} → torch.linspace(beta_min**0.5, beta_max**0.5, n) ** 2",
    "the roots of the betas are equally spaced; here the betas themselves are.",
)
exercise.mistake(
    f"{BETAS} → beta_min * (beta_max / beta_min) ** torch.linspace(0, 1, n)",
    "the betas have equal ratios: these are equally spaced, torch.linspace.",
)
exercise.mistake(
    f"{PRODUCT} → {PRODUCT}.sqrt()", "that is √ᾱ, the data's factor: return ᾱ itself, the product of 1 − β."
)
exercise.mistake("torch.cumprod → torch.cumsum", "ᾱ adds the factors 1 − β up: it multiplies them, .cumprod(0).")
exercise.mistake(f"{PRODUCT} → 1 - {PRODUCT}", "that is 1 − ᾱ, the variance of the noise: return ᾱ itself.")
exercise.mistake(
    f"(betas, {PRODUCT}) → ({PRODUCT}, betas)", "the results are in the wrong order: betas first, then alpha_bars."
)
