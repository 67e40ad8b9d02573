"""hw2: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math

import torch

from course.exercises.hw2.energies import energy_score, log_partition
from course.exercises.hw2.langevin import langevin_chain, langevin_step
from course.exercises.hw2.metropolis import mala_log_accept, mala_step
from course.exercises.hw2.training import contrastive_divergence, start_negatives


@log_partition.accept
def largest_term_taken_out(energy, points, cell):
    e = energy(points)
    return torch.log(torch.exp(e.min() - e).sum() * cell) - e.min()


@log_partition.accept
def cell_inside(energy, points, cell):
    return (-energy(points) + math.log(cell)).logsumexp(dim=0)


@energy_score.accept
def functional_gradient(energy, x):
    return -torch.func.grad(lambda y: energy(y).sum())(x).detach()


@energy_score.accept
def gradient_with_ones(energy, x):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        e = energy(y)
        (g,) = torch.autograd.grad(e, y, grad_outputs=torch.ones_like(e))
    return g.neg()


@energy_score.accept
def example_by_example(energy, x):
    with torch.enable_grad():
        rows = [row[None].detach().requires_grad_() for row in x]
        return torch.cat([torch.autograd.grad(-energy(row).squeeze(), row)[0] for row in rows])


@langevin_step.accept
def noise_first(x, score, step_size, noise):
    return x + math.sqrt(2 * step_size) * noise + step_size * score(x)


@langevin_step.accept
@torch.no_grad()
def without_graph(x, score, step_size, noise):
    return torch.add(x, score(x), alpha=step_size).add_(noise, alpha=math.sqrt(2.0 * step_size))


@langevin_chain.accept
def noise_drawn_ahead(x, score, step_size, n_steps, generator):
    noise = torch.randn(n_steps, *x.shape, generator=generator, dtype=x.dtype, device=x.device)
    chain = x.new_empty(n_steps + 1, *x.shape)
    chain[0] = x
    with torch.no_grad():
        for k in range(n_steps):
            chain[k + 1] = chain[k] + step_size * score(chain[k]) + math.sqrt(2 * step_size) * noise[k]
    return chain


@langevin_chain.accept
def normal_in_place(x, score, step_size, n_steps, generator):
    states = [x.clone()]
    for _ in range(n_steps):
        z = torch.empty_like(x).normal_(generator=generator)
        x = x + step_size * score(x) + (2 * step_size) ** 0.5 * z
        states.append(x)
    return torch.stack(states, dim=0)


@langevin_chain.accept
def noise_with_its_scale(x, score, step_size, n_steps, generator):
    states = x[None]
    for _ in range(n_steps):
        mean = states[-1] + step_size * score(states[-1])
        states = torch.cat([states, torch.normal(mean.detach(), math.sqrt(2 * step_size), generator=generator)[None]])
    return states


@mala_log_accept.accept
def with_normal_densities(x, proposal, log_prob, score, step_size):
    def log_q(to, start):
        q = torch.distributions.Normal(start + step_size * score(start), math.sqrt(2 * step_size))
        return q.log_prob(to).flatten(1).sum(1)

    return log_prob(proposal) + log_q(x, proposal) - log_prob(x) - log_q(proposal, x)


@mala_log_accept.accept
def expanded_by_hand(x, proposal, log_prob, score, step_size):
    s, t, move = score(x).flatten(1), score(proposal).flatten(1), (proposal - x).flatten(1)
    correction = -0.5 * (move * (s + t)).sum(1) + 0.25 * step_size * (s.square().sum(1) - t.square().sum(1))
    return log_prob(proposal) - log_prob(x) + correction


@mala_step.accept
def ratio_not_logged(x, log_prob, score, step_size, noise, uniform):
    proposal = x + step_size * score(x) + (2 * step_size) ** 0.5 * noise
    ratio = with_normal_densities(x, proposal, log_prob, score, step_size).clamp(max=0).exp()
    accepted = uniform <= ratio
    new = x.clone()
    new[accepted] = proposal[accepted]
    return new, accepted


@mala_step.accept
def by_arithmetic(x, log_prob, score, step_size, noise, uniform):
    move = step_size * score(x) + (2 * step_size) ** 0.5 * noise
    accepted = torch.log(uniform) - expanded_by_hand(x, x + move, log_prob, score, step_size) < 0
    return x + move * accepted.to(x.dtype).view(len(x), *(1 for _ in x.shape[1:])), accepted


@contrastive_divergence.accept
def one_pass(energy, data, negatives, penalty):
    e = energy(torch.cat([data, negatives]).detach())
    low, high = e.split([len(data), len(negatives)])
    return (low + penalty * low**2).mean() + (penalty * high**2 - high).mean()


@contrastive_divergence.accept
def phase_by_phase(energy, data, negatives, penalty):
    total = 0.0
    for sign, x in ((1, data), (-1, negatives)):
        e = energy(x.clone().detach())
        total = total + sign * torch.mean(e) + penalty * torch.mean(torch.square(e))
    return total


@start_negatives.accept
def copy_then_overwrite(buffer, index, fresh, restart):
    start = buffer[index].clone()
    start[restart] = fresh[restart]
    return start


@start_negatives.accept
def chain_by_chain(buffer, index, fresh, restart):
    return torch.stack([fresh[b] if restart[b] else buffer[index[b]] for b in range(len(index))])
