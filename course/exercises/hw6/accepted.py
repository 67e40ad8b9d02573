"""hw6: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math
from itertools import pairwise

import torch

from course.exercises.hw6.equations import ve_sde, vp_sde
from course.exercises.hw6.kernels import ve_kernel, vp_kernel
from course.exercises.hw6.levels import ddim_step, karras_times
from course.exercises.hw6.likelihood import log_likelihood
from course.exercises.hw6.reverse import probability_flow, reverse_drift
from course.exercises.hw6.solvers import heun_step, rk4_step
from course.exercises.hw6.stochastic import corrector_step, euler_maruyama_step
from course.exercises.hw6.volume import divergence


def _like(a, x):
    """Trailing axes for one number per example."""
    return a.view(-1, *(1 for _ in x.shape[1:])) if torch.is_tensor(a) and a.ndim else a


@ve_kernel.accept
def by_logarithms(t, sigma_min, sigma_max):
    return torch.ones_like(t), torch.exp((1 - t) * math.log(sigma_min) + t * math.log(sigma_max))


@ve_kernel.accept
def product_of_powers(t, sigma_min, sigma_max):
    return t.new_ones(t.shape), sigma_min ** (1 - t) * sigma_max**t


@vp_kernel.accept
def by_expm1(t, beta_min, beta_max):
    integral = beta_min * t + (beta_max - beta_min) * t.square() / 2
    return torch.exp(-integral / 2), torch.sqrt(-torch.expm1(-integral))


@vp_kernel.accept
def by_hyperbolic_sine(t, beta_min, beta_max):
    half = 0.5 * t * (beta_min + 0.5 * t * (beta_max - beta_min))
    return (-half).exp(), (2 * (-half).exp() * torch.sinh(half)).sqrt()


@ve_sde.accept
def by_the_rate_of_variance(x, t, sigma_min, sigma_max):
    ratio = sigma_max / sigma_min
    return torch.zeros_like(x), (2 * math.log(ratio) * (sigma_min * ratio**t).square()).sqrt()


@ve_sde.accept
def logarithms_of_squares(x, t, sigma_min, sigma_max):
    rate = math.log(sigma_max**2 / sigma_min**2)
    return 0 * x, sigma_min * rate**0.5 * torch.exp(rate * t / 2)


@vp_sde.accept
def with_expanded_rate(x, t, beta_min, beta_max):
    beta = (1 - t) * beta_min + t * beta_max
    return -x * _like(beta, x) / 2, beta.sqrt()


@vp_sde.accept
def from_the_diffusion(x, t, beta_min, beta_max):
    g = torch.sqrt(torch.lerp(torch.full_like(t, beta_min), torch.full_like(t, beta_max), t))
    return torch.einsum("b,b...->b...", -0.5 * g * g, x), g


@euler_maruyama_step.accept
def noise_first(x, t, s, drift, diffusion, noise):
    dt = s - t
    return x + diffusion(t) * math.sqrt(abs(dt)) * noise + drift(x, t) * dt


@euler_maruyama_step.accept
@torch.no_grad()
def without_graph(x, t, s, drift, diffusion, noise):
    moved = torch.add(x, drift(x, t), alpha=s - t)
    return moved.add_(noise, alpha=diffusion(t) * max(s - t, t - s) ** 0.5)


@reverse_drift.accept
def expanded_by_hand(x, t, drift, diffusion, score):
    g = torch.as_tensor(diffusion(t), dtype=x.dtype, device=x.device)
    return drift(x, t) - _like(g, x).square() * score(x, t)


@reverse_drift.accept
def square_as_product(x, t, drift, diffusion, score):
    g = _like(diffusion(t), x)
    return -(g * (g * score(x, t))) + drift(x, t)


@probability_flow.accept
def half_in_the_end(x, t, drift, diffusion, score):
    g = _like(diffusion(t), x)
    return (2 * drift(x, t) - g * g * score(x, t)) / 2


@probability_flow.accept
def average_of_both_drifts(x, t, drift, diffusion, score):
    """Half-way between the forward drift and the reverse one."""
    f = drift(x, t)
    return 0.5 * (f + (f - _like(diffusion(t) ** 2, x) * score(x, t)))


@corrector_step.accept
def vector_norms(x, t, score, snr, noise):
    s, dims = score(x, t), tuple(range(1, x.ndim))
    lengths = [torch.linalg.vector_norm(a, dim=dims).mean() for a in (noise, s)]
    eps = 2 * snr**2 * (lengths[0] / lengths[1]) ** 2
    return x + eps * s + torch.sqrt(2 * eps) * noise


@corrector_step.accept
def root_mean_squares(x, t, score, snr, noise):
    """The √D of both norms cancels."""
    s = score(x, t)
    of_noise, of_score = (a.flatten(1).square().mean(1).sqrt().mean().item() for a in (noise, s))
    root = 2 * snr * of_noise / of_score  # √(2ε)
    return x + root**2 / 2 * s + root * noise


@heun_step.accept
def average_of_two_euler_steps(x, t, s, field):
    once = x + (s - t) * field(x, t)
    return (x + once + (s - t) * field(once, s)) / 2


@heun_step.accept
def correction_of_euler(x, t, s, field):
    with torch.no_grad():
        h, here = s - t, field(x, t)
        ahead = torch.add(x, here, alpha=h)
        return ahead + 0.5 * h * (field(ahead, s) - here)


@rk4_step.accept
def loop_over_the_tableau(x, t, s, field):
    h, k, total = s - t, torch.zeros_like(x), torch.zeros_like(x)
    for node, weight in ((0, 1), (0.5, 2), (0.5, 2), (1, 1)):
        k = field(x + node * h * k, t + node * h)
        total = total + weight * k
    return x + h * total / 6


@rk4_step.accept
def increments(x, t, s, field):
    h, middle = s - t, 0.5 * (t + s)
    a = h * field(x, t)
    b = h * field(x + a / 2, middle)
    c = h * field(x + b / 2, middle)
    d = h * field(x + c, s)
    return x + a / 6 + b / 3 + c / 3 + d / 6


@ddim_step.accept
def two_estimates(x, t, s, score, kernel):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = kernel(t), kernel(s)
    eps = -sigma_t * score(x, t)
    return alpha_s * (x - sigma_t * eps) / alpha_t + sigma_s * eps


@ddim_step.accept
def exponential_integrator(x, t, s, score, kernel):
    (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
    clean = (x + sigma**2 * score(x, t)) / alpha
    return sigma_s / sigma * x + (alpha_s - sigma_s * alpha / sigma) * clean


@karras_times.accept
def by_the_formula(sigma_max, sigma_min, n, rho):
    u = torch.arange(n) / (n - 1)
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (a + u * (b - a)) ** rho


@karras_times.accept
def one_by_one(sigma_max, sigma_min, n, rho):
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return torch.tensor([(a * (n - 1 - i) + b * i) ** rho / (n - 1) ** rho for i in range(n)])


@divergence.accept
def twice_backward(field, x, t, probe):
    """The Jacobian on the other side: (∂field/∂x) v, as the derivative of a vector-Jacobian product in its vector."""
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        out = field(y, t)
        vector = torch.zeros_like(out, requires_grad=True)
        (pulled,) = torch.autograd.grad(out, y, vector, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, vector, probe, create_graph=True)
        return (pushed * probe).sum(dim=-1)


@divergence.accept
def product_with_vectors(field, x, t, probe):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        (g,) = torch.autograd.grad(field(y, t), y, grad_outputs=probe, create_graph=True)
    return torch.einsum("bi,bi->b", g, probe)


@log_likelihood.accept
def by_functional_jacobian(x, field, times, prior_log_prob):
    def trace(x, t):
        jacobian = torch.autograd.functional.jacobian(lambda y: field(y, t).sum(0), x.detach())
        return jacobian.diagonal(dim1=0, dim2=2).sum(-1)

    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for t, s in pairwise(times):  # times stay tensors
        with torch.enable_grad():
            here, before = field(x, t), trace(x, t)
            ahead = x + (s - t) * here
            total = total + (s - t) * (before + trace(ahead, s)) / 2
            x = (x + (s - t) * (here + field(ahead, s)) / 2).detach()
    return prior_log_prob(x) + total


@log_likelihood.accept
def augmented_state(x, field, times, prior_log_prob):
    """Heun's method for (x, log-density) at once."""

    def both(x, t):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = field(x, t)
            grads = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
        return v.detach(), sum(grads)

    integral = 0
    for t, s in pairwise(times.tolist()):
        v, div = both(x, t)
        w, end = both(x + (s - t) * v, s)
        x, integral = x + (s - t) / 2 * (v + w), integral + (s - t) / 2 * (div + end)
    return prior_log_prob(x) + integral


@log_likelihood.accept
def probes_along_the_axes(x, field, times, prior_log_prob):
    def trace(x, t):
        with torch.enable_grad():
            y, total = x.detach().clone().requires_grad_(), 0.0
            for i in range(x.shape[1]):
                probe = torch.zeros_like(x)
                probe[:, i] = 1
                total = total + (torch.autograd.grad(field(y, t), y, probe)[0] * probe).sum(-1)
        return total

    with torch.no_grad():
        total = 0.0
        for k in range(len(times) - 1):
            t, h = times[k].item(), (times[k + 1] - times[k]).item()
            here = field(x, t)
            ahead = x + h * here
            total = total + 0.5 * h * (trace(x, t) + trace(ahead, t + h))
            x = x + 0.5 * h * (here + field(ahead, t + h))
        return prior_log_prob(x) + total
