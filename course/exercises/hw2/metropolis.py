"""hw2: the Metropolis correction of Langevin dynamics."""

import torch

from course import langevin
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw2.langevin import standard_score


def gaussian(draw: Draw, d: int, offset: float = 0.0) -> tuple[Given, Given]:
    """log p and the score of a Gaussian whose mean is not zero and whose covariance is not a multiple of one."""
    tensors = {"centre": draw.normal(d), "precision": draw.precision(d)}
    log_prob = Given("quadratic_log_prob", {**tensors, "offset": torch.tensor(offset).double()})
    return log_prob, Given("LinearScore", tensors)


# -- mala_log_accept ---------------------------------------------------------------------------------------------------


def _accept_cases(draw: Draw) -> list[Case]:
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


def _accept_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn(2, 5000, 1, generator=generator)
    proposal = 0.5 * x + z
    ratio = function(x, proposal, lambda x: -0.5 * x.square().sum(1), standard_score, 0.5)
    share = ratio.clamp(max=0).exp().mean()
    return f"on a standard Gaussian with ε = 0.5, {share:.0%} of Langevin's proposals would be accepted."


mala_log_accept = Exercise(
    "mala_log_accept",
    12,
    langevin.mala_log_accept,
    _accept_cases,
    counted=("log_prob", "score"),
    remark=_accept_remark,
)


def _log_q(to, start, score, step_size, four=4.0):
    """log q(to | start) up to a constant, for the misconceptions below."""
    return -(to - start - step_size * score(start)).flatten(1).square().sum(1) / (four * step_size)


@mala_log_accept.misconception(
    "the proposal's densities are missing: Langevin proposes x → x′ and x′ → x with different densities q, so add "
    "log q(x|x′) − log q(x′|x)."
)
def hastings_missing(x, proposal, log_prob, score, step_size):
    return log_prob(proposal) - log_prob(x)


@mala_log_accept.misconception("the ratio is upside down: the proposal's density is above, the current state's below.")
def ratio_inverted(x, proposal, log_prob, score, step_size):
    return -langevin.mala_log_accept(x, proposal, log_prob, score, step_size)


@mala_log_accept.misconception(
    "a proposal's density q has become 0, and 0/0 is nan, as it always is for images: add and subtract logarithms.",
    credit=0.5,
)
def densities_divided(x, proposal, log_prob, score, step_size):
    back, there = (_log_q(*pair, score, step_size).exp() for pair in ((x, proposal), (proposal, x)))
    return torch.log(torch.exp(log_prob(proposal) - log_prob(x)) * back / there)


@mala_log_accept.misconception("the two proposal densities are swapped: it is q(x|x′), the way back, over q(x′|x).")
def proposals_swapped(x, proposal, log_prob, score, step_size):
    forward, backward = _log_q(proposal, x, score, step_size), _log_q(x, proposal, score, step_size)
    return log_prob(proposal) - log_prob(x) + forward - backward


@mala_log_accept.misconception("the proposal's variance is 2ε, so squares are divided by 2·2ε = 4ε, not by 2ε.")
def variance_eps(x, proposal, log_prob, score, step_size):
    forward, backward = (_log_q(*pair, score, step_size, 2) for pair in ((proposal, x), (x, proposal)))
    return log_prob(proposal) - log_prob(x) + backward - forward


@mala_log_accept.misconception("the way back starts at x′, so its drift is score(x′): you use score(x) both ways.")
def one_score_for_both(x, proposal, log_prob, score, step_size):
    s = score(x)
    return (
        log_prob(proposal)
        - log_prob(x)
        + _log_q(x, proposal, lambda _: s, step_size)
        - _log_q(proposal, x, score, step_size)
    )


@mala_log_accept.misconception("the ratio is clipped at 1 (its log at 0): return it as it is, the comparison clips it.")
def clipped(x, proposal, log_prob, score, step_size):
    return langevin.mala_log_accept(x, proposal, log_prob, score, step_size).clamp(max=0)


@mala_log_accept.misconception(
    "the log ratio is clamped: return it as it is, however large; only its exponential could overflow.", credit=0.5
)
def clamped(x, proposal, log_prob, score, step_size):
    return langevin.mala_log_accept(x, proposal, log_prob, score, step_size).clamp(-100, 100)


@mala_log_accept.misconception("that is the ratio; return its logarithm, which cannot overflow.")
def exponentiated(x, proposal, log_prob, score, step_size):
    return langevin.mala_log_accept(x, proposal, log_prob, score, step_size).exp()


@mala_log_accept.misconception("the drift's sign is wrong in q: the proposal is centred at x + ε·score(x).")
def drift_sign(x, proposal, log_prob, score, step_size):
    return langevin.mala_log_accept(x, proposal, log_prob, lambda y: -score(y), step_size)


# -- mala_step ---------------------------------------------------------------------------------------------------------


def _mala_cases(draw: Draw) -> list[Case]:
    def case(offset: float, step_size: float, b: int, *shape: int) -> Case:
        log_prob, score = gaussian(draw, torch.Size(shape).numel(), offset)
        x, noise = 2 * draw.normal(b, *shape), draw.normal(b, *shape)
        log_p, s = log_prob.build(), score.build()
        with torch.no_grad():
            proposal = langevin.langevin_step(x, s, step_size, noise)
            ratio = langevin.mala_log_accept(x, proposal, log_p, s, step_size).clamp(max=0).exp()
        uniform = draw.uniform(b, low=0.01, high=0.99)
        uniform = torch.where((uniform / ratio - 1).abs() < 0.02, uniform * 0.9, uniform)  # no close decisions
        arguments = {"x": x, "log_prob": log_prob, "score": score, "step_size": step_size}
        return Case({**arguments, "noise": noise, "uniform": uniform}, magnitude=10)

    return [case(0.0, draw.number(0.2, 0.3), 307, 3), case(40.0, draw.number(1.2, 1.5), 203, 2, 2)]


def _mala_remark(function) -> str:
    generator, x = torch.Generator().manual_seed(0), torch.randn(4000, 1, generator=torch.Generator().manual_seed(1))
    for _ in range(60):
        noise, uniform = torch.randn(x.shape, generator=generator), torch.rand(len(x), generator=generator)
        x, _ = function(x, lambda x: -0.5 * x.square().sum(1), standard_score, 0.8, noise, uniform)
    return f"at ε = 0.8 on a standard Gaussian: variance {x.var():.2f}, where plain Langevin has {1 / 0.6:.2f}."


# the score is not counted: who calls mala_log_accept evaluates it at x once more than who keeps it
mala_step = Exercise(
    "mala_step",
    12,
    langevin.mala_step,
    _mala_cases,
    counted=("log_prob",),
    remark=_mala_remark,
    results=("x", "accepted"),
)


def _propose(x, log_prob, score, step_size, noise):
    proposal = x + step_size * score(x) + (2 * step_size) ** 0.5 * noise
    return proposal, langevin.mala_log_accept(x, proposal, log_prob, score, step_size)


def _choose(accepted, proposal, x):
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), proposal, x), accepted


_FOR_ALL = "one decision is made for the whole batch: every chain accepts or rejects for itself."


@mala_step.misconception(_FOR_ALL)
def one_decision_by_mean(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose((uniform.log().mean() < log_ratio.mean()).expand(len(x)), proposal, x)


@mala_step.misconception(_FOR_ALL)
def one_decision_if_all_agree(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose((uniform.log() < log_ratio).all().expand(len(x)), proposal, x)


@mala_step.misconception("every proposal is accepted, which is plain Langevin: keep x where log u ≥ the log ratio.")
def always_accepts(x, log_prob, score, step_size, noise, uniform):
    proposal = x + step_size * score(x) + (2 * step_size) ** 0.5 * noise
    return proposal, torch.ones(len(x), dtype=torch.bool, device=x.device)


@mala_step.misconception("every proposal is taken, accepted or not: a chain that rejects keeps its x.")
def takes_every_proposal(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return proposal, uniform.log() < log_ratio


@mala_step.misconception("accepted and rejected are exchanged: torch.where(accepted, proposal, x), in this order.")
def stays_where_accepted(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    accepted = uniform.log() < log_ratio
    return _choose(accepted, x, proposal)


@mala_step.misconception("the comparison is the wrong way round: accept where log u is below the log ratio.")
def comparison_inverted(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(uniform.log() > log_ratio, proposal, x)


@mala_step.misconception("`uniform` itself is compared with the log of the ratio: compare its logarithm.")
def logarithm_forgotten(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(uniform < log_ratio, proposal, x)


@mala_step.misconception("the ratio leaves out the proposal's densities: use your mala_log_accept.")
def metropolis_only(x, log_prob, score, step_size, noise, uniform):
    proposal, _ = _propose(x, log_prob, score, step_size, noise)
    return _choose(uniform.log() < log_prob(proposal) - log_prob(x), proposal, x)


@mala_step.misconception("a rejected chain stays exactly where it was: you move it without noise.")
def rejected_chains_drift(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(uniform.log() < log_ratio, proposal, x + step_size * score(x))


@mala_step.misconception("any uphill move is taken and no other: downhill moves are accepted with probability ratio.")
def greedy(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(log_ratio > 0, proposal, x)


@mala_step.misconception("the results are in the wrong order: return the new x first, then which chains accepted.")
def results_swapped(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(uniform.log() < log_ratio, proposal, x)[::-1]


@mala_step.misconception("you draw the decision yourself: compare with the `uniform` that is handed in.")
def own_uniform(x, log_prob, score, step_size, noise, uniform):
    proposal, log_ratio = _propose(x, log_prob, score, step_size, noise)
    return _choose(torch.rand(len(x), dtype=x.dtype, device=x.device).log() < log_ratio, proposal, x)
