"""5.7, the inverse of patchify: tokens put together to images again."""

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw5.patchify import patchify
from course.networks import layers


def unpatchify(tokens, p, height, width):
    b, _, d = tokens.shape
    grid = tokens.reshape(b, height // p, width // p, d // p**2, p, p)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(b, d // p**2, height, width)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, c: int, p: int, height: int, width: int, **how) -> Case:
        tokens = draw.normal(b, (height // p) * (width // p), c * p * p)
        return Case({"tokens": tokens, "p": p, "height": height, "width": width}, **how)

    return [
        case(7, 2, 3, 12, 15, gradients=("tokens",)),
        case(6, 3, 2, 4, 16, no_grad=True),  # 16 patches, but 2 × 8 of them
        case(5, 4, 1, 3, 2),
    ]


def remark(function) -> str:
    x = torch.arange(3 * 6 * 9.0).reshape(1, 3, 6, 9)
    wrong = (function(patchify(x, 3), 3, 6, 9) != x).sum().item()
    return f"an image of 3 × 6 × 9 cut into patches and put together again: {wrong} of {x.numel()} pixels differ."


exercise = Exercise(answer=unpatchify, cases=cases, remark=remark)
exercise.right(layers.unpatchify)


@exercise.right
def folded(tokens, p, height, width):
    return F.fold(tokens.transpose(1, 2), (height, width), p, stride=p)


@exercise.right
def by_shuffling_pixels(tokens, p, height, width):
    return F.pixel_shuffle(tokens.mT.unflatten(2, (height // p, width // p)), p)


@exercise.right
def placed_one_by_one(tokens, p, height, width):
    b, _, d = tokens.shape
    x = tokens.new_zeros(b, d // p**2, height, width)
    for k in range(tokens.shape[1]):
        i, j = divmod(k, width // p)
        x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p] = tokens[:, k].reshape(b, -1, p, p)
    return x


@exercise.right
def in_einstein_summation(tokens, p, height, width):
    grid = tokens.unflatten(2, (-1, p, p)).unflatten(1, (height // p, width // p))
    return torch.einsum("bhwcpq->bchpwq", grid).flatten(4).flatten(2, 3)


cut = "tokens.reshape(b, height // p, width // p, d // p**2, p, p)"
permuted = "grid.permute(0, 3, 1, 4, 2, 5)"
image = f"{permuted}.reshape(b, d // p**2, height, width)"
square = "b, _, d = tokens.shape → b, _, d, height, width = *tokens.shape, *[round(tokens.shape[1] ** 0.5) * p] * 2"

exercise.mistake(
    f"{permuted} → grid",
    "a reshape alone lays the tokens out one after the other: bring each patch's rows between the rows of the image "
    "(permute), then reshape.",
)
exercise.mistake(
    f"""{cut} → tokens.reshape(b, height // p, width // p, p, p, d // p**2)
        {permuted} → grid.permute(0, 5, 1, 3, 2, 4)""",
    "you take the channels to be last in a token: the order is channel, then row, then column.",
)
exercise.mistake(
    f"{permuted} → grid.permute(0, 3, 1, 5, 2, 4)",
    "each patch is transposed: within a token, after the channel, the row comes before the column.",
)
exercise.mistake(
    f"""{cut} → tokens.reshape(b, width // p, height // p, d // p**2, p, p)
        {permuted} → grid.permute(0, 3, 2, 4, 1, 5)""",
    "you lay the patches out column by column: they go row by row, width/p of them in a row.",
)
exercise.mistake(
    f"{cut} → tokens.reshape(b, width // p, height // p, d // p**2, p, p)",
    "height and width are exchanged: there are height/p rows of width/p patches each.",
)
exercise.mistake(
    f"""{cut} → tokens.reshape(b, height, width, d // p**2, p, p)
        {image} → {permuted}.reshape(b, d // p**2, height * p, width * p)""",
    f"{cut} → tokens.reshape(b, height, width, -1, p, p)",
    "height and width come in pixels: the grid has height/p rows of width/p patches.",
)
exercise.mistake(
    square,
    f"""{square}
        {cut} → tokens.reshape(b, height // p, width // p, -1, p, p)
        {image} → {permuted}.reshape(b, -1, height, width)""",
    "you take the image to be square: use the height and width that are handed in.",
)
exercise.mistake(
    f"{permuted} → grid.permute(0, 3, 4, 1, 5, 2)",
    "the pixels of a patch are scattered over the image: a row of the image is (row of patches, row in the patch), in "
    "this order.",
)
