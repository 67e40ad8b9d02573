"""1.8, the sliced Wasserstein distance of two samples: sort both along lines, and take the root last of all."""

import math

import torch

from course import distances
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise


def sliced_wasserstein(x, y, directions):
    along_x, along_y = (x @ directions.T).sort(dim=0).values, (y @ directions.T).sort(dim=0).values
    return (along_x - along_y).square().mean().sqrt()


def cases(draw: CaseRng) -> list[Case]:
    def case(n: int, p: int, d: int, size: float = 1.0, no_grad: bool = False) -> Case:
        directions = draw.normal(p, d)
        directions /= directions.norm(dim=1, keepdim=True)
        x, y = size * (draw.normal(n, d) + 0.5), size * (1.7 * draw.normal(n, d) - 0.3)
        return Case({"x": x, "y": y, "directions": directions}, no_grad=no_grad, magnitude=size)

    # clouds so small that nothing can be added under the root
    return [case(11, 7, 3), case(6, 9, 4, no_grad=True), case(8, 3, 5), case(7, 5, 4, size=1e-5)]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, y, lines = (torch.randn(n, 3, generator=generator) for n in (4000, 4000, 50))
    shift, lines = torch.tensor([1.0, 2.0, 3.0]), lines / lines.norm(dim=1, keepdim=True)
    found, theory = function(x, 2 * y + shift, lines).item(), ((lines @ shift).square().mean() + 1).sqrt().item()
    return f"4,000 samples of N(0, I) and of N((1, 2, 3), 4 I), along 50 lines: {found:.2f}, theory {theory:.2f}."


exercise = Exercise(answer=sliced_wasserstein, cases=cases, remark=remark)
exercise.right(distances.sliced_wasserstein)


@exercise.right
def line_after_line(x, y, directions):
    squares = []
    for direction in directions:
        a, b = (x @ direction).sort().values, (y @ direction).sort().values
        squares.append(torch.nn.functional.mse_loss(a, b))
    return torch.stack(squares).mean() ** 0.5


@exercise.right
def largest_first(x, y, directions):
    along = [torch.einsum("nd,pd->pn", a, directions).sort(dim=1, descending=True).values for a in (x, y)]
    return (along[0] - along[1]).norm() / math.sqrt(along[0].numel())


sorted_x, sorted_y = "(x @ directions.T).sort(dim=0).values", "(y @ directions.T).sort(dim=0).values"
squares = "(along_x - along_y).square()"

exercise.right(f"""{sorted_x} → torch.sort(x @ directions.T, dim=0)[0]
                   {sorted_y} → torch.sort(y @ directions.T, dim=0)[0]
                   {squares}.mean().sqrt() → torch.sqrt(((along_x - along_y) ** 2).mean(0).mean())""")
exercise.right("along_x - along_y → along_x.sub_(along_y)", "`along_x` is the function's own")
exercise.mistake(
    f"""{sorted_x} → x @ directions.T
        {sorted_y} → y @ directions.T""",
    "points are paired in the order in which they come: along a line the cheapest pairing is in order of size, so sort "
    "both.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.mean() + 1e-8",
    "something is added under the root, which drowns small distances: the root needs no guard here.",
    credit=0.5,
)
exercise.mistake(
    f"{squares}.mean().sqrt() → {squares}.mean()",
    "the root is missing: take the square root of the mean of W₂², last of all.",
)
exercise.mistake(
    f"{squares}.mean().sqrt() → {squares}.mean(0).sqrt().mean()",
    "you take the root of each direction before the mean: average W₂² over directions first, the root comes last.",
)
exercise.mistake(
    f"{squares}.mean().sqrt() → (along_x - along_y).abs().mean()",
    "you average absolute differences, which is W₁: square them, and take the root last.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.sum(0).mean()",
    "you add up over the points: W₂² along a direction is the mean square difference.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.mean(0).sum()",
    "you add up over the directions: take their mean.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.mean(0).amax()",
    "you keep the worst direction only: take the mean over directions.",
)
exercise.mistake(
    f"""{sorted_x} → (x @ directions.T).sort(dim=1).values
        {sorted_y} → (y @ directions.T).sort(dim=1).values""",
    "you sort each point's projections over the directions: sort the points, for each.",
)
exercise.mistake(
    f"""{sorted_x} → x.sort(dim=0).values @ directions.T
        {sorted_y} → y.sort(dim=0).values @ directions.T""",
    "you sort each coordinate and then project: project first, then sort along each line.",
)
exercise.mistake(
    f"{sorted_y} → y @ directions.T",
    f"{sorted_x} → x @ directions.T",
    "only one of the two is sorted: sort the projections of both.",
)
exercise.mistake(
    f"{squares}.mean() → {squares}.mean(0)",
    "that is one number for each direction: take the root of their mean square.",
)
