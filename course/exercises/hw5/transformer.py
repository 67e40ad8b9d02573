"""hw5: the block of a diffusion transformer."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.networks import layers

# -- adaptive_layer_norm -----------------------------------------------------------------------------------------------


def _adaptive_cases(draw: Draw) -> list[Case]:
    def case(contrast: float, b: int, n: int, c: int, **how) -> Case:
        spread = draw.uniform(b, n, 1, low=0.5, high=2.0)
        x = contrast * (2 * draw.normal(b, n, 1) + spread * draw.normal(b, n, c))
        told = {name: draw.normal(b, c) for name in ("shift", "scale", "gate")}
        branch = {"weight": draw.normal(c, c) / c**0.5, "mix": draw.normal(c, c) / c**0.5}
        return Case({"x": x, **told, "branch": Given("hw5.Branch", branch)}, **how)

    return [
        case(1.0, 3, 5, 4, gradients=("x", "shift", "scale", "gate", "branch")),
        case(0.005, 2, 7, 6, no_grad=True, magnitude=5),  # variances of the order of 10⁻⁵
    ]


def _adaptive_remark(function) -> str:
    x = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(1, 8)
    still = (function(x, zero, zero, zero, torch.exp) - x).abs().max()
    return f"with the gate at zero, where a transformer of this kind starts, x comes out unchanged (to {still:.0e})."


adaptive_layer_norm = Exercise(
    "adaptive_layer_norm",
    10,
    layers.adaptive_layer_norm,
    _adaptive_cases,
    counted=("branch",),
    remark=_adaptive_remark,
)

EPS = 1e-5


def _unit(x: Tensor, dim=-1, unbiased: bool = False, eps: float = EPS) -> Tensor:
    return (x - x.mean(dim, keepdim=True)) / (x.var(dim, unbiased=unbiased, keepdim=True) + eps).sqrt()


def _modulated(normalized: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return normalized * (1 + scale[:, None]) + shift[:, None]


@adaptive_layer_norm.misconception(
    "you multiply by the scale alone: by 1 + scale, so that a scale of zero leaves the normalized tokens as they are."
)
def scale_alone(x, shift, scale, gate, branch):
    normalized = torch.nn.functional.layer_norm(x, x.shape[-1:])
    return x + gate[:, None] * branch(normalized * scale[:, None] + shift[:, None])


@adaptive_layer_norm.misconception(
    "your function changes in place (`*=`, `+=`) what `branch` returned, which may be its argument: make a new tensor."
)
def gated_in_place(x, shift, scale, gate, branch):
    h = branch(_modulated(_unit(x), shift, scale))
    h *= gate[:, None]
    h += x
    return h


@adaptive_layer_norm.misconception("the gate has no effect: multiply what the branch gives by it, before x is added.")
def gate_missing(x, shift, scale, gate, branch):
    return x + branch(_modulated(_unit(x), shift, scale))


@adaptive_layer_norm.misconception(
    "the gate is 1 + gate in yours: it is the gate alone, so that at zero the block is off."
)
def one_plus_gate(x, shift, scale, gate, branch):
    return layers.adaptive_layer_norm(x, shift, scale, 1 + gate, branch)


@adaptive_layer_norm.misconception("the gate stands before the branch: it multiplies what the branch gives.")
def gate_before_branch(x, shift, scale, gate, branch):
    return x + branch(gate[:, None] * _modulated(_unit(x), shift, scale))


@adaptive_layer_norm.misconception("the gate multiplies x as well: x + gate·branch(…), the gate on the branch alone.")
def gate_on_everything(x, shift, scale, gate, branch):
    return gate[:, None] * (x + branch(_modulated(_unit(x), shift, scale)))


@adaptive_layer_norm.misconception("the skip is missing: add x to the gated branch.")
def skip_left_out(x, shift, scale, gate, branch):
    return gate[:, None] * branch(_modulated(_unit(x), shift, scale))


@adaptive_layer_norm.misconception("you add the normalized x: add x as it came.")
def normalized_skip(x, shift, scale, gate, branch):
    return _unit(x) + gate[:, None] * branch(_modulated(_unit(x), shift, scale))


@adaptive_layer_norm.misconception("you add the modulated x: add x as it came.")
def modulated_skip(x, shift, scale, gate, branch):
    h = _modulated(_unit(x), shift, scale)
    return h + gate[:, None] * branch(h)


@adaptive_layer_norm.misconception("x is not normalized: each token first loses its mean and its scale.")
def not_normalized(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(x, shift, scale))


@adaptive_layer_norm.misconception(
    "you normalize over the tokens, dim 1: layer norm is over the channels of each token."
)
def over_tokens(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(_unit(x, 1), shift, scale))


@adaptive_layer_norm.misconception("you normalize all tokens together: each token is normalized over its own channels.")
def over_everything(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(_unit(x, (1, 2)), shift, scale))


@adaptive_layer_norm.misconception("layer norm uses the biased variance: divide by C, not by C − 1.", credit=0.5)
def unbiased_variance(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(_unit(x, unbiased=True), shift, scale))


@adaptive_layer_norm.misconception(
    "ε is 1e-5 here, not 1e-6: it shows where a token's channels are nearly equal.", credit=0.5
)
def smaller_epsilon(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(_unit(x, eps=1e-6), shift, scale))


@adaptive_layer_norm.misconception(
    "ε is missing: divide by √(variance + 1e-5), or a token of equal channels divides by zero.", credit=0.5
)
def no_epsilon(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch(_modulated(_unit(x, eps=0.0), shift, scale))


@adaptive_layer_norm.misconception(
    "1e-5 is added to the variance, under the root: √(var + 1e-5), not √var + 1e-5.", credit=0.5
)
def epsilon_outside_the_root(x, shift, scale, gate, branch):
    unit = (x - x.mean(-1, keepdim=True)) / (x.std(-1, unbiased=False, keepdim=True) + EPS)
    return x + gate[:, None] * branch(_modulated(unit, shift, scale))


@adaptive_layer_norm.misconception("shift and scale are exchanged: multiply by 1 + scale, then add shift.")
def shift_for_scale(x, shift, scale, gate, branch):
    return layers.adaptive_layer_norm(x, scale, shift, gate, branch)


@adaptive_layer_norm.misconception("the shift is scaled too: multiply by 1 + scale first, then add the shift.")
def shifted_first(x, shift, scale, gate, branch):
    return x + gate[:, None] * branch((_unit(x) + shift[:, None]) * (1 + scale[:, None]))


@adaptive_layer_norm.misconception("you modulate what the branch gives: modulate what goes into it.")
def modulated_after_branch(x, shift, scale, gate, branch):
    return x + gate[:, None] * _modulated(branch(_unit(x)), shift, scale)


@adaptive_layer_norm.misconception(
    "you normalize the sum, at the end: here the branch's input is normalized, and x is not."
)
def normalized_at_the_end(x, shift, scale, gate, branch):
    return _modulated(_unit(x + gate[:, None] * branch(x)), shift, scale)


@adaptive_layer_norm.misconception(
    "shift, scale and gate are (B, C) and the tokens (B, N, C): give each an axis for the tokens, [:, None]."
)
def token_axis_missing(x, shift, scale, gate, branch):
    return x + gate * branch(F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift)


@adaptive_layer_norm.misconception(
    "all examples get the first one's shift, scale and gate: each example has its own row."
)
def first_row_for_all(x, shift, scale, gate, branch):
    shift, scale, gate = (a[:1].expand_as(a) for a in (shift, scale, gate))
    return layers.adaptive_layer_norm(x, shift, scale, gate, branch)
