"""Text to video: clips made as images are, by a network whose frames attend to one another.

A clip is one example, shape (F, C, H, W), so ``walk``, ``edm_step`` and ``classifier_free`` are those of images; what a
caption says and a first frame are bound to the network before. The control makes the same films frame by frame: the
same network, whose frames are clips of their own and can't see one another.

Video diffusion (Ho et al., 2022; Imagen Video) factorizes a U-Net over space and time as is done here, trains on videos
of the web and images together, and raises size and frame rate in a cascade. Ours is trained on ten thousand digits set
in motion anew in every step, at one size; captions are read by a grammar instead of a language model, and the judge
measures what video benchmarks can only estimate: where the digit is, how fast it moves, and whether it is the same.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from course.data.moving import DIRECTIONS, NOTHING, SPEEDS, STILL, centre_of_ink
from course.guidance import classifier_free
from course.processes import EDM
from course.sampling import edm_step, karras_times, walk
from course.scores import Preconditioned, score_from_denoiser
from course.tensors import check_generator, check_real, check_tensor, finite, returned_rows, whole
from course.types import Field, Time

SIGMA_MAX, SIGMA_MIN = 80.0, 0.02


def video_denoiser(
    network: Callable[..., Tensor], told: Tensor | None = None, first: Tensor | None = None, scale: float = 1.0
) -> Field:
    r"""The denoiser of clips given a caption and a first frame, guided by the caption.

    .. math:: D_\text{first} + w \, (D_\text{first, told} - D_\text{first})

    Args:
        network: (x, t, told, first) → x's shape, such as ``VideoUNet``.
        told: what captions say, shape (B, 3), as ``read_captions`` makes it, or None.
        first: first frames, shape (B, C, H, W), or None.
        scale: w; at 1, and without a caption, there is no guidance.

    Returns:
        (x (B, F, C, H, W), σ) → an estimate of the clean clip.
    """
    finite(scale=scale)
    conditional = Preconditioned(partial(network, told=told, first=first))
    if told is None or scale == 1:
        return conditional
    unconditional = Preconditioned(partial(network, first=first))
    return lambda x, t: classifier_free(conditional(x, t), unconditional(x, t), scale)


def frame_by_frame(network: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The control: the same network, to which every frame is a clip by itself, told its number and all that is given.

    Shape: as ``VideoUNet``, (x (B, F, C, H, W), t, told, first) → x's shape; the noise t is of each clip or of all.
    """

    def apart(x: Tensor, t: Time, told: Tensor | None = None, first: Tensor | None = None) -> Tensor:
        frames = x.shape[1]
        each = lambda a: a.repeat_interleave(frames, 0) if isinstance(a, Tensor) and a.ndim else a
        at = torch.arange(frames, device=x.device).repeat(len(x))[:, None]
        return network(x.flatten(0, 1)[:, None], each(t), each(told), each(first), at).reshape(x.shape)

    return apart


def sample_clips(
    denoiser: Field,
    shape: tuple[int, ...],
    generator: torch.Generator | None = None,
    steps: int = 18,
) -> Tensor:
    """Clips from noise, along the probability flow in Heun's steps.

    Args:
        denoiser: such as ``video_denoiser`` makes.
        shape: of the clips, (B, F, C, H, W).
        generator: draws the noise.
        steps: noise levels; the denoiser is evaluated 2 · steps − 1 times.
    """
    check_generator(generator)
    if len(shape) != 5:
        raise ValueError(f"Expected the shape of clips, (B, F, C, H, W); got {tuple(shape)}.")
    noise = SIGMA_MAX * torch.randn(shape, generator=generator)
    times = [*karras_times(SIGMA_MAX, SIGMA_MIN, whole("steps", steps, 2)).tolist(), 0.0]
    *_, x = walk(edm_step(score_from_denoiser(denoiser, EDM(SIGMA_MAX))), noise, times)
    return x


# -- the judge ---------------------------------------------------------------------------------------------------------


def recentred(clips: Tensor, size: int = 16) -> Tensor:
    """Every frame moved so that its centre of ink is the centre, and cut to size: motion is gone, the digit stays.

    Args:
        clips: shape (B, F, C, H, W) in [−1, 1].
        size: height and width of the result; digits in ``moving_digits`` then look as in ``mnist(16)``.

    Returns:
        Shape (B, F, C, size, size), black (−1) where there was no frame.
    """
    _check_clips(clips)
    frames = clean(clips).flatten(0, 1)
    centre = centre_of_ink(frames)
    place = torch.arange(size, dtype=clips.dtype, device=clips.device) - (size - 1) / 2
    extent = torch.tensor(frames.shape[-2:], dtype=clips.dtype, device=clips.device)
    y, x = ((2 * (centre[:, :, None] + place + 0.5) / extent[:, None]) - 1).unbind(1)  # each (B·F, size)
    grid = torch.stack([x[:, None].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], -1)
    return (F.grid_sample(frames + 1, grid, align_corners=False) - 1).unflatten(0, clips.shape[:2])


def clean(clips: Tensor, least: float = 0.1) -> Tensor:
    """Clips in [−1, 1] whose faintest ink, below ``least`` of full, is black: grains would draw the centre of ink."""
    check_real(clips=clips)
    finite(least=least)
    return torch.where(clips < 2 * least - 1, -1.0, clips.clamp(max=1))


def path(clips: Tensor) -> tuple[Tensor, Tensor]:
    """The straight path at constant velocity that fits the centres of ink best, and how far they are off it.

    Args:
        clips: shape (B, F, C, H, W), with two frames or more.

    Returns:
        Velocity in rows and columns a frame, shape (B, 2), and the root mean square distance in pixels, shape (B,).
    """
    _check_clips(clips)
    centre = centre_of_ink(clean(clips))  # (B, F, 2)
    time = torch.arange(clips.shape[1], dtype=clips.dtype, device=clips.device)
    time = (time - time.mean())[:, None]
    moved = centre - centre.mean(1, keepdim=True)
    velocity = (time * moved).sum(1) / time.square().sum()
    off = (moved - time * velocity[:, None]).square().sum(-1).mean(1).sqrt()
    return velocity, off


def moves_as_told(clips: Tensor, told: Tensor, smooth: float = 0.5) -> Tensor:
    """Whether clips move as their captions say: the direction, the pace, and steadily.

    Args:
        clips: shape (B, F, C, H, W).
        told: shape (B, 3); what it leaves unsaid is not judged.
        smooth: largest distance from a path at constant velocity, root mean square, in pixels.

    Returns:
        Shape (B,), bool. The direction is the one whose velocity is nearest, "stands still" below 0.2 pixels a frame;
        between slow and quick is the speed halfway.
    """
    _check_told(clips, told)
    velocity, off = path(clips)
    speed = velocity.norm(dim=1)
    heading = (velocity @ DIRECTIONS[:STILL].to(velocity).T).argmax(1)
    motion = torch.where(speed < SPEEDS.min() / 2, STILL, heading)
    pace = (speed > (SPEEDS[0, 1] + SPEEDS[1, 0]) / 2).long()
    said = told < torch.tensor(NOTHING, device=told.device)
    right = (~said[:, 1] | (motion == told[:, 1])) & (~said[:, 2] | (pace == told[:, 2]))
    return right & (off < smooth)


def judge(clips: Tensor, told: Tensor, classifier: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """What can be measured of each clip, all of shape (B,).

    Args:
        clips: shape (B, F, 1, H, W); told: shape (B, 3).
        classifier: (N, 1, 16, 16) → logits, such as ``pretrained.load("classifier")``, which has never seen a sample.

    Returns:
        named: share of frames that are read as the digit that was told (nan where none was).
        same: whether all frames are read as the same digit.
        change: root mean square difference between neighbouring frames, both recentred: is it the same handwriting?
        moves: as told and steadily (``moves_as_told``).
        off: distance from a path at constant velocity, in pixels.
        right: whether it moves as told and all frames read as the digit that was told. (Grains that fill every frame
        have a centre of ink that stands still, but are no digit.)
    """
    _check_told(clips, told)
    digits = recentred(clips)
    frames = digits.flatten(0, 1)
    with torch.no_grad():
        read = returned_rows(frames, classifier(frames), "classifier").argmax(1).reshape(clips.shape[:2])
    named = (read == told[:, :1]).float().mean(1)
    same, moves, unnamed = (read == read[:, :1]).all(1), moves_as_told(clips, told), told[:, 0] == NOTHING[0]
    return {
        "named": torch.where(unnamed, torch.nan, named),
        "same": same.float(),
        "change": digits.diff(dim=1).square().flatten(2).mean(2).sqrt().mean(1),
        "moves": moves.float(),
        "off": path(clips)[1],
        "right": (moves & same & (unnamed | (named == 1))).float(),
    }


def _check_clips(clips: Tensor) -> None:
    check_real(clips=clips)
    if clips.ndim != 5 or clips.shape[1] < 2:
        raise ValueError(f"Expected clips of two frames or more, shape (B, F, C, H, W); got {tuple(clips.shape)}.")


def _check_told(clips: Tensor, told: Tensor) -> None:
    _check_clips(clips)
    check_tensor(told=told)
    if told.shape != (len(clips), len(NOTHING)) or told.is_floating_point():
        raise ValueError(
            f"Expected what each caption says, whole numbers of shape {(len(clips), 3)}; "
            f"got {told.dtype}, {tuple(told.shape)}."
        )
