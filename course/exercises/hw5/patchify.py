"""5.6, images cut into patches of p × p pixels, row by row; within a token channel, then row, then column."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.networks import layers


def patchify(x, p):
    b, c, h, w = x.shape
    cut = x.reshape(b, c, h // p, p, w // p, p)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // p) * (w // p), c * p * p)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, c: int, h: int, w: int, p: int, **how) -> Case:
        return Case({"x": draw.normal(b, c, h, w), "p": p}, **how)

    return [case(7, 2, 12, 15, 3, gradients=("x",)), case(6, 3, 10, 8, 2, no_grad=True), case(5, 4, 2, 3, 1)]


def remark(function) -> str:
    tokens = function(torch.arange(256.0).reshape(1, 1, 16, 16), 4)
    return f"16 × 16 pixels in patches of 4 × 4 are {tokens.shape[1]} tokens of {tokens.shape[2]} numbers."


exercise = Exercise(answer=patchify, cases=cases, remark=remark)
exercise.right(layers.patchify)


@exercise.right
def unfolded(x, p):
    return F.unfold(x, p, stride=p).transpose(1, 2)


@exercise.right
def by_unshuffling_pixels(x, p):
    return F.pixel_unshuffle(x, p).flatten(2).mT


@exercise.right
def patch_by_patch(x, p):
    _, _, h, w = x.shape
    corners = [(i, j) for i in range(0, h, p) for j in range(0, w, p)]
    return torch.stack([x[:, :, i : i + p, j : j + p].flatten(1) for i, j in corners], dim=1)


@exercise.right
def by_sliding_windows(x, p):
    windows = x.unfold(2, p, p).unfold(3, p, p)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2).contiguous()


permuted = "cut.permute(0, 2, 4, 1, 3, 5)"
tokens = f"{permuted}.reshape(b, (h // p) * (w // p), c * p * p)"

exercise.mistake(
    f"{permuted} → cut",
    "a reshape alone cuts the image into runs of consecutive pixels, not into squares: split rows and columns, "
    "permute, then reshape.",
)
exercise.mistake(
    f"{permuted} → cut.permute(0, 2, 4, 3, 5, 1)",
    "within a token you put the channels last: the order is channel, then row, then column.",
)
exercise.mistake(
    f"{permuted} → cut.permute(0, 2, 4, 1, 5, 3)",
    "within a token your pixels go column by column: the order is channel, then row, then column.",
)
exercise.mistake(
    f"{permuted} → cut.permute(0, 4, 2, 1, 3, 5)",
    "your patches go column by column: they go row by row, as one reads.",
)
exercise.mistake(
    f"""x.reshape(b, c, h // p, p, w // p, p) → x.reshape(b, c, p, h // p, p, w // p)
        {permuted} → cut.permute(0, 3, 5, 1, 2, 4)""",
    "each of your tokens takes every so many pixels from the whole image: a patch is p × p neighbouring pixels, so "
    "split H into (H/p, p), in this order.",
)
exercise.mistake(
    f"{tokens} → F.unfold(x, p, stride=p)",
    "your tokens stand in the last axis, as F.unfold leaves them: transpose to (B, N, C·p·p).",
)
exercise.mistake(
    f"{permuted} → cut.transpose(3, 4)",
    "each channel has tokens of its own: a token holds all the channels of its patch.",
)
exercise.mistake(
    f"{tokens} → {permuted}.reshape(b, h // p, w // p, c * p * p)",
    "the grid of patches is kept as two axes: flatten it row by row, so that tokens are (B, N, C·p·p).",
)
