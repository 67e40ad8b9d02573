"""hw7: inpainting in another basis, where the known part is grey and the rest is colour."""

import torch

from course import guidance
from course.exercises.case import Case, Draw
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.hw7.inpainting import a_kernel, a_step

# -- luminance_basis ---------------------------------------------------------------------------------------------------


def _basis_statistics(case: Case, basis: torch.Tensor) -> Statistics:
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


def _basis_remark(function) -> str:
    white, red = torch.ones(3), torch.tensor([1.0, -1.0, -1.0])
    (a, *_), (b, *rest) = (function() @ white).tolist(), (function() @ red).tolist()
    colour = sum(r**2 for r in rest) ** 0.5
    return (
        f"white (1, 1, 1) is {a:.3f} grey and no colour; red (1, −1, −1) is {b:.3f} grey, and its colour has length "
        f"{colour:.3f}."
    )


luminance_basis = Exercise(
    "luminance_basis",
    8,
    guidance.luminance_basis,
    lambda draw: [Case({})],
    statistics=_basis_statistics,
    remark=_basis_remark,
)


@luminance_basis.misconception("(1, 1, 1)/3 averages the channels, but its length is 1/√3: divide by √3 instead.")
def mean_for_first_row():
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / torch.tensor([[3.0], [2**0.5], [6**0.5]])


@luminance_basis.misconception("the rows are at right angles, but not of length one: divide each by its length.")
def not_normalized():
    return torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])


@luminance_basis.misconception("the first row is right, but the other two are not of length one: divide by the length.")
def only_grey_normalized():
    return torch.tensor([[3**-0.5] * 3, [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])


@luminance_basis.misconception(
    "rows 2 and 3 are each at right angles to grey, but not to each other: take (1, 1, −2) for the third."
)
def colours_not_orthogonal():
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 0.0, -1.0]])
    return rows / rows.norm(dim=1, keepdim=True)


@luminance_basis.misconception(
    "those are the weights of television's brightness: in an orthonormal basis, grey is (1, 1, 1)/√3."
)
def television():
    return torch.tensor([[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.100]])


@luminance_basis.misconception("grey is in the first column: a basis vector is a row here, so transpose.")
def columns_for_rows():
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return (rows / rows.norm(dim=1, keepdim=True)).T.contiguous()


@luminance_basis.misconception("grey comes last: it should be the first row.")
def grey_last():
    rows = torch.tensor([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0], [1.0, 1.0, 1.0]])
    return rows / rows.norm(dim=1, keepdim=True)


@luminance_basis.misconception("the first row points from white to black: QR and SVD may flip signs, flip it back.")
def sign_flipped():
    rows = torch.tensor([[-1.0, -1.0, -1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / rows.norm(dim=1, keepdim=True)


@luminance_basis.misconception("the basis should have the default dtype; made by way of numpy, it is float64: cast it.")
def in_double():
    rows = torch.tensor([[1, 1, 1], [1, -1, 0], [1, 1, -2]], dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


# -- colorize_step -----------------------------------------------------------------------------------------------------


def _colorize_cases(draw: Draw) -> list[Case]:
    def case(s: float, b: int, h: int, w: int, no_grad: bool = False) -> Case:
        x = draw.normal(b, 3, h, w) + torch.tensor([0.5, -0.3, 0.2]).double()[:, None, None]
        arguments = {"x": x, "t": s + draw.number(0.3, 0.6), "s": s, "step": a_step(draw, x[0].numel())}
        arguments |= {"grey": draw.normal(b, 1, h, w) - 0.5, "kernel": a_kernel(draw)}
        return Case({**arguments, "noise": draw.normal(b, 1, h, w)}, no_grad=no_grad, magnitude=10)

    return [
        case(draw.number(0.3, 0.7), 5, 2, 4),
        case(draw.number(0.3, 0.7), 2, 5, 4, no_grad=True),
        case(0.0, 4, 1, 2),
    ]


def _colorize_remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, grey = torch.randn(1, 3, 8, 8, generator=generator), torch.rand(1, 1, 8, 8, generator=generator)
    after = function(x, 0.5, 0.0, lambda x, t, s: x, grey, lambda t: (1.0, t), torch.zeros_like(grey))
    error, basis = (after.sum(1, keepdim=True) / 3**0.5 - grey).abs().max().item(), guidance.luminance_basis()
    moved = torch.einsum("kc,bchw->bkhw", basis, after - x)[:, 1:].abs().max().item()
    return f"at s = 0 the grey is off by {error:.0e}, and the colours have moved by {moved:.0e}: rounding, both."


colorize_step = Exercise(
    "colorize_step", 12, guidance.colorize_step, _colorize_cases, counted=("step",), remark=_colorize_remark
)


def _grey_of(x):
    return x.sum(1, keepdim=True) / 3**0.5


def _noisy(grey, kernel, s, noise):
    alpha, sigma = kernel(s)
    return alpha * grey + sigma * noise


@colorize_step.misconception(
    "your function changes in place (`+=`) what `step` returned, which may be x itself: make a new tensor."
)
def grey_added_in_place(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    y += (_noisy(grey, kernel, s, noise) - _grey_of(y)) / 3**0.5
    return y


@colorize_step.misconception(
    "`grey` is the coordinate along (1, 1, 1)/√3, the sum of the channels over √3: you take it for their mean."
)
def mean_for_coordinate(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y + (alpha * grey + sigma * noise - y.mean(1, keepdim=True))


@colorize_step.misconception(
    "the direction of grey is not of length one: use (1, 1, 1)/√3, both to read the coordinate and to write it."
)
def direction_not_normalized(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + (_noisy(grey, kernel, s, noise) - y.sum(1, keepdim=True))


@colorize_step.misconception("the change of the grey coordinate is written to every channel whole: along (1, 1, 1)/√3.")
def change_not_divided(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + _noisy(grey, kernel, s, noise) - _grey_of(y)


@colorize_step.misconception("the known grey is put back clean: at time s it is α·grey + σ·noise.")
def grey_kept_clean(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + (grey - _grey_of(y)) / 3**0.5


@colorize_step.misconception(
    "after the step the state is at time s, so the grey belongs at s: kernel(s), not kernel(t)."
)
def grey_at_time_t(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + (_noisy(grey, kernel, t, noise) - _grey_of(y)) / 3**0.5


@colorize_step.misconception("you replace the grey and then step, which moves it again: step first, then replace.")
def replaced_before_the_step(x, t, s, step, grey, kernel, noise):
    return step(x + (_noisy(grey, kernel, t, noise) - _grey_of(x)) / 3**0.5, t, s)


@colorize_step.misconception("the grey is right, but the colours did not move: start from step(x, t, s), not from x.")
def colours_not_stepped(x, t, s, step, grey, kernel, noise):
    return x + (_noisy(grey, kernel, s, noise) - _grey_of(x)) / 3**0.5


@colorize_step.misconception("the step runs the wrong way, from s to t: call step(x, t, s).")
def times_swapped(x, t, s, step, grey, kernel, noise):
    y = step(x, s, t)
    return y + (_noisy(grey, kernel, s, noise) - _grey_of(y)) / 3**0.5


@colorize_step.misconception("you replace the red channel: grey is the first coordinate in the basis, so rotate first.")
def red_channel_replaced(x, t, s, step, grey, kernel, noise):
    return torch.cat([_noisy(grey, kernel, s, noise), step(x, t, s)[:, 1:]], 1)


@colorize_step.misconception("all colour is lost: replace the grey coordinate only, and keep the other two.")
def colours_lost(x, t, s, step, grey, kernel, noise):
    step(x, t, s)
    return (_noisy(grey, kernel, s, noise) / 3**0.5).repeat(1, 3, 1, 1)


@colorize_step.misconception("the new grey is added to the old: take the old coordinate out first.")
def added_to_the_old(x, t, s, step, grey, kernel, noise):
    return step(x, t, s) + _noisy(grey, kernel, s, noise) / 3**0.5


@colorize_step.misconception(
    "you rotate by the basis B twice: the way back from coordinates to colours is its transpose."
)
def not_rotated_back(x, t, s, step, grey, kernel, noise):
    basis = guidance.luminance_basis().to(x)
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([_noisy(grey, kernel, s, noise), y[:, 1:]], 1)
    return torch.einsum("kc,bchw->bkhw", basis, y)


@colorize_step.misconception("you rotate into the basis and stay there: go back to colours with its transpose.")
def left_in_the_basis(x, t, s, step, grey, kernel, noise):
    y = torch.einsum("kc,bchw->bkhw", guidance.luminance_basis().to(x), step(x, t, s))
    return torch.cat([_noisy(grey, kernel, s, noise), y[:, 1:]], 1)


@colorize_step.misconception("the basis is in the default dtype and x may not be: cast it, `luminance_basis().to(x)`.")
def basis_not_cast(x, t, s, step, grey, kernel, noise):
    basis = guidance.luminance_basis()
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([_noisy(grey, kernel, s, noise), y[:, 1:]], 1)
    return torch.einsum("kc,bkhw->bchw", basis, y)


@colorize_step.misconception("the known grey lacks its noise: at time s it is α·grey + σ·noise.")
def noise_missing(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + (kernel(s)[0] * grey - _grey_of(y)) / 3**0.5


@colorize_step.misconception("the known grey lacks its α: at time s it is α·grey + σ·noise.")
def alpha_missing(x, t, s, step, grey, kernel, noise):
    y = step(x, t, s)
    return y + (grey + kernel(s)[1] * noise - _grey_of(y)) / 3**0.5
