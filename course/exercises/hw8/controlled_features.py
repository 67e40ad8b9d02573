"""8.3, control that begins by doing nothing: it is added through a convolution that starts at zero."""

import torch
from torch.nn import functional as F  # noqa: F401 (in patches)

from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.mistakes import IN_PLACE


def controlled_features(features, control, zero_conv):
    return features + zero_conv(control)


def conv(draw: CaseRng, fan_in: int, fan_out: int, zero: bool = False) -> FunctionSpec:
    """A convolution as it is at initialization, or after some training."""
    tensors = {"weight": draw.normal(fan_out, fan_in) / fan_in**0.5, "bias": draw.normal(fan_out)}
    return FunctionSpec("hw8.PointwiseConv", {name: 0 * t if zero else t for name, t in tensors.items()})


def cases(draw: CaseRng) -> list[Case]:
    def case(given: FunctionSpec, b: int, c: int, k: int, h: int, w: int, **how) -> Case:
        arguments = {"features": 1 + draw.normal(b, c, h, w), "control": 2 * draw.normal(b, k, h, w) - 0.5}
        return Case({**arguments, "zero_conv": given}, **how)

    everything = ("features", "control", "zero_conv")
    return [
        case(conv(draw, 3, 3), 4, 3, 3, 5, 2, gradients=everything),
        case(conv(draw, 2, 3, zero=True), 2, 3, 2, 4, 6, gradients=everything),
        case(conv(draw, 1, 4), 3, 4, 1, 2, 3, no_grad=True),
        case(FunctionSpec("hw8.Unchanged", {}), 3, 2, 2, 3, 2),
        case(conv(draw, 2, 1), 1, 1, 2, 1, 1),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    features, control = (torch.randn(2, c, 4, 4, generator=generator) for c in (8, 3))
    zero = FunctionSpec("hw8.PointwiseConv", {"weight": torch.zeros(8, 3), "bias": torch.zeros(8)}).build()
    after = function(features, control, zero)
    (slope,) = torch.autograd.grad(after.square().sum(), list(zero.parameters())[:1])
    moved, length = (after - features).abs().max(), slope.norm()
    return (
        f"at initialization it changes the features by {moved:g}, and its gradient has length {length:.0f}: it learns."
    )


exercise = Exercise(answer=controlled_features, cases=cases, counted=("zero_conv",), remark=remark)
SUM = "features + zero_conv(control)"


@exercise.right
def in_a_new_tensor(features, control, zero_conv):
    out = features.clone()
    out += zero_conv(control)
    return out


exercise.right(f"{SUM} → torch.add(zero_conv(control), features)")
exercise.right(f"{SUM} → torch.stack([features, zero_conv(control)]).sum(dim=0)")
exercise.right("zero_conv(control) → zero_conv(control.clone())")

exercise.mistake(
    f"{SUM} → features + control",
    "the convolution is not used, so the control is let in from the first step on: add zero_conv(control).",
)
exercise.mistake(
    f"{SUM} → zero_conv(control)",
    "the features are gone: at initialization that is zero, and the frozen network sees nothing. Add them.",
)
exercise.mistake(f"{SUM} → features.clone()", "the control has no effect: add zero_conv(control).")
exercise.mistake(
    f"{SUM} → features * zero_conv(control)",
    "the features are multiplied by the control, which is zero at initialization: add it.",
)
exercise.mistake(
    f"{SUM} → features * (1 + zero_conv(control))",
    f"{SUM} → features * zero_conv(control).exp()",
    "that scales the features by the control: it begins by doing nothing too, but here the control is added.",
)
exercise.mistake(
    f"{SUM} → features - zero_conv(control)",
    "the control is subtracted: it is added.",
)
exercise.mistake(
    f"{SUM} → control + zero_conv(features)",
    "features and control are swapped: the convolution works on the control.",
)
exercise.mistake(
    f"{SUM} → zero_conv(features + control)",
    "the convolution is around the sum, so it blocks the features too: it works on the control alone.",
)
exercise.mistake(
    f"{SUM} → features + zero_conv(features + control)",
    "the convolution is given features and control together: it works on the control alone.",
)
exercise.mistake(
    f"{SUM} → features + zero_conv(zero_conv(control))",
    f"{SUM} → features + 0.5 * (zero_conv(control) + zero_conv(control))",
    "the convolution is applied twice: once is asked for.",
)
exercise.mistake(
    f"{SUM} → (features + zero_conv(control)) / 2",
    "you average, so that even a silent control halves the features: add.",
)
exercise.mistake(
    f"{SUM} → F.relu(features + zero_conv(control))",
    f"{SUM} → F.silu(features + zero_conv(control))",
    f"{SUM} → torch.tanh(features + zero_conv(control))",
    "a nonlinearity follows the sum, so at initialization the features are not what they were: return the sum itself.",
)
exercise.mistake(
    f"{SUM} → features + F.relu(zero_conv(control))",
    f"{SUM} → features + F.silu(zero_conv(control))",
    f"{SUM} → features + torch.tanh(zero_conv(control))",
    "a nonlinearity follows the convolution: where it is flat at zero nothing is ever learned. Add what it returns.",
)
exercise.mistake(
    f"{SUM} → torch.cat([features, zero_conv(control)], dim=1)",
    "features and control stand side by side, in twice as many channels, which the frozen network cannot take: add "
    "them.",
)
exercise.mistake(
    "zero_conv(control) → zero_conv(control).detach()",
    "what the convolution returns is detached, so it gets no gradient and stays zero forever.",
)
exercise.mistake(
    "zero_conv(control) → zero_conv(control.detach())",
    "the control is detached: once the convolution is not zero any more, the network that made the control must learn "
    "too.",
)
exercise.mistake(
    f"{SUM} → features.detach() + zero_conv(control)",
    "the features are detached: the frozen network's weights are not trained, but gradients must pass through it to "
    "controls "
    "further down.",
)
exercise.mistake(
    f"{SUM} → features.add_(zero_conv(control))",
    f"{SUM} → features.data.add_(zero_conv(control))",
    "the features are changed in place (`+=`), and the frozen network still needs them: make a new tensor.",
)
exercise.mistake(f"{SUM} → zero_conv(control).add_(features)", IN_PLACE.format("zero_conv"))
exercise.mistake(
    "zero_conv(control) → zero_conv(control).mean((2, 3), keepdim=True)",
    "the control is averaged over the picture, so it no longer says where: add it place by place.",
)
