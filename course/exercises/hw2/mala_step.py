"""2.6, one step of the Metropolis-adjusted Langevin algorithm: propose, then accept or stay, chain by chain."""

import torch

from course import langevin
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw2.langevin_step import langevin_step
from course.exercises.hw2.mala_log_accept import expanded_by_hand, mala_log_accept, with_normal_densities
from course.exercises.hw2.shared import gaussian, standard_score


def mala_step(x, log_prob, score, step_size, noise, uniform):
    proposal = langevin_step(x, score, step_size, noise)
    accepted = uniform.log() < mala_log_accept(x, proposal, log_prob, score, step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), proposal, x), accepted


def cases(draw: CaseRng) -> list[Case]:
    def case(offset: float, step_size: float, b: int, *shape: int) -> Case:
        log_prob, score = gaussian(draw, torch.Size(shape).numel(), offset)
        x, noise = 2 * draw.normal(b, *shape), draw.normal(b, *shape)
        log_p, s = log_prob.build(), score.build()
        with torch.no_grad():
            proposal = langevin_step(x, s, step_size, noise)
            ratio = mala_log_accept(x, proposal, log_p, s, step_size).clamp(max=0).exp()
        uniform = draw.uniform(b, low=0.01, high=0.99)
        uniform = torch.where((uniform / ratio - 1).abs() < 0.02, uniform * 0.9, uniform)  # no close decisions
        arguments = {"x": x, "log_prob": log_prob, "score": score, "step_size": step_size}
        return Case({**arguments, "noise": noise, "uniform": uniform}, magnitude=10)

    return [case(0.0, draw.number(0.2, 0.3), 307, 3), case(40.0, draw.number(1.2, 1.5), 203, 2, 2)]


def remark(function) -> str:
    generator, x = torch.Generator().manual_seed(0), torch.randn(4000, 1, generator=torch.Generator().manual_seed(1))
    for _ in range(60):
        noise, uniform = torch.randn(x.shape, generator=generator), torch.rand(len(x), generator=generator)
        x, _ = function(x, lambda x: -0.5 * x.square().sum(1), standard_score, 0.8, noise, uniform)
    return f"at ε = 0.8 on a standard Gaussian: variance {x.var():.2f}, where plain Langevin has {1 / 0.6:.2f}."


# the score is not counted: who calls mala_log_accept evaluates it at x once more than who keeps it
exercise = Exercise(answer=mala_step, cases=cases, counted=("log_prob",), remark=remark, results=("x", "accepted"))
exercise.right(langevin.mala_step)


@exercise.right
def ratio_not_logged(x, log_prob, score, step_size, noise, uniform):
    proposal = x + step_size * score(x) + (2 * step_size) ** 0.5 * noise
    ratio = with_normal_densities(x, proposal, log_prob, score, step_size).clamp(max=0).exp()
    accepted = uniform <= ratio
    new = x.clone()
    new[accepted] = proposal[accepted]
    return new, accepted


@exercise.right
def by_arithmetic(x, log_prob, score, step_size, noise, uniform):
    move = step_size * score(x) + (2 * step_size) ** 0.5 * noise
    accepted = torch.log(uniform) - expanded_by_hand(x, x + move, log_prob, score, step_size) < 0
    return x + move * accepted.to(x.dtype).view(len(x), *(1 for _ in x.shape[1:])), accepted


log_ratio = "mala_log_accept(x, proposal, log_prob, score, step_size)"
mask = "accepted.reshape(-1, *[1] * (x.ndim - 1))"
chosen = f"torch.where({mask}, proposal, x)"

exercise.right(f"uniform.log() < {log_ratio} → uniform.log() <= {log_ratio}", "a tie has probability zero")
exercise.mistake(
    f"uniform.log() < {log_ratio} → (uniform.log().mean() < {log_ratio}.mean()).expand(len(x))",
    f"uniform.log() < {log_ratio} → (uniform.log() < {log_ratio}).all().expand(len(x))",
    "one decision is made for the whole batch: every chain accepts or rejects for itself.",
)
exercise.mistake(
    f"""langevin_step(x, score, step_size, noise) → x + step_size * score(x) + (2 * step_size) ** 0.5 * noise
        uniform.log() < {log_ratio} → torch.ones(len(x), dtype=torch.bool, device=x.device)""",
    "every proposal is accepted, which is plain Langevin: keep x where log u ≥ the log ratio.",
)
exercise.mistake(
    f"{chosen} → proposal",
    "every proposal is taken, accepted or not: a chain that rejects keeps its x.",
)
exercise.mistake(
    f"{chosen} → torch.where({mask}, x, proposal)",
    "accepted and rejected are exchanged: torch.where(accepted, proposal, x), in this order.",
)
exercise.mistake(
    f"uniform.log() < {log_ratio} → uniform.log() > {log_ratio}",
    "the comparison is the wrong way round: accept where log u is below the log ratio.",
)
exercise.mistake(
    "uniform.log() → uniform",
    "`uniform` itself is compared with the log of the ratio: compare its logarithm.",
)
exercise.mistake(
    f"{log_ratio} → log_prob(proposal) - log_prob(x)",
    "the ratio leaves out the proposal's densities: use your mala_log_accept.",
)
exercise.mistake(
    f"{chosen} → torch.where({mask}, proposal, x + step_size * score(x))",
    "a rejected chain stays exactly where it was: you move it without noise.",
)
exercise.mistake(
    f"uniform.log() < {log_ratio} → {log_ratio} > 0",
    "any uphill move is taken and no other: downhill moves are accepted with probability ratio.",
)
exercise.mistake(
    f"({chosen}, accepted) → (accepted, {chosen})",
    "the results are in the wrong order: return the new x first, then which chains accepted.",
)
exercise.mistake(
    "uniform → torch.rand_like(uniform)",
    "you draw the decision yourself: compare with the `uniform` that is handed in.",
)
