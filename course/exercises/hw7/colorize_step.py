"""7.8, a step, after which the grey coordinate is replaced by the known one at time s."""

import math

import torch

from course import guidance
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw7.inpaint_step import inpaint_step
from course.exercises.hw7.luminance_basis import by_qr, gram_schmidt_by_cross_product, luminance_basis
from course.exercises.hw7.noisy_known import noisy_known
from course.exercises.hw7.shared import a_kernel, a_step


def colorize_step(x, t, s, step, grey, kernel, noise):
    x = step(x, t, s)
    towards_white = luminance_basis()[0].to(x)[:, None, None]
    change = noisy_known(grey, *kernel(s), noise) - (towards_white * x).sum(1, keepdim=True)  # type: ignore[call-arg]
    return x + towards_white * change


def cases(draw: CaseRng) -> list[Case]:
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


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, grey = torch.randn(1, 3, 8, 8, generator=generator), torch.rand(1, 1, 8, 8, generator=generator)
    after = function(x, 0.5, 0.0, lambda x, t, s: x, grey, lambda t: (1.0, t), torch.zeros_like(grey))
    error, basis = (after.sum(1, keepdim=True) / 3**0.5 - grey).abs().max().item(), luminance_basis()
    moved = torch.einsum("kc,bchw->bkhw", basis, after - x)[:, 1:].abs().max().item()
    return f"at s = 0 the grey is off by {error:.0e}, and the colours have moved by {moved:.0e}: rounding, both."


exercise = Exercise(answer=colorize_step, cases=cases, counted=("step",), remark=remark)
exercise.right(guidance.colorize_step)
KNOWN = "noisy_known(grey, *kernel(s), noise)"
OLD = "(towards_white * x).sum(1, keepdim=True)"


@exercise.right
def shifted_channels(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y - y.mean(1, keepdim=True) + (alpha * grey + sigma * noise) / math.sqrt(3)


@exercise.right
def rotated_there_and_back(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    basis = gram_schmidt_by_cross_product().to(x)
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], dim=1)
    return torch.einsum("kc,bkhw->bchw", basis, y)


@exercise.right
def channels_last(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    basis = by_qr().to(x)
    with torch.no_grad():
        y = step(x, t, s).permute(0, 2, 3, 1) @ basis.T
        y[..., 0] = (alpha * grey + sigma * noise)[:, 0]
    return (y @ basis).permute(0, 3, 1, 2)


@exercise.right
def inpainted_in_the_basis(x, t, s, step, grey, kernel, noise):
    basis = gram_schmidt_by_cross_product().to(x)
    rotate = lambda x: (basis @ x.flatten(2)).reshape(x.shape)
    back = lambda y: (basis.T @ y.flatten(2)).reshape(y.shape)
    known, mask = torch.zeros_like(x), torch.zeros_like(x)
    known[:, :1], mask[:, :1] = grey, 1
    in_basis = lambda y, t, s: rotate(step(back(y), t, s))
    return back(inpaint_step(rotate(x), t, s, in_basis, known, mask, kernel, noise.expand_as(x)))


exercise.mistake(
    "x + towards_white * change → x.add_(towards_white * change)",
    "your function changes in place (`+=`) what `step` returned, which may be x itself: make a new tensor.",
)


@exercise.mistake(
    "`grey` is the coordinate along (1, 1, 1)/√3, the sum of the channels over √3: you take it for their mean."
)
def mean_for_coordinate(x, t, s, step, grey, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y + (alpha * grey + sigma * noise - y.mean(1, keepdim=True))


exercise.mistake(
    "luminance_basis()[0].to(x)[:, None, None] → torch.ones(3, 1, 1).to(x)",
    "the direction of grey is not of length one: use (1, 1, 1)/√3, both to read the coordinate and to write it.",
)
exercise.mistake(
    "towards_white * change → change",
    "the change of the grey coordinate is written to every channel whole: along (1, 1, 1)/√3.",
)
exercise.mistake(f"{KNOWN} → grey", "the known grey is put back clean: at time s it is α·grey + σ·noise.")
exercise.mistake(
    "kernel(s) → kernel(t)",
    "after the step the state is at time s, so the grey belongs at s: kernel(s), not kernel(t).",
)
exercise.mistake(
    """x = step(x, t, s) →
       kernel(s) → kernel(t)
       x + towards_white * change → step(x + towards_white * change, t, s)""",
    "you replace the grey and then step, which moves it again: step first, then replace.",
)
exercise.mistake(
    "x = step(x, t, s) →",
    "the grey is right, but the colours did not move: start from step(x, t, s), not from x.",
)
exercise.mistake("step(x, t, s) → step(x, s, t)", "the step runs the wrong way, from s to t: call step(x, t, s).")
exercise.mistake(
    f"x + towards_white * change → torch.cat([{KNOWN}, x[:, 1:]], 1)",
    "you replace the red channel: grey is the first coordinate in the basis, so rotate first.",
)
exercise.mistake(
    f"x + towards_white * change → towards_white * {KNOWN}",
    "all colour is lost: replace the grey coordinate only, and keep the other two.",
)
exercise.mistake(f"{KNOWN} - {OLD} → {KNOWN}", "the new grey is added to the old: take the old coordinate out first.")


@exercise.mistake("you rotate by the basis B twice: the way back from coordinates to colours is its transpose.")
def not_rotated_back(x, t, s, step, grey, kernel, noise):
    basis, (alpha, sigma) = luminance_basis().to(x), kernel(s)
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], 1)
    return torch.einsum("kc,bchw->bkhw", basis, y)


exercise.mistake(
    "x + towards_white * change → "
    f"torch.cat([{KNOWN}, torch.einsum('kc,bchw->bkhw', luminance_basis().to(x), x)[:, 1:]], 1)",
    "you rotate into the basis and stay there: go back to colours with its transpose.",
)


@exercise.mistake("the basis is in the default dtype and x may not be: cast it, `luminance_basis().to(x)`.")
def basis_not_cast(x, t, s, step, grey, kernel, noise):
    basis, (alpha, sigma) = luminance_basis(), kernel(s)
    y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
    y = torch.cat([alpha * grey + sigma * noise, y[:, 1:]], 1)
    return torch.einsum("kc,bkhw->bchw", basis, y)


exercise.mistake(f"{KNOWN} → kernel(s)[0] * grey", "the known grey lacks its noise: at time s it is α·grey + σ·noise.")
exercise.mistake(
    f"{KNOWN} → grey + kernel(s)[1] * noise", "the known grey lacks its α: at time s it is α·grey + σ·noise."
)
