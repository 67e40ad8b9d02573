"""5.2, instance norm++: channels normalized over their pixels, their normalized means added at a learned scale."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.networks import layers


def conditional_instance_norm(x, gamma, alpha, beta):
    mu = x.mean(dim=(2, 3), keepdim=True)
    normalized = (x - mu) / (x.var(dim=(2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    means = (mu - mu.mean(dim=1, keepdim=True)) / (mu.var(dim=1, keepdim=True) + 1e-5).sqrt()
    gamma, alpha, beta = (a[:, :, None, None] for a in (gamma, alpha, beta))
    return gamma * (normalized + alpha * means) + beta


def cases(draw: CaseRng) -> list[Case]:
    def case(contrast: float, offset: float, b: int, c: int, h: int, w: int, **how) -> Case:
        spread = draw.uniform(b, c, 1, 1, low=0.5, high=2.0)
        x = offset + contrast * (2 * draw.normal(b, c, 1, 1) + spread * draw.normal(b, c, h, w))
        told = {"gamma": 1 + draw.normal(b, c) / 2, "alpha": 1 + draw.normal(b, c), "beta": draw.normal(b, c)}
        return Case({"x": x, **told}, **how)

    return [
        case(1.0, 0.5, 2, 3, 4, 5, gradients=("x", "gamma", "alpha", "beta")),
        case(0.005, 0.0, 6, 4, 3, 2, magnitude=5),  # variances of the order of 10⁻⁵
        case(1.0, 1000.0, 3, 5, 6, 4, no_grad=True, magnitude=1000),
    ]


def remark(function) -> str:
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    brighter = x + torch.tensor([-2.0, 3.0, 1.0]).reshape(1, 3, 1, 1)
    one, zero = torch.ones(1, 3), torch.zeros(1, 3)
    blind, seeing = ((function(x, one, a, zero) - function(brighter, one, a, zero)).abs().max() for a in (zero, one))
    return (
        f"channels made brighter or darker: at α = 0 the result moves by {blind:.0e}, at α = 1 by {seeing:.1f}: "
        "α decides what is remembered."
    )


exercise = Exercise(answer=conditional_instance_norm, cases=cases, remark=remark)
exercise.right(layers.conditional_instance_norm)


@exercise.right
def by_hand(x, gamma, alpha, beta):
    wide = lambda a: a[:, :, None, None]
    mean = x.mean((2, 3))
    normalized = (x - wide(mean)) / torch.sqrt(wide(x.var((2, 3), unbiased=False)) + 1e-5)
    between = (mean - mean.mean(1, keepdim=True)) / torch.sqrt(mean.var(1, keepdim=True) + 1e-5)
    return wide(gamma) * (normalized + wide(alpha) * wide(between)) + wide(beta)


@exercise.right
def as_published(x, gamma, alpha, beta):
    """As Song's own code has it."""
    means = torch.mean(x, dim=(2, 3))
    m, v = means.mean(dim=-1, keepdim=True), means.var(dim=-1, keepdim=True)
    means = (means - m) / torch.sqrt(v + 1e-5)
    h = torch.nn.InstanceNorm2d(x.shape[1], affine=False)(x)
    h = h + means[..., None, None] * alpha[..., None, None]
    return gamma.view(*gamma.shape, 1, 1) * h + beta.view(*beta.shape, 1, 1)


@exercise.right
def image_by_image(x, gamma, alpha, beta):
    def one(x, gamma, alpha, beta):
        mean = x.flatten(1).mean(1)
        centred = x - mean[:, None, None]
        unit = centred * (centred.square().flatten(1).mean(1) + 1e-5).rsqrt()[:, None, None]
        c = mean - mean.mean()
        between = c * (c.square().sum() / (len(c) - 1) + 1e-5).rsqrt()
        return torch.einsum("c,chw->chw", gamma, unit + (alpha * between)[:, None, None]) + beta[:, None, None]

    return torch.stack([one(*row) for row in zip(x, gamma, alpha, beta)])


@exercise.right
def by_group_norm(x, gamma, alpha, beta):
    mean = x.mean((-2, -1), keepdim=True)
    between = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, keepdim=True) + 1e-5) ** 0.5
    gamma, alpha, beta = (a.unsqueeze(-1).unsqueeze(-1) for a in (gamma, alpha, beta))
    return F.group_norm(x, x.shape[1], eps=1e-5).mul(gamma) + between * alpha * gamma + beta


of_pixels = "x.var(dim=(2, 3), keepdim=True, unbiased=False)"
of_channels = "mu.var(dim=1, keepdim=True)"
centred = "mu - mu.mean(dim=1, keepdim=True)"

exercise.right(
    f"{centred} → mu.sub_(mu.mean(dim=1, keepdim=True))",
    "`mu` is the function's own, and a variance does not see what is subtracted from all",
)
exercise.right("normalized + alpha * means → normalized.add_(alpha * means)", "`normalized` is the function's own")
exercise.mistake(
    "normalized + alpha * means → normalized",
    "the channels' means are lost, since α has no effect: add α times the normalized means before γ multiplies.",
)
exercise.mistake(
    f"{of_pixels} → x.var(dim=(2, 3), keepdim=True)",
    "the variance over pixels is the biased one: divide by H·W, with unbiased=False.",
    credit=0.5,
)
exercise.mistake(
    f"{of_channels} → mu.var(dim=1, keepdim=True, unbiased=False)",
    "the variance of the means over channels is the unbiased one: divide by C − 1, torch's default.",
    credit=0.5,
)
exercise.mistake(
    "alpha * means → alpha * mu",
    "α multiplies the means as they are: normalize them over the channels first (subtract their mean, divide by √(var "
    "+ 1e-5)).",
)
exercise.mistake(
    f"({centred}) / ({of_channels} + 1e-5).sqrt() → {centred}",
    "your means are only centred: divide them by √(their variance over channels + 1e-5) too.",
)
exercise.mistake(
    f"""{centred} → mu - mu.mean(dim=0, keepdim=True)
        {of_channels} → mu.var(dim=0, keepdim=True)""",
    "your means are normalized over the batch, so that images influence one another: normalize over channels, dim 1.",
)
exercise.mistake(
    f"""x - mu → x - x.mean(dim=(0, 2, 3), keepdim=True)
        {of_pixels} → x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)""",
    "that is batch norm: each image's own pixels, dims 2 and 3, not those of all.",
)
exercise.mistake(
    f"""x - mu → x - x.mean(dim=(1, 2, 3), keepdim=True)
        {of_pixels} → x.var(dim=(1, 2, 3), keepdim=True, unbiased=False)""",
    "that is layer norm: each channel is normalized by its own mean and variance over dims 2 and 3 alone.",
)
exercise.mistake(
    "gamma * (normalized + alpha * means) → gamma * normalized + alpha * means",
    "γ multiplies the sum of both terms, the normalized means too: γ·(x̂ + α·μ̂) + β.",
)
exercise.mistake(
    "gamma * (normalized + alpha * means) + beta → gamma * (normalized + alpha * means + beta)",
    "γ multiplies β as well: β is added last, γ·(x̂ + α·μ̂) + β.",
)
exercise.mistake(
    "gamma * (normalized + alpha * means) → (1 + gamma) * (normalized + alpha * means)",
    "you multiply by 1 + γ: here the scale is γ itself.",
)
exercise.mistake("x - mu → x", "the mean stays in x̂: subtract it before you divide.")
exercise.mistake(
    f"""({of_pixels} + 1e-5).sqrt() → ({of_pixels}.sqrt() + 1e-5)
        ({of_channels} + 1e-5).sqrt() → ({of_channels}.sqrt() + 1e-5)""",
    "1e-5 is added to the variances, under the root: √(var + 1e-5), not √var + 1e-5.",
    credit=0.5,
)
exercise.mistake(
    f"""{of_pixels} + 1e-5 → {of_pixels}
        {of_channels} + 1e-5 → {of_channels}""",
    "without 1e-5 under the root, a flat channel divides by zero: √(var + 1e-5), for pixels and for means.",
    credit=0.5,
)
exercise.mistake(
    "a[:, :, None, None] → a[:1, :, None, None]",
    "every image gets the γ, α and β of the first: each row of them belongs to one image, at its own noise level.",
)
exercise.mistake(
    f"{of_pixels} → ((x * x).mean(dim=(2, 3), keepdim=True) - mu * mu).relu()",
    "the variance as E[x²] − E[x]² subtracts two huge numbers where an image is bright: use x.var or centre x first.",
    credit=0.5,
)
exercise.mistake(
    f"({of_pixels} + 1e-5).sqrt() → ({of_pixels} + 1e-5)",
    "you divide by the variance: divide by its root, the standard deviation.",
)
