"""hw7: other right ways to write each function. All of them must pass, over many seeds and in both precisions."""

import math

import torch
from torch.nn import functional as F

from course.exercises.hw7.bayes import classifier_score, posterior_score
from course.exercises.hw7.colour import colorize_step, luminance_basis
from course.exercises.hw7.free import classifier_free, drop_labels
from course.exercises.hw7.inpainting import inpaint_step, noisy_known


@classifier_score.accept
def minus_summed_cross_entropy(classifier, x, t, labels):
    with torch.enable_grad():
        y = x.clone().detach().requires_grad_(True)
        (g,) = torch.autograd.grad(-F.cross_entropy(classifier(y, t), labels, reduction="sum"), y)
    return g


@classifier_score.accept
def indexed_with_ones(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_prob = torch.log_softmax(classifier(x, t), dim=-1)[torch.arange(len(x), device=x.device), labels]
        return torch.autograd.grad(log_prob, x, torch.ones_like(log_prob))[0]


@classifier_score.accept
@torch.enable_grad()
def with_logsumexp(classifier, x, t, labels):
    x = torch.clone(x.detach()).requires_grad_()
    logits = classifier(x, t)
    log_prob = logits.gather(1, labels.unsqueeze(1)).squeeze(1) - logits.logsumexp(dim=1)
    return torch.autograd.grad(log_prob.unbind(), x)[0]


@classifier_score.accept
def one_hot(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_prob = classifier(x, t).log_softmax(1)
        chosen = (log_prob * F.one_hot(labels, log_prob.shape[1])).sum()
        return torch.autograd.grad(chosen, x)[0]


@posterior_score.accept
def likelihood_first(score, x, t, likelihood_grad, scale):
    return likelihood_grad(x, t) * scale + score(x, t)


@posterior_score.accept
@torch.no_grad()
def added_with_a_factor(score, x, t, likelihood_grad, scale):
    return torch.add(score(x, t), likelihood_grad(x, t), alpha=scale)


@drop_labels.accept
def copy_then_overwrite(labels, null, probability, uniform):
    dropped = labels.clone()
    dropped[uniform < probability] = null
    return dropped


@drop_labels.accept
def masked(labels, null, probability, uniform):
    return labels.masked_fill(uniform < probability, null)


@drop_labels.accept
def by_arithmetic(labels, null, probability, uniform):
    keep = (uniform >= probability).long()
    return keep * labels + (1 - keep) * null


@drop_labels.accept
def one_by_one(labels, null, probability, uniform):
    chosen = [null if u < probability else int(y) for y, u in zip(labels, uniform)]
    return torch.tensor(chosen, device=labels.device)


@drop_labels.accept
def where_with_a_full_tensor(labels, null, probability, uniform):
    return torch.where(torch.lt(uniform, probability), torch.full_like(labels, null), labels)


@classifier_free.accept
def step_from_unconditional(conditional, unconditional, scale):
    return unconditional + scale * (conditional - unconditional)


@classifier_free.accept
def weighted_sum(conditional, unconditional, scale):
    return scale * conditional + (1 - scale) * unconditional


@classifier_free.accept
def step_beyond_conditional(conditional, unconditional, scale):
    """Ho and Salimans' form, their w being ours less one."""
    w = scale - 1
    return (1 + w) * conditional - w * unconditional


@noisy_known.accept
def noise_first(known, alpha, sigma, noise):
    return torch.mul(noise, sigma).add(known, alpha=alpha)


@noisy_known.accept
def in_a_new_tensor(known, alpha, sigma, noise):
    seen = torch.empty_like(known)
    seen.copy_(known).mul_(alpha).add_(sigma * noise)
    return seen


@inpaint_step.accept
def by_the_mask(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * (alpha * known + sigma * noise) + (1 - mask) * step(x, t, s)


@inpaint_step.accept
def moved_towards_the_known(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y + mask * (alpha * known + sigma * noise - y)


@inpaint_step.accept
def boolean_mask(x, t, s, step, known, mask, kernel, noise):
    with torch.no_grad():
        y, (alpha, sigma), where = step(x, t, s).clone(), kernel(s), mask.bool()
        y[where] = alpha * known[where] + sigma * noise[where]
    return y


@inpaint_step.accept
def interpolated(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.lerp(step(x, t, s), alpha * known + sigma * noise, mask)


@luminance_basis.accept
def by_qr():
    start = torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 0.3], [0.2, 0.0, 1.0]])
    q, r = torch.linalg.qr(start.T)
    return (q * r.diagonal().sign()).T


@luminance_basis.accept
def cosine_transform():
    k, n = torch.arange(3)[:, None], torch.arange(3)
    scale = torch.where(k == 0, math.sqrt(1 / 3), math.sqrt(2 / 3))
    return scale * torch.cos(math.pi * k * (2 * n + 1) / 6)


@luminance_basis.accept
def gram_schmidt_by_cross_product():
    grey = torch.ones(3) / math.sqrt(3)
    colour = torch.tensor([0.3, -1.0, 2.0])
    colour = colour - (colour @ grey) * grey
    colour = colour / colour.norm()
    return torch.stack([grey, colour, torch.linalg.cross(grey, colour)])


@colorize_step.accept
def shifted_channels(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y - y.mean(1, keepdim=True) + (alpha * grey + sigma * noise) / math.sqrt(3)


@colorize_step.accept
def rotated_there_and_back(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    basis = gram_schmidt_by_cross_product().to(x)
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", basis, y)


@colorize_step.accept
def channels_last(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    basis = by_qr().to(x)
    with torch.no_grad():
        y = step(x, t, s).permute(0, 2, 3, 1) @ basis.T
        y[..., 0] = (alpha * grey + sigma * noise)[:, 0]
    return (y @ basis).permute(0, 3, 1, 2)


@colorize_step.accept
def inpainted_in_the_basis(x, t, s, step, grey, kernel, noise):
    basis = gram_schmidt_by_cross_product().to(x)
    rotate, back = (
        (lambda x: (basis @ x.flatten(2)).reshape(x.shape)),
        (lambda y: (basis.T @ y.flatten(2)).reshape(y.shape)),
    )
    known, mask = torch.zeros_like(x), torch.zeros_like(x)
    known[:, :1], mask[:, :1] = grey, 1
    z = noise.expand_as(x)
    in_basis = lambda y, t, s: rotate(step(back(y), t, s))
    return back(by_the_mask(rotate(x), t, s, in_basis, known, mask, kernel, z))
