"""hw5: images as tokens, and back."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise
from course.networks import layers

# -- patchify ----------------------------------------------------------------------------------------------------------


def _patch_cases(draw: Draw) -> list[Case]:
    def case(b: int, c: int, h: int, w: int, p: int, **how) -> Case:
        return Case({"x": draw.normal(b, c, h, w), "p": p}, **how)

    return [case(7, 2, 12, 15, 3, gradients=("x",)), case(6, 3, 10, 8, 2, no_grad=True), case(5, 4, 2, 3, 1)]


def _patch_remark(function) -> str:
    tokens = function(torch.arange(256.0).reshape(1, 1, 16, 16), 4)
    return f"16 × 16 pixels in patches of 4 × 4 are {tokens.shape[1]} tokens of {tokens.shape[2]} numbers."


patchify = Exercise("patchify", 8, layers.patchify, _patch_cases, remark=_patch_remark)


def _cut(x: Tensor, p: int) -> Tensor:
    """(B, C, rows of patches, row in a patch, columns of patches, column in a patch)."""
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p)


@patchify.misconception(
    "a reshape alone cuts the image into runs of consecutive pixels, not into squares: split rows and columns, "
    "permute, then reshape."
)
def only_reshaped(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, (h // p) * (w // p), c * p * p)


@patchify.misconception("within a token you put the channels last: the order is channel, then row, then column.")
def channels_last(x, p):
    return _cut(x, p).permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


@patchify.misconception("within a token your pixels go column by column: the order is channel, then row, then column.")
def columns_in_patch(x, p):
    return _cut(x, p).permute(0, 2, 4, 1, 5, 3).flatten(3).flatten(1, 2)


@patchify.misconception("your patches go column by column: they go row by row, as one reads.")
def patches_by_columns(x, p):
    return _cut(x, p).permute(0, 4, 2, 1, 3, 5).flatten(3).flatten(1, 2)


@patchify.misconception(
    "each of your tokens takes every so many pixels from the whole image: a patch is p × p neighbouring pixels, so "
    "split H into (H/p, p), in this order."
)
def scattered(x, p):
    b, c, h, w = x.shape
    return x.reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 1, 2, 4).flatten(3).flatten(1, 2)


@patchify.misconception("your tokens stand in the last axis, as F.unfold leaves them: transpose to (B, N, C·p·p).")
def tokens_last(x, p):
    return F.unfold(x, p, stride=p)


@patchify.misconception("each channel has tokens of its own: a token holds all the channels of its patch.")
def a_token_for_each_channel(x, p):
    b, c, h, w = x.shape
    return _cut(x, p).transpose(3, 4).reshape(b, (h // p) * (w // p), c * p * p)


@patchify.misconception(
    "the grid of patches is kept as two axes: flatten it row by row, so that tokens are (B, N, C·p·p)."
)
def grid_kept(x, p):
    return _cut(x, p).permute(0, 2, 4, 1, 3, 5).flatten(3)


# -- unpatchify --------------------------------------------------------------------------------------------------------


def _unpatch_cases(draw: Draw) -> list[Case]:
    def case(b: int, c: int, p: int, height: int, width: int, **how) -> Case:
        tokens = draw.normal(b, (height // p) * (width // p), c * p * p)
        return Case({"tokens": tokens, "p": p, "height": height, "width": width}, **how)

    return [
        case(7, 2, 3, 12, 15, gradients=("tokens",)),
        case(6, 3, 2, 4, 16, no_grad=True),  # 16 patches, but 2 × 8 of them
        case(5, 4, 1, 3, 2),
    ]


def _unpatch_remark(function) -> str:
    x = torch.arange(3 * 6 * 9.0).reshape(1, 3, 6, 9)
    wrong = (function(layers.patchify(x, 3), 3, 6, 9) != x).sum().item()
    return f"an image of 3 × 6 × 9 cut into patches and put together again: {wrong} of {x.numel()} pixels differ."


unpatchify = Exercise("unpatchify", 6, layers.unpatchify, _unpatch_cases, remark=_unpatch_remark)


def _grid(tokens: Tensor, p: int, height: int, width: int) -> Tensor:
    """(B, rows of patches, columns of patches, C, row in a patch, column in a patch)."""
    return tokens.reshape(len(tokens), height // p, width // p, -1, p, p)


@unpatchify.misconception(
    "a reshape alone lays the tokens out one after the other: bring each patch's rows between the rows of the image "
    "(permute), then reshape."
)
def only_reshaped_back(tokens, p, height, width):
    return tokens.reshape(len(tokens), -1, height, width)


@unpatchify.misconception("you take the channels to be last in a token: the order is channel, then row, then column.")
def channels_taken_last(tokens, p, height, width):
    grid = tokens.reshape(len(tokens), height // p, width // p, p, p, -1)
    return grid.permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), -1, height, width)


@unpatchify.misconception(
    "each patch is transposed: within a token, after the channel, the row comes before the column."
)
def patches_transposed(tokens, p, height, width):
    grid = _grid(tokens, p, height, width)
    return grid.permute(0, 3, 1, 5, 2, 4).reshape(len(tokens), -1, height, width)


@unpatchify.misconception("you lay the patches out column by column: they go row by row, width/p of them in a row.")
def laid_by_columns(tokens, p, height, width):
    grid = tokens.reshape(len(tokens), width // p, height // p, -1, p, p)
    return grid.permute(0, 3, 2, 4, 1, 5).reshape(len(tokens), -1, height, width)


@unpatchify.misconception("height and width are exchanged: there are height/p rows of width/p patches each.")
def height_for_width(tokens, p, height, width):
    grid = tokens.reshape(len(tokens), width // p, height // p, -1, p, p)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, height, width)


@unpatchify.misconception("height and width come in pixels: the grid has height/p rows of width/p patches.")
def sides_counted_in_patches(tokens, p, height, width):
    grid = tokens.reshape(len(tokens), height, width, -1, p, p)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, height * p, width * p)


@unpatchify.misconception("you take the image to be square: use the height and width that are handed in.")
def taken_for_square(tokens, p, height, width):
    side = round(tokens.shape[1] ** 0.5)
    grid = tokens.reshape(len(tokens), side, side, -1, p, p)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, side * p, side * p)


@unpatchify.misconception(
    "the pixels of a patch are scattered over the image: a row of the image is (row of patches, row in the patch), in "
    "this order."
)
def scattered_back(tokens, p, height, width):
    grid = _grid(tokens, p, height, width)
    return grid.permute(0, 3, 4, 1, 5, 2).reshape(len(tokens), -1, height, width)
