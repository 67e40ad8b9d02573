"""hw2: Langevin dynamics, a step and a chain."""

import torch
from torch import Tensor

from course import langevin
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.mistakes import IN_PLACE
from course.exercises.single_precision import in_single_precision


def network_score(draw: Draw, d: int) -> Given:
    """A score that is not the gradient of anything, as a learned one."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "wout": draw.normal(5, d) / 2}
    return Given("NetworkScore", tensors)


def standard_score(x: Tensor) -> Tensor:
    """Of N(0, I)."""
    return -x


# -- langevin_step -----------------------------------------------------------------------------------------------------


def _step_cases(draw: Draw) -> list[Case]:
    def case(step_size: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        score = network_score(draw, torch.Size(shape).numel())
        arguments = {"x": 2 * draw.normal(b, *shape), "score": score, "step_size": step_size}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad)

    return [case(draw.number(0.02, 0.1), 6, 3), case(draw.number(0.3, 0.6), 5, 2, 3, 4, no_grad=True)]


def _step_remark(function) -> str:
    generator, x = torch.Generator().manual_seed(0), torch.randn(100_000, 1, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for _ in range(40):
            x = function(x, standard_score, 0.05, torch.randn(x.shape, generator=generator))
    measured, theory = x.var().item(), 1 / 0.975
    return (
        f"100,000 chains on a standard Gaussian, ε = 0.05: variance {measured:.3f}; theory 1/(1 − ε/2) = {theory:.3f}."
    )


langevin_step = Exercise(
    "langevin_step", 12, langevin.langevin_step, _step_cases, counted=("score",), remark=_step_remark
)


@langevin_step.misconception("your noise is scaled by √ε, so chains settle at half the variance: Langevin needs √(2ε).")
def noise_sqrt_eps(x, score, step_size, noise):
    return x + step_size * score(x) + step_size**0.5 * noise


@langevin_step.misconception("your noise is scaled by 2ε: its standard deviation is √(2ε), the root of that.")
def noise_two_eps(x, score, step_size, noise):
    return x + step_size * score(x) + 2 * step_size * noise


@langevin_step.misconception("your noise is scaled by 2√ε: the 2 belongs under the root, √(2ε).")
def noise_two_sqrt_eps(x, score, step_size, noise):
    return x + step_size * score(x) + 2 * step_size**0.5 * noise


@langevin_step.misconception("your noise is scaled by ε like the drift: its standard deviation is √(2ε).")
def noise_eps(x, score, step_size, noise):
    return x + step_size * score(x) + step_size * noise


@langevin_step.misconception("the drift is halved but the noise is not: our convention is ε·score with √(2ε)·noise.")
def drift_halved(x, score, step_size, noise):
    return x + step_size / 2 * score(x) + (2 * step_size) ** 0.5 * noise


@langevin_step.misconception(
    "this is the other textbook convention, ε/2 with √ε (a correct step of half our size): ours is ε with √(2ε)."
)
def half_step_convention(x, score, step_size, noise):
    return x + step_size / 2 * score(x) + step_size**0.5 * noise


@langevin_step.misconception("you walk down the score, away from the modes: add ε·score(x), do not subtract it.")
def descends(x, score, step_size, noise):
    return x - step_size * score(x) + (2 * step_size) ** 0.5 * noise


@langevin_step.misconception("there is no noise in your step, so every chain ends on a peak: add √(2ε)·noise.")
def noise_missing(x, score, step_size, noise):
    return x + step_size * score(x)


@langevin_step.misconception("the step multiplies only the score: x itself stays, and you add ε·score(x) to it.")
def state_dropped(x, score, step_size, noise):
    return step_size * score(x) + (2 * step_size) ** 0.5 * noise


@langevin_step.misconception("x is changed in place (`+=`), and the caller still needs it: return a new tensor.")
def in_place(x, score, step_size, noise):
    x += step_size * score(x) + (2 * step_size) ** 0.5 * noise
    return x


@langevin_step.misconception(IN_PLACE.format("score"))
def adds_to_the_score(x, score, step_size, noise):
    s = score(x)
    s *= step_size
    s += x + (2 * step_size) ** 0.5 * noise
    return s


@langevin_step.misconception(
    "you draw noise of your own: use the `noise` that is handed in, or nothing is reproducible."
)
def own_noise(x, score, step_size, noise):
    return x + step_size * score(x) + (2 * step_size) ** 0.5 * torch.randn_like(x)


# -- langevin_chain ----------------------------------------------------------------------------------------------------


def _chain_cases(draw: Draw) -> list[Case]:
    def case(n_steps: int, b: int, *shape: int) -> Case:
        score = network_score(draw, torch.Size(shape).numel())
        arguments = {"x": 2 * draw.normal(b, *shape), "score": score, "step_size": draw.number(0.05, 0.3)}
        return Case({**arguments, "n_steps": n_steps, "generator": draw.seed_()})

    return [case(23, 301, 3), case(11, 151, 2, 3)]


def chain_statistics(case: Case, chain: Tensor) -> Statistics:
    """Solve every step for the noise that it used, z = (x′ − x − ε s(x)) / √(2ε), and test that it is N(0, I)."""
    arguments = case.arguments
    score, eps = arguments["score"].build(), arguments["step_size"]
    start = chain[:-1].flatten(0, 1)
    with torch.no_grad():
        drift = (start + eps * score(start)).reshape(chain[1:].shape)
    z = ((chain[1:] - drift) / (2 * eps) ** 0.5).double().flatten(2).cpu()
    _, chains, dims = z.shape

    def mean(value: Tensor, truth: float, variance: float, n: int) -> Statistic:
        return Statistic(value, torch.tensor(truth).double(), 7.5 * (variance / n) ** 0.5 + 1e-3)

    of_chains = z.mean(1).square() * chains  # 1 on average where chains are independent, `chains` where they are one
    of_dims = z.mean(2).square() * dims
    return {
        "distance of the first state from the start": Statistic(
            (chain[0] - arguments["x"]).abs().max().double().cpu(), torch.tensor(0.0).double(), 1e-6
        ),
        "mean of the noise": mean(z.mean(), 0, 1, z.numel()),
        "variance of the noise": mean(z.square().mean(), 1, 2, z.numel()),
        "variance of the last step's noise": mean(z[-1].square().mean(), 1, 2, chains * dims),
        "fourth moment of the noise": mean(z.pow(4).mean(), 3, 96, z.numel()),
        "correlation of the noise of one step and the next": mean((z[1:] * z[:-1]).mean(), 0, 1, z[1:].numel()),
        "correlation of the noise between chains": mean(of_chains.mean(), 1, 2, of_chains.numel()),
        "correlation of the noise between dimensions": mean(of_dims.mean(), 1, 2, of_dims.numel()),
        "share of the noise in single precision": in_single_precision(z, (2 * eps) ** 0.5, case.dtype),
    }


def _chain_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    ends = function(torch.full((2000, 1), 8.0), standard_score, 0.1, 60, generator)[-1]
    return f"2,000 chains, all started at 8, have after 60 steps mean {ends.mean():.2f} and variance {ends.var():.2f}."


langevin_chain = Exercise(
    "langevin_chain",
    12,
    langevin.langevin_chain,
    _chain_cases,
    statistics=chain_statistics,
    counted=("score",),
    remark=_chain_remark,
)


def _chain(x, score, step_size, draws):
    """A chain driven by given noise, for the misconceptions below."""
    states = [x]
    for noise in draws:
        states.append(states[-1] + step_size * score(states[-1]) + (2 * step_size) ** 0.5 * noise)
    return torch.stack(states)


def _noise(shape, generator, like):
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


@langevin_chain.misconception(
    "the chain is one state short: n steps have n + 1 states, the start and the end included."
)
def one_state_short(x, score, step_size, n_steps, generator):
    return langevin.langevin_chain(x, score, step_size, n_steps, generator)[1:]


@langevin_chain.misconception("only the end is returned: keep every state and stack them, the start first.")
def only_the_end(x, score, step_size, n_steps, generator):
    return langevin.langevin_chain(x, score, step_size, n_steps, generator)[-1]


@langevin_chain.misconception("the same noise drives every step: draw it inside the loop.")
def noise_drawn_once(x, score, step_size, n_steps, generator):
    return _chain(x, score, step_size, [_noise(x.shape, generator, x)] * n_steps)


@langevin_chain.misconception("all chains share one noise, so they move in step: draw noise of x's whole shape.")
def noise_shared_by_chains(x, score, step_size, n_steps, generator):
    return _chain(x, score, step_size, [_noise(x.shape[1:], generator, x) for _ in range(n_steps)])


@langevin_chain.misconception("one number per chain moves all its dimensions: draw noise of x's whole shape.")
def noise_shared_by_dimensions(x, score, step_size, n_steps, generator):
    shape = (len(x), *[1] * (x.ndim - 1))
    return _chain(x, score, step_size, [_noise(shape, generator, x) for _ in range(n_steps)])


@langevin_chain.misconception("the last step has no noise: a Langevin chain draws it at every step, the last too.")
def last_step_without_noise(x, score, step_size, n_steps, generator):
    states = [x]
    for i in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        z = z if i < n_steps - 1 else torch.zeros_like(x)
        states.append(states[-1] + step_size * score(states[-1]) + (2 * step_size) ** 0.5 * z)
    return torch.stack(states)


@langevin_chain.misconception("every step starts again from the first x: carry the state from step to step.")
def state_not_carried(x, score, step_size, n_steps, generator):
    return torch.stack([x] + [_chain(x, score, step_size, [_noise(x.shape, generator, x)])[1] for _ in range(n_steps)])


@langevin_chain.misconception("the noise has half the variance it needs: scale it by √(2ε), not √ε.")
def chain_noise_sqrt_eps(x, score, step_size, n_steps, generator):
    return _chain(x, score, step_size, [_noise(x.shape, generator, x) / 2**0.5 for _ in range(n_steps)])


@langevin_chain.misconception("the noise is uniform (torch.rand): Langevin needs Gaussian noise (torch.randn).")
def noise_uniform(x, score, step_size, n_steps, generator):
    draws = [torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device) for _ in range(n_steps)]
    return _chain(x, score, step_size, draws)


@langevin_chain.misconception("you draw from the global random stream: pass `generator=generator` to torch.randn.")
def generator_ignored(x, score, step_size, n_steps, generator):
    return langevin.langevin_chain(x, score, step_size, n_steps, None)


@langevin_chain.misconception(
    "the noise has single precision where x has double: pass `dtype=x.dtype` to torch.randn.", credit=0.5
)
def noise_in_single_precision(x, score, step_size, n_steps, generator):
    draws = [torch.randn(x.shape, generator=generator, device=x.device) for _ in range(n_steps)]
    return _chain(x, score, step_size, draws)


@langevin_chain.misconception(
    "you evaluate `score` twice at every step, once is enough: keep what it returns.", credit=0.5
)
def two_scores_a_step(x, score, step_size, n_steps, generator):
    return _chain(
        x, lambda y: 0.5 * (score(y) + score(y)), step_size, [_noise(x.shape, generator, x) for _ in range(n_steps)]
    )


@langevin_chain.misconception(
    "every stored state is the same tensor, changed in place (`+=`) until it was the last: make a new one at each step."
)
def stored_in_place_copy(x, score, step_size, n_steps, generator):
    x = x.clone()
    states = [x]
    for _ in range(n_steps):
        x += step_size * score(x) + (2 * step_size) ** 0.5 * _noise(x.shape, generator, x)
        states.append(x)
    return torch.stack(states)


@langevin_chain.misconception(
    "the generator is seeded anew inside, so every call draws the same noise: draw from it as it is."
)
def seeded_inside(x, score, step_size, n_steps, generator):
    return langevin.langevin_chain(x, score, step_size, n_steps, generator.manual_seed(0))


@langevin_chain.misconception(
    "x is updated in place, so every stored state is the same tensor, the last: make new ones."
)
def stored_in_place(x, score, step_size, n_steps, generator):
    states = [x]
    for _ in range(n_steps):
        x += step_size * score(x) + (2 * step_size) ** 0.5 * _noise(x.shape, generator, x)
        states.append(x)
    return torch.stack(states)
