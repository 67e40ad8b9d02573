"""2.5, log of the Metropolis–Hastings ratio of a Langevin proposal, not clipped."""

import math

import torch

from course import langevin
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw2.shared import gaussian, standard_score


def mala_log_accept(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


def cases(draw: CaseRng) -> list[Case]:
    def case(offset: float, step_size: float, magnitude: float, b: int, *shape: int, away: float = 1.0) -> Case:
        log_prob, score = gaussian(draw, torch.Size(shape).numel(), offset)
        x = away * draw.normal(b, *shape)
        arguments = {"x": x, "proposal": x + away * draw.normal(b, *shape) / 2, "log_prob": log_prob, "score": score}
        return Case({**arguments, "step_size": step_size}, magnitude=magnitude)

    return [
        case(0.0, draw.number(0.2, 0.5), 10, 17, 3),
        case(3.0, draw.number(0.2, 0.5), 13, 7, 2, 3),
        case(3000.0, draw.number(0.2, 0.5), 3010, 13, 4),
        case(0.0, draw.number(1e-4, 2e-4), 3e4, 5, 6),  # so far for such a step that q is below every number
        case(0.0, draw.number(0.2, 0.5), 1e5, 11, 5, away=150.0),  # logarithms of thousands, of either sign
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn(2, 5000, 1, generator=generator)
    proposal = 0.5 * x + z
    ratio = function(x, proposal, lambda x: -0.5 * x.square().sum(1), standard_score, 0.5)
    share = ratio.clamp(max=0).exp().mean()
    return f"on a standard Gaussian with ε = 0.5, {share:.0%} of Langevin's proposals would be accepted."


exercise = Exercise(answer=mala_log_accept, cases=cases, counted=("log_prob", "score"), remark=remark)
exercise.right(langevin.mala_log_accept)


@exercise.right
def with_normal_densities(x, proposal, log_prob, score, step_size):
    def log_q(to, start):
        q = torch.distributions.Normal(start + step_size * score(start), math.sqrt(2 * step_size))
        return q.log_prob(to).flatten(1).sum(1)

    return log_prob(proposal) + log_q(x, proposal) - log_prob(x) - log_q(proposal, x)


@exercise.right
def expanded_by_hand(x, proposal, log_prob, score, step_size):
    s, t, move = score(x).flatten(1), score(proposal).flatten(1), (proposal - x).flatten(1)
    correction = -0.5 * (move * (s + t)).sum(1) + 0.25 * step_size * (s.square().sum(1) - t.square().sum(1))
    return log_prob(proposal) - log_prob(x) + correction


log_ratio = "log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)"

exercise.right("forward - backward → forward.sub_(backward)", "`forward` is the function's own")


@exercise.mistake(
    "the proposal's densities are missing: Langevin proposes x → x′ and x′ → x with different densities q, so add "
    "log q(x|x′) − log q(x′|x)."
)
def hastings_missing(x, proposal, log_prob, score, step_size):
    return log_prob(proposal) - log_prob(x)


exercise.mistake(
    f"{log_ratio} → -({log_ratio})",
    "the ratio is upside down: the proposal's density is above, the current state's below.",
)
exercise.mistake(
    f"{log_ratio} → torch.log(torch.exp(log_prob(proposal) - log_prob(x)) * torch.exp(-backward / (4 * step_size))"
    " / torch.exp(-forward / (4 * step_size)))",
    "a proposal's density q has become 0, and 0/0 is nan, as it always is for images: add and subtract logarithms.",
    credit=0.5,
)
exercise.mistake(
    "forward - backward → backward - forward",
    "the two proposal densities are swapped: it is q(x|x′), the way back, over q(x′|x).",
)
exercise.mistake(
    "4 * step_size → 2 * step_size",
    "the proposal's variance is 2ε, so squares are divided by 2·2ε = 4ε, not by 2ε.",
)
exercise.mistake(
    "score(proposal) → score(x)",
    "the way back starts at x′, so its drift is score(x′): you use score(x) both ways.",
)
exercise.mistake(
    f"{log_ratio} → ({log_ratio}).clamp(max=0)",
    "the ratio is clipped at 1 (its log at 0): return it as it is, the comparison clips it.",
)
exercise.mistake(
    f"{log_ratio} → ({log_ratio}).clamp(-100, 100)",
    "the log ratio is clamped: return it as it is, however large; only its exponential could overflow.",
    credit=0.5,
)
exercise.mistake(
    f"{log_ratio} → ({log_ratio}).exp()",
    "that is the ratio; return its logarithm, which cannot overflow.",
)
exercise.mistake(
    """proposal - x - step_size * score(x) → proposal - x + step_size * score(x)
       x - proposal - step_size * score(proposal) → x - proposal + step_size * score(proposal)""",
    "the drift's sign is wrong in q: the proposal is centred at x + ε·score(x).",
)
