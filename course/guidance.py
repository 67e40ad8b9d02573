r"""Guidance makes scores from scores; inverse problems put a step around a step.

By Bayes' rule :math:`\nabla_x \log p_t(x \mid y) = \nabla_x \log p_t(x) + \nabla_x \log p_t(y \mid x)`: whatever says
something about a noisy x, such as a classifier or a measurement, turns an unconditional score into a conditional one.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.tensors import (
    check_labels,
    check_real,
    check_takes,
    check_tensor,
    evaluate,
    expand,
    gradient,
    one_each,
    randn_like,
    returned_as,
    shaped_as,
    whole,
)
from course.types import Field, Score, Step, Time

Kernel = Callable[[float], tuple[float, float]]


def classifier_score(
    classifier: Callable[[Tensor, Time], Tensor], x: Tensor, t: Time, labels: Tensor, differentiable: bool = False
) -> Tensor:
    r"""∇ₓ log p(y | x, t) of a classifier of noisy data.

    Args:
        classifier: (x, t) → logits (B, K), example by example.
        x: shape (B, \*D).
        t: a float or (B,), handed on.
        labels: y, int64, shape (B,).
        differentiable: keep the graph, so that this score can be differentiated in turn.

    Returns:
        Shape (B, \*D), without a graph unless it was asked for; a derivative by x then raises a ValueError.

    Raises:
        ValueError: if there is not one label per example and one row of logits for each, or no graph leads to x.
        TypeError: if labels are not whole numbers.
    """
    check_real(x=x)
    check_labels(labels, x)

    def log_prob(x: Tensor) -> Tensor:
        logits = classifier(x, t)
        check_tensor(logits=logits)
        if logits.ndim != 2 or len(logits) != len(x):
            raise ValueError(f"Expected classifier(x, t) to return shape ({len(x)}, K); got {tuple(logits.shape)}.")
        check_labels(labels, x, logits.shape[1])
        return logits.log_softmax(1).gather(1, labels[:, None].long().clone()).sum()

    return gradient(log_prob, x, "classifier", differentiable, "classifier_score or classifier_guidance")


def posterior_score(score: Score, x: Tensor, t: Time, likelihood_grad: Field, scale: Time) -> Tensor:
    r"""∇ log p_t(x) + scale · ∇ log p_t(y | x), the score of p(x) p(y | x)^scale; shapes (B, \*D), scale () or (B,)."""
    check_real(x=x)
    here, pull = evaluate("score", score, x, t), evaluate("likelihood_grad", likelihood_grad, x, t)
    return here + expand(scale, x) * pull


def classifier_guidance(
    score: Score,
    classifier: Callable[[Tensor, Time], Tensor],
    labels: Tensor,
    scale: float = 1.0,
    differentiable: bool = False,
) -> Score:
    """``posterior_score`` with a classifier of noisy data, as a score (Dhariwal and Nichol, 2021).

    With ``differentiable`` its likelihood can be computed too, which needs its divergence.
    """
    towards = lambda x, t: classifier_score(classifier, x, t, labels, differentiable)
    return lambda x, t: posterior_score(score, x, t, towards, scale)


def drop_labels(labels: Tensor, null: int, probability: float, uniform: Tensor) -> Tensor:
    """``null`` where uniform < probability, to train classifier-free; labels and uniform (B,) → (B,), a new tensor."""
    one_each(labels, uniform=uniform, labels=labels)
    if labels.is_floating_point():
        raise TypeError(f"Labels are whole numbers, int64; got {labels.dtype}.")
    bounds = torch.iinfo(labels.dtype)
    if whole("null", null, bounds.min) > bounds.max:
        raise ValueError(f"Labels of {labels.dtype} go to {bounds.max}; got null = {null}.")
    if not 0 <= probability <= 1:
        raise ValueError(f"Expected a probability between 0 and 1; got {probability}.")
    return torch.where(uniform < probability, null, labels)


def classifier_free(conditional: Tensor, unconditional: Tensor, scale: Time) -> Tensor:
    r"""s_uncond + w (s_cond − s_uncond): unconditional at w = 0, conditional at w = 1, more than that above.

    Args:
        conditional, unconditional: scores (or noises, denoised data, velocities: all affine), shape (B, \*D).
        scale: w, a number, or one per example, shape (B,). Ho and Salimans (2022) write 1 + w for it.

    Returns:
        Shape (B, \*D).
    """
    check_real(conditional=conditional, unconditional=unconditional)
    shaped_as(unconditional, conditional=conditional)
    # unconditional + scale * (conditional - unconditional), in one pass and exact at 0 and 1
    return torch.lerp(unconditional, conditional, expand(scale, conditional))


def classifier_free_guidance(model: Callable[..., Tensor], labels: Tensor, null: int, scale: Time) -> Field:
    r"""A conditional model guided by itself, both halves in one batch.

    Args:
        model: (x, t, labels) → (B, \*D), a score or another of its faces.
        labels: y, shape (B,).
        null: the label that says nothing.
        scale: w.
    """

    def guided(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        one_each(x, labels=labels)
        both = torch.cat([labels, torch.full_like(labels, null)])
        times = torch.cat([t, t]) if isinstance(t, Tensor) and t.ndim else t
        twice = torch.cat([x, x])
        conditional, unconditional = returned_as(twice, model(twice, times, both), "model").chunk(2)
        return classifier_free(conditional, unconditional, scale)

    return guided


# -- inverse problems --------------------------------------------------------------------------------------------------


def noisy_known(known: Tensor, alpha: Time, sigma: Time, noise: Tensor) -> Tensor:
    r"""α · known + σz: what is known, at the noise level of its surroundings; shapes (B, \*D), α and σ () or (B,)."""
    check_real(known=known)
    shaped_as(known, noise=noise)
    return expand(alpha, known) * known + expand(sigma, known) * noise


def inpaint_step(
    x: Tensor, t: float, s: float, step: Step, known: Tensor, mask: Tensor, kernel: Kernel, noise: Tensor
) -> Tensor:
    r"""A step, after which the known part is replaced by itself at time s.

    Args:
        x: x_t, shape (B, \*D).
        t, s: from and to, floats.
        step: any Step.
        known: clean data, shape (B, \*D); only its known part matters.
        mask: 1 where known, 0 elsewhere, shape (B, \*D).
        kernel: t ↦ (α, σ), such as ``process.kernel``.
        noise: shape (B, \*D).

    Source: Song et al. (2021), appendix I.2.
    """
    check_real(x=x)
    shaped_as(x, known=known, mask=mask)
    replaced = noisy_known(known, *kernel(s), noise)
    return torch.where(mask > 0.5, replaced, evaluate("step", step, x, t, s))


def luminance_basis() -> Tensor:
    """Orthonormal rows of colour space, grey first: (1, 1, 1)/√3, then two of colour; shape (3, 3)."""
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    return rows / rows.norm(dim=1, keepdim=True)


def colorize_step(x: Tensor, t: float, s: float, step: Step, grey: Tensor, kernel: Kernel, noise: Tensor) -> Tensor:
    r"""Inpainting in the basis of grey and colour: after a step, the grey coordinate is replaced by itself at time s.

    Args:
        x: x_t, shape (B, 3, H, W).
        t, s: from and to, floats.
        step: any Step.
        grey: the clean grey coordinate in ``luminance_basis``, shape (B, 1, H, W).
        kernel: t ↦ (α, σ).
        noise: shape (B, 1, H, W).

    Source: Song et al. (2021), appendix I.3.
    """
    check_takes("Colour is put on pictures", x, 3, *x.shape[2:])
    check_real(4, x=x)
    shaped_as(x[:, :1], grey=grey)
    x = evaluate("step", step, x, t, s)
    towards = luminance_basis()[0].to(x)[:, None, None]
    change = noisy_known(grey, *kernel(s), noise) - (towards * x).sum(1, keepdim=True)
    return x + towards * change


def resample(step: Step, kernel: Kernel, times: int, generator: torch.Generator | None = None) -> Step:
    r"""RePaint's resampling: take a step, add the noise that it removed, and again, so that both parts come to agree.

    .. math:: x_t = \frac{\alpha_t}{\alpha_s} x_s + \sqrt{\sigma_t^2 - (\alpha_t \sigma_s / \alpha_s)^2} \, z

    Args:
        step: such as one around ``inpaint_step``.
        kernel: t ↦ (α, σ).
        times: how often the step is taken; 1 is the step itself.
        generator: draws z.

    Raises:
        ValueError: if times < 1.

    Source: Lugmayr et al. (2022), algorithm 1.
    """
    whole("times", times, 1)

    def repeated(x: Tensor, t: float, s: float) -> Tensor:
        check_real(x=x)
        (alpha, sigma), (alpha_s, sigma_s) = kernel(t), kernel(s)
        ratio = alpha / alpha_s
        back = max(0.0, sigma**2 - (ratio * sigma_s) ** 2) ** 0.5
        for left in reversed(range(times)):
            y = evaluate("step", step, x, t, s)
            x = ratio * y + back * randn_like(y, generator) if left else y
        return x

    return repeated


def linear_guidance(
    denoiser: Field,
    process_kernel: Callable[[Time], tuple[Time, Time]],
    measure: Callable[[Tensor], Tensor],
    measured: Tensor,
    noise: float,
    spread: Callable[[float], float] | None = None,
    differentiable: bool = False,
) -> Field:
    r"""∇ₓ log p_t(y | x) for y = A x₀ + noise · z, with x₀ given x taken as a Gaussian around the denoiser's estimate.

    .. math:: p_t(y \mid x) \approx \mathcal N\bigl(y; \; A \hat x_0(x, t), \; (\text{noise}^2 + r_t^2) I\bigr)

    Exact where the posterior covariance of x₀ is r² I and A has orthonormal rows. Use it in ``posterior_score``.

    Args:
        denoiser: x̂₀(x, t), shape (B, \*D).
        process_kernel: t ↦ (α, σ), such as ``process.kernel``.
        measure: A, linear, (B, \*D) → (B, \*M), example by example.
        measured: y, shape (B, \*M).
        noise: standard deviation of the measurement's noise.
        spread: t ↦ r_t; where None, √(σ²/(α² + σ²)), the posterior deviation for data of unit variance.
        differentiable: keep the graph, so that a likelihood under this guidance can be computed.

    Source: Song et al. (2023), pseudoinverse-guided diffusion; Chung et al. (2023) with r = 0.
    """

    def likelihood_grad(x: Tensor, t: Time) -> Tensor:
        check_real(x=x)
        alpha, sigma = process_kernel(t)
        r = spread(t) if spread else (sigma**2 / (alpha**2 + sigma**2)) ** 0.5  # type: ignore[arg-type]

        def log_prob(x: Tensor) -> Tensor:
            expected = measure(evaluate("denoiser", denoiser, x, t))
            shaped_as(expected, measured=measured)
            error = (measured - expected).flatten(1).square().sum(1)
            return (-0.5 * error / (expand(noise, error) ** 2 + expand(r, error) ** 2)).sum()

        return gradient(log_prob, x, "denoiser", differentiable, "linear_guidance")

    return likelihood_grad
