"""hw4: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math

import torch

from course.exercises.hw4.annealing import annealed_langevin, annealed_step_size, geometric_sigmas
from course.exercises.hw4.chain import ddpm_schedule, ddpm_step
from course.exercises.hw4.learning import denoise, dsm_loss
from course.exercises.hw4.noise import ddpm_perturb, dsm_target, perturb


def column(a, x):
    return a.view(len(a), *(1 for _ in x.shape[1:]))


@perturb.accept
def axes_moved(x0, sigma, noise):
    return (x0.movedim(0, -1) + sigma * noise.movedim(0, -1)).movedim(-1, 0)


@perturb.accept
def example_by_example(x0, sigma, noise):
    return torch.stack([x + s * z for x, s, z in zip(x0, sigma, noise)])


@perturb.accept
def by_einsum(x0, sigma, noise):
    return x0 + torch.einsum("b,b...->b...", sigma, noise)


@dsm_target.accept
def from_the_density(noise, sigma):
    level = column(sigma, noise)
    return -(level * noise) / level**2


@dsm_target.accept
def by_autograd(noise, sigma):
    with torch.enable_grad():
        x = (column(sigma, noise) * noise).detach().requires_grad_()
        log_p = (-x.square().flatten(1).sum(1) / (2 * sigma**2)).sum()
        return torch.autograd.grad(log_p, x)[0]


@dsm_loss.accept
def weight_inside(score, x0, sigma, noise):
    level = column(sigma, x0)
    return 0.5 * ((level * score(x0 + level * noise, sigma) + noise) ** 2).sum() / len(x0)


@dsm_loss.accept
def weight_outside(score, x0, sigma, noise):
    level = column(sigma, x0)
    error = torch.linalg.vector_norm((score(x0 + level * noise, sigma) + noise / level).flatten(1), dim=1)
    return torch.mean(sigma**2 * error**2) / 2


@dsm_loss.accept
def from_the_noisy_data(score, x0, sigma, noise):
    level = column(sigma, x0)
    x = x0 + level * noise
    residual = score(x, sigma) - (x0 - x) / level**2
    return (0.5 * level**2 * residual.square()).flatten(1).sum(1).mean()


@dsm_loss.accept
def example_by_example_loss(score, x0, sigma, noise):
    losses = []
    for x, s, z in zip(x0, sigma, noise):
        residual = score((x + s * z)[None], s[None])[0] + z / s
        losses.append(0.5 * s**2 * (residual * residual).sum())
    return sum(losses) / len(losses)


@denoise.accept
def squared_afterwards(score, x, sigma):
    level = column(sigma, x)
    return torch.addcmul(x, level * level, score(x, sigma)).detach()


@denoise.accept
def through_the_noise(score, x, sigma):
    level = column(sigma, x)
    noise = -level * score(x, sigma)
    return x - level * noise


@geometric_sigmas.accept
def logspaced(sigma_max, sigma_min, n):
    return torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n)


@geometric_sigmas.accept
def powers(sigma_max, sigma_min, n):
    ratio = (sigma_min / sigma_max) ** (1 / (n - 1))
    return torch.tensor([sigma_max * ratio**k for k in range(n)])


@geometric_sigmas.accept
def powers_of_ratio(sigma_max, sigma_min, n):
    return sigma_max * (sigma_min / sigma_max) ** torch.linspace(0, 1, n)


@annealed_step_size.accept
def squares_divided(sigma, sigma_min, base):
    return sigma * sigma / sigma_min**2 * base


@annealed_step_size.accept
def through_a_power(sigma, sigma_min, base):
    return base * torch.pow(sigma, 2) * sigma_min**-2


@annealed_langevin.accept
def plainly(score, x, sigmas, base, n_per_level, generator):
    for sigma in sigmas:
        eps = base * (sigma / sigmas[-1]) ** 2
        for _ in range(n_per_level):
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + eps * score(x, sigma.repeat(len(x))) + torch.sqrt(2 * eps) * z
    return x


@annealed_langevin.accept
@torch.no_grad()
def on_a_copy(score, x, sigmas, base, n_per_level, generator):
    x = x.clone()
    for sigma in sigmas.tolist():
        eps = base * (sigma / sigmas[-1].item()) ** 2
        level = torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)
        for _ in range(n_per_level):
            x += eps * score(x, level)
            x += math.sqrt(2 * eps) * torch.empty_like(x).normal_(generator=generator)
    return x


@annealed_langevin.accept
def noise_drawn_ahead(score, x, sigmas, base, n_per_level, generator):
    shape = (len(sigmas), n_per_level, *x.shape)
    noise = torch.randn(shape, generator=generator, dtype=x.dtype, device=x.device)
    for k, eps in enumerate(base * (sigmas / sigmas[-1]) ** 2):
        for z in noise[k]:
            x = x + eps * score(x, sigmas[k].expand(len(x))) + (2 * eps) ** 0.5 * z
    return x.detach()


@ddpm_schedule.accept
def through_logarithms(beta_min, beta_max, n):
    betas = torch.linspace(beta_min, beta_max, n)
    return betas, torch.exp(torch.cumsum(torch.log1p(-betas), 0))


@ddpm_schedule.accept
def by_a_loop(beta_min, beta_max, n):
    betas = [beta_min + (beta_max - beta_min) * i / (n - 1) for i in range(n)]
    alpha_bars, left = [], 1.0
    for beta in betas:
        left *= 1 - beta
        alpha_bars.append(left)
    return torch.tensor(betas), torch.tensor(alpha_bars)


@ddpm_perturb.accept
def mix_axes_moved(x0, alpha_bar, noise):
    mixed = torch.sqrt(alpha_bar) * x0.movedim(0, -1) + torch.sqrt(1 - alpha_bar) * noise.movedim(0, -1)
    return mixed.movedim(-1, 0)


@ddpm_perturb.accept
def mix_example_by_example(x0, alpha_bar, noise):
    return torch.stack([a**0.5 * x + (1 - a) ** 0.5 * z for x, a, z in zip(x0, alpha_bar, noise)])


@ddpm_step.accept
def as_in_the_paper(x, eps, betas, i, noise):
    alphas = 1 - betas
    alpha_bars = torch.cumprod(alphas, dim=0)
    mean = 1 / torch.sqrt(alphas[i]) * (x - (1 - alphas[i]) / torch.sqrt(1 - alpha_bars[i]) * eps)
    if i == 0:
        return mean
    variance = (1 - alpha_bars[i - 1]) / (1 - alpha_bars[i]) * betas[i]
    return mean + torch.sqrt(variance) * noise


@ddpm_step.accept
def by_the_posterior(x, eps, betas, i, noise):
    now, before = torch.prod(1 - betas[: i + 1]), torch.prod(1 - betas[:i])
    clean = (x - (1 - now).sqrt() * eps) / now.sqrt()
    mean = (before.sqrt() * betas[i] * clean + (1 - betas[i]).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (betas[i] * (1 - before) / (1 - now)).sqrt() * noise


@ddpm_step.accept
def in_python_numbers(x, eps, betas, i, noise):
    kept = [1 - b for b in betas.tolist()]
    now, before = math.prod(kept[: i + 1]), math.prod(kept[:i])
    mean = (x - (1 - kept[i]) / math.sqrt(1 - now) * eps) / math.sqrt(kept[i])
    return mean + math.sqrt((1 - kept[i]) * (1 - before) / (1 - now)) * noise
