"""8.4, attention across frames: the vectors at one pixel, frame after frame, are the tokens."""

import torch

from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.networks import temporal


def temporal_attention(x, attend):
    b, f, c, h, w = x.shape
    tokens = x.permute(0, 3, 4, 1, 2).reshape(b * h * w, f, c)
    return attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)


def cases(draw: CaseRng) -> list[Case]:
    def case(*shape: int, attend: FunctionSpec | None = None, **how) -> Case:
        tensors = {"sharpness": draw.uniform(low=0.5, high=1.5), "lean": draw.uniform(low=0.5, high=1.5)}
        given = attend or FunctionSpec("hw8.Attend", tensors)
        return Case({"x": 0.3 + draw.normal(*shape), "attend": given}, **how)

    return [
        case(2, 4, 3, 5, 6, gradients=("x", "attend")),
        case(3, 5, 2, 3, 4, no_grad=True),
        case(3, 4, 4, 4, 4),  # nothing but the order of the axes tells them apart
        case(1, 3, 2, 1, 1),
        case(2, 1, 1, 3, 2),
        case(2, 3, 2, 4, 2, attend=FunctionSpec("hw8.Unchanged", {})),
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 4, 6, 6, generator=generator)
    mean = lambda tokens: tokens.mean(1, keepdim=True).expand_as(tokens)
    after = function(x, mean)
    return (
        f"eight frames of pure noise, and the simplest attention, the mean over frames: variance {x.var():.2f} before, "
        f"{after.var():.3f} after, an eighth."
    )


exercise = Exercise(answer=temporal_attention, cases=cases, counted=("attend",), remark=remark)
exercise.right(temporal.temporal_attention)


@exercise.right
def pixels_first(x, attend):
    b, _, _, h, w = x.shape
    tokens = x.permute(3, 4, 0, 1, 2).flatten(0, 2)
    return attend(tokens).unflatten(0, (h, w, b)).permute(2, 3, 4, 0, 1)


@exercise.right
def by_moving_axes(x, attend):
    moved = torch.movedim(x, (3, 4), (1, 2))
    return torch.movedim(attend(moved.flatten(0, 2)).reshape(moved.shape), (1, 2), (3, 4))


@exercise.right
def pixel_by_pixel(x, attend):
    out = torch.empty_like(x)
    for i in range(x.shape[3]):
        for j in range(x.shape[4]):
            out[..., i, j] = attend(x[..., i, j].contiguous())
    return out


tokens = "x.permute(0, 3, 4, 1, 2).reshape(b * h * w, f, c)"
after = "attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)"
exercise.mistake(
    f"""{tokens} → x.permute(0, 1, 3, 4, 2).reshape(b * f, h * w, c)
        {after} → attend(tokens).reshape(b, f, h, w, c).permute(0, 1, 4, 2, 3)""",
    "the tokens are the pixels of one frame, so frames never see one another: at each pixel, the frames are the "
    "tokens.",
)
exercise.mistake(
    f"""{tokens} → x.permute(0, 1, 3, 4, 2).reshape(b, f * h * w, c)
        {after} → attend(tokens).reshape(b, f, h, w, c).permute(0, 1, 4, 2, 3)""",
    f"{tokens} → x.permute(0, 3, 4, 1, 2).reshape(b, h * w * f, c)",
    "every pixel of every frame is a token of one long row, so pixels see one another: make a row for each pixel, "
    "B·H·W "
    "rows of F tokens.",
)
exercise.mistake(
    f"""{tokens} → x.permute(3, 4, 0, 1, 2).reshape(h * w, b * f, c)
        {after} → attend(tokens).reshape(h, w, b, f, c).permute(2, 3, 4, 0, 1)""",
    "the frames of all clips stand in one row, so clips see one another: a row holds the frames of one clip.",
)
exercise.mistake(
    f"""{tokens} → x.permute(0, 3, 4, 2, 1).reshape(b * h * w, c, f)
        {after} → attend(tokens).reshape(b, h, w, c, f).permute(0, 4, 3, 1, 2)""",
    "channels are taken for tokens: a row is (F, C), a vector of C numbers for each frame.",
)
exercise.mistake(
    f"{tokens} → x.reshape(b * h * w, f, c)",
    f"""{tokens} → x.reshape(b * h * w, f, c)
        {after} → attend(tokens).reshape(b, f, c, h, w)""",
    "a reshape alone tears pixels apart: it reads the numbers in the order B, F, C, H, W. Permute to (B, H, W, F, C) "
    "first.",
)
exercise.mistake(
    f"{after} → attend(tokens).reshape(b, f, c, h, w)",
    "on the way back a reshape alone puts numbers into wrong places: reshape to (B, H, W, F, C), then permute.",
)
exercise.mistake(
    f"{after} → attend(tokens).reshape(b, w, h, f, c).permute(0, 3, 4, 1, 2)",
    f"{after} → attend(tokens).reshape(b, w, h, f, c).permute(0, 3, 4, 2, 1)",
    f"{after} → attend(tokens).reshape(h, w, b, f, c).permute(2, 3, 4, 0, 1)",
    "rows come back in another order than they went in: reshape to the axes as they were, (B, H, W, F, C).",
)
exercise.mistake(
    f"{after} → attend(tokens).reshape(b, h, w, f, c).permute(0, 3, 4, 2, 1)",
    "height and width are exchanged in the result, so every frame is mirrored along its diagonal: the permutation "
    "back is "
    "(0, 3, 4, 1, 2).",
)
exercise.mistake(
    f"{after} → attend(tokens).reshape(b, h, w, f, c)",
    "the result still has its axes in the order B, H, W, F, C: permute back to (B, F, C, H, W).",
)
exercise.mistake(
    f"{after} → attend(tokens).reshape(b, h, w, c, f).permute(0, 4, 3, 1, 2)",
    "channels and frames are mixed up on the way back: rows are (F, C), so reshape to (B, H, W, F, C).",
)
exercise.mistake(
    f"{after} → x + {after}",
    "x is added to the result: no residual here, whoever calls it adds x.",
)
exercise.mistake(
    f"{after} → attend(attend(tokens)).reshape(b, h, w, f, c).permute(0, 3, 4, 1, 2)",
    "attend is called twice: once is asked for.",
)
exercise.mistake(
    f"""{tokens} → x.mean((3, 4))
        {after} → attend(tokens)[..., None, None].expand(b, f, c, h, w)""",
    "you average over the picture first, and every pixel gets the same: attend at each pixel by itself.",
)
exercise.mistake(
    f"{tokens} → x.flip(1).permute(0, 3, 4, 1, 2).reshape(b * h * w, f, c)",
    "the frames are handed over in reverse order.",
)
exercise.mistake(
    f"{tokens} → x.permute(0, 3, 4, 1, 2).view(b * h * w, f, c)",
    "after `permute` the numbers do not lie in memory as `view` needs them: use `reshape`, which copies where it must.",
)
exercise.mistake(
    f"{after} → x.copy_({after})",
    "the frames are overwritten in place, and the caller still needs them: return a new tensor.",
)
exercise.mistake(
    f"{after} → {after}.detach()",
    f"{tokens} → x.detach().permute(0, 3, 4, 1, 2).reshape(b * h * w, f, c)",
    "the result is detached from its inputs, so nothing below it can be trained: leave out `.detach()` and no_grad.",
)
