"""Wrong answers to hw7, from its text alone."""

import math

import torch

from tests.blind import Bank

bank = Bank()


def basis():
    """A right answer to 7.7, which those to 7.8 build on."""
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / rows.norm(dim=1, keepdim=True)


# 7.1


@bank.wrong("classifier_score", "sign", "minus", "cross_entropy")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(classifier(x, t), labels, reduction="sum")
        return torch.autograd.grad(loss, x)[0]


@bank.wrong("classifier_score", "mean", "sum", "batch", "times too small")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        loss = -torch.nn.functional.cross_entropy(classifier(x, t), labels)
        return torch.autograd.grad(loss, x)[0]


@bank.wrong("classifier_score", "logit", "log_softmax", "normal")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "log", "probability", "logarithm")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).softmax(1).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "log_softmax", "nan", "inf", "sure", "finite")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).softmax(1).log().gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "epsilon", "log_softmax", "sure", "added", "small")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        p = classifier(x, t).softmax(1)[torch.arange(len(x)), labels]
        return torch.autograd.grad((p + 1e-6).log().sum(), x)[0]


@bank.wrong("classifier_score", "no_grad", "enable_grad", "gradients")
def _(classifier, x, t, labels):
    x = x.detach().requires_grad_()
    picked = classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum()
    return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "caller", "requires_grad", "detach", "changed", "in place")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x.requires_grad_()
        picked = classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "parameters", "backward", ".grad", "accumulate")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum().backward()
    return x.grad


@bank.wrong("classifier_score", "graph", "create_graph", "detach")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x, create_graph=True)[0]


@bank.wrong("classifier_score", "labels", "argmax", "class", "most probable")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(1).max(dim=1).values.sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "each", "labels", "first", "own")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(1)[:, labels[0]].sum()
        return torch.autograd.grad(picked, x)[0]


@bank.wrong("classifier_score", "axis", "dim", "batch", "classes")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(0).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


# every example with every label: a (B, B) table
@bank.wrong("classifier_score", "each", "gather", "pair", "labels", "all")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(1)[:, labels].sum()
        return torch.autograd.grad(picked, x)[0]


# one example at a time, with everybody's times
@bank.wrong("classifier_score", "time", "each", "(B,)")
def _(classifier, x, t, labels):
    gradients = []
    for i in range(len(x)):
        with torch.enable_grad():
            one = x[i : i + 1].detach().requires_grad_()
            log_p = classifier(one, t).log_softmax(1)[0, labels[i]]
            gradients.append(torch.autograd.grad(log_p, one)[0])
    return torch.cat(gradients)


@bank.wrong("classifier_score", "norm", "length", "divide")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum()
        (uphill,) = torch.autograd.grad(picked, x)
    return uphill / uphill.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.dim() - 1))


@bank.wrong("classifier_score", "sigmoid", "softmax", "other classes", "normal")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logit = classifier(x, t).gather(1, labels[:, None])
        return torch.autograd.grad(torch.nn.functional.logsigmoid(logit).sum(), x)[0]


@bank.wrong("classifier_score", "time", "noise level", "clean")
def _(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        picked = classifier(x, 0 * t).log_softmax(1).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(picked, x)[0]


# 7.2


@bank.wrong("posterior_score", "scale", "term", "likelihood")
def _(score, x, t, likelihood_grad, scale):
    return scale * score(x, t) + likelihood_grad(x, t)


@bank.wrong("posterior_score", "scale", "both", "only")
def _(score, x, t, likelihood_grad, scale):
    return scale * (score(x, t) + likelihood_grad(x, t))


@bank.wrong("posterior_score", "scale", "argument", "ignore")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + likelihood_grad(x, t)


@bank.wrong("posterior_score", "1 − w", "score", "whole", "average", "scale")
def _(score, x, t, likelihood_grad, scale):
    return (1 - scale) * score(x, t) + scale * likelihood_grad(x, t)


# Ho and Salimans' w
@bank.wrong("posterior_score", "1 + w", "convention", "one", "scale", "w = 0")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + (1 + scale) * likelihood_grad(x, t)


@bank.wrong("posterior_score", "sign", "plus", "minus")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) - scale * likelihood_grad(x, t)


@bank.wrong("posterior_score", "w = 0", "scale", "clamp", "below")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + max(scale, 1.0) * likelihood_grad(x, t)


# the classifier asked about the denoised image
@bank.wrong("posterior_score", "likelihood_grad", "place", "denoised", "noisy")
def _(score, x, t, likelihood_grad, scale):
    v = score(x, t)
    return v + scale * likelihood_grad(x + v, t)


@bank.wrong("posterior_score", "square", "scale", "linear")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + scale**2 * likelihood_grad(x, t)


@bank.wrong("posterior_score", "as it is", "float", "time")
def _(score, x, t, likelihood_grad, scale):
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))
    return score(x, t) + scale * likelihood_grad(x, t)


@bank.wrong("posterior_score", "as it is", "batch", "time", "each")
def _(score, x, t, likelihood_grad, scale):
    t = t.mean().item() if torch.is_tensor(t) else t
    return score(x, t) + scale * likelihood_grad(x, t)


@bank.wrong("posterior_score", "norm", "length", "rescale")
def _(score, x, t, likelihood_grad, scale):
    v, g = score(x, t), likelihood_grad(x, t)
    return v + scale * g * v.norm() / g.norm()


@bank.wrong("posterior_score", "divide", "average", "1 + w", "normal")
def _(score, x, t, likelihood_grad, scale):
    return (score(x, t) + scale * likelihood_grad(x, t)) / (1 + scale)


@bank.wrong("posterior_score", "batch", "mean", "each")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + scale * likelihood_grad(x, t).mean(0)


# of the log of a product of densities, the product
@bank.wrong("posterior_score", "sum", "add", "product", "logarithm")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) * likelihood_grad(x, t) ** scale


@bank.wrong("posterior_score", "time", "likelihood_grad")
def _(score, x, t, likelihood_grad, scale):
    return score(x, t) + scale * likelihood_grad(x, 0 * t)


# the classifier-free formula
@bank.wrong("posterior_score", "difference", "subtract", "score", "twice")
def _(score, x, t, likelihood_grad, scale):
    v = score(x, t)
    return v + scale * (likelihood_grad(x, t) - v)


@bank.wrong("posterior_score", "score", "missing", "first term", "unconditional")
def _(score, x, t, likelihood_grad, scale):
    return scale * likelihood_grad(x, t)


# 7.3


@bank.wrong("drop_labels", "<", "kept", "dropped", "wrong way", "1 − p")
def _(labels, null, probability, uniform):
    return torch.where(uniform > probability, null, labels)


@bank.wrong("drop_labels", "<", "equal", "≤", "boundary", "probability 0")
def _(labels, null, probability, uniform):
    return torch.where(uniform <= probability, null, labels)


@bank.wrong("drop_labels", "in place", "changed", "modif", "new tensor")
def _(labels, null, probability, uniform):
    labels[uniform < probability] = null
    return labels


@bank.wrong("drop_labels", "uniform", "random", "own")
def _(labels, null, probability, uniform):
    return torch.where(torch.rand(len(labels), device=labels.device) < probability, null, labels)


@bank.wrong("drop_labels", "dtype", "int64", "float")
def _(labels, null, probability, uniform):
    dropped = (uniform < probability).to(uniform.dtype)
    return dropped * null + (1 - dropped) * labels


@bank.wrong("drop_labels", "null", "zero")
def _(labels, null, probability, uniform):
    return labels * (uniform >= probability)


@bank.wrong("drop_labels", "each", "batch", "own", "whole")
def _(labels, null, probability, uniform):
    if uniform[0] < probability:
        return torch.full_like(labels, null)
    return labels.clone()


@bank.wrong("drop_labels", "memory", "copy", "clone", "share", "new tensor")
def _(labels, null, probability, uniform):
    if not (uniform < probability).any():
        return labels
    return torch.where(uniform < probability, null, labels)


@bank.wrong("drop_labels", "shape", "length", "replace", "null")
def _(labels, null, probability, uniform):
    return labels[uniform >= probability]


@bank.wrong("drop_labels", "null", "largest", "argument")
def _(labels, null, probability, uniform):
    return torch.where(uniform < probability, labels.max() + 1, labels)


# a fixed share of the batch, instead of each by chance
@bank.wrong("drop_labels", "each", "share", "number", "chance", "<")
def _(labels, null, probability, uniform):
    out = labels.clone()
    out[uniform.argsort()[: round(probability * len(labels))]] = null
    return out


@bank.wrong("drop_labels", "add", "replace", "null", "sum")
def _(labels, null, probability, uniform):
    return labels + null * (uniform < probability)


@bank.wrong("drop_labels", "tuple", "two", "tensor", "mask")
def _(labels, null, probability, uniform):
    dropped = uniform < probability
    return torch.where(dropped, null, labels), dropped


# another class, as in label noise
@bank.wrong("drop_labels", "null", "class", "another")
def _(labels, null, probability, uniform):
    return torch.where(uniform < probability, (labels + 1) % null, labels)


@bank.wrong("drop_labels", "probability", "argument", "0.1", "ignore")
def _(labels, null, probability, uniform):
    return torch.where(uniform < 0.1, null, labels)


@bank.wrong("drop_labels", "uniform", "in place", "changed", "modif")
def _(labels, null, probability, uniform):
    return torch.where(uniform.lt_(probability).bool(), null, labels)


@bank.wrong("drop_labels", "int64", "dtype", "int32")
def _(labels, null, probability, uniform):
    return torch.where(uniform < probability, null, labels).int()


# 7.4


# Ho and Salimans' w
@bank.wrong("classifier_free", "1 + w", "convention", "one", "w = 0")
def _(conditional, unconditional, scale):
    return (1 + scale) * conditional - scale * unconditional


@bank.wrong("classifier_free", "swapped", "exchanged", "w = 0", "direction", "roles")
def _(conditional, unconditional, scale):
    return conditional + scale * (unconditional - conditional)


@bank.wrong("classifier_free", "difference", "subtract", "w = 1", "twice", "1 − w")
def _(conditional, unconditional, scale):
    return unconditional + scale * conditional


@bank.wrong("classifier_free", "sign", "w = 0", "minus", "1 − w")
def _(conditional, unconditional, scale):
    return scale * conditional - (1 - scale) * unconditional


@bank.wrong("classifier_free", "in place", "changed", "modif")
def _(conditional, unconditional, scale):
    conditional -= unconditional
    return unconditional + scale * conditional


@bank.wrong("classifier_free", "clip", "clamp", "beyond", "w > 1", "above")
def _(conditional, unconditional, scale):
    w = min(max(scale, 0.0), 1.0)
    return unconditional + w * (conditional - unconditional)


# other libraries switch guidance off at w ≤ 1
@bank.wrong("classifier_free", "w = 0", "w < 1", "unconditional", "below", "between")
def _(conditional, unconditional, scale):
    if scale <= 1:
        return conditional.clone()
    return unconditional + scale * (conditional - unconditional)


@bank.wrong("classifier_free", "square", "linear", "w²")
def _(conditional, unconditional, scale):
    return unconditional + scale**2 * (conditional - unconditional)


# "guidance rescale"
@bank.wrong("classifier_free", "norm", "rescale", "length", "standard deviation")
def _(conditional, unconditional, scale):
    guided = unconditional + scale * (conditional - unconditional)
    return guided * conditional.std() / guided.std()


@bank.wrong("classifier_free", "average", "divide", "w = 1", "1 + w")
def _(conditional, unconditional, scale):
    return (unconditional + scale * conditional) / (1 + scale)


@bank.wrong("classifier_free", "w − 1", "one", "w = 1", "off by one")
def _(conditional, unconditional, scale):
    return unconditional + (scale - 1) * (conditional - unconditional)


@bank.wrong("classifier_free", "sign", "absolute", "direction", "difference")
def _(conditional, unconditional, scale):
    return unconditional + scale * (conditional - unconditional).abs()


@bank.wrong("classifier_free", "half", "w = 1", "twice")
def _(conditional, unconditional, scale):
    return unconditional + 0.5 * scale * (conditional - unconditional)


@bank.wrong("classifier_free", "unconditional", "missing", "w = 0", "start")
def _(conditional, unconditional, scale):
    return scale * (conditional - unconditional)


@bank.wrong("classifier_free", "dtype", "float64", "float32")
def _(conditional, unconditional, scale):
    return torch.lerp(unconditional.float(), conditional.float(), float(scale))


@bank.wrong("classifier_free", "root", "linear", "√w", "power")
def _(conditional, unconditional, scale):
    return unconditional + math.sqrt(scale) * (conditional - unconditional)


@bank.wrong("classifier_free", "batch", "mean", "each")
def _(conditional, unconditional, scale):
    return unconditional + scale * (conditional - unconditional.mean(0))


# 7.5


@bank.wrong("noisy_known", "α", "alpha", "shrink")
def _(known, alpha, sigma, noise):
    return known + sigma * noise


@bank.wrong("noisy_known", "root", "α", "alpha")
def _(known, alpha, sigma, noise):
    return math.sqrt(alpha) * known + sigma * noise


@bank.wrong("noisy_known", "variance", "square", "standard deviation", "σ²")
def _(known, alpha, sigma, noise):
    return alpha * known + sigma**2 * noise


@bank.wrong("noisy_known", "root", "variance", "standard deviation", "√σ")
def _(known, alpha, sigma, noise):
    return alpha * known + math.sqrt(sigma) * noise


@bank.wrong("noisy_known", "σ", "sigma", "squares", "follows", "handed")
def _(known, alpha, sigma, noise):
    return alpha * known + math.sqrt(max(1 - alpha**2, 0.0)) * noise


@bank.wrong("noisy_known", "α", "alpha", "squares", "follows", "handed")
def _(known, alpha, sigma, noise):
    return math.sqrt(max(1 - sigma**2, 0.0)) * known + sigma * noise


@bank.wrong("noisy_known", "noise", "random", "own")
def _(known, alpha, sigma, noise):
    return alpha * known + sigma * torch.randn_like(known)


@bank.wrong("noisy_known", "noise", "α", "alpha", "only the data")
def _(known, alpha, sigma, noise):
    return alpha * (known + sigma * noise)


@bank.wrong("noisy_known", "swapped", "exchanged", "α", "σ")
def _(known, alpha, sigma, noise):
    return sigma * known + alpha * noise


@bank.wrong("noisy_known", "in place", "changed", "modif")
def _(known, alpha, sigma, noise):
    return known.mul_(alpha).add_(noise, alpha=sigma)


@bank.wrong("noisy_known", "noise", "missing", "σ")
def _(known, alpha, sigma, noise):
    return alpha * known


@bank.wrong("noisy_known", "divide", "α", "alpha", "shrink")
def _(known, alpha, sigma, noise):
    return known / alpha + sigma * noise


@bank.wrong("noisy_known", "sign", "plus", "minus")
def _(known, alpha, sigma, noise):
    return alpha * known - sigma * noise


@bank.wrong("noisy_known", "batch", "each", "noise", "example")
def _(known, alpha, sigma, noise):
    return alpha * known + sigma * noise[:1]


@bank.wrong("noisy_known", "clamp", "clip", "range")
def _(known, alpha, sigma, noise):
    return (alpha * known + sigma * noise).clamp(-1, 1)


# flow matching's line
@bank.wrong("noisy_known", "σ", "sigma", "1 − α", "follows")
def _(known, alpha, sigma, noise):
    return alpha * known + (1 - alpha) * noise


@bank.wrong("noisy_known", "noise", "add", "multipl", "product")
def _(known, alpha, sigma, noise):
    return known * (alpha + sigma * noise)


# 7.6


@bank.wrong("inpaint_step", "time", "kernel", "at s", "noise of time")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(t)
    return torch.where(mask == 1, alpha * known + sigma * noise, step(x, t, s))


@bank.wrong("inpaint_step", "after", "before", "order")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(t)
    return step(torch.where(mask == 1, alpha * known + sigma * noise, x), t, s)


@bank.wrong("inpaint_step", "mask", "half", "inverted", "wrong part")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, step(x, t, s), alpha * known + sigma * noise)


@bank.wrong("inpaint_step", "noise", "clean", "noisy")
def _(x, t, s, step, known, mask, kernel, noise):
    return torch.where(mask == 1, known, step(x, t, s))


@bank.wrong("inpaint_step", "noise", "random", "own")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * torch.randn_like(x), step(x, t, s))


@bank.wrong("inpaint_step", "α", "alpha", "shrink")
def _(x, t, s, step, known, mask, kernel, noise):
    _, sigma = kernel(s)
    return torch.where(mask == 1, known + sigma * noise, step(x, t, s))


@bank.wrong("inpaint_step", "order", "swapped", "exchanged", "from t", "step(x, t, s)")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * noise, step(x, s, t))


@bank.wrong("inpaint_step", "step", "unknown", "not taken")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * noise, x)


@bank.wrong("inpaint_step", "replace", "add", "sum", "1 − mask")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * noise, 0.0) + step(x, t, s)


@bank.wrong("inpaint_step", "in place", "changed", "modif")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    known.mul_(alpha).add_(sigma * noise)
    return torch.where(mask == 1, known, step(x, t, s))


# the noise of the known part falls on the unknown one too
@bank.wrong("inpaint_step", "mask", "noise", "unknown")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known, step(x, t, s)) + sigma * noise


@bank.wrong("inpaint_step", "variance", "square", "standard deviation", "σ²")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma**2 * noise, step(x, t, s))


@bank.wrong("inpaint_step", "twice", "once", "step")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    y = torch.where(mask == 1, alpha * known + sigma * noise, step(x, t, s))
    return torch.where(mask == 1, y, step(y, t, s))


# the known part moves by its distance from the old state
@bank.wrong("inpaint_step", "replace", "old", "step", "known part")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return step(x, t, s) + torch.where(mask == 1, alpha * known + sigma * noise - x, 0.0)


@bank.wrong("inpaint_step", "s = 0", "last", "replace", "known")
def _(x, t, s, step, known, mask, kernel, noise):
    y = step(x, t, s)
    if s == 0:
        return y
    alpha, sigma = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * noise, y)


@bank.wrong("inpaint_step", "order", "swapped", "exchanged", "α", "σ")
def _(x, t, s, step, known, mask, kernel, noise):
    sigma, alpha = kernel(s)
    return torch.where(mask == 1, alpha * known + sigma * noise, step(x, t, s))


@bank.wrong("inpaint_step", "mask", "batch", "each", "own")
def _(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return torch.where(mask[:1] == 1, alpha * known + sigma * noise, step(x, t, s))


# 7.7


@bank.wrong("luminance_basis", "length", "norm", "one", "divide")
def _():
    return torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])


@bank.wrong("luminance_basis", "√3", "first", "mean", "length", "row 1")
def _():
    a, b = 2**-0.5, 6**-0.5
    return torch.tensor([[1 / 3, 1 / 3, 1 / 3], [a, -a, 0.0], [b, b, -2 * b]])


# television's luma, and an orthonormal completion
@bank.wrong("luminance_basis", "first", "row 1", "(1, 1, 1)", "√3", "equal")
def _():
    luma = torch.tensor([0.299, 0.587, 0.114])
    luma = luma / luma.norm()
    second = torch.tensor([0.587, -0.299, 0.0])
    second = second / second.norm()
    return torch.stack([luma, second, torch.linalg.cross(luma, second)])


@bank.wrong("luminance_basis", "first", "row 1", "last", "order")
def _():
    a, b, c = 3**-0.5, 2**-0.5, 6**-0.5
    return torch.tensor([[b, -b, 0.0], [c, c, -2 * c], [a, a, a]])


@bank.wrong("luminance_basis", "rows", "columns", "transpose", "first")
def _():
    a, b, c = 3**-0.5, 2**-0.5, 6**-0.5
    return torch.tensor([[a, a, a], [b, -b, 0.0], [c, c, -2 * c]]).T


@bank.wrong("luminance_basis", "right angles", "orthogonal", "orthonormal", "third")
def _():
    a, b = 3**-0.5, 2**-0.5
    return torch.tensor([[a, a, a], [b, -b, 0.0], [0.0, b, -b]])


@bank.wrong("luminance_basis", "dtype", "default", "float64")
def _():
    rows = torch.tensor([[1, 1, 1], [1, -1, 0], [1, 1, -2]], dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


# what QR makes of it
@bank.wrong("luminance_basis", "sign", "negative", "first", "row 1")
def _():
    a, b, c = 3**-0.5, 2**-0.5, 6**-0.5
    return torch.tensor([[-a, -a, -a], [-b, b, 0.0], [c, c, -2 * c]])


@bank.wrong("luminance_basis", "right angles", "orthogonal", "orthonormal", "sum")
def _():
    a = 3**-0.5
    return torch.tensor([[a, a, a], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@bank.wrong("luminance_basis", "shape", "three", "third", "(3, 3)")
def _():
    a, b = 3**-0.5, 2**-0.5
    return torch.tensor([[a, a, a], [b, -b, 0.0]])


@bank.wrong("luminance_basis", "length", "norm", "third", "√6")
def _():
    a, b = 3**-0.5, 2**-0.5
    return torch.tensor([[a, a, a], [b, -b, 0.0], [b, b, -2 * b]])


# JPEG's YCbCr
@bank.wrong("luminance_basis", "orthonormal", "first", "(1, 1, 1)", "row 1", "length")
def _():
    return torch.tensor([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])


@bank.wrong("luminance_basis", "random", "same", "each call")
def _():
    columns = torch.cat([torch.ones(3, 1), torch.randn(3, 2)], dim=1)
    q = torch.linalg.qr(columns).Q.T
    return torch.cat([q[:1].abs(), q[1:]])


@bank.wrong("luminance_basis", "digits", "rounded", "length", "exact", "orthonormal")
def _():
    return torch.tensor([[0.577, 0.577, 0.577], [0.707, -0.707, 0.0], [0.408, 0.408, -0.816]])


@bank.wrong("luminance_basis", "rows", "columns", "axis", "length")
def _():
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / rows.norm(dim=0)


@bank.wrong("luminance_basis", "tensor", "list")
def _():
    a, b, c = 3**-0.5, 2**-0.5, 6**-0.5
    return [[a, a, a], [b, -b, 0.0], [c, c, -2 * c]]


@bank.wrong("luminance_basis", "sign", "sum", "right angles", "orthogonal", "third")
def _():
    a, b, c = 3**-0.5, 2**-0.5, 6**-0.5
    return torch.tensor([[a, a, a], [b, -b, 0.0], [c, c, 2 * c]])


# 7.8


@bank.wrong("colorize_step", "time", "kernel", "at s", "noise of time")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(t)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "after", "before", "order")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(t)
    y = torch.einsum("kc,bchw->bkhw", m, x)
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return step(torch.einsum("kc,bkhw->bchw", m, y), t, s)


@bank.wrong("colorize_step", "transpose", "way back", "back", "basis")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bchw->bkhw", m, y)


@bank.wrong("colorize_step", "transpose", "swapped", "exchanged", "basis", "grey")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("ck,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bchw->bkhw", m, y)


@bank.wrong("colorize_step", "√3", "mean", "sum", "grey")
def _(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y + (alpha * grey + sigma * noise - y.mean(1, keepdim=True))


@bank.wrong("colorize_step", "basis", "red", "coordinate", "channel")
def _(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)


@bank.wrong("colorize_step", "noise", "clean", "noisy")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([grey, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "noise", "random", "own")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * torch.randn_like(grey), y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "dtype", "float64", "same dtype", ".to(x)")
def _(x, t, s, step, grey, kernel, noise):
    m = basis()
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "step", "colour", "old", "new image")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, x)
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "first", "last", "coordinate")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([y[:, :2], alpha * grey + sigma * noise], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "α", "alpha", "shrink")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    _, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "replace", "add", "old", "sum")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y[:, :1] += alpha * grey + sigma * noise
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "order", "swapped", "exchanged", "from t", "step(x, t, s)")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, s, t))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


@bank.wrong("colorize_step", "back", "red", "coordinates", "transpose")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    return torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)


@bank.wrong("colorize_step", "dtype", "float32", "float64", "x's dtype")
def _(x, t, s, step, grey, kernel, noise):
    m = basis()
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s).to(m))
    y = torch.cat([(alpha * grey + sigma * noise).to(m), y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


# right for one image only
@bank.wrong("colorize_step", "batch", "axis", "channel", "each")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = (m @ step(x, t, s).reshape(3, -1)).reshape(x.shape)
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return (m.T @ y.reshape(3, -1)).reshape(x.shape)


@bank.wrong("colorize_step", "variance", "square", "standard deviation", "σ²")
def _(x, t, s, step, grey, kernel, noise):
    m = basis().to(x)
    alpha, sigma = kernel(s)
    y = torch.einsum("kc,bchw->bkhw", m, step(x, t, s))
    y = torch.cat([alpha * grey + sigma**2 * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", m, y)


# the short way, with the change added to each channel in full
@bank.wrong("colorize_step", "√3", "along u", "row", "length")
def _(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    old = y.sum(1, keepdim=True) / math.sqrt(3)
    return y + (alpha * grey + sigma * noise - old)
