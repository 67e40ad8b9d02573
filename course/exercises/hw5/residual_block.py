"""5.4, a residual block: x + conv2(silu(conv1(silu(x)) + project(e)))."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw5.shared import conv
from course.networks import layers


def residual_block(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x)) + project(embedding)[:, :, None, None]
    return x + conv2(F.silu(h))


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, c: int, h: int, w: int, e: int, **how) -> Case:
        project = FunctionSpec("hw5.Linear", {"weight": draw.normal(c, e) / e**0.5, "bias": draw.normal(c)})
        given = {"conv1": conv(draw, c, c), "conv2": conv(draw, c, c), "project": project}
        return Case({"x": draw.normal(b, c, h, w), "embedding": draw.normal(b, e), **given}, **how)

    everything = ("x", "embedding", "conv1", "conv2", "project")
    saturated = case(3, 5, 2, 4, 6, magnitude=100)
    saturated.arguments["x"] *= 20  # a sigmoid of which nothing is clamped
    return [
        case(5, 2, 3, 7, 4, no_grad=True),
        case(2, 3, 4, 5, 6),
        case(4, 6, 5, 3, 7, gradients=everything),
        saturated,
    ]


def remark(function) -> str:
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    same = function(x, torch.ones(1, 2), lambda h: 2 * h, lambda h: 0 * h, lambda e: torch.ones(1, 4))
    return (
        f"where conv2 gives zero, x comes out unchanged (to {(same - x).abs().max():.0e}): a fresh block does no harm."
    )


exercise = Exercise(answer=residual_block, cases=cases, counted=("conv1", "conv2", "project"), remark=remark)
exercise.right(layers.residual_block)

told = "project(embedding)[:, :, None, None]"
first = f"conv1(F.silu(x)) + {told}"


@exercise.right
def step_by_step(x, embedding, conv1, conv2, project):
    h = x * x.sigmoid()
    h = conv1(h)
    told = project(embedding)
    h = h + told.reshape(*told.shape, 1, 1).expand_as(h)
    h = conv2(h * h.sigmoid())
    return h + x


exercise.right(
    f"""{told} → project(embedding).unsqueeze(-1).unsqueeze(-1)
        x + conv2(F.silu(h)) → torch.add(conv2(torch.nn.SiLU(inplace=True)(h)), x)"""
)
exercise.mistake(
    """F.silu(x) → x * torch.sigmoid(x)
       x + conv2(F.silu(h)) → conv2(h * torch.sigmoid(h))""",
    "the skip is missing: add the block's input x to what conv2 gives.",
)
exercise.mistake(
    f"{first} → conv1(F.silu(x))",
    "the embedding has no effect, so the block does not know the time: add project(embedding) after conv1.",
)
exercise.mistake(
    "x + conv2(F.silu(h)) → F.silu(x) + conv2(F.silu(h))",
    "the skip adds silu(x): add x itself, so that the block can be the identity.",
)
exercise.mistake("F.silu(x) → x", "the first silu is missing: conv1 gets silu(x).")
exercise.mistake("F.silu(h) → h", "the second silu is missing: conv2 gets silu(conv1(…) + project(embedding)).")
exercise.mistake(
    """F.silu(x) → x
       conv2(F.silu(h)) → F.silu(conv2(F.silu(h)))""",
    "your silus come after the convolutions: here each stands before one, and the sum with x is left as it is.",
)
exercise.mistake(
    f"{first} → conv1(F.silu(x + {told}))",
    "the projection is added to x, before conv1: add it to what conv1 gives.",
)
exercise.mistake(
    f"""{first} → conv1(F.silu(x))
        conv2(F.silu(h)) → conv2(F.silu(h)) + {told}""",
    "the projection is added at the end: add it between the convolutions, before the silu.",
)
exercise.mistake(
    f"""{first} → conv1(F.silu(x))
        F.silu(h) → F.silu(h) + {told}""",
    "the projection is added after the second silu: add it before, or it moves the image by a constant only.",
)
exercise.mistake(
    "project(embedding) → project(F.silu(embedding))", "project gets the embedding itself, without a silu."
)
exercise.mistake(f"{first} → conv1(F.silu(x)) * {told}", "the projection multiplies: here it is added at every pixel.")
exercise.mistake(
    """conv1(F.silu(x)) → conv2(F.silu(x))
       conv2(F.silu(h)) → conv1(F.silu(h))""",
    "conv1 and conv2 are exchanged: conv1 comes first.",
)
exercise.mistake(
    """F.silu(x) → F.relu(x)
       F.silu(h) → F.relu(h)""",
    "that is relu: the activation here is silu, x·sigmoid(x).",
)
exercise.mistake(
    """F.silu(x) → F.gelu(x)
       F.silu(h) → F.gelu(h)""",
    "that is gelu: the activation here is silu, x·sigmoid(x).",
)
exercise.mistake(
    "F.silu(x) → F.silu(x, inplace=True)",
    "`inplace=True` overwrites x, which its caller and the skip still need: use F.silu(x), which makes a new tensor.",
)
exercise.mistake(
    f"{first} → conv1(F.silu(x)).add_({told})",
    "your function changes in place (`+=`) what `conv1` returned, which may be its argument: make a new tensor.",
)
exercise.mistake(
    "x + conv2(F.silu(h)) → conv2(F.silu(h)).add_(x)",
    "your function changes in place (`+=`) what `conv2` returned, which may be its argument: make a new tensor.",
)
exercise.mistake(
    f"{told} → project(embedding)",
    "project(embedding) is (B, C) and the image (B, C, H, W): give it two more axes, [:, :, None, None].",
)
exercise.mistake(
    f"{told} → project(embedding).mean(0)[:, None, None]",
    "all images get the mean of the projections: each image has its own time, so each gets its own row.",
)
