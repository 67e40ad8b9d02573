"""hw4: what goes wrong in annealed Langevin dynamics."""

import math

import torch

from course import langevin
from course.exercises.hw4.annealing import annealed_langevin

ONE_NUMBER = (
    "the score is handed one number: it takes sigma of shape (B,), a level for each example, such as "
    "sigma.expand(len(x))."
)


def _sizes(sigmas, base):
    return [base * (sigma / sigmas[-1]).item() ** 2 for sigma in sigmas]


def _draw(shape, generator, like):
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


def _anneal(score, x, sigmas, sizes, n_per_level, noise, drift=1.0):
    """Annealed dynamics with given step sizes and a given source of noise, noise(level, step)."""
    for k, (sigma, eps) in enumerate(zip(sigmas, sizes)):
        for i in range(n_per_level):
            x = x + drift * eps * score(x, sigma.expand(len(x))) + (2 * eps) ** 0.5 * noise(k, i)
    return x.detach()


def _with_sizes(score, x, sigmas, sizes, n_per_level, generator):
    return _anneal(score, x, sigmas, sizes, n_per_level, lambda k, i: _draw(x.shape, generator, x))


@annealed_langevin.misconception("you start at the smallest noise: walk through `sigmas` in its order, largest first.")
def levels_backwards(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas.flip(0):
        eps = base * (sigma.item() / sigmas[-1].item()) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.expand(len(x))) + math.sqrt(2 * eps) * z
    return x.detach()


@annealed_langevin.misconception("x starts again at every level: carry it from one level to the next.")
def start_again_at_every_level(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas[-1:], [base], n_per_level, generator)


@annealed_langevin.misconception("every level has the same step `base`: it grows with the noise, base·(σ/sigmas[-1])².")
def same_step_everywhere(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas, [base] * len(sigmas), n_per_level, generator)


@annealed_langevin.misconception("your steps are proportional to σ: they must be to σ², base·(σ/sigmas[-1])².")
def step_proportional_to_sigma(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas, [e**0.5 * base**0.5 for e in _sizes(sigmas, base)], n_per_level, generator)


@annealed_langevin.misconception("steps are relative to the largest level: `base` belongs to the last, sigmas[-1].")
def step_relative_to_first(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas, [base * (s / sigmas[0]).item() ** 2 for s in sigmas], n_per_level, generator)


@annealed_langevin.misconception("steps are base·σ², not divided by sigmas[-1]²: `base` is the step at the last level.")
def step_not_relative(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas, [base * s.item() ** 2 for s in sigmas], n_per_level, generator)


@annealed_langevin.misconception("the noise has half the variance it needs: scale it by √(2ε), not √ε.")
def annealed_noise_sqrt_eps(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw(x.shape, generator, x) / 2**0.5
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("the noise is scaled by its variance 2ε: its standard deviation is √(2ε).")
def noise_by_its_variance(score, x, sigmas, base, n_per_level, generator):
    for sigma, eps in zip(sigmas, _sizes(sigmas, base)):
        for _ in range(n_per_level):
            x = x + eps * score(x, sigma.expand(len(x))) + 2 * eps * _draw(x.shape, generator, x)
    return x.detach()


@annealed_langevin.misconception(
    "this is Song and Ermon's convention, ε/2 with √ε (correct steps of half our size): ours is ε with √(2ε)."
)
def annealed_half_steps(score, x, sigmas, base, n_per_level, generator):
    return _with_sizes(score, x, sigmas, [e / 2 for e in _sizes(sigmas, base)], n_per_level, generator)


@annealed_langevin.misconception("the drift is halved but the noise is not: our convention is ε·s with √(2ε)·z.")
def annealed_drift_halved(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise, drift=0.5)


@annealed_langevin.misconception("you walk down the score, away from the data: add ε·s(x, σ), do not subtract it.")
def annealed_descends(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise, drift=-1.0)


@annealed_langevin.misconception("there is no noise in your steps: every one of them adds √(2ε)·z.")
def annealed_without_noise(score, x, sigmas, base, n_per_level, generator):
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, lambda k, i: 0.0)


@annealed_langevin.misconception("the very last step has no noise: ours draws it at every step, the last included.")
def annealed_last_without_noise(score, x, sigmas, base, n_per_level, generator):
    last = (len(sigmas) - 1, n_per_level - 1)
    noise = lambda k, i: 0.0 if (k, i) == last else _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("the last step of each level has no noise: ours draws it at every step.")
def levels_end_without_noise(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: 0.0 if i == n_per_level - 1 else _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("one noise serves all steps of a level: draw fresh noise at every step.")
def noise_drawn_once_a_level(score, x, sigmas, base, n_per_level, generator):
    draws = [_draw(x.shape, generator, x) for _ in sigmas]
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, lambda k, i: draws[k])


@annealed_langevin.misconception("the same noise drives every step of every level: draw it inside the inner loop.")
def annealed_noise_drawn_once(score, x, sigmas, base, n_per_level, generator):
    z = _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, lambda k, i: z)


@annealed_langevin.misconception("all chains share one noise, so they move in step: draw noise of x's whole shape.")
def annealed_noise_shared_by_chains(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw(x.shape[1:], generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("one number per chain moves all its dimensions: draw noise of x's whole shape.")
def annealed_noise_shared_by_dimensions(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw((len(x), *[1] * (x.ndim - 1)), generator, x)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("the noise is uniform (torch.rand): Langevin needs Gaussian noise (torch.randn).")
def annealed_noise_uniform(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("the score is asked at one level only: tell it the level of the step, s(x, σ).")
def score_at_the_last_level(score, x, sigmas, base, n_per_level, generator):
    at_last = lambda y, sigma: score(y, sigmas[-1].expand(len(y)))
    return langevin.annealed_langevin(at_last, x, sigmas, base, n_per_level, generator)


@annealed_langevin.misconception(ONE_NUMBER)
def score_told_a_number(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        x = x + base * score(x, sigma)
    return x


@annealed_langevin.misconception(ONE_NUMBER)
def score_told_a_float(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        x = x + base * score(x, sigma.item())
    return x


@annealed_langevin.misconception("each level takes one step: take n_per_level of them.")
def one_step_a_level(score, x, sigmas, base, n_per_level, generator):
    return langevin.annealed_langevin(score, x, sigmas, base, 1, generator)


@annealed_langevin.misconception(
    "the loops are nested the wrong way: finish all steps of one level before the next level begins."
)
def loops_swapped(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: _draw(x.shape, generator, x)
    return _anneal(score, x, sigmas.repeat(n_per_level), _sizes(sigmas, base) * n_per_level, 1, noise)


@annealed_langevin.misconception(
    "you denoise at the end, x + σ² s: a good idea, but not part of this function; return the last state as it is."
)
def denoised_at_the_end(score, x, sigmas, base, n_per_level, generator):
    x = langevin.annealed_langevin(score, x, sigmas, base, n_per_level, generator)
    return (x + sigmas[-1] ** 2 * score(x, sigmas[-1].expand(len(x)))).detach()


@annealed_langevin.misconception("you draw from the global random stream: pass `generator=generator` to torch.randn.")
def annealed_generator_ignored(score, x, sigmas, base, n_per_level, generator):
    return langevin.annealed_langevin(score, x, sigmas, base, n_per_level, None)


@annealed_langevin.misconception(
    "the noise has single precision where x has double: pass `dtype=x.dtype` to torch.randn.", credit=0.5
)
def annealed_noise_in_single_precision(score, x, sigmas, base, n_per_level, generator):
    noise = lambda k, i: torch.randn(x.shape, generator=generator, device=x.device)
    return _anneal(score, x, sigmas, _sizes(sigmas, base), n_per_level, noise)


@annealed_langevin.misconception("x is changed in place (`+=`), and the caller still needs it: make a new tensor.")
def annealed_in_place(score, x, sigmas, base, n_per_level, generator):
    for sigma, eps in zip(sigmas, _sizes(sigmas, base)):
        for _ in range(n_per_level):
            x += (eps * score(x, sigma.expand(len(x))) + (2 * eps) ** 0.5 * _draw(x.shape, generator, x)).detach()
    return x
