"""4.3, denoising score matching, weighted by σ²: half the mean of σ² ‖s(x₀ + σz, σ) + z/σ‖²."""

import torch

from course import matching
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw4.shared import GUARDED, ONE_LEVEL, SMALL, levels, network, small_levels
from course.tensors import expand


def dsm_loss(score, x0, sigma, noise):
    level = expand(sigma, x0)
    residual = score(x0 + level * noise, sigma) + noise / level
    return 0.5 * (level * residual).flatten(1).square().sum(1).mean()


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int) -> Case:
        score = network(draw, torch.Size(shape).numel())
        arguments = {"score": score, "x0": 2 * draw.normal(b, *shape) + 1, "sigma": levels(draw, b)}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, gradients=("score",), magnitude=10)

    small = {"score": network(draw, 4), "x0": draw.normal(5, 4), "sigma": small_levels(draw, 5)}
    small["noise"] = draw.normal(5, 4)
    return [case(7, 3), case(5, 2, 3, 4), case(6, 4, 3), Case(small, gradients=("score",), magnitude=1 / SMALL)]


def remark(function) -> str:
    x0, z = torch.randn(2, 10_000, 1, generator=torch.Generator().manual_seed(0))
    exact, nothing = (lambda x, sigma: -x / 2), (lambda x, sigma: torch.zeros_like(x))
    found = [function(s, x0, torch.ones(10_000), z).item() for s in (exact, nothing)]
    return (
        f"data N(0, 1), σ = 1: the exact score has loss {found[0]:.3f}, theory ¼, and is not zero; no score at all has "
        f"{found[1]:.3f}."
    )


exercise = Exercise(answer=dsm_loss, cases=cases, counted=("score",), remark=remark)
exercise.right(matching.dsm_loss)

NOISY = "score(x0 + level * noise, sigma)"
SUM = "(level * residual).flatten(1).square().sum(1)"

exercise.right(f"""{NOISY} + noise / level → level * {NOISY} + noise
    {SUM}.mean() → (residual**2).sum() / len(x0)""")
exercise.right(f"{SUM} → (sigma**2 * torch.linalg.vector_norm(residual.flatten(1), dim=1) ** 2)")
exercise.right(f"""noise / level → (x0 + level * noise - x0) / level**2
    0.5 * {SUM}.mean() → (0.5 * level**2 * residual.square()).flatten(1).sum(1).mean()""")


@exercise.right
def example_by_example(score, x0, sigma, noise):
    losses = []
    for x, s, z in zip(x0, sigma, noise):
        residual = score((x + s * z)[None], s[None])[0] + z / s
        losses.append(0.5 * s**2 * (residual * residual).sum())
    return sum(losses) / len(losses)


exercise.mistake(
    f"""expand(sigma, x0) → sigma.reshape(-1, *[1] * (x0.ndim - 1))
        {NOISY} + noise / level → {NOISY} - noise / level""",
    "the sign of the target is wrong: it is −z/σ, so the residual is s + z/σ.",
)
exercise.mistake(
    f"(level * residual).flatten(1).square() → (level**2 * residual * ({NOISY} + noise / level)).flatten(1)",
    "you evaluate `score` twice to square the residual: keep the residual and square it.",
    credit=0.5,
)
exercise.mistake(
    f"{NOISY} + noise / level → {NOISY}.add_(noise / level)",
    "your function changes in place (`+=`, `*=`) what `score` returned, which may be its argument: make a new tensor.",
)
exercise.mistake("noise / level → noise / (level + 1e-8)", GUARDED, credit=0.5)
exercise.mistake("0.5 → 1", "the factor ½ is missing.", credit=0.5)
exercise.mistake(
    "level * residual → residual", "the weight σ² is missing: without it the smallest noise levels outweigh all others."
)
exercise.mistake(
    "level * residual → level.sqrt() * residual", "the weight is σ, not its square: σ² ‖s + z/σ‖² is ‖σs + z‖²."
)
exercise.mistake(
    "level * residual → level**2 * residual", "the weight comes twice: σ² in front of the square is σ inside it."
)
exercise.mistake(
    """level * residual → residual
       0.5 → 0.5 * sigma.square().mean()""",
    "the weight is averaged by itself: example b's error is weighted by its own sigma[b]².",
)
exercise.mistake(
    f"{SUM} → (level * residual).square()",
    "you average over dimensions too: sum the squares over *D, and average over the batch only.",
)
exercise.mistake(
    f"{SUM}.mean() → {SUM}.sum()", "you sum over the batch: take the mean, or the loss depends on the batch size."
)
exercise.mistake(
    f"{SUM}.mean() → {SUM}", "that is one loss per example: average them over the batch to get one number."
)
exercise.mistake(
    f"{SUM} → (level * residual).square().sum(-1)",
    "only the last axis is summed over: an image's squares add up over all of *D, `.flatten(1).square().sum(1)`.",
)
exercise.mistake("x0 + level * noise → x0", "the score is evaluated at the clean data: hand it the noisy x₀ + σz.")
exercise.mistake("noise / level → noise", "the target is −z, that of a noise prediction: the score's is −z/σ.")
exercise.mistake("noise / level → noise / level**2", "the target is divided by σ²: it is −z/σ.")
exercise.mistake(
    f"{NOISY} → {NOISY}.detach()", "no gradient reaches the score's parameters: leave out `.detach()` and `no_grad`."
)
exercise.mistake(
    f"""expand(sigma, x0) → sigma.mean()
        {NOISY} → score(x0 + level * noise, level.expand(len(x0)))""",
    ONE_LEVEL,
)
exercise.mistake(
    f"{SUM} → (level * residual).flatten(1).norm(dim=1)",
    "the norm is not squared: the loss is half the mean of σ² ‖s + z/σ‖².",
)
exercise.mistake(
    "level = expand(sigma, x0) → level, noise = expand(sigma, x0), torch.randn_like(x0)",
    "you draw noise of your own: use the `noise` that is handed in, for x and the target alike.",
)
