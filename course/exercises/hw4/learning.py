"""hw4: learning a score from noise, and what else it then knows."""

import torch

from course import matching
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw4.noise import SMALL, TRAILING, levels, small_levels
from course.exercises.mistakes import IN_PLACE
from course.tensors import expand


def network(draw: Draw, d: int) -> Given:
    """A score of every noise level that is no one's closed form."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "level": draw.normal(5)}
    return Given("hw4.ScoreNetwork", {**tensors, "wout": 2 * draw.normal(5, d)})


# -- dsm_loss ----------------------------------------------------------------------------------------------------------


def _loss_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int) -> Case:
        score = network(draw, torch.Size(shape).numel())
        arguments = {"score": score, "x0": 2 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b)}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, gradients=("score",), magnitude=10)

    small = {"score": network(draw, 4), "x0": draw.normal(5, 4), "sigma": small_levels(draw, 5)}
    small["noise"] = draw.normal(5, 4)
    return [case(7, 3), case(5, 2, 3, 4), case(6, 4, 3), Case(small, gradients=("score",), magnitude=1 / SMALL)]


def _loss_remark(function) -> str:
    x0, z = torch.randn(2, 10_000, 1, generator=torch.Generator().manual_seed(0))
    exact, nothing = (lambda x, sigma: -x / 2), (lambda x, sigma: torch.zeros_like(x))
    found = [function(s, x0, torch.ones(10_000), z).item() for s in (exact, nothing)]
    return (
        f"data N(0, 1), σ = 1: the exact score has loss {found[0]:.3f}, theory ¼, and is not zero; no score at all has "
        f"{found[1]:.3f}."
    )


dsm_loss = Exercise("dsm_loss", 16, matching.dsm_loss, _loss_cases, counted=("score",), remark=_loss_remark)


def _residual(score, x0, sigma, noise):
    """s(x, σ) + z/σ, for the misconceptions below."""
    level = expand(sigma, x0)
    return score(x0 + level * noise, sigma) + noise / level


@dsm_loss.misconception("the sign of the target is wrong: it is −z/σ, so the residual is s + z/σ.")
def target_sign(score, x0, sigma, noise):
    level = sigma.reshape(-1, *[1] * (x0.ndim - 1))
    residual = score(x0 + level * noise, sigma) - noise / level
    return 0.5 * (level * residual).flatten(1).square().sum(1).mean()


@dsm_loss.misconception(
    "you evaluate `score` twice to square the residual: keep the residual and square it.", credit=0.5
)
def score_evaluated_twice(score, x0, sigma, noise):
    twice = _residual(score, x0, sigma, noise) * _residual(score, x0, sigma, noise)
    return 0.5 * (sigma.square() * twice.flatten(1).sum(1)).mean()


@dsm_loss.misconception(
    "your function changes in place (`+=`, `*=`) what `score` returned, which may be its argument: make a new tensor."
)
def residual_in_place(score, x0, sigma, noise):
    level = expand(sigma, x0)
    residual = score(x0 + level * noise, sigma)
    residual += noise / level
    return 0.5 * (level * residual).flatten(1).square().sum(1).mean()


@dsm_loss.misconception(
    "the noise level is kept from being small: σ is positive, so divide by it as it is, without adding or clamping.",
    credit=0.5,
)
def target_guarded_in_loss(score, x0, sigma, noise):
    level = expand(sigma, x0)
    residual = score(x0 + level * noise, sigma) + noise / (level + 1e-8)
    return 0.5 * (level * residual).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the factor ½ is missing.", credit=0.5)
def half_missing(score, x0, sigma, noise):
    return (expand(sigma, x0) * _residual(score, x0, sigma, noise)).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the weight σ² is missing: without it the smallest noise levels outweigh all others.")
def weight_missing(score, x0, sigma, noise):
    return 0.5 * _residual(score, x0, sigma, noise).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the weight is σ, not its square: σ² ‖s + z/σ‖² is ‖σs + z‖².")
def weight_not_squared(score, x0, sigma, noise):
    return 0.5 * (sigma * _residual(score, x0, sigma, noise).flatten(1).square().sum(1)).mean()


@dsm_loss.misconception("the weight comes twice: σ² in front of the square is σ inside it.")
def weight_twice(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) ** 2 * _residual(score, x0, sigma, noise)).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the weight is averaged by itself: example b's error is weighted by its own sigma[b]².")
def weight_averaged(score, x0, sigma, noise):
    return 0.5 * sigma.square().mean() * _residual(score, x0, sigma, noise).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("you average over dimensions too: sum the squares over *D, and average over the batch only.")
def mean_over_dimensions(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) * _residual(score, x0, sigma, noise)).square().mean()


@dsm_loss.misconception("you sum over the batch: take the mean, or the loss depends on the batch size.")
def sum_over_batch(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) * _residual(score, x0, sigma, noise)).square().sum()


@dsm_loss.misconception("that is one loss per example: average them over the batch to get one number.")
def not_averaged(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) * _residual(score, x0, sigma, noise)).flatten(1).square().sum(1)


@dsm_loss.misconception(
    "only the last axis is summed over: an image's squares add up over all of *D, `.flatten(1).square().sum(1)`."
)
def sum_over_last_axis(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) * _residual(score, x0, sigma, noise)).square().sum(-1).mean()


@dsm_loss.misconception("the score is evaluated at the clean data: hand it the noisy x₀ + σz.")
def evaluated_at_clean_data(score, x0, sigma, noise):
    level = expand(sigma, x0)
    return 0.5 * (level * (score(x0, sigma) + noise / level)).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the target is −z, that of a noise prediction: the score's is −z/σ.")
def target_of_noise_prediction(score, x0, sigma, noise):
    level = expand(sigma, x0)
    return 0.5 * (level * (score(x0 + level * noise, sigma) + noise)).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("the target is divided by σ²: it is −z/σ.")
def target_divided_twice(score, x0, sigma, noise):
    level = expand(sigma, x0)
    return 0.5 * (level * (score(x0 + level * noise, sigma) + noise / level**2)).flatten(1).square().sum(1).mean()


@dsm_loss.misconception("no gradient reaches the score's parameters: leave out `.detach()` and `no_grad`.")
def score_detached(score, x0, sigma, noise):
    return matching.dsm_loss(lambda x, s: score(x, s).detach(), x0, sigma, noise)


@dsm_loss.misconception("one noise level serves the whole batch: example b has its own, sigma[b].")
def loss_of_one_level(score, x0, sigma, noise):
    return matching.dsm_loss(score, x0, sigma.mean().expand(len(x0)), noise)


@dsm_loss.misconception("the norm is not squared: the loss is half the mean of σ² ‖s + z/σ‖².")
def norm_not_squared(score, x0, sigma, noise):
    return 0.5 * (expand(sigma, x0) * _residual(score, x0, sigma, noise)).flatten(1).norm(dim=1).mean()


@dsm_loss.misconception("you draw noise of your own: use the `noise` that is handed in, for x and the target alike.")
def loss_own_noise(score, x0, sigma, noise):
    return matching.dsm_loss(score, x0, sigma, torch.randn_like(x0))


# -- denoise -----------------------------------------------------------------------------------------------------------


def _denoise_cases(draw: Draw) -> list[Case]:
    def case(b: int, *shape: int, no_grad: bool = False) -> Case:
        score = network(draw, torch.Size(shape).numel())
        return Case({"score": score, "x": 3 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b)}, no_grad=no_grad)

    # a step of σ² is no smaller than x
    small = {"score": network(draw, 4), "x": SMALL**2 * draw.normal(5, 4), "sigma": small_levels(draw, 5)}
    return [case(7, 3), case(5, 2, 3, 4, no_grad=True), case(6, 4, 3), Case(small, magnitude=10 * SMALL**2)]


def _denoise_remark(function) -> str:
    found = function(lambda x, sigma: -x / 2, torch.tensor([[3.0]]), torch.ones(1)).item()
    return f"data N(0, 1) under noise σ = 1, seen at 3: the best guess of the clean value is {found:g}, half-way to 0."


denoise = Exercise("denoise", 10, matching.denoise, _denoise_cases, counted=("score",), remark=_denoise_remark)


@denoise.misconception(IN_PLACE.format("score"))
def denoised_in_place(score, x, sigma):
    step = score(x, sigma)
    step *= expand(sigma**2, x)
    return x + step


@denoise.misconception("the step is σ·s: Tweedie's formula has σ², the variance of the noise.")
def step_of_sigma(score, x, sigma):
    return x + sigma.reshape(-1, *[1] * (x.ndim - 1)) * score(x, sigma)


@denoise.misconception("you walk down the score, away from the data: the posterior mean is x + σ² s, not minus.")
def walks_away(score, x, sigma):
    return x - expand(sigma**2, x) * score(x, sigma)


@denoise.misconception("that is the step σ² s alone: the posterior mean starts from x, so it is x + σ² s.")
def step_alone(score, x, sigma):
    return expand(sigma**2, x) * score(x, sigma)


@denoise.misconception("σ² is missing: the score's unit is 1/x, and only σ² s is a step in x.")
def variance_missing(score, x, sigma):
    return x + score(x, sigma)


@denoise.misconception("the step is halved: Tweedie's formula is x + σ² s, without ½.")
def step_halved(score, x, sigma):
    return x + 0.5 * expand(sigma**2, x) * score(x, sigma)


@denoise.misconception("one noise level serves the whole batch: example b has its own, sigma[b].")
def denoised_at_one_level(score, x, sigma):
    return x + sigma.square().mean() * score(x, sigma)


@denoise.misconception(
    "the score is called with σ²: its second argument is the noise level σ itself, one for each example."
)
def score_told_the_variance(score, x, sigma):
    return x + expand(sigma**2, x) * score(x, sigma**2)


@denoise.misconception("a score is called with sigma of shape (B,), as it was given; the trailing axes are for x only.")
def score_told_in_columns(score, x, sigma):
    level = sigma.reshape(-1, *[1] * (x.ndim - 1))
    return x + level**2 * score(x, level)


@denoise.misconception(
    "`sigma**2 * s` lines up sigma's B numbers with the last axis of x: give it trailing axes, expand(sigma, x)."
)
def variance_on_the_last_axis(score, x, sigma):
    return x + sigma**2 * score(x, sigma)


@denoise.misconception(TRAILING.format("sigma"))
def variance_one_trailing_axis(score, x, sigma):
    return x + sigma[:, None] ** 2 * score(x, sigma)
