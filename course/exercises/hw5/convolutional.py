"""hw5: what two convolutions add to an image."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.networks import layers


def conv(draw: Draw, fan_in: int, fan_out: int) -> Given:
    """A convolution of 3 × 3 with a bias."""
    weight = draw.normal(fan_out, fan_in, 3, 3) / (3 * fan_in**0.5)
    return Given("hw5.Conv", {"weight": weight, "bias": draw.normal(fan_out)})


# -- residual_block ----------------------------------------------------------------------------------------------------


def _block_cases(draw: Draw) -> list[Case]:
    def case(b: int, c: int, h: int, w: int, e: int, **how) -> Case:
        project = Given("hw5.Linear", {"weight": draw.normal(c, e) / e**0.5, "bias": draw.normal(c)})
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


def _block_remark(function) -> str:
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    same = function(x, torch.ones(1, 2), lambda h: 2 * h, lambda h: 0 * h, lambda e: torch.ones(1, 4))
    return (
        f"where conv2 gives zero, x comes out unchanged (to {(same - x).abs().max():.0e}): a fresh block does no harm."
    )


residual_block = Exercise(
    "residual_block",
    10,
    layers.residual_block,
    _block_cases,
    counted=("conv1", "conv2", "project"),
    remark=_block_remark,
)


def _told(h, embedding, project):
    return h + project(embedding)[:, :, None, None]


@residual_block.misconception("the skip is missing: add the block's input x to what conv2 gives.")
def skip_missing(x, embedding, conv1, conv2, project):
    h = conv1(x * torch.sigmoid(x)) + project(embedding)[:, :, None, None]
    return conv2(h * torch.sigmoid(h))


@residual_block.misconception(
    "the embedding has no effect, so the block does not know the time: add project(embedding) after conv1."
)
def time_ignored(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x))))


@residual_block.misconception("the skip adds silu(x): add x itself, so that the block can be the identity.")
def skip_after_silu(x, embedding, conv1, conv2, project):
    h = F.silu(x)
    return h + conv2(F.silu(_told(conv1(h), embedding, project)))


@residual_block.misconception("the first silu is missing: conv1 gets silu(x).")
def first_silu_missing(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(_told(conv1(x), embedding, project)))


@residual_block.misconception("the second silu is missing: conv2 gets silu(conv1(…) + project(embedding)).")
def second_silu_missing(x, embedding, conv1, conv2, project):
    return x + conv2(_told(conv1(F.silu(x)), embedding, project))


@residual_block.misconception(
    "your silus come after the convolutions: here each stands before one, and the sum with x is left as it is."
)
def silu_after(x, embedding, conv1, conv2, project):
    return x + F.silu(conv2(F.silu(_told(conv1(x), embedding, project))))


@residual_block.misconception("the projection is added to x, before conv1: add it to what conv1 gives.")
def told_before_conv1(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(_told(x, embedding, project)))))


@residual_block.misconception("the projection is added at the end: add it between the convolutions, before the silu.")
def told_at_the_end(x, embedding, conv1, conv2, project):
    return x + _told(conv2(F.silu(conv1(F.silu(x)))), embedding, project)


@residual_block.misconception(
    "the projection is added after the second silu: add it before, or it moves the image by a constant only."
)
def told_after_silu(x, embedding, conv1, conv2, project):
    return x + conv2(_told(F.silu(conv1(F.silu(x))), embedding, project))


@residual_block.misconception("project gets the embedding itself, without a silu.")
def silu_of_embedding(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(_told(conv1(F.silu(x)), F.silu(embedding), project)))


@residual_block.misconception("the projection multiplies: here it is added at every pixel.")
def told_by_a_factor(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x)) * project(embedding)[:, :, None, None]))


@residual_block.misconception("conv1 and conv2 are exchanged: conv1 comes first.")
def convolutions_exchanged(x, embedding, conv1, conv2, project):
    return layers.residual_block(x, embedding, conv2, conv1, project)


@residual_block.misconception("that is relu: the activation here is silu, x·sigmoid(x).")
def relu(x, embedding, conv1, conv2, project):
    return x + conv2(F.relu(_told(conv1(F.relu(x)), embedding, project)))


@residual_block.misconception("that is gelu: the activation here is silu, x·sigmoid(x).")
def gelu(x, embedding, conv1, conv2, project):
    return x + conv2(F.gelu(_told(conv1(F.gelu(x)), embedding, project)))


@residual_block.misconception(
    "`inplace=True` overwrites x, which its caller and the skip still need: use F.silu(x), which makes a new tensor."
)
def silu_in_place(x, embedding, conv1, conv2, project):
    h = F.silu(x, inplace=True)
    return x + conv2(F.silu(_told(conv1(h), embedding, project)))


@residual_block.misconception(
    "your function changes in place (`+=`) what `conv1` returned, which may be its argument: make a new tensor."
)
def told_in_place(x, embedding, conv1, conv2, project):
    h = conv1(F.silu(x))
    h += project(embedding)[:, :, None, None]
    return x + conv2(F.silu(h))


@residual_block.misconception(
    "your function changes in place (`+=`) what `conv2` returned, which may be its argument: make a new tensor."
)
def skip_in_place(x, embedding, conv1, conv2, project):
    h = conv2(F.silu(_told(conv1(F.silu(x)), embedding, project)))
    h += x
    return h


@residual_block.misconception(
    "project(embedding) is (B, C) and the image (B, C, H, W): give it two more axes, [:, :, None, None]."
)
def axes_missing(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x)) + project(embedding)))


@residual_block.misconception(
    "all images get the mean of the projections: each image has its own time, so each gets its own row."
)
def told_on_average(x, embedding, conv1, conv2, project):
    return x + conv2(F.silu(conv1(F.silu(x)) + project(embedding).mean(0)[:, None, None]))
