"""hw6: steps with noise: Euler and Maruyama's, in both directions of time, and Langevin's at a fixed one."""

import math

import torch

from course import sampling
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.exercises.hw6.functions import diffusion, field
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor
from course.tensors import expand

# -- euler_maruyama_step -----------------------------------------------------------------------------------------------


def _step_cases(draw: Draw) -> list[Case]:
    """Forwards in time, backwards, and backwards without gradients."""

    def case(t: float, s: float, no_grad: bool, b: int, *shape: int, size: float = 1.0) -> Case:
        x, noise, d = 2 * size * draw.normal(b, *shape), draw.normal(b, *shape), math.prod(shape)
        arguments = {"x": x, "t": t, "s": s, "drift": field(draw, d), "diffusion": diffusion(draw), "noise": noise}
        return Case(arguments, no_grad, magnitude=size)

    t = draw.number(0.1, 0.3)
    return [
        case(t, t + draw.number(0.2, 0.5), False, 5, 3),
        case(t + draw.number(0.3, 0.6), t, False, 4, 2, 3),
        case(t + draw.number(0.3, 0.6), t, True, 6, 4),
        case(t, t + draw.number(1e-5, 2e-5), False, 3, 5, size=1e-3),  # so short that nothing can be added to it
    ]


def _step_remark(function) -> str:
    x, generator = torch.full((20_000, 1), 3.0), torch.Generator().manual_seed(0)
    for i in range(50):
        noise = torch.randn(x.shape, generator=generator)
        x = function(x, i / 50, (i + 1) / 50, lambda x, t: -x, lambda t: 1.0, noise)
    mean, var = 3 * math.exp(-1), (1 - math.exp(-2)) / 2
    return (
        f"dx = −x dt + dw from x = 3 has at t = 1 mean {x.mean():.2f} and variance {x.var():.2f}; "
        f"theory: {mean:.2f} and {var:.2f}."
    )


euler_maruyama_step = Exercise(
    "euler_maruyama_step", 9, sampling.euler_maruyama_step, _step_cases, counted=("drift",), remark=_step_remark
)


@euler_maruyama_step.misconception(OTHER_TIME.format("drift"), credit=0.5)
def time_as_a_tensor(x, t, s, drift, diffusion, noise):
    time = as_tensor(t, x)
    return x + (s - t) * drift(x, time) + expand(diffusion(time), x) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception(IN_PLACE.format("drift"))
def drift_in_place(x, t, s, drift, diffusion, noise):
    move = drift(x, t)
    move *= s - t
    return x + move + diffusion(t) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception(
    "the noise is scaled by s − t: variances add up in time, so its scale is g √|s − t|.",
)
def dt_for_its_root(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + (s - t) * diffusion(t) * noise


@euler_maruyama_step.misconception(
    "the noise is scaled by |s − t|: variances add up in time, so its scale is g √|s − t|."
)
def absolute_dt_for_its_root(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + abs(s - t) * diffusion(t) * noise


_NEGATIVE_ROOT = "backwards in time s − t is negative and has no real root: the noise's scale is g √|s − t|."


@euler_maruyama_step.misconception(_NEGATIVE_ROOT)
def root_of_negative(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * math.sqrt(s - t) * noise


@euler_maruyama_step.misconception(_NEGATIVE_ROOT)
def power_of_negative(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * (s - t) ** 0.5 * noise


@euler_maruyama_step.misconception(_NEGATIVE_ROOT)
def nan_of_negative(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * torch.tensor(s - t).to(x).sqrt() * noise


@euler_maruyama_step.misconception(
    "the drift's step must carry its sign: backwards in time s − t is negative; only the noise takes |s − t|."
)
def drift_always_forwards(x, t, s, drift, diffusion, noise):
    return x + abs(s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception("the step is t − s, the wrong way: from t to s it is s − t.")
def steps_the_wrong_way(x, t, s, drift, diffusion, noise):
    return x + (t - s) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception("√2 is Langevin's; here the diffusion g holds every factor: g √|s − t|.")
def factor_of_langevin(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) * (2 * abs(s - t)) ** 0.5 * noise


@euler_maruyama_step.misconception("the noise is scaled by g²: g is a standard deviation already, do not square it.")
def g_squared_in_noise(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t) + diffusion(t) ** 2 * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception("the drift is not multiplied by the length of the step, s − t.")
def drift_without_step(x, t, s, drift, diffusion, noise):
    return x + drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception("the noise is missing: that is Euler's step for an ODE.")
def noise_missing(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, t)


@euler_maruyama_step.misconception(
    "drift and diffusion are those of the start, t; you evaluate at the end of the step, s."
)
def evaluated_at_the_end(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, s) + diffusion(s) * abs(s - t) ** 0.5 * noise


@euler_maruyama_step.misconception("x itself is missing: the step adds to where the state is.")
def increment_only(x, t, s, drift, diffusion, noise):
    return (s - t) * drift(x, t) + diffusion(t) * abs(s - t) ** 0.5 * noise


# -- corrector_step ----------------------------------------------------------------------------------------------------


def _corrector_cases(draw: Draw) -> list[Case]:
    """Examples of very different size, so that a mean of norms is not the norm of all, nor each its own."""

    def case(t: float | torch.Tensor, no_grad: bool, b: int, *shape: int, small: float = 1.0) -> Case:
        size = small * expand(draw.uniform(b, low=0.2, high=4.0), torch.zeros(b, *shape))
        noise = small * draw.normal(b, *shape) * expand(draw.uniform(b, low=0.4, high=1.8), size)
        arguments = {"x": size * draw.normal(b, *shape), "t": t, "score": field(draw, math.prod(shape), size=small)}
        return Case({**arguments, "snr": draw.number(0.1, 0.3), "noise": noise}, no_grad, magnitude=small)

    return [
        case(draw.number(0.2, 0.9), False, 5, 3),
        case(draw.uniform(6, low=0.1, high=0.9), False, 6, 4),
        case(draw.number(0.2, 0.9), True, 4, 2, 3),
        case(draw.number(0.2, 0.9), False, 3, 5, small=1e-6),  # norms so small that nothing can be added to them
    ]


def _corrector_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(6000, 3, generator=generator)
    for _ in range(150):
        x = function(x, 0.5, lambda x, t: -x, 0.16, torch.randn(x.shape, generator=generator))
    return (
        f"150 corrections at snr 0.16 take points from variance 4 to {x.var():.2f}; the score's own is 1, and steps of "
        "this size keep 1.03."
    )


corrector_step = Exercise(
    "corrector_step", 6, sampling.corrector_step, _corrector_cases, counted=("score",), remark=_corrector_remark
)


def _correct(x, s, noise, size):
    return x + size * s + (2 * size) ** 0.5 * noise


def _norm(x):
    return x.flatten(1).norm(dim=1)


@corrector_step.misconception("the ratio is upside down: noise above, score below; a small score means a large step.")
def ratio_upside_down(x, t, score, snr, noise):
    s = score(x, t)
    size = 2 * (snr * s.flatten(1).norm(dim=1).mean() / noise.flatten(1).norm(dim=1).mean()) ** 2
    return x + size * s + (2 * size) ** 0.5 * noise


@corrector_step.misconception(
    "you evaluate `score` twice, once is enough: keep what it returns for its norm and for the step.", credit=0.5
)
def score_called_twice(x, t, score, snr, noise):
    return _correct(x, score(x, t), noise, 2 * (snr * _norm(noise).mean() / _norm(score(x, t)).mean()) ** 2)


@corrector_step.misconception(
    "something is added to a norm, or a norm is clamped: small scores take large steps, so divide by it as it is.",
    credit=0.5,
)
def norm_guarded(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * (snr * _norm(noise).mean() / (_norm(s).mean() + 1e-8)) ** 2)


@corrector_step.misconception(IN_PLACE.format("score"))
def corrector_in_place(x, t, score, snr, noise):
    s = score(x, t)
    size = 2 * (snr * _norm(noise).mean() / _norm(s).mean()) ** 2
    s *= size
    return x + s + (2 * size) ** 0.5 * noise


@corrector_step.misconception(OTHER_TIME.format("score"), credit=0.5)
def corrector_with_time_as_a_tensor(x, t, score, snr, noise):
    return sampling.corrector_step(x, as_tensor(t, x), score, snr, noise)


@corrector_step.misconception("each example has its own step size: average the norms over the batch, one size for all.")
def size_of_each(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, expand(2 * (snr * _norm(noise) / _norm(s)) ** 2, x))


@corrector_step.misconception("that is the norm of the whole batch: take each example's norm, then their mean.")
def norm_of_the_batch(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * (snr * noise.norm() / s.norm()) ** 2)


@corrector_step.misconception("the norm is over the last axis only: an example's norm is over all of its numbers.")
def norm_of_the_last_axis(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * (snr * noise.norm(dim=-1).mean() / s.norm(dim=-1).mean()) ** 2)


@corrector_step.misconception("average the two norms first and divide then, not the other way round.")
def mean_of_ratios(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * (snr * (_norm(noise) / _norm(s)).mean()) ** 2)


@corrector_step.misconception("the 2 in front of the step size is missing: ε = 2 (snr ‖z‖/‖s‖)².")
def two_in_size_missing(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, (snr * _norm(noise).mean() / _norm(s).mean()) ** 2)


@corrector_step.misconception("the step size is the square of snr ‖z‖/‖s‖, times 2; the square is missing.")
def not_squared(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * snr * _norm(noise).mean() / _norm(s).mean())


@corrector_step.misconception("snr is squared too: ε = 2 (snr ‖z‖/‖s‖)².")
def snr_outside_the_square(x, t, score, snr, noise):
    s = score(x, t)
    return _correct(x, s, noise, 2 * snr * (_norm(noise).mean() / _norm(s).mean()) ** 2)


@corrector_step.misconception("the noise is scaled by √ε: Langevin dynamics needs √(2ε).")
def corrector_noise_sqrt_eps(x, t, score, snr, noise):
    s = score(x, t)
    size = 2 * (snr * _norm(noise).mean() / _norm(s).mean()) ** 2
    return x + size * s + size**0.5 * noise


@corrector_step.misconception("the noise is scaled by its variance 2ε: its standard deviation is √(2ε).")
def corrector_noise_by_variance(x, t, score, snr, noise):
    s = score(x, t)
    size = 2 * (snr * _norm(noise).mean() / _norm(s).mean()) ** 2
    return x + size * s + 2 * size * noise


@corrector_step.misconception("the step goes down the score: add ε s.")
def down_the_score(x, t, score, snr, noise):
    s = score(x, t)
    size = 2 * (snr * _norm(noise).mean() / _norm(s).mean()) ** 2
    return x - size * s + (2 * size) ** 0.5 * noise
