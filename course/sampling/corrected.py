"""Steps made of steps: a predictor goes on in time, a corrector makes up for its errors."""

import torch
from torch import Tensor

from course.tensors import check_number, check_real, evaluate, everywhere, randn_like, shaped_as
from course.types import Score, Step


def predictor_corrector(predictor: Step, corrector: Step) -> Step:
    """A step in time, then a step at the time that was reached, which leaves its law as it is (Song et al., 2021)."""
    return lambda x, t, s: corrector(predictor(x, t, s), s, s)


def corrector_step(x: Tensor, t: float, score: Score, snr: float, noise: Tensor) -> Tensor:
    r"""One Langevin step at a fixed time, its size set by a signal-to-noise ratio.

    .. math:: x' = x + \varepsilon s(x, t) + \sqrt{2 \varepsilon} z, \qquad
       \varepsilon = 2 \Bigl(\mathrm{snr} \, \frac{\overline{\lVert z \rVert}}{\overline{\lVert s \rVert}}\Bigr)^2

    Args:
        x: shape (B, \*D).
        t: a float.
        score: s(x, t).
        snr: above 0; larger steps correct more, and err more.
        noise: z ~ N(0, I), of x's shape. Norms are over all of D, and averaged over the batch.

    Raises:
        ValueError: if snr is not positive, a shape does not fit, or the score is zero everywhere (seen on the CPU).

    Source: Song et al. (2021), algorithms 4 and 5.
    """
    check_real(2, x=x)
    _check_snr(snr)
    shaped_as(x, noise=noise)
    direction = evaluate("score", score, x, t)
    length = direction.flatten(1).norm(dim=1).mean()
    if not (everywhere(length > 0) or length.isnan()):
        raise ValueError("The score is zero everywhere, so a signal-to-noise ratio says nothing of the step's size.")
    size = 2 * (snr * noise.flatten(1).norm(dim=1).mean() / length) ** 2
    return x + size * direction + (2 * size).sqrt() * noise


def langevin_corrector(score: Score, snr: float = 0.16, generator: torch.Generator | None = None) -> Step:
    """``corrector_step`` with fresh noise, at the time that a step ends at."""
    _check_snr(snr)
    return lambda x, t, s: corrector_step(x, s, score, snr, randn_like(x, generator))


def _check_snr(snr: float) -> None:
    check_number(snr=snr)
    if not 0 < snr < float("inf"):
        raise ValueError(f"A signal-to-noise ratio is positive and finite; got {snr}.")
