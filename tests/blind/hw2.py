"""Wrong answers to hw2, from its text alone."""

import math

import torch

from tests.blind import Bank

bank = Bank()


# 2.1 log_partition


@bank.wrong("log_partition", "inf", "logsumexp", "underflow", "overflow", "finite")
def _(energy, points, cell):
    return torch.log(torch.exp(-energy(points)).sum() * cell)


@bank.wrong("log_partition", "cell", "volume")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points), 0)


@bank.wrong("log_partition", "log", "cell", "logarithm")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) + cell


@bank.wrong("log_partition", "inside", "cell", "energy", "exponent", "multipl")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points) * cell, 0)


@bank.wrong("log_partition", "sign", "minus", "−E", "low energy")
def _(energy, points, cell):
    return torch.logsumexp(energy(points), 0) + math.log(cell)


@bank.wrong("log_partition", "sign", "cell", "minus", "divide", "subtract")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) - math.log(cell)


@bank.wrong("log_partition", "mean", "sum", "number of points", "average")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points), 0) - math.log(len(points)) + math.log(cell)


@bank.wrong("log_partition", "logarithm", "log", "Z itself")
def _(energy, points, cell):
    return (torch.logsumexp(-energy(points), 0) + math.log(cell)).exp()


@bank.wrong("log_partition", "sign", "minus", "−log Z", "free energy", "negative")
def _(energy, points, cell):
    return -(torch.logsumexp(-energy(points), 0) + math.log(cell))


@bank.wrong("log_partition", "float", "tensor", "item")
def _(energy, points, cell):
    return (torch.logsumexp(-energy(points), 0) + math.log(cell)).item()


@bank.wrong("log_partition", "volume", "cell", "dimension", "power", "already")
def _(energy, points, cell):
    # the cell taken as the side of one
    return torch.logsumexp(-energy(points), 0) + points.shape[1] * math.log(cell)


@bank.wrong("log_partition", "inf", "overflow", "largest", "smallest", "lowest", "logsumexp")
def _(energy, points, cell):
    # log-sum-exp by hand, with the highest energy taken out instead of the lowest
    e = energy(points)
    top = e.max()
    return torch.log(torch.exp(top - e).sum()) - top + math.log(cell)


@bank.wrong("log_partition", "clamp", "clip", "cut", "finite", "limit", "thousand")
def _(energy, points, cell):
    e = energy(points).clamp(-80.0, 80.0)
    return torch.logsumexp(-e, 0) + math.log(cell)


@bank.wrong("log_partition", "epsilon", "added", "underflow", "logsumexp", "floor")
def _(energy, points, cell):
    return torch.log(torch.exp(-energy(points)).sum() * cell + 1e-12)


@bank.wrong("log_partition", "shape", "keepdim")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points), 0, keepdim=True) + math.log(cell)


@bank.wrong("log_partition", "sum", "largest", "lowest", "all points", "maximum")
def _(energy, points, cell):
    # Laplace's bound: the highest point alone
    return -energy(points).min() + math.log(cell)


@bank.wrong("log_partition", "shift", "taken out", "add", "back", "constant", "largest")
def _(energy, points, cell):
    # takes the largest term out and forgets to put it back
    e = energy(points)
    return torch.log(torch.exp(e.min() - e).sum()) + math.log(cell)


@bank.wrong("log_partition", "half", "end", "border", "trapez", "Riemann", "every point", "same volume")
def _(energy, points, cell):
    # the trapezoidal rule over the list of points
    log_h = -energy(points)
    log_h = torch.cat([log_h[:1] - math.log(2), log_h[1:-1], log_h[-1:] - math.log(2)])
    return torch.logsumexp(log_h, 0) + math.log(cell)


@bank.wrong("log_partition", "dtype", "float64", "float32")
def _(energy, points, cell):
    return torch.logsumexp(-energy(points).float(), 0) + math.log(cell)


@bank.wrong("log_partition", "base", "natural", "log")
def _(energy, points, cell):
    return (torch.logsumexp(-energy(points), 0) + math.log(cell)) / math.log(10)


# 2.2 energy_score


@bank.wrong("energy_score", "sign", "minus", "uphill", "downhill")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return torch.autograd.grad(energy(y).sum(), y)[0]


@bank.wrong("energy_score", "mean", "sum", "batch")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y).mean(), y)[0]


@bank.wrong("energy_score", "no_grad", "enable_grad")
def _(energy, x):
    y = x.detach().clone().requires_grad_()
    return -torch.autograd.grad(energy(y).sum(), y)[0]


@bank.wrong("energy_score", "requires_grad", "copy", "detach", "change", "x itself")
def _(energy, x):
    with torch.enable_grad():
        x.requires_grad_()
        return -torch.autograd.grad(energy(x).sum(), x)[0]


@bank.wrong("energy_score", "graph", "create_graph", "detach")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y).sum(), y, create_graph=True)[0]


@bank.wrong("energy_score", "parameters", ".grad", "backward")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        energy(y).sum().backward()
    return -y.grad


@bank.wrong("energy_score", "parameters", ".grad", "zero", "None")
def _(energy, x):
    # clears the parameters' gradients, those of the training loop included
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        energy(y).sum().backward()
    if isinstance(energy, torch.nn.Module):
        energy.zero_grad()
    return -y.grad


@bank.wrong("energy_score", "parameters", "requires_grad", "frozen", "freeze", "change")
def _(energy, x):
    # freezes the network and leaves it frozen
    if isinstance(energy, torch.nn.Module):
        energy.requires_grad_(False)
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y).sum(), y)[0]


@bank.wrong("energy_score", "differen", "automatic", "exact", "rounding", "step")
def _(energy, x):
    # forward differences
    flat, h = x.flatten(1), 1e-2
    score = torch.zeros_like(flat)
    with torch.no_grad():
        here = energy(x)
        for i in range(flat.shape[1]):
            moved = flat.clone()
            moved[:, i] += h
            score[:, i] = -(energy(moved.reshape(x.shape)) - here) / h
    return score.reshape(x.shape)


@bank.wrong("energy_score", "length", "norm", "unit", "direction")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        g = -torch.autograd.grad(energy(y).sum(), y)[0]
    return torch.nn.functional.normalize(g.flatten(1), dim=1).reshape(x.shape)


@bank.wrong("energy_score", "clip", "clamp", "cut", "large")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y).sum(), y)[0].clamp(-1, 1)


@bank.wrong("energy_score", "log", "exp", "density", "logarithm")
def _(energy, x):
    # the gradient of exp(−E) instead of −E
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return torch.autograd.grad(torch.exp(-energy(y)).sum(), y)[0]


@bank.wrong("energy_score", "batch", "example", "first", "sum")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y)[0], y)[0]


@bank.wrong("energy_score", "shape", "flatten", "dimension", "image")
def _(energy, x):
    # right for vectors only
    with torch.enable_grad():
        y = x.detach().flatten(1).requires_grad_()
        return -torch.autograd.grad(energy(y).sum(), y)[0]


@bank.wrong("energy_score", "batch", "example", "one at a time", "shape", "axis")
def _(energy, x):
    # one example at a time, without its batch axis
    rows = []
    for row in x:
        with torch.enable_grad():
            y = row.detach().clone().requires_grad_()
            rows.append(-torch.autograd.grad(energy(y).sum(), y)[0])
    return torch.stack(rows)


@bank.wrong("energy_score", "dtype", "float64", "float32")
def _(energy, x):
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -torch.autograd.grad(energy(y).sum(), y)[0].float()


@bank.wrong("energy_score", "half", "factor", "½", "twice", "temperature")
def _(energy, x):
    # as if the density were exp(−E/2)
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return -0.5 * torch.autograd.grad(energy(y).sum(), y)[0]


@bank.wrong("energy_score", "shared", "log Z", "batch", "softmax", "logsumexp", "other examples", "each example")
def _(energy, x):
    # normalizes over the batch, as if its examples were a grid
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        return torch.autograd.grad((-energy(y)).log_softmax(0).sum(), y)[0]


# 2.3 langevin_step


@bank.wrong("langevin_step", "noise", "√(2", "√2", "2ε", "variance")
def _(x, score, step_size, noise):
    return x + step_size * score(x) + math.sqrt(step_size) * noise


@bank.wrong("langevin_step", "root", "noise", "√")
def _(x, score, step_size, noise):
    return x + step_size * score(x) + 2 * step_size * noise


@bank.wrong("langevin_step", "root", "noise", "step_size", "√")
def _(x, score, step_size, noise):
    return x + step_size * score(x) + math.sqrt(2) * step_size * noise


@bank.wrong("langevin_step", "sign", "score", "subtract", "added", "uphill")
def _(x, score, step_size, noise):
    return x - step_size * score(x) + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "drift", "half", "twice", "ε/2", "score")
def _(x, score, step_size, noise):
    return x + 0.5 * step_size * score(x) + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "half", "convention", "ε/2", "step", "factor", "2ε")
def _(x, score, step_size, noise):
    # the convention of Song and Ermon: ε/2 and √ε
    return x + 0.5 * step_size * score(x) + math.sqrt(step_size) * noise


@bank.wrong("langevin_step", "noise", "handed", "random", "own")
def _(x, score, step_size, noise):
    return x + step_size * score(x) + math.sqrt(2 * step_size) * torch.randn_like(x)


@bank.wrong("langevin_step", "in place", "change", "new tensor")
def _(x, score, step_size, noise):
    x += step_size * score(x) + math.sqrt(2 * step_size) * noise
    return x


@bank.wrong("langevin_step", "in place", "change", "noise")
def _(x, score, step_size, noise):
    noise *= math.sqrt(2 * step_size)
    return x + step_size * score(x) + noise


@bank.wrong("langevin_step", "before the noise", "where", "score at", "score of", "order")
def _(x, score, step_size, noise):
    # the noise first, and the score at the noisy point
    y = x + math.sqrt(2 * step_size) * noise
    return y + step_size * score(y)


@bank.wrong("langevin_step", "average", "twice", "second", "once", "score at")
def _(x, score, step_size, noise):
    # Heun's average of two scores
    y = x + step_size * score(x) + math.sqrt(2 * step_size) * noise
    return x + 0.5 * step_size * (score(x) + score(y)) + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "noise", "missing", "spread")
def _(x, score, step_size, noise):
    return x + step_size * score(x)


@bank.wrong("langevin_step", "dtype", "float64", "float32")
def _(x, score, step_size, noise):
    return (x + step_size * score(x) + math.sqrt(2 * step_size) * noise).float()


@bank.wrong("langevin_step", "sign", "noise", "minus", "subtract")
def _(x, score, step_size, noise):
    return x + step_size * score(x) - math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "drift", "square", "ε²", "step_size", "score")
def _(x, score, step_size, noise):
    return x + step_size**2 * score(x) + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "clamp", "clip", "cut", "range", "limit")
def _(x, score, step_size, noise):
    return (x + step_size * score(x) + math.sqrt(2 * step_size) * noise).clamp(-1, 1)


@bank.wrong("langevin_step", "own", "each chain", "same", "batch", "noise")
def _(x, score, step_size, noise):
    # one noise for all chains
    return x + step_size * score(x) + math.sqrt(2 * step_size) * noise[:1]


@bank.wrong("langevin_step", "shrink", "scale", "factor", "x itself")
def _(x, score, step_size, noise):
    # shrinks x first, as variance-preserving steps do
    return (1 - step_size) * x + step_size * score(x) + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "norm", "length", "unit", "direction")
def _(x, score, step_size, noise):
    s = score(x)
    s = torch.nn.functional.normalize(s.flatten(1), dim=1).reshape(x.shape)
    return x + step_size * s + math.sqrt(2 * step_size) * noise


@bank.wrong("langevin_step", "x +", "x itself", "state", "change", "increment", "x is missing")
def _(x, score, step_size, noise):
    # the increment alone
    return step_size * score(x) + math.sqrt(2 * step_size) * noise


# 2.4 langevin_chain


@bank.wrong("langevin_chain", "start", "n_steps + 1", "shape")
def _(x, score, step_size, n_steps, generator):
    path = []
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "last", "n_steps + 1", "shape", "one step", "end")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps - 1):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "fresh", "loop", "same noise", "between steps", "independent", "every step")
def _(x, score, step_size, n_steps, generator):
    z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    path = [x]
    for _ in range(n_steps):
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "generator", "handed", "global")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * torch.randn_like(x)
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "each chain", "between chains", "independent", "formation", "whole shape", "same noise")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape[1:], generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "dimension", "independent", "whole shape", "coordinate", "same noise")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(len(x), *[1] * (x.ndim - 1), generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "last step", "last", "noise")
def _(x, score, step_size, n_steps, generator):
    # no noise in the last step, as diffusion samplers have it
    path = [x]
    for i in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        if i == n_steps - 1:
            z = torch.zeros_like(z)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "in place", "equal", "same", "clone", "copy")
def _(x, score, step_size, n_steps, generator):
    x = x.clone()
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x += step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "variance", "√(2", "2ε", "noise", "√2")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "in place", "change", "caller", "handed")
def _(x, score, step_size, n_steps, generator):
    path = [x.clone()]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x += step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x.clone())
    return torch.stack(path)


@bank.wrong("langevin_chain", "rand", "Gaussian", "uniform", "mean")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "seed", "generator", "same noise", "fresh")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        generator.manual_seed(0)
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "axis", "shape", "first", "batch")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path, 1)


@bank.wrong("langevin_chain", "every state", "shape", "last", "n_steps + 1")
def _(x, score, step_size, n_steps, generator):
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
    return x


@bank.wrong("langevin_chain", "score", "start", "drift", "current", "where the chain")
def _(x, score, step_size, n_steps, generator):
    # the score at the start, for all steps
    s, path = score(x), [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        path.append(path[-1] + step_size * s + math.sqrt(2 * step_size) * z)
    return torch.stack(path)


@bank.wrong("langevin_chain", "dtype", "float64", "float32")
def _(x, score, step_size, n_steps, generator):
    path = torch.empty(n_steps + 1, *x.shape, device=x.device)
    path[0] = x
    for i in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path[i + 1] = x
    return path


@bank.wrong("langevin_chain", "shape", "stack", "axis")
def _(x, score, step_size, n_steps, generator):
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.cat(path)


@bank.wrong("langevin_chain", "step_size", "step size", "decay", "shrink", "smaller", "constant", "variance")
def _(x, score, step_size, n_steps, generator):
    # annealed: smaller and smaller steps
    path = [x]
    for i in range(n_steps):
        eps = step_size / (1 + i)
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + eps * score(x) + math.sqrt(2 * eps) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "generator", "seed", "own", "copy", "new generator", "twice")
def _(x, score, step_size, n_steps, generator):
    # a generator of its own: every call draws the same numbers
    own = torch.Generator(device=x.device).manual_seed(0)
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=own, dtype=x.dtype, device=x.device)
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "independent", "between steps", "fresh", "pairs", "opposite", "sum")
def _(x, score, step_size, n_steps, generator):
    # antithetic noise: every second step undoes the one before
    path, z = [x], None
    for i in range(n_steps):
        fresh = i % 2 == 0
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) if fresh else -z
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


@bank.wrong("langevin_chain", "Gaussian", "sign", "normal", "±1")
def _(x, score, step_size, n_steps, generator):
    # random signs: the right mean and variance only
    path = [x]
    for _ in range(n_steps):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device).sign()
        x = x + step_size * score(x) + math.sqrt(2 * step_size) * z
        path.append(x)
    return torch.stack(path)


# 2.5 mala_log_accept


@bank.wrong("mala_log_accept", "proposal density", "asymmetr", "symmetric", "drift")
def _(x, proposal, log_prob, score, step_size):
    return log_prob(proposal) - log_prob(x)


@bank.wrong("mala_log_accept", "sign", "backward", "way back", "forward", "exchanged", "above", "q(x")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (backward - forward) / (4 * step_size)


@bank.wrong("mala_log_accept", "way back", "score at", "x′", "backward", "return", "proposal")
def _(x, proposal, log_prob, score, step_size):
    s = score(x)
    forward = (proposal - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * s).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "variance", "4ε", "factor", "half", "2ε", "twice")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (2 * step_size)


@bank.wrong("mala_log_accept", "clip", "min", "above zero", "positive", "clamp")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return (log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)).clamp(max=0)


@bank.wrong("mala_log_accept", "log", "logarithm", "exp")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return (log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)).exp()


@bank.wrong("mala_log_accept", "batch", "each chain", "sum", "axis")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).square().sum()
    backward = (x - proposal - step_size * score(proposal)).square().sum()
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "sign", "p(x", "log_prob", "exchanged", "upside", "log p")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(x) - log_prob(proposal) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "way back", "q(x", "backward", "missing", "return", "above")
def _(x, proposal, log_prob, score, step_size):
    # divides by the forward density and forgets the way back
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + forward / (4 * step_size)


@bank.wrong("mala_log_accept", "flatten", "shape", "dimension", "image", "everything but the batch")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "variance", "standard deviation", "square", "2ε", "4ε")
def _(x, proposal, log_prob, score, step_size):
    # 2ε taken as the standard deviation
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (2 * (2 * step_size) ** 2)


@bank.wrong("mala_log_accept", "mean", "sum", "average", "dimension")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().mean(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().mean(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "drift", "step_size", "step size")
def _(x, proposal, log_prob, score, step_size):
    # the score without its ε
    forward = (proposal - x - score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "nan", "inf", "underflow", "logarithm", "finite", "exp")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    above = log_prob(proposal).exp() * (-backward / (4 * step_size)).exp()
    below = log_prob(x).exp() * (-forward / (4 * step_size)).exp()
    return (above / below).log()


@bank.wrong("mala_log_accept", "way back", "from x′", "proposal", "backward", "x itself", "sign", "return")
def _(x, proposal, log_prob, score, step_size):
    # on the way back, the difference proposal − x is kept, and only the score changes
    step = proposal - x
    forward = (step - step_size * score(x)).flatten(1).square().sum(1)
    backward = (step - step_size * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "half", "drift", "ε/2", "factor", "step")
def _(x, proposal, log_prob, score, step_size):
    # the other convention: drift ε/2, variance ε
    forward = (proposal - x - step_size / 2 * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size / 2 * score(proposal)).flatten(1).square().sum(1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (2 * step_size)


@bank.wrong("mala_log_accept", "square", "norm", "root")
def _(x, proposal, log_prob, score, step_size):
    forward = (proposal - x - step_size * score(x)).flatten(1).norm(dim=1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).norm(dim=1)
    return log_prob(proposal) - log_prob(x) + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "in place", "change", "proposal")
def _(x, proposal, log_prob, score, step_size):
    log_p, back = log_prob(proposal) - log_prob(x), step_size * score(proposal)
    proposal -= x
    forward = (proposal - step_size * score(x)).flatten(1).square().sum(1)
    backward = (proposal + back).flatten(1).square().sum(1)
    return log_p + (forward - backward) / (4 * step_size)


@bank.wrong("mala_log_accept", "log_prob", "p(x", "log p", "missing", "target")
def _(x, proposal, log_prob, score, step_size):
    # the proposal densities alone
    forward = (proposal - x - step_size * score(x)).flatten(1).square().sum(1)
    backward = (x - proposal - step_size * score(proposal)).flatten(1).square().sum(1)
    return (forward - backward) / (4 * step_size)


# 2.6 mala_step


@bank.wrong("mala_step", "each chain", "for itself", "batch", "one decision")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = (uniform[0].log() < log_r.mean()).expand(len(x)).clone()
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "log u", "logarithm", "uniform")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = uniform < log_r
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "reject", "stay", "exchanged", "swap", "where")
def _(x, log_prob, score, step_size, noise, uniform):
    # those that accept stay, those that reject move
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = uniform.log() < log_r
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), x, new), accepted


@bank.wrong("mala_step", "shape", "reject", "stay", "dropped", "every chain")
def _(x, log_prob, score, step_size, noise, uniform):
    # only the accepted proposals come back
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return new[accepted], accepted


@bank.wrong("mala_step", "uniform", "handed", "random", "own")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = torch.rand_like(log_r).log() < log_r
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "bool", "dtype")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted.to(x.dtype)


@bank.wrong("mala_step", "noise", "√(2", "2ε", "variance", "proposal", "√2")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "reject", "stay", "proposal", "all")
def _(x, log_prob, score, step_size, noise, uniform):
    # says who accepted, and moves everyone
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return new, accepted


@bank.wrong("mala_step", "in place", "change", "clone", "new tensor")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    x[accepted] = new[accepted]
    return x, accepted


@bank.wrong("mala_step", "proposal density", "symmetric", "way back", "drift", "log r")
def _(x, log_prob, score, step_size, noise, uniform):
    # Metropolis' ratio for a symmetric proposal
    new = x + step_size * score(x) + math.sqrt(2 * step_size) * noise
    accepted = uniform.log() < log_prob(new) - log_prob(x)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "shape", "trailing", "axes", "dimension", "broadcast", "image")
def _(x, log_prob, score, step_size, noise, uniform):
    # right for vectors only
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted[:, None], new, x), accepted


@bank.wrong("mala_step", "bool", "accepted", "probability", "which chains")
def _(x, log_prob, score, step_size, noise, uniform):
    # the probability to accept instead of the decision
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = uniform.log() < log_r
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), log_r.clamp(max=0).exp()


@bank.wrong("mala_step", "uniform", "chance", "probability", "greedy", "only uphill", "log u")
def _(x, log_prob, score, step_size, noise, uniform):
    # accepts if and only if r is above one
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size) > 0
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "log u < log r", "uniform", "exchanged", "side", "less", "direction", "opposite", "sign")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() > log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "nan", "inf", "exactly", "where", "stay")
def _(x, log_prob, score, step_size, noise, uniform):
    # mixes by arithmetic, where 0 · inf is nan
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    a = accepted.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
    return a * new + (1 - a) * x, accepted


@bank.wrong("mala_step", "way back", "score at", "proposal", "x′", "backward", "log r")
def _(x, log_prob, score, step_size, noise, uniform):
    # one score for both ways
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * s).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "order", "first", "shape", "states")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return accepted, torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x)


@bank.wrong("mala_step", "ratio", "sign", "log r", "upside", "exchanged", "inverse", "log p")
def _(x, log_prob, score, step_size, noise, uniform):
    # the ratio upside down
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(x) - log_prob(new) + (backward - forward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "noise", "handed", "random", "own")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * torch.randn_like(x)
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "variance", "4ε", "factor", "2ε", "log r", "half")
def _(x, log_prob, score, step_size, noise, uniform):
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    accepted = uniform.log() < log_prob(new) - log_prob(x) + (forward - backward) / (2 * step_size)
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


@bank.wrong("mala_step", "uniform", "1 − u", "log u", "log r")
def _(x, log_prob, score, step_size, noise, uniform):
    # the right chance to accept, but for other u
    s = score(x)
    new = x + step_size * s + math.sqrt(2 * step_size) * noise
    forward = (new - x - step_size * s).flatten(1).square().sum(1)
    backward = (x - new - step_size * score(new)).flatten(1).square().sum(1)
    log_r = log_prob(new) - log_prob(x) + (forward - backward) / (4 * step_size)
    accepted = (1 - uniform).log() < log_r
    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), new, x), accepted


# 2.7 contrastive_divergence


@bank.wrong("contrastive_divergence", "sign", "minus", "exchanged", "swap", "push")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return neg.mean() - pos.mean() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "penalty", "λ", "zero")
def _(energy, data, negatives, penalty):
    return energy(data.detach()).mean() - energy(negatives.detach()).mean()


@bank.wrong("contrastive_divergence", "mean", "sum", "average")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.sum() - neg.sum() + penalty * (pos.square().sum() + neg.square().sum())


@bank.wrong("contrastive_divergence", "penalty", "square", "each", "difference")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    gap = pos.mean() - neg.mean()
    return gap + penalty * gap.square()


@bank.wrong("contrastive_divergence", "penalty", "mean of", "square", "order")
def _(energy, data, negatives, penalty):
    # the square of the mean
    pos, neg = energy(data.detach()).mean(), energy(negatives.detach()).mean()
    return pos - neg + penalty * (pos.square() + neg.square())


@bank.wrong("contrastive_divergence", "negatives", "reaches", "detach", "samples", "gradient")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives)
    return pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "too much", "energy of the negatives", "detach", "gradient", "parameters")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives).detach()
    return pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "absolute", "sign", "negative", "below zero")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return (pos.mean() - neg.mean()).abs() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "data", "reaches", "detach", "gradient")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data), energy(negatives.detach())
    return pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "penalty", "negatives", "both", "λ")
def _(energy, data, negatives, penalty):
    # the penalty on the data alone
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.mean() - neg.mean() + penalty * pos.square().mean()


@bank.wrong("contrastive_divergence", "number", "differ", "shape", "mean", "pair", "size")
def _(energy, data, negatives, penalty):
    # pairs data and negatives
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return (pos - neg + penalty * (pos.square() + neg.square())).mean()


@bank.wrong("contrastive_divergence", "penalty", "number", "mean", "own", "each set", "differ")
def _(energy, data, negatives, penalty):
    # one mean over both sets: the larger one counts more
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.mean() - neg.mean() + 2 * penalty * torch.cat([pos, neg]).square().mean()


@bank.wrong("contrastive_divergence", "logistic", "softplus", "mean", "difference", "classif", "log")
def _(energy, data, negatives, penalty):
    # a classifier's loss
    pos, neg = energy(data.detach()), energy(negatives.detach())
    loss = torch.nn.functional.softplus(pos).mean() + torch.nn.functional.softplus(-neg).mean()
    return loss + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "penalty", "half", "½", "factor", "twice")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean()) / 2


@bank.wrong("contrastive_divergence", "penalty", "gradient", "detach")
def _(energy, data, negatives, penalty):
    # the penalty shows in the value, not in the gradient
    pos, neg = energy(data.detach()), energy(negatives.detach())
    size = pos.detach().square().mean() + neg.detach().square().mean()
    return pos.mean() - neg.mean() + penalty * size


@bank.wrong("contrastive_divergence", "change", "requires_grad", "in place", "handed", "copy")
def _(energy, data, negatives, penalty):
    # cuts the caller's tensors off
    pos, neg = energy(data.detach_()), energy(negatives.detach_())
    return pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "penalty", "difference", "λ", "only", "factor")
def _(energy, data, negatives, penalty):
    # λ in front of everything
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return penalty * (pos.mean() - neg.mean() + pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "margin", "hinge", "clamp", "cut", "negative", "below zero")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    gap = (1 + pos.mean() - neg.mean()).clamp(min=0)
    return gap + penalty * (pos.square().mean() + neg.square().mean())


@bank.wrong("contrastive_divergence", "number", "negatives", "mean", "own", "divide", "differ")
def _(energy, data, negatives, penalty):
    # divides both sums by the number of data
    b = len(data)
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return (pos.sum() - neg.sum() + penalty * (pos.square().sum() + neg.square().sum())) / b


@bank.wrong("contrastive_divergence", "backward", ".grad", "graph", "parameters")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    loss = pos.mean() - neg.mean() + penalty * (pos.square().mean() + neg.square().mean())
    if loss.requires_grad:
        loss.backward()
    return loss.detach()


@bank.wrong("contrastive_divergence", "penalty", "square", "absolute")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.mean() - neg.mean() + penalty * (pos.abs().mean() + neg.abs().mean())


@bank.wrong("contrastive_divergence", "penalty", "sign", "added", "minus")
def _(energy, data, negatives, penalty):
    pos, neg = energy(data.detach()), energy(negatives.detach())
    return pos.mean() - neg.mean() - penalty * (pos.square().mean() + neg.square().mean())


# 2.8 start_negatives


@bank.wrong("start_negatives", "restart", "exchanged", "inverse", "swap", "fresh", "where")
def _(buffer, index, fresh, restart):
    return torch.where(restart.reshape(-1, *[1] * (fresh.ndim - 1)), buffer[index], fresh)


@bank.wrong("start_negatives", "position", "own", "first", "fresh", "mix")
def _(buffer, index, fresh, restart):
    # the first rows of fresh, whichever chains restart
    start = buffer[index]
    start[restart] = fresh[: int(restart.sum())]
    return start


@bank.wrong("start_negatives", "buffer", "change", "read", "in place", "writ")
def _(buffer, index, fresh, restart):
    buffer[index] = torch.where(restart.reshape(-1, *[1] * (fresh.ndim - 1)), fresh, buffer[index])
    return buffer[index]


@bank.wrong("start_negatives", "twice", "same place", "index", "position")
def _(buffer, index, fresh, restart):
    # restarts the place in the buffer, hence every chain that comes from there
    copy = buffer.clone()
    copy[index[restart]] = fresh[restart]
    return copy[index]


@bank.wrong("start_negatives", "shape", "axes", "dimension", "broadcast", "trailing", "image")
def _(buffer, index, fresh, restart):
    return torch.where(restart[:, None], fresh, buffer[index])


@bank.wrong("start_negatives", "index", "first", "ignore")
def _(buffer, index, fresh, restart):
    start = buffer[: len(index)].clone()
    start[restart] = fresh[restart]
    return start


@bank.wrong("start_negatives", "restart", "fresh", "ignore")
def _(buffer, index, fresh, restart):
    return buffer[index]


@bank.wrong("start_negatives", "fresh", "index", "position", "batch")
def _(buffer, index, fresh, restart):
    # looks fresh up by index, as if it were a second buffer
    start = buffer[index]
    start[restart] = fresh[index[restart] % len(fresh)]
    return start


@bank.wrong("start_negatives", "fresh", "change", "in place")
def _(buffer, index, fresh, restart):
    fresh[~restart] = buffer[index[~restart]]
    return fresh


@bank.wrong("start_negatives", "order", "position", "mix", "own place")
def _(buffer, index, fresh, restart):
    return torch.cat([buffer[index[~restart]], fresh[restart]])


@bank.wrong("start_negatives", "nan", "inf", "where", "lost", "multipl")
def _(buffer, index, fresh, restart):
    # a chain that flew off to inf or nan is never rid of it
    r = restart.reshape(-1, *[1] * (fresh.ndim - 1)).to(fresh.dtype)
    return r * fresh + (1 - r) * buffer[index]


@bank.wrong("start_negatives", "each chain", "any", "all", "restart", "batch", "whole")
def _(buffer, index, fresh, restart):
    return fresh.clone() if restart.any() else buffer[index]


@bank.wrong("start_negatives", "twice", "unique", "index", "shape", "order")
def _(buffer, index, fresh, restart):
    places = index.unique()
    start = buffer[places]
    b = len(places)
    start[restart[:b]] = fresh[:b][restart[:b]]
    return start


@bank.wrong("start_negatives", "order", "sort", "index", "position")
def _(buffer, index, fresh, restart):
    start = buffer[index.sort().values]
    start[restart] = fresh[restart]
    return start


@bank.wrong("start_negatives", "restart", "random", "handed", "ignore", "draw")
def _(buffer, index, fresh, restart):
    again = torch.rand(len(index), device=buffer.device) < 0.05
    return torch.where(again.reshape(-1, *[1] * (fresh.ndim - 1)), fresh, buffer[index])


@bank.wrong("start_negatives", "fresh", "random", "handed", "noise", "draw")
def _(buffer, index, fresh, restart):
    return torch.where(restart.reshape(-1, *[1] * (fresh.ndim - 1)), torch.randn_like(fresh), buffer[index])


@bank.wrong("start_negatives", "dtype", "float64", "float32")
def _(buffer, index, fresh, restart):
    start = torch.empty(fresh.shape, device=fresh.device)
    start[restart] = fresh[restart].float()
    start[~restart] = buffer[index[~restart]].float()
    return start


@bank.wrong("start_negatives", "added", "sum", "replace", "instead", "fresh")
def _(buffer, index, fresh, restart):
    # fresh noise on top of the old state
    start = buffer[index]
    start[restart] += fresh[restart]
    return start


@bank.wrong("start_negatives", "bool", "mask", "restart", "position", "index")
def _(buffer, index, fresh, restart):
    # the mask used as a list of places 0 and 1
    start = buffer[index]
    start[restart.long()] = fresh[restart.long()]
    return start


@bank.wrong("start_negatives", "restart", "place", "buffer", "position", "index", "chain b")
def _(buffer, index, fresh, restart):
    # takes restart for a mask over the buffer's places, as far as it reaches
    again = restart[index % len(restart)]
    return torch.where(again.reshape(-1, *[1] * (fresh.ndim - 1)), fresh, buffer[index])
