"""7.6, a step around a step: afterwards the known part is replaced by itself at time s."""

import torch

from course import guidance
from course.densities import Gaussian
from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.exercises.hw7.noisy_known import noisy_known
from course.exercises.hw7.shared import a_kernel, a_step
from course.processes import EDM
from course.sampling import ddim, karras_times, walk


def inpaint_step(x, t, s, step, known, mask, kernel, noise):
    return torch.where(mask > 0.5, noisy_known(known, *kernel(s), noise), step(x, t, s))  # type: ignore[call-arg]


def masks(draw: CaseRng, b: int, *shape: int) -> torch.Tensor:
    """Some entries of each example are known and some are not, each its own."""
    d = torch.Size(shape).numel()
    known = [1 + int(draw.integers(d - 1)) for _ in range(b)]
    return torch.stack([(draw.permutation(d) < k).double().reshape(shape) for k in known])


def cases(draw: CaseRng) -> list[Case]:
    def case(s: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        x, mask = draw.normal(b, *shape) + 0.5, masks(draw, b, *shape)
        known = torch.where(mask > 0, 2 * draw.normal(b, *shape) - 1, 50 * draw.normal(b, *shape))
        arguments = {"x": x, "t": s + draw.number(0.3, 0.6), "s": s, "step": a_step(draw, x[0].numel())}
        arguments |= {"known": known, "mask": mask, "kernel": a_kernel(draw), "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad, magnitude=100)

    return [case(draw.number(0.3, 0.7), 5, 7), case(draw.number(0.3, 0.7), 4, 2, 3, 5, no_grad=True), case(0.0, 3, 6)]


CORRELATED = Gaussian(torch.zeros(2), torch.tensor([[1.0, 0.8], [0.8, 1.0]]))


def remark(function) -> str:
    """Inpaint the second coordinate of a Gaussian in 60 steps, the first being 1."""
    generator, n, process = torch.Generator().manual_seed(0), 2000, EDM()
    known, mask = torch.ones(n, 2), torch.tensor([1.0, 0.0]).expand(n, 2)
    ancestral = ddim(process, lambda x, t: CORRELATED.diffuse(1.0, float(t)).score(x), 1.0, generator)

    def step(x, t, s):
        noise = torch.randn(n, 2, generator=generator)
        return function(x, t, s, ancestral, known, mask, process.kernel, noise)

    start = 20 * torch.randn(n, 2, generator=generator)
    *_, x = walk(step, start, [*karras_times(20.0, 0.01, 60).tolist(), 0.0])
    return (
        f"two numbers of correlation 0.8, the first known to be 1: the second comes out as {x[:, 1].mean():.2f} on "
        "average, and exactly it is 0.80. Why not quite? The picture below tells."
    )


# how often the kernel is called is left open here and for colorize_step: it costs nothing
exercise = Exercise(answer=inpaint_step, cases=cases, counted=("step",), remark=remark)
exercise.right(guidance.inpaint_step)
KNOWN = "noisy_known(known, *kernel(s), noise)"
WHOLE = f"torch.where(mask > 0.5, {KNOWN}, step(x, t, s))"


@exercise.right
def boolean_mask(x, t, s, step, known, mask, kernel, noise):
    with torch.no_grad():
        y, (alpha, sigma), where = step(x, t, s).clone(), kernel(s), mask.bool()
        y[where] = alpha * known[where] + sigma * noise[where]
    return y


@exercise.right
def moved_towards_the_known(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    y = step(x, t, s)
    return y + mask * (alpha * known + sigma * noise - y)


exercise.right(f"{WHOLE} → mask * {KNOWN} + (1 - mask) * step(x, t, s)")
exercise.right(f"{WHOLE} → torch.lerp(step(x, t, s), {KNOWN}, mask)")
exercise.right("mask > 0.5 → mask >= 0.5", "a mask is 0 or 1")


@exercise.mistake(
    "your function changes in place (`x[...] =`) what `step` returned, which may be x itself: make a new tensor, such "
    "as with torch.where."
)
def written_into_what_step_returned(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    x = step(x, t, s)
    x[mask == 1] = (alpha * known + sigma * noise)[mask == 1]
    return x


exercise.mistake(
    f"{WHOLE} → step(x, t, s) + mask * ({KNOWN} - step(x, t, s))",
    "you evaluate `step` twice, once is enough: a step with noise would differ from one call to the next.",
    credit=0.5,
)
exercise.mistake(
    "mask > 0.5 → mask < 0.5",
    "the mask is inverted: it is 1 where the image is known, and there the known part goes.",
)
exercise.mistake(
    f"{KNOWN} → known",
    "the known part is put back clean, beside surroundings that are noisy: give it the noise of time s.",
)
exercise.mistake(
    "kernel(s) → kernel(t)",
    "after the step the state is at time s, so the known part belongs at s: kernel(s), not t.",
)
exercise.mistake(
    f"{WHOLE} → step(torch.where(mask > 0.5, noisy_known(known, *kernel(t), noise), x), t, s)",
    f"{WHOLE} → step(torch.where(mask > 0.5, {KNOWN}, x), t, s)",
    "you replace the known part and then step, which moves it again: step first, then replace.",
)
exercise.mistake("step(x, t, s) → x", "the known part is right, but the rest did not move: it is step(x, t, s).")
exercise.mistake("step(x, t, s) → step(x, s, t)", "the step runs the wrong way, from s to t: call step(x, t, s).")
exercise.mistake(
    f"{WHOLE} → step(x, t, s) + mask * {KNOWN}",
    "the known part is added on top: where the mask is 1, it takes the place of what was there.",
)
exercise.mistake(f"{WHOLE} → step(x, t, s)", "the known part is not put back: that is the unconditional step.")
exercise.mistake(
    f"{KNOWN} → kernel(s)[0] * known", "the known part lacks its noise: at time s it is α·known + σ·noise."
)
exercise.mistake(
    f"{KNOWN} → known + kernel(s)[1] * noise", "the known part lacks its α: at time s it is α·known + σ·noise."
)
exercise.mistake("mask > 0.5 → mask[:1] > 0.5", "every example has a mask of its own: you use the first one for all.")
exercise.mistake(
    f"{WHOLE} → torch.where(mask > 0.5, kernel(s)[0] * known, step(x, t, s)) + kernel(s)[1] * noise",
    "the noise covers the unknown part too: there, the step alone decides.",
)
exercise.mistake(f"{WHOLE} → x.copy_({WHOLE})", "x is overwritten, and the caller still needs it: make a new tensor.")
