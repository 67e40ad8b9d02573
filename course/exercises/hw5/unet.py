"""5.5, a U-Net: down, keeping every result; then up, joining each of them again, the last first."""

import torch

from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw5.shared import conv
from course.networks import convolutional


def unet(x, embedding, stem, down, middle, up, head):
    h, skips = stem(x), []
    for part in down:
        h = part(h, embedding)
        skips.append(h)
    h = middle(h, embedding)
    for part in up:
        h = part(torch.cat([h, skips.pop()], dim=1), embedding)
    return head(h)


def a_part(draw: CaseRng, fan_in: int, fan_out: int, e: int, kind: str = "Part") -> FunctionSpec:
    """A part of a U-Net."""
    weight = draw.normal(fan_out, fan_in, 3, 3) / (3 * fan_in**0.5)
    return FunctionSpec(f"hw5.{kind}", {"weight": weight, "project": draw.normal(fan_out, e) / e**0.5})


def cases(draw: CaseRng) -> list[Case]:
    def case(
        b: int, c: int, h: int, w: int, e: int, stem: int, parts: list[list[FunctionSpec]], last: int, **how
    ) -> Case:
        down, (middle,), up = parts
        made = {"stem": conv(draw, c, stem), "down": down, "middle": middle, "up": up, "head": conv(draw, last, c)}
        return Case({"x": draw.normal(b, c, h, w), "embedding": draw.normal(b, e), **made}, **how)

    alike = [[a_part(draw, n, 4, 7) for _ in range(m)] for n, m in ((4, 3), (4, 1), (8, 3))]
    down = [a_part(draw, 5, 4, 9), a_part(draw, 4, 6, 9, "DownPart"), a_part(draw, 6, 7, 9, "DownPart")]
    up = [a_part(draw, 14, 6, 9, "UpPart"), a_part(draw, 12, 4, 9, "UpPart"), a_part(draw, 8, 5, 9)]
    everything = ("x", "embedding", "stem", "down", "middle", "up", "head")
    return [
        case(6, 2, 5, 3, 7, 4, alike, 4, gradients=everything),  # nothing but the numbers tells skips apart
        case(3, 2, 8, 12, 9, 5, [down, [a_part(draw, 7, 7, 9)], up], 5, no_grad=True),
        case(2, 3, 4, 6, 5, 4, [[a_part(draw, n, m, 5)] for n, m in ((4, 7), (7, 5), (12, 4))], 4),
    ]


def remark(function) -> str:
    seen: list[int] = []

    def down(level):
        return lambda h, e: torch.full_like(h, level)

    def up(h, e):
        seen.append(int(h[0, -1, 0, 0]))
        return h[:, :1]

    x = torch.zeros(1, 1, 2, 2)
    function(x, x[0, 0], lambda x: x, [down(i) for i in (1, 2, 3, 4)], lambda h, e: h, [up] * 4, lambda h: h)
    return f"on the way up, the results of levels {', '.join(map(str, seen))} come back, in this order."


parts = ("stem", *(f"down[{i}]" for i in range(3)), "middle", *(f"up[{i}]" for i in range(3)), "head")
exercise = Exercise(answer=unet, cases=cases, counted=parts, remark=remark)
exercise.right(convolutional.unet)

way_down = "for part in down: h = part(h, embedding); skips.append(h)"

exercise.right(
    f"""{way_down} → for part in down: h = part(h, embedding); skips += [h]
        torch.cat([h, skips.pop()], dim=1) → torch.cat((h, skips.pop()), dim=1)"""
)


@exercise.right
def reversed_pairs(x, embedding, stem, down, middle, up, head):
    states = [stem(x)]
    for part in down:
        states.append(part(states[-1], embedding))
    h = middle(states[-1], embedding)
    for part, skip in zip(up, reversed(states[1:])):
        h = part(torch.concat([h, skip], dim=-3), embedding)
    return head(h)


@exercise.right
def recursive(x, embedding, stem, down, middle, up, head):
    def level(h, i):
        if i == len(down):
            return middle(h, embedding)
        skip = down[i](h, embedding)
        return up[len(up) - 1 - i](torch.cat([level(skip, i + 1), skip], dim=1), embedding)

    return head(level(stem(x), 0))


exercise.mistake(
    "skips.pop() → skips.pop(0)",
    "the skips come back in the wrong order: last in, first out (`skips.pop()`, not `skips.pop(0)`).",
)
exercise.mistake(
    "torch.cat([h, skips.pop()], dim=1) → h",
    "torch.cat([h, skips.pop()], dim=1) → h + skips.pop()",
    "torch.cat([h, skips.pop()], dim=1) → torch.cat([h, skips.pop()])",
    "a part of `up` did not get its input and one skip side by side: torch.cat([h, skip], dim=1), along the channels; "
    "no sum, no other axis, and none without its skip.",
)
exercise.mistake(
    "up → up[::-1]", "the parts of `up` come in the order of the list: only the skips are taken from the end."
)
exercise.mistake(
    "[h, skips.pop()] → [skips.pop(), h]",
    "the skip stands before h: join them as torch.cat([h, skip], dim=1), h first.",
)
exercise.mistake(
    f"{way_down} → for part in down: skips.append(h); h = part(h, embedding)",
    "you keep what goes into each part of `down` (the stem's output among it): keep what comes out of each part.",
)
exercise.mistake(
    "skips.pop() → skips[-1]",
    "every part of `up` gets the same skip: take the last one off the list each time (`skips.pop()`, not `skips[-1]`).",
)
exercise.mistake(
    "[h, skips.pop()] → [h, h]", "each part is joined with a copy of its own input, not with a skip from the way down."
)
exercise.mistake(
    "skips.pop() → torch.zeros_like(skips.pop())",
    "the skips are replaced by zeros, so details are lost: join h with what was kept on the way down.",
)
exercise.mistake(
    "h = middle(h, embedding) →", "the middle is left out: between the ways down and up, h = middle(h, embedding)."
)
exercise.mistake(
    """down → [*down, middle]
       h = middle(h, embedding) →""",
    "the middle's result is kept as a skip too: only the results of `down` are.",
)
exercise.mistake(
    "h, skips = stem(x), [] → h, skips, embedding = stem(x), [], torch.zeros_like(embedding)",
    "the parts are not told the embedding as it is, so they do not know the time: hand it on to every part, unchanged.",
)
exercise.mistake(
    "skips.pop() → skips.pop().detach()",
    "the skips are detached, so the way down does not learn from them: keep h itself.",
)
exercise.mistake("head(h) → x + head(h)", "x is added to the result: a U-Net has skips, but none around all of it.")
exercise.mistake("head(h) → h", "the head is left out: return head(h), as many channels as the image has.")
