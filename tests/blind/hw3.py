"""Wrong answers to hw3, from its text alone."""

import torch

from tests.blind import Bank

bank = Bank()


# 3.1 fisher_divergence


@bank.wrong("fisher_divergence", "half", "½", "factor", "twice")
def _(score, true_score, x):
    return (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


@bank.wrong("fisher_divergence", "sum", "coordinates", "dimension", "norm", "average")
def _(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).square().mean()


@bank.wrong("fisher_divergence", "batch", "mean", "sum", "average")
def _(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).square().sum()


@bank.wrong("fisher_divergence", "flatten", "image", "all of", "dimension", "norm", "everything but the batch")
def _(score, true_score, x):
    # right for vectors only
    return 0.5 * (score(x) - true_score(x)).square().sum(1).mean()


@bank.wrong("fisher_divergence", "square", "norm")
def _(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).flatten(1).norm(dim=1).mean()


@bank.wrong("fisher_divergence", "gradient", "detach", "differentiate", "no_grad", "parameters", "graph")
def _(score, true_score, x):
    with torch.no_grad():
        return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


@bank.wrong("fisher_divergence", "difference", "square", "before", "norm of", "direction")
def _(score, true_score, x):
    # the difference of the squared norms
    s, t = score(x).flatten(1), true_score(x).flatten(1)
    return 0.5 * (s.square().sum(1) - t.square().sum(1)).mean()


@bank.wrong("fisher_divergence", "float", "tensor", "item", "gradient")
def _(score, true_score, x):
    return (0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()).item()


@bank.wrong("fisher_divergence", "mean", "square", "order", "batch", "cancel")
def _(score, true_score, x):
    # the mean over the batch comes before the square
    return 0.5 * (score(x) - true_score(x)).mean(0).square().sum()


@bank.wrong("fisher_divergence", "shape", "mean", "batch")
def _(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1)


@bank.wrong("fisher_divergence", "root", "square")
def _(score, true_score, x):
    return (0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()).sqrt()


@bank.wrong("fisher_divergence", "sign", "difference", "minus", "subtract")
def _(score, true_score, x):
    return 0.5 * (score(x) + true_score(x)).flatten(1).square().sum(1).mean()


@bank.wrong("fisher_divergence", "relative", "divide", "true score", "absolute")
def _(score, true_score, x):
    s, t = score(x).flatten(1), true_score(x).flatten(1)
    return 0.5 * ((s - t).square().sum(1) / t.square().sum(1)).mean()


@bank.wrong("fisher_divergence", "shape", "flatten", "score", "as it is")
def _(score, true_score, x):
    # flattens the points before the scores see them
    y = x.flatten(1)
    return 0.5 * (score(y) - true_score(y)).square().sum(1).mean()


@bank.wrong("fisher_divergence", "dtype", "float64", "float32")
def _(score, true_score, x):
    return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean().float()


@bank.wrong("fisher_divergence", "requires_grad", "change")
def _(score, true_score, x):
    if x.is_leaf:
        x.requires_grad_()
    return 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1).mean()


@bank.wrong("fisher_divergence", "absolute", "square", "norm")
def _(score, true_score, x):
    # the 1-norm
    return 0.5 * (score(x) - true_score(x)).flatten(1).abs().sum(1).mean()


@bank.wrong("fisher_divergence", "unbiased", "− 1", "minus one", "mean")
def _(score, true_score, x):
    # divides by B − 1, as a sample variance does
    return 0.5 * (score(x) - true_score(x)).square().sum() / max(len(x) - 1, 1)


# 3.2 jacobian_trace


@bank.wrong("jacobian_trace", "diagonal", "i = j", "all", "sum")
def _(score, x):
    # the sum of all D² derivatives
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return torch.autograd.grad(score(y).sum(), y, create_graph=True)[0].sum(1)


@bank.wrong("jacobian_trace", "create_graph", "gradient", "differentiate", "parameters", "graph")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, retain_graph=True)[0][:, i] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "no_grad", "enable_grad")
def _(score, x):
    y = x.detach().requires_grad_()
    s = score(y)
    return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "requires_grad", "change", "detach")
def _(score, x):
    with torch.enable_grad():
        x.requires_grad_()
        s = score(x)
        return sum(torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "batch", "shape", "each point", "each example")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i].sum() for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "sum", "mean", "average", "dimension")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, d = score(y), x.shape[1]
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(d)) / d


@bank.wrong("jacobian_trace", "entry i", "diagonal", "first", "i = j", "column")
def _(score, x):
    # always the derivative with respect to the first coordinate
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, 0] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "random", "exact", "probe", "estimate")
def _(score, x):
    # an estimate from a random probe
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        v = torch.randn_like(y)
        return (torch.autograd.grad((score(y) * v).sum(), y, create_graph=True)[0] * v).sum(1)


@bank.wrong("jacobian_trace", "differen", "exact", "automatic", "approximat")
def _(score, x):
    # finite differences
    h = 1e-2
    trace = 0
    for i in range(x.shape[1]):
        step = torch.zeros_like(x)
        step[:, i] = h
        trace = trace + (score(x + step)[:, i] - score(x)[:, i]) / h
    return trace


@bank.wrong("jacobian_trace", "sign", "minus", "negative")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return -sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "square", "norm", "diagonal", "i = j")
def _(score, x):
    # the Frobenius norm of the Jacobian
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        rows = [torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0] for i in range(x.shape[1])]
        return torch.stack(rows, 1).square().sum((1, 2)).sqrt()


@bank.wrong("jacobian_trace", "dimension", "two", "all", "every")
def _(score, x):
    # the plane only
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        d = min(x.shape[1], 2)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(d))


@bank.wrong("jacobian_trace", "last", "dimension", "all", "one too few", "every", "missing")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = torch.zeros_like(y[:, 0])
        for i in range(x.shape[1] - 1):
            trace = trace + torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i]
        return trace


@bank.wrong("jacobian_trace", "batch", "dimension", "axis", "number of")
def _(score, x):
    # runs over the examples instead of the outputs
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(len(x)))


@bank.wrong("jacobian_trace", ".grad", "backward", "parameters")
def _(score, x):
    # backward also fills the parameters' .grad
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        s = score(y)
        trace = torch.zeros_like(y[:, 0])
        for i in range(x.shape[1]):
            y.grad = None
            s[:, i].sum().backward(create_graph=True)
            trace = trace + y.grad[:, i]
        return trace


@bank.wrong("jacobian_trace", "dtype", "float64", "float32")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = torch.zeros(len(x), device=x.device)
        for i in range(x.shape[1]):
            trace += torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i]
        return trace


@bank.wrong("jacobian_trace", "product", "sum", "determinant")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        rows = [torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1])]
        return torch.stack(rows).prod(0)


@bank.wrong("jacobian_trace", "batch", "mean", "sum", "each example")
def _(score, x):
    # the mean over the batch divides every gradient by B
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].mean(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "shape", "keepdim")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i : i + 1] for i in range(x.shape[1]))


@bank.wrong("jacobian_trace", "absolute", "sign", "negative", "positive")
def _(score, x):
    # sums the absolute values
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        return sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i].abs() for i in range(x.shape[1]))


# 3.3 implicit_score_matching


@bank.wrong("implicit_score_matching", "half", "½", "factor", "first term")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "sign", "minus", "added", "trace")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) - trace).mean()


@bank.wrong("implicit_score_matching", "half", "½", "trace", "factor", "second term")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return 0.5 * (s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "batch", "mean", "sum", "average")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).sum()


@bank.wrong("implicit_score_matching", "norm", "coordinates", "dimension", "sum", "first term")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return 0.5 * s.square().mean() + trace.mean()


@bank.wrong("implicit_score_matching", "gradient", "trace", "create_graph", "detach", "second term")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(
            torch.autograd.grad(s[:, i].sum(), y, retain_graph=True)[0][:, i].detach() for i in range(x.shape[1])
        )
        return (0.5 * s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "gradient", "norm", "detach", "first term", "‖s‖²")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.detach().square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "square", "norm", "first term", "‖s‖²")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.norm(dim=1) + trace).mean()


@bank.wrong("implicit_score_matching", "no_grad", "enable_grad")
def _(score, x):
    y = x.detach().requires_grad_()
    s = score(y)
    trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
    return (0.5 * s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "trace", "diagonal", "i = j", "all")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad(s.sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + g.sum(1)).mean()


@bank.wrong("implicit_score_matching", "trace", "mean", "dimension", "average", "1/D")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, d = score(y), x.shape[1]
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(d)) / d
        return (0.5 * s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "shape", "mean", "batch")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return 0.5 * s.square().sum(1) + trace


@bank.wrong("implicit_score_matching", "mean", "square", "batch", "order", "first term")
def _(score, x):
    # the mean score is squared, not every score
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return 0.5 * s.mean(0).square().sum() + trace.mean()


@bank.wrong("implicit_score_matching", "requires_grad", "change", "detach")
def _(score, x):
    with torch.enable_grad():
        x.requires_grad_()
        s = score(x)
        trace = sum(torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean()


@bank.wrong("implicit_score_matching", "twice", "half", "factor", "½")
def _(score, x):
    # the convention without ½: ‖s‖² + 2 tr ∇s
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (s.square().sum(1) + 2 * trace).mean()


@bank.wrong("implicit_score_matching", "random", "probe", "exact", "estimate")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, v = score(y), torch.randn_like(x)
        g = torch.autograd.grad((s * v).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * v).sum(1)).mean()


@bank.wrong("implicit_score_matching", "float", "tensor", "item", "gradient")
def _(score, x):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean().item()


@bank.wrong("implicit_score_matching", "regular", "curvature", "penalty", "third", "added", "two terms", "extra")
def _(score, x):
    # with the regularizer on the curvature of Kingma and LeCun
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, loss = score(y), 0.0
        for i in range(x.shape[1]):
            d = torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i]
            loss = loss + 0.5 * s[:, i].square() + d + 0.05 * d.square()
        return loss.mean()


@bank.wrong("implicit_score_matching", "trace", "second term", "missing")
def _(score, x):
    # the first term only
    with torch.enable_grad():
        return 0.5 * score(x.detach()).square().sum(1).mean()


@bank.wrong("implicit_score_matching", "clamp", "negative", "zero", "below")
def _(score, x):
    # a loss "cannot be negative"
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean().clamp(min=0)


# 3.4 hutchinson_trace


@bank.wrong("hutchinson_trace", "probe", "twice", "second", "inputs", "after")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0].sum(1)


@bank.wrong("hutchinson_trace", "probe", "twice", "inside", "outputs")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad(score(y).sum(), y, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "create_graph", "gradient", "differentiate", "parameters", "graph")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(), y)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "probe", "handed", "random", "own")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        v = torch.randn_like(y)
        return (torch.autograd.grad((score(y) * v).sum(), y, create_graph=True)[0] * v).sum(1)


@bank.wrong("hutchinson_trace", "batch", "shape", "each example", "mean")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * probe).sum(1).mean()


@bank.wrong("hutchinson_trace", "norm", "length", "unit", "as it is", "probe")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        v = probe / probe.norm(dim=1, keepdim=True)
        return (torch.autograd.grad((score(y) * v).sum(), y, create_graph=True)[0] * v).sum(1)


@bank.wrong("hutchinson_trace", "sign", "as it is", "probe", "any numbers")
def _(score, x, probe):
    # makes random signs of the probe
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        v = probe.sign()
        return (torch.autograd.grad((score(y) * v).sum(), y, create_graph=True)[0] * v).sum(1)


@bank.wrong("hutchinson_trace", "passes", "once", "one pass", "D ", "whole Jacobian", "calls")
def _(score, x, probe):
    # right, but a pass for every output
    with torch.enable_grad():
        total = 0
        for i in range(x.shape[1]):
            y = x.detach().requires_grad_()
            g = torch.autograd.grad(score(y)[:, i].sum(), y, create_graph=True)[0]
            total = total + probe[:, i] * (g * probe).sum(1)
        return total


@bank.wrong("hutchinson_trace", "no_grad", "enable_grad")
def _(score, x, probe):
    y = x.detach().requires_grad_()
    return (torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "requires_grad", "change", "detach")
def _(score, x, probe):
    with torch.enable_grad():
        x.requires_grad_()
        return (torch.autograd.grad((score(x) * probe).sum(), x, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "differen", "automatic", "exact", "approximat", "passes")
def _(score, x, probe):
    # a finite difference along the probe
    h = 1e-2
    return (probe * (score(x + h * probe) - score(x))).sum(1) / h


@bank.wrong("hutchinson_trace", "mean", "sum", "dimension", "average")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * probe).mean(1)


@bank.wrong("hutchinson_trace", "square", "norm", "probe", "product")
def _(score, x, probe):
    # ‖vᵀ∇s‖², the estimate of the Jacobian's Frobenius norm
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0].square().sum(1)


@bank.wrong("hutchinson_trace", "own", "each example", "row", "same", "batch", "one probe")
def _(score, x, probe):
    # the first probe for all examples
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        v = probe[:1].expand_as(y)
        return (torch.autograd.grad((score(y) * v).sum(), y, create_graph=True)[0] * v).sum(1)


@bank.wrong("hutchinson_trace", "batch", "mean", "sum", "each example")
def _(score, x, probe):
    # the mean over the batch inside the derivative divides by B
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(1).mean(), y, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "dtype", "float64", "float32")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        g = torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0]
        return (g.float() * probe.float()).sum(1)


@bank.wrong("hutchinson_trace", "sign", "minus", "negative")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return -(torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", "probe", "second", "inputs", "after")
def _(score, x, probe):
    # multiplies by the point instead of the probe
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * y).sum(1)


@bank.wrong("hutchinson_trace", "requires_grad", "change", "probe", "handed")
def _(score, x, probe):
    # makes the probe a part of the graph, and leaves it so
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        probe.requires_grad_()
        return (torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0] * probe).sum(1)


@bank.wrong("hutchinson_trace", ".grad", "backward", "parameters")
def _(score, x, probe):
    # backward also fills the parameters' .grad
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        (score(y) * probe).sum().backward(create_graph=True)
        return (y.grad * probe).sum(1)


# 3.5 sliced_score_matching


@bank.wrong("sliced_score_matching", "first term", "probe", "v · s", "‖s‖²", "norm")
def _(score, x, probe):
    # the form with ½(v · s)²
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * (s * probe).sum(1).square() + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "half", "½", "factor", "first term")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (s.square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "sign", "minus", "added", "second term")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) - (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "probe", "handed", "random", "own")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, v = score(y), torch.randn_like(x).sign()
        g = torch.autograd.grad((s * v).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * v).sum(1)).mean()


@bank.wrong("sliced_score_matching", "create_graph", "gradient", "second term", "detach", "derivative")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, retain_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "gradient", "first term", "detach", "‖s‖²", "norm")
def _(score, x, probe):
    with torch.no_grad():
        norm = score(x).square().sum(1)
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        g = torch.autograd.grad((score(y) * probe).sum(), y, create_graph=True)[0]
        return (0.5 * norm + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "half", "½", "second term", "factor", "twice")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return 0.5 * (s.square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "batch", "mean", "sum", "average")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * probe).sum(1)).sum()


@bank.wrong("sliced_score_matching", "dimension", "mean", "sum", "coordinates", "average")
def _(score, x, probe):
    # one mean over everything
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square() + g * probe).mean()


@bank.wrong("sliced_score_matching", "norm", "unit", "length", "as it is", "probe")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s, v = score(y), torch.nn.functional.normalize(probe, dim=1)
        g = torch.autograd.grad((s * v).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * v).sum(1)).mean()


@bank.wrong("sliced_score_matching", "probe", "exact", "trace", "passes", "ignore")
def _(score, x, probe):
    # the exact trace
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return (0.5 * s.square().sum(1) + trace).mean()


@bank.wrong("sliced_score_matching", "probe", "twice", "second", "inputs", "after")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + g.sum(1)).mean()


@bank.wrong("sliced_score_matching", "no_grad", "enable_grad")
def _(score, x, probe):
    y = x.detach().requires_grad_()
    s = score(y)
    g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
    return (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "first term", "probe", "‖s‖²", "weight")
def _(score, x, probe):
    # every coordinate of s weighted by its probe
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * (s * probe).square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "requires_grad", "change", "detach")
def _(score, x, probe):
    with torch.enable_grad():
        x.requires_grad_()
        s = score(x)
        g = torch.autograd.grad((s * probe).sum(), x, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "shape", "mean", "batch")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return 0.5 * s.square().sum(1) + (g * probe).sum(1)


@bank.wrong("sliced_score_matching", "square", "norm", "first term", "‖s‖²")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.norm(dim=1) + (g * probe).sum(1)).mean()


@bank.wrong("sliced_score_matching", "backward", ".grad", "graph", "parameters")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        loss = (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean()
        if loss.requires_grad:
            loss.backward(retain_graph=True)
        return loss


@bank.wrong("sliced_score_matching", "gradient", "tensor", "item", "float")
def _(score, x, probe):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean().item()


@bank.wrong("sliced_score_matching", "noise", "x + ", "data", "where", "point", "x itself", "score at")
def _(score, x, probe):
    # takes the probe for noise: both terms at x + v
    with torch.enable_grad():
        y = (x + probe).detach().requires_grad_()
        s = score(y)
        g = torch.autograd.grad((s * probe).sum(), y, create_graph=True)[0]
        return (0.5 * s.square().sum(1) + (g * probe).sum(1)).mean()


# 3.6 error_by_density


@bank.wrong("error_by_density", "half", "½", "factor")
def _(score, true_score, x, log_density, edges):
    error = 0.5 * (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "dimension", "sum", "norm", "coordinates", "average")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().mean(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "nan", "empty", "zero")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    means = torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])
    return torch.where(inside.any(0), means, torch.zeros_like(means))


@bank.wrong("error_by_density", "count", "number of points", "added", "+ 1", "divide", "empty")
def _(score, true_score, x, log_density, edges):
    # one more in every count, against division by zero
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    total = torch.stack([error[inside[:, j]].sum() for j in range(len(edges) - 1)])
    return total / (inside.sum(0) + 1)


@bank.wrong("error_by_density", "edge", "≤", "lower", "upper", "left", "belongs")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] > edges[:-1]) & (log_density[:, None] <= edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "last", "edge")
def _(score, true_score, x, log_density, edges):
    # the last bin closed on both sides, as numpy's histogram has it
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    inside[:, -1] |= log_density == edges[-1]
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "outside", "no bin", "below", "beyond", "first edge", "last edge")
def _(score, true_score, x, log_density, edges):
    # points outside go to the nearest bin
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    m = len(edges) - 1
    j = (torch.bucketize(log_density, edges, right=True) - 1).clamp(0, m - 1)
    return torch.stack([error[j == k].mean() for k in range(m)])


@bank.wrong("error_by_density", "number of points", "count", "in the bin", "own", "all points", "divide")
def _(score, true_score, x, log_density, edges):
    # divides by the number of all points
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    total = torch.stack([error[inside[:, j]].sum() for j in range(len(edges) - 1)])
    return torch.where(inside.any(0), total / len(x), torch.full_like(total, torch.nan))


@bank.wrong("error_by_density", "equally", "spaced", "width", "edges")
def _(score, true_score, x, log_density, edges):
    # takes it that all bins are equally wide
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    m = len(edges) - 1
    j = torch.floor((log_density - edges[0]) / ((edges[-1] - edges[0]) / m))
    return torch.stack([error[j == k].mean() for k in range(m)])


@bank.wrong("error_by_density", "flatten", "shape", "image", "dimension", "all of")
def _(score, true_score, x, log_density, edges):
    # right for vectors only: of images, only the first axis is summed
    error = (score(x) - true_score(x)).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "root", "square")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean().sqrt() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "median", "mean")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].median() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "mean", "sum", "divide", "number of points")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    total = torch.stack([error[inside[:, j]].sum() for j in range(len(edges) - 1)])
    return torch.where(inside.any(0), total, torch.full_like(total, torch.nan))


@bank.wrong("error_by_density", "last bin", "shape", "edges", "missing")
def _(score, true_score, x, log_density, edges):
    # one bin too few
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 2)])


@bank.wrong("error_by_density", "shape", "edge", "last", "one too many", "M + 1", "open")
def _(score, true_score, x, log_density, edges):
    # one bin too many: everything from the last edge on
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    j = torch.bucketize(log_density, edges, right=True) - 1
    return torch.stack([error[j == k].mean() for k in range(len(edges))])


@bank.wrong("error_by_density", "difference", "norm of", "square", "before", "direction")
def _(score, true_score, x, log_density, edges):
    # the difference of the squared norms
    error = (score(x).flatten(1).square().sum(1) - true_score(x).flatten(1).square().sum(1)).abs()
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "log", "exp", "density")
def _(score, true_score, x, log_density, edges):
    # compares densities with the edges of log-densities
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    p = log_density.exp()[:, None]
    inside = (p >= edges[:-1]) & (p < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "dtype", "float64", "float32")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    means = torch.full((len(edges) - 1,), torch.nan, device=x.device)
    for j in range(len(means)):
        inside = (log_density >= edges[j]) & (log_density < edges[j + 1])
        if inside.any():
            means[j] = error[inside].mean().float()
    return means


@bank.wrong("error_by_density", "upper", "next edge", "edge", "above", "cumulative")
def _(score, true_score, x, log_density, edges):
    # everything above the lower edge
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    inside = log_density[:, None] >= edges[:-1]
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "empty", "shape", "nan", "left out", "skip")
def _(score, true_score, x, log_density, edges):
    # empty bins are left out
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    means = []
    for j in range(len(edges) - 1):
        inside = (log_density >= edges[j]) & (log_density < edges[j + 1])
        if inside.any():
            means.append(error[inside].mean())
    return torch.stack(means) if means else error.new_empty(0)


@bank.wrong("error_by_density", "order", "sort", "own", "match", "same point")
def _(score, true_score, x, log_density, edges):
    # sorts the log-densities, not the errors
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    ordered = log_density.sort().values[:, None]
    inside = (ordered >= edges[:-1]) & (ordered < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "square", "norm")
def _(score, true_score, x, log_density, edges):
    error = (score(x) - true_score(x)).flatten(1).norm(dim=1)
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([error[inside[:, j]].mean() for j in range(len(edges) - 1)])


@bank.wrong("error_by_density", "weight", "density", "mean", "average", "equal")
def _(score, true_score, x, log_density, edges):
    # weights every point by its density
    error = (score(x) - true_score(x)).flatten(1).square().sum(1)
    p = log_density.exp()
    inside = (log_density[:, None] >= edges[:-1]) & (log_density[:, None] < edges[1:])
    return torch.stack([(p * error)[i].sum() / p[i].sum() for i in inside.T])
