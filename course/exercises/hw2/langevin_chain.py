"""2.4, a Langevin chain: every state of n steps, the start included, with fresh noise at each step."""

import math

import torch
from torch import Tensor

from course import langevin
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.hw2.langevin_step import langevin_step
from course.exercises.hw2.shared import network_score, standard_score
from course.exercises.single_precision import in_single_precision


def langevin_chain(x, score, step_size, n_steps, generator):
    states = [x]
    for _ in range(n_steps):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        states.append(langevin_step(states[-1], score, step_size, noise))
    return torch.stack(states)


def cases(draw: CaseRng) -> list[Case]:
    def case(n_steps: int, b: int, *shape: int) -> Case:
        score = network_score(draw, torch.Size(shape).numel())
        arguments = {"x": 2 * draw.normal(b, *shape), "score": score, "step_size": draw.number(0.05, 0.3)}
        return Case({**arguments, "n_steps": n_steps, "generator": draw.seed_()})

    return [case(23, 301, 3), case(11, 151, 2, 3)]


def statistics(case: Case, chain: Tensor) -> Statistics:
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


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    ends = function(torch.full((2000, 1), 8.0), standard_score, 0.1, 60, generator)[-1]
    return f"2,000 chains, all started at 8, have after 60 steps mean {ends.mean():.2f} and variance {ends.var():.2f}."


exercise = Exercise(answer=langevin_chain, cases=cases, statistics=statistics, counted=("score",), remark=remark)
exercise.right(langevin.langevin_chain)


@exercise.right
def noise_drawn_ahead(x, score, step_size, n_steps, generator):
    noise = torch.randn(n_steps, *x.shape, generator=generator, dtype=x.dtype, device=x.device)
    chain = x.new_empty(n_steps + 1, *x.shape)
    chain[0] = x
    with torch.no_grad():
        for k in range(n_steps):
            chain[k + 1] = chain[k] + step_size * score(chain[k]) + math.sqrt(2 * step_size) * noise[k]
    return chain


@exercise.right
def noise_with_its_scale(x, score, step_size, n_steps, generator):
    states = x[None]
    for _ in range(n_steps):
        mean = states[-1] + step_size * score(states[-1])
        states = torch.cat([states, torch.normal(mean.detach(), math.sqrt(2 * step_size), generator=generator)[None]])
    return states


step = "langevin_step(states[-1], score, step_size, noise)"
drawn = "torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)"
in_place = "states[-1].add_(step_size * score(states[-1]) + (2 * step_size) ** 0.5 * noise)"

exercise.right(f"{drawn} → torch.empty_like(x).normal_(generator=generator)")
exercise.right(
    f"{drawn} → torch.randn(x.shape, generator=generator, dtype=x.dtype)",
    "fails where there is a GPU",
)
exercise.mistake(
    "torch.stack(states) → torch.stack(states[1:])",
    "the chain is one state short: n steps have n + 1 states, the start and the end included.",
)
exercise.mistake(
    "torch.stack(states) → states[-1]",
    "only the end is returned: keep every state and stack them, the start first.",
)
exercise.mistake(
    f"""states = [x] → states, noise = [x], {drawn}
        noise = {drawn} →""",
    "the same noise drives every step: draw it inside the loop.",
)
exercise.mistake(
    "x.shape → x.shape[1:]",
    "all chains share one noise, so they move in step: draw noise of x's whole shape.",
)
exercise.mistake(
    "x.shape → (len(x), *[1] * (x.ndim - 1))",
    "one number per chain moves all its dimensions: draw noise of x's whole shape.",
)
exercise.mistake(
    f"{step} → langevin_step(states[-1], score, step_size, noise if len(states) < n_steps else 0 * noise)",
    "the last step has no noise: a Langevin chain draws it at every step, the last too.",
)
exercise.mistake(
    f"{step} → x + step_size * score(x) + (2 * step_size) ** 0.5 * noise",
    "every step starts again from the first x: carry the state from step to step.",
)
exercise.mistake(
    f"{step} → states[-1] + step_size * score(states[-1]) + step_size**0.5 * noise",
    "the noise has half the variance it needs: scale it by √(2ε), not √ε.",
)
exercise.mistake(
    "torch.randn → torch.rand",
    "the noise is uniform (torch.rand): Langevin needs Gaussian noise (torch.randn).",
)
exercise.mistake(
    f"{drawn} → torch.randn_like(x)",
    "you draw from the global random stream: pass `generator=generator` to torch.randn.",
)
exercise.mistake(
    f"{drawn} → torch.randn(x.shape, generator=generator, device=x.device)",
    "the noise has single precision where x has double: pass `dtype=x.dtype` to torch.randn.",
    credit=0.5,
)
exercise.mistake(
    f"{step} → langevin_step(states[-1], lambda y: 0.5 * (score(y) + score(y)), step_size, noise)",
    "you evaluate `score` twice at every step, once is enough: keep what it returns.",
    credit=0.5,
)
exercise.mistake(
    f"""states = [x] → states = [x.clone()]
        {step} → {in_place}""",
    "every stored state is the same tensor, changed in place (`+=`) until it was the last: make a new one at each "
    "step.",
)
exercise.mistake(
    "states = [x] → states, generator = [x], generator.manual_seed(0)",
    "the generator is seeded anew inside, so every call draws the same noise: draw from it as it is.",
)
exercise.mistake(
    f"{step} → {in_place}",
    "x is updated in place, so every stored state is the same tensor, the last: make new ones.",
)
