"""hw7: what is known of x, put back after every step."""

import torch

from course import guidance
from course.densities import Gaussian
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.processes import EDM
from course.sampling import ddim, karras_times, walk


def a_step(draw: Draw, d: int) -> Given:
    """A step that depends on both of its times and is not linear."""
    return Given(
        "hw7.Step", {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "wout": draw.normal(5, d) / d**0.5}
    )


def a_kernel(draw: Draw) -> Given:
    """α below one and σ of order one, unrelated to each other."""
    return Given("hw7.Kernel", {"decay": draw.uniform(low=0.5, high=0.9), "growth": draw.uniform(low=0.6, high=0.9)})


# -- noisy_known -------------------------------------------------------------------------------------------------------


def _known_cases(draw: Draw) -> list[Case]:
    def case(alpha: float, sigma: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        arguments = {"known": draw.normal(b, *shape) - 0.5, "alpha": alpha, "sigma": sigma}
        return Case({**arguments, "noise": draw.normal(b, *shape)}, no_grad=no_grad)

    return [
        case(draw.number(0.5, 0.7), draw.number(0.2, 0.4), 5, 3),
        case(1.0, draw.number(3.0, 9.0), 4, 2, 3, no_grad=True),
        case(1.0, 0.0, 3, 4),
    ]


def _known_remark(function) -> str:
    noise = torch.randn(100_000, 1, generator=torch.Generator().manual_seed(0))
    seen = function(torch.full_like(noise, 2.0), 0.8, 0.6, noise)
    return f"a known 2, seen through α = 0.8 and σ = 0.6: mean {seen.mean():.2f}, standard deviation {seen.std():.2f}."


noisy_known = Exercise("noisy_known", 8, guidance.noisy_known, _known_cases, remark=_known_remark)


@noisy_known.misconception("the known part is kept clean: at time t it is α·known + σ·noise, as all the rest.")
def kept_clean(known, alpha, sigma, noise):
    return known.clone()


@noisy_known.misconception("α is missing: the process shrinks the data while it adds noise.")
def alpha_missing(known, alpha, sigma, noise):
    return known + sigma * noise


@noisy_known.misconception("σ is missing: the noise has standard deviation σ, not one.")
def sigma_missing(known, alpha, sigma, noise):
    return alpha * known + noise


@noisy_known.misconception("the noise is missing: add σ·noise.")
def noise_missing(known, alpha, sigma, noise):
    return alpha * known


@noisy_known.misconception("σ is a standard deviation already: multiply the noise by σ, not by its square or root.")
def variance_for_deviation(known, alpha, sigma, noise):
    return alpha * known + sigma**2 * noise


@noisy_known.misconception("σ is a standard deviation already: multiply the noise by σ, not by its square or root.")
def root_of_deviation(known, alpha, sigma, noise):
    return alpha * known + sigma**0.5 * noise


@noisy_known.misconception("this is for DDPM's ᾱ, which is our α squared: multiply by α itself.")
def root_of_alpha(known, alpha, sigma, noise):
    return alpha**0.5 * known + sigma * noise


@noisy_known.misconception("σ is handed in: √(1 − α²) is right for one process only.")
def sigma_from_alpha(known, alpha, sigma, noise):
    return alpha * known + (1 - alpha**2) ** 0.5 * noise


@noisy_known.misconception("α and σ are swapped: α multiplies what is known, σ the noise.")
def alpha_and_sigma_swapped(known, alpha, sigma, noise):
    return sigma * known + alpha * noise


@noisy_known.misconception("α multiplies the noise too: it is α·known + σ·noise.")
def alpha_on_both(known, alpha, sigma, noise):
    return alpha * (known + sigma * noise)


@noisy_known.misconception("you draw noise of your own: use the one that is handed in.")
def own_noise(known, alpha, sigma, noise):
    return alpha * known + sigma * torch.randn_like(known)


# -- inpaint_step ------------------------------------------------------------------------------------------------------


def _masks(draw: Draw, b: int, *shape: int) -> torch.Tensor:
    """Some entries of each example are known and some are not, each its own."""
    d = torch.Size(shape).numel()
    known = [1 + int(draw.integers(d - 1)) for _ in range(b)]
    return torch.stack([(draw.permutation(d) < k).double().reshape(shape) for k in known])


def _inpaint_cases(draw: Draw) -> list[Case]:
    def case(s: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        x, mask = draw.normal(b, *shape) + 0.5, _masks(draw, b, *shape)
        known = torch.where(mask > 0, 2 * draw.normal(b, *shape) - 1, 50 * draw.normal(b, *shape))
        arguments = {"x": x, "t": s + draw.number(0.3, 0.6), "s": s, "step": a_step(draw, x[0].numel())}
        arguments |= {"known": known, "mask": mask, "kernel": a_kernel(draw), "noise": draw.normal(b, *shape)}
        return Case(arguments, no_grad=no_grad, magnitude=100)

    return [case(draw.number(0.3, 0.7), 5, 7), case(draw.number(0.3, 0.7), 4, 2, 3, 5, no_grad=True), case(0.0, 3, 6)]


CORRELATED = Gaussian(torch.zeros(2), torch.tensor([[1.0, 0.8], [0.8, 1.0]]))


def _inpaint_remark(function) -> str:
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
inpaint_step = Exercise(
    "inpaint_step", 16, guidance.inpaint_step, _inpaint_cases, counted=("step",), remark=_inpaint_remark
)


@inpaint_step.misconception(
    "your function changes in place (`x[...] =`) what `step` returned, which may be x itself: make a new tensor, such "
    "as with torch.where."
)
def written_into_what_step_returned(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    x = step(x, t, s)
    x[mask == 1] = (alpha * known + sigma * noise)[mask == 1]
    return x


@inpaint_step.misconception(
    "you evaluate `step` twice, once is enough: a step with noise would differ from one call to the next.", credit=0.5
)
def stepped_twice(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return step(x, t, s) + mask * (alpha * known + sigma * noise - step(x, t, s))


@inpaint_step.misconception("the mask is inverted: it is 1 where the image is known, and there the known part goes.")
def mask_inverted(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return (1 - mask) * (alpha * known + sigma * noise) + mask * step(x, t, s)


@inpaint_step.misconception(
    "the known part is put back clean, beside surroundings that are noisy: give it the noise of time s."
)
def known_part_clean(x, t, s, step, known, mask, kernel, noise):
    return mask * known + (1 - mask) * step(x, t, s)


@inpaint_step.misconception("after the step the state is at time s, so the known part belongs at s: kernel(s), not t.")
def known_part_at_time_t(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(t)
    return mask * (alpha * known + sigma * noise) + (1 - mask) * step(x, t, s)


@inpaint_step.misconception("you replace the known part and then step, which moves it again: step first, then replace.")
def replaced_before_the_step(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(t)
    return step(mask * (alpha * known + sigma * noise) + (1 - mask) * x, t, s)


@inpaint_step.misconception("you replace the known part and then step, which moves it again: step first, then replace.")
def replaced_before_the_step_at_s(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return step(mask * (alpha * known + sigma * noise) + (1 - mask) * x, t, s)


@inpaint_step.misconception("the known part is right, but the rest did not move: it is step(x, t, s).")
def rest_not_stepped(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * (alpha * known + sigma * noise) + (1 - mask) * x


@inpaint_step.misconception("the step runs the wrong way, from s to t: call step(x, t, s).")
def times_swapped(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * (alpha * known + sigma * noise) + (1 - mask) * step(x, s, t)


@inpaint_step.misconception(
    "the known part is added on top: where the mask is 1, it takes the place of what was there."
)
def added_on_top(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return step(x, t, s) + mask * (alpha * known + sigma * noise)


@inpaint_step.misconception("the known part is not put back: that is the unconditional step.")
def never_replaced(x, t, s, step, known, mask, kernel, noise):
    return step(x, t, s)


@inpaint_step.misconception("the known part lacks its noise: at time s it is α·known + σ·noise.")
def known_part_shrunk_only(x, t, s, step, known, mask, kernel, noise):
    return mask * kernel(s)[0] * known + (1 - mask) * step(x, t, s)


@inpaint_step.misconception("the known part lacks its α: at time s it is α·known + σ·noise.")
def known_part_without_alpha(x, t, s, step, known, mask, kernel, noise):
    return mask * (known + kernel(s)[1] * noise) + (1 - mask) * step(x, t, s)


@inpaint_step.misconception("every example has a mask of its own: you use the first one for all.")
def one_mask_for_all(x, t, s, step, known, mask, kernel, noise):
    return guidance.inpaint_step(x, t, s, step, known, mask[:1].expand_as(mask), kernel, noise)


@inpaint_step.misconception("the noise covers the unknown part too: there, the step alone decides.")
def noise_everywhere(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * alpha * known + (1 - mask) * step(x, t, s) + sigma * noise


@inpaint_step.misconception("x is overwritten, and the caller still needs it: make a new tensor.")
def overwrites_x(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    x[:] = mask * (alpha * known + sigma * noise) + (1 - mask) * step(x, t, s)
    return x
