"""7.7, an orthonormal basis of colour space: grey first, then two directions of colour."""

import math

import torch

from course import guidance
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise, Statistic, Statistics


def luminance_basis():
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / rows.norm(dim=1, keepdim=True)


def cases(draw: CaseRng) -> list[Case]:
    return [Case({})]


def statistics(case: Case, basis: torch.Tensor) -> Statistics:
    """What any good basis has: its first row, and rows of length one at right angles."""
    rows = basis.double().cpu()

    def exactly(value: torch.Tensor, truth: float) -> Statistic:
        return Statistic(value, torch.tensor(truth).double(), 1e-5)

    known = {f"entry {i + 1} of row 1": exactly(rows[0, i], 3**-0.5) for i in range(3)}
    lengths = {f"length of row {i + 1}": exactly(rows[i].norm(), 1.0) for i in range(3)}
    pairs = [(0, 1), (0, 2), (1, 2)]
    return {
        **known,
        **lengths,
        **{f"dot product of rows {i + 1} and {j + 1}": exactly(rows[i] @ rows[j], 0.0) for i, j in pairs},
    }


def remark(function) -> str:
    white, red = torch.ones(3), torch.tensor([1.0, -1.0, -1.0])
    (a, *_), (b, *rest) = (function() @ white).tolist(), (function() @ red).tolist()
    colour = sum(r**2 for r in rest) ** 0.5
    return (
        f"white (1, 1, 1) is {a:.3f} grey and no colour; red (1, −1, −1) is {b:.3f} grey, and its colour has length "
        f"{colour:.3f}."
    )


exercise = Exercise(answer=luminance_basis, cases=cases, statistics=statistics, remark=remark)
exercise.right(guidance.luminance_basis)
NORMALIZED = "rows / rows.norm(dim=1, keepdim=True)"


@exercise.right
def by_qr():
    start = torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 0.3], [0.2, 0.0, 1.0]])
    q, r = torch.linalg.qr(start.T)
    return (q * r.diagonal().sign()).T


@exercise.right
def cosine_transform():
    k, n = torch.arange(3)[:, None], torch.arange(3)
    scale = torch.where(k == 0, math.sqrt(1 / 3), math.sqrt(2 / 3))
    return scale * torch.cos(math.pi * k * (2 * n + 1) / 6)


@exercise.right
def gram_schmidt_by_cross_product():
    grey = torch.ones(3) / math.sqrt(3)
    colour = torch.tensor([0.3, -1.0, 2.0])
    colour = colour - (colour @ grey) * grey
    colour = colour / colour.norm()
    return torch.stack([grey, colour, torch.linalg.cross(grey, colour)])


exercise.right(
    f"{NORMALIZED} → rows.div_(rows.norm(dim=1, keepdim=True))",
    "`rows` is the function's own, and its norms are computed before it is divided",
)
exercise.mistake(
    "rows.norm(dim=1, keepdim=True) → torch.tensor([[3.0], [2**0.5], [6**0.5]])",
    "(1, 1, 1)/3 averages the channels, but its length is 1/√3: divide by √3 instead.",
)
exercise.mistake(
    f"{NORMALIZED} → rows",
    "the rows are at right angles, but not of length one: divide each by its length.",
)
exercise.mistake(
    "rows.norm(dim=1, keepdim=True) → torch.tensor([[3**0.5], [1.0], [1.0]])",
    "the first row is right, but the other two are not of length one: divide by the length.",
)
exercise.mistake(
    "[1.0, 1.0, -2.0] → [1.0, 0.0, -1.0]",
    "rows 2 and 3 are each at right angles to grey, but not to each other: take (1, 1, −2) for the third.",
)
exercise.mistake(
    f"{NORMALIZED} → torch.tensor([[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.1]])",
    "those are the weights of television's brightness: in an orthonormal basis, grey is (1, 1, 1)/√3.",
)
exercise.mistake(
    f"{NORMALIZED} → ({NORMALIZED}).T", "grey is in the first column: a basis vector is a row here, so transpose."
)
exercise.mistake(f"{NORMALIZED} → ({NORMALIZED})[[1, 2, 0]]", "grey comes last: it should be the first row.")
exercise.mistake(
    "[1.0, 1.0, 1.0] → [-1.0, -1.0, -1.0]",
    "the first row points from white to black: QR and SVD may flip signs, flip it back.",
)
exercise.mistake(
    f"{NORMALIZED} → ({NORMALIZED}).double()",
    "the basis should have the default dtype; made by way of numpy, it is float64: cast it.",
)
