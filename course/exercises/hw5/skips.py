"""hw5: the U-Net."""

import torch

from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.hw5.convolutional import conv
from course.networks import convolutional


def part(draw: Draw, fan_in: int, fan_out: int, e: int, kind: str = "Part") -> Given:
    """A part of a U-Net."""
    weight = draw.normal(fan_out, fan_in, 3, 3) / (3 * fan_in**0.5)
    return Given(f"hw5.{kind}", {"weight": weight, "project": draw.normal(fan_out, e) / e**0.5})


# -- unet --------------------------------------------------------------------------------------------------------------


def _unet_cases(draw: Draw) -> list[Case]:
    def case(b: int, c: int, h: int, w: int, e: int, stem: int, parts: list[list[Given]], last: int, **how) -> Case:
        down, (middle,), up = parts
        made = {"stem": conv(draw, c, stem), "down": down, "middle": middle, "up": up, "head": conv(draw, last, c)}
        return Case({"x": draw.normal(b, c, h, w), "embedding": draw.normal(b, e), **made}, **how)

    alike = [[part(draw, 4, 4, 7) for _ in range(3)], [part(draw, 4, 4, 7)], [part(draw, 8, 4, 7) for _ in range(3)]]
    down = [part(draw, 5, 4, 9), part(draw, 4, 6, 9, "DownPart"), part(draw, 6, 7, 9, "DownPart")]
    up = [part(draw, 14, 6, 9, "UpPart"), part(draw, 12, 4, 9, "UpPart"), part(draw, 8, 5, 9)]
    everything = ("x", "embedding", "stem", "down", "middle", "up", "head")
    return [
        case(6, 2, 5, 3, 7, 4, alike, 4, gradients=everything),  # nothing but the numbers tells skips apart
        case(3, 2, 8, 12, 9, 5, [down, [part(draw, 7, 7, 9)], up], 5, no_grad=True),
        case(2, 3, 4, 6, 5, 4, [[part(draw, 4, 7, 5)], [part(draw, 7, 5, 5)], [part(draw, 12, 4, 5)]], 4),
    ]


def _unet_remark(function) -> str:
    seen: list[int] = []

    def down(level):
        return lambda h, e: torch.full_like(h, level)

    def up(h, e):
        seen.append(int(h[0, -1, 0, 0]))
        return h[:, :1]

    x = torch.zeros(1, 1, 2, 2)
    function(x, x[0, 0], lambda x: x, [down(i) for i in (1, 2, 3, 4)], lambda h, e: h, [up] * 4, lambda h: h)
    return f"on the way up, the results of levels {', '.join(map(str, seen))} come back, in this order."


_PARTS = ("stem", *(f"down[{i}]" for i in range(3)), "middle", *(f"up[{i}]" for i in range(3)), "head")

unet = Exercise("unet", 14, convolutional.unet, _unet_cases, counted=_PARTS, remark=_unet_remark)

_NOT_JOINED = (
    "a part of `up` did not get its input and one skip side by side: torch.cat([h, skip], dim=1), along the channels; "
    "no sum, no other axis, and none without its skip."
)


def _unet(x, embedding, stem, down, middle, up, head, join, first=()):
    """A U-Net whose way of joining a skip is handed in: join(h, skips) → what the part of `up` gets."""
    h = stem(x)
    skips = list(first)
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u in up:
        h = u(join(h, skips), embedding)
    return head(h)


@unet.misconception("the skips come back in the wrong order: last in, first out (`skips.pop()`, not `skips.pop(0)`).")
def first_in_first_out(x, embedding, stem, down, middle, up, head):
    h = stem(x)
    skips = []
    for d in down:
        h = d(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for u, skip in zip(up, skips):
        h = u(torch.cat([h, skip], dim=1), embedding)
    return head(h)


@unet.misconception(_NOT_JOINED)
def no_skips(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: h)


@unet.misconception(_NOT_JOINED)
def skips_added(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: h + skips.pop())


@unet.misconception(_NOT_JOINED)
def joined_along_the_batch(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: torch.cat([h, skips.pop()]))


@unet.misconception("the parts of `up` come in the order of the list: only the skips are taken from the end.")
def up_reversed(x, embedding, stem, down, middle, up, head):
    return convolutional.unet(x, embedding, stem, down, middle, up[::-1], head)


@unet.misconception("the skip stands before h: join them as torch.cat([h, skip], dim=1), h first.")
def skip_before_h(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: torch.cat([skips.pop(), h], 1))


@unet.misconception(
    "you keep what goes into each part of `down` (the stem's output among it): keep what comes out of each part."
)
def inputs_kept(x, embedding, stem, down, middle, up, head):
    h, skips = stem(x), []
    for d in down:
        skips.append(h)
        h = d(h, embedding)
    h = middle(h, embedding)
    for u in up:
        h = u(torch.cat([h, skips.pop()], 1), embedding)
    return head(h)


@unet.misconception(
    "every part of `up` gets the same skip: take the last one off the list each time (`skips.pop()`, not `skips[-1]`)."
)
def same_skip_every_time(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: torch.cat([h, skips[-1]], 1))


@unet.misconception("each part is joined with a copy of its own input, not with a skip from the way down.")
def joined_with_itself(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, middle, up, head, lambda h, skips: torch.cat([h, h], 1))


@unet.misconception("the skips are replaced by zeros, so details are lost: join h with what was kept on the way down.")
def skips_of_zeros(x, embedding, stem, down, middle, up, head):
    zeros = lambda h, skips: torch.cat([h, 0 * skips.pop()], 1)
    return _unet(x, embedding, stem, down, middle, up, head, zeros)


@unet.misconception("the middle is left out: between the ways down and up, h = middle(h, embedding).")
def middle_left_out(x, embedding, stem, down, middle, up, head):
    return _unet(x, embedding, stem, down, lambda h, e: h, up, head, lambda h, skips: torch.cat([h, skips.pop()], 1))


@unet.misconception("the middle's result is kept as a skip too: only the results of `down` are.")
def middle_kept(x, embedding, stem, down, middle, up, head):
    h, skips = stem(x), []
    for part in [*down, middle]:
        h = part(h, embedding)
        skips.append(h)
    for u in up:
        h = u(torch.cat([h, skips.pop()], 1), embedding)
    return head(h)


@unet.misconception(
    "the parts are not told the embedding as it is, so they do not know the time: hand it on to every part, unchanged."
)
def time_ignored_by_parts(x, embedding, stem, down, middle, up, head):
    return convolutional.unet(x, torch.zeros_like(embedding), stem, down, middle, up, head)


@unet.misconception("the skips are detached, so the way down does not learn from them: keep h itself.")
def skips_detached(x, embedding, stem, down, middle, up, head):
    join = lambda h, skips: torch.cat([h, skips.pop().detach()], 1)
    return _unet(x, embedding, stem, down, middle, up, head, join)


@unet.misconception("x is added to the result: a U-Net has skips, but none around all of it.")
def whole_residual(x, embedding, stem, down, middle, up, head):
    return x + convolutional.unet(x, embedding, stem, down, middle, up, head)


@unet.misconception("the head is left out: return head(h), as many channels as the image has.")
def head_left_out(x, embedding, stem, down, middle, up, head):
    return convolutional.unet(x, embedding, stem, down, middle, up, lambda h: h)
