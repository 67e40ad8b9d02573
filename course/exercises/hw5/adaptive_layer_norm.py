"""5.8, a residual branch whose input is normalized and modulated, and whose output is gated."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.networks import layers


def adaptive_layer_norm(x, shift, scale, gate, branch):
    h = F.layer_norm(x, x.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]
    return x + gate[:, None] * branch(h)


def cases(draw: CaseRng) -> list[Case]:
    def case(contrast: float, b: int, n: int, c: int, **how) -> Case:
        spread = draw.uniform(b, n, 1, low=0.5, high=2.0)
        x = contrast * (2 * draw.normal(b, n, 1) + spread * draw.normal(b, n, c))
        told = {name: draw.normal(b, c) for name in ("shift", "scale", "gate")}
        branch = {"weight": draw.normal(c, c) / c**0.5, "mix": draw.normal(c, c) / c**0.5}
        return Case({"x": x, **told, "branch": FunctionSpec("hw5.Branch", branch)}, **how)

    return [
        case(1.0, 3, 5, 4, gradients=("x", "shift", "scale", "gate", "branch")),
        case(0.005, 2, 7, 6, no_grad=True, magnitude=5),  # variances of the order of 10⁻⁵
    ]


def remark(function) -> str:
    x = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(1, 8)
    still = (function(x, zero, zero, zero, torch.exp) - x).abs().max()
    return f"with the gate at zero, where a transformer of this kind starts, x comes out unchanged (to {still:.0e})."


exercise = Exercise(answer=adaptive_layer_norm, cases=cases, counted=("branch",), remark=remark)
exercise.right(layers.adaptive_layer_norm)

normalized = "F.layer_norm(x, x.shape[-1:])"
modulated = f"{normalized} * (1 + scale[:, None]) + shift[:, None]"
gated = "gate[:, None] * branch(h)"
centred = "(x - x.mean(-1, keepdim=True))"


@exercise.right
def normalized_by_hand(x, shift, scale, gate, branch):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    h = (x - mean) / torch.sqrt(var + 1e-5)
    h = h * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)
    return gate.unsqueeze(1) * branch(h) + x


@exercise.right
def by_a_module(x, shift, scale, gate, branch):
    norm = torch.nn.LayerNorm(x.shape[-1], elementwise_affine=False, dtype=x.dtype, device=x.device)
    shift, scale, gate = (a[:, None].expand_as(x) for a in (shift, scale, gate))
    y = norm(x)
    return torch.addcmul(x, gate, branch(y + y * scale + shift))


exercise.mistake(
    f"""{normalized} → torch.nn.functional.layer_norm(x, x.shape[-1:])
        1 + scale[:, None] → scale[:, None]""",
    "you multiply by the scale alone: by 1 + scale, so that a scale of zero leaves the normalized tokens as they are.",
)
exercise.mistake(
    f"x + {gated} → branch(h).mul_(gate[:, None]).add_(x)",
    "your function changes in place (`*=`, `+=`) what `branch` returned, which may be its argument: make a new tensor.",
)
exercise.mistake(
    f"{gated} → branch(h)",
    "the gate has no effect: multiply what the branch gives by it, before x is added.",
)
exercise.mistake(
    f"{gated} → (1 + gate[:, None]) * branch(h)",
    "the gate is 1 + gate in yours: it is the gate alone, so that at zero the block is off.",
)
exercise.mistake(
    f"{gated} → branch(gate[:, None] * h)",
    "the gate stands before the branch: it multiplies what the branch gives.",
)
exercise.mistake(
    f"x + {gated} → gate[:, None] * (x + branch(h))",
    "the gate multiplies x as well: x + gate·branch(…), the gate on the branch alone.",
)
exercise.mistake(f"x + {gated} → {gated}", "the skip is missing: add x to the gated branch.")
exercise.mistake(f"x + {gated} → {normalized} + {gated}", "you add the normalized x: add x as it came.")
exercise.mistake(f"x + {gated} → h + {gated}", "you add the modulated x: add x as it came.")
exercise.mistake(f"{normalized} → x", "x is not normalized: each token first loses its mean and its scale.")
exercise.mistake(
    f"{normalized} → F.layer_norm(x.mT, x.shape[1:2]).mT",
    "you normalize over the tokens, dim 1: layer norm is over the channels of each token.",
)
exercise.mistake(
    f"{normalized} → F.layer_norm(x, x.shape[1:])",
    "you normalize all tokens together: each token is normalized over its own channels.",
)
exercise.mistake(
    f"{normalized} → {centred} / (x.var(-1, keepdim=True) + 1e-5).sqrt()",
    "layer norm uses the biased variance: divide by C, not by C − 1.",
    credit=0.5,
)
exercise.mistake(
    f"{normalized} → F.layer_norm(x, x.shape[-1:], eps=1e-6)",
    "ε is 1e-5 here, not 1e-6: it shows where a token's channels are nearly equal.",
    credit=0.5,
)
exercise.mistake(
    f"{normalized} → F.layer_norm(x, x.shape[-1:], eps=0.0)",
    "ε is missing: divide by √(variance + 1e-5), or a token of equal channels divides by zero.",
    credit=0.5,
)
exercise.mistake(
    f"{normalized} → {centred} / (x.std(-1, keepdim=True, unbiased=False) + 1e-5)",
    "1e-5 is added to the variance, under the root: √(var + 1e-5), not √var + 1e-5.",
    credit=0.5,
)
exercise.mistake(
    f"{modulated} → {normalized} * (1 + shift[:, None]) + scale[:, None]",
    "shift and scale are exchanged: multiply by 1 + scale, then add shift.",
)
exercise.mistake(
    f"{modulated} → ({normalized} + shift[:, None]) * (1 + scale[:, None])",
    "the shift is scaled too: multiply by 1 + scale first, then add the shift.",
)
exercise.mistake(
    f"""{modulated} → {normalized}
        branch(h) → (branch(h) * (1 + scale[:, None]) + shift[:, None])""",
    "you modulate what the branch gives: modulate what goes into it.",
)
exercise.mistake(
    f"""{modulated} → x + gate[:, None] * branch(x)
        x + {gated} → F.layer_norm(h, h.shape[-1:]) * (1 + scale[:, None]) + shift[:, None]""",
    "you normalize the sum, at the end: here the branch's input is normalized, and x is not.",
)
exercise.mistake(
    """shift[:, None] → shift
       scale[:, None] → scale
       gate[:, None] → gate""",
    "shift, scale and gate are (B, C) and the tokens (B, N, C): give each an axis for the tokens, [:, None].",
)
exercise.mistake(
    """shift[:, None] → shift[:1, None]
       scale[:, None] → scale[:1, None]
       gate[:, None] → gate[:1, None]""",
    "all examples get the first one's shift, scale and gate: each example has its own row.",
)
