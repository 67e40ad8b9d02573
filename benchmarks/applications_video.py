"""Clips of moving digits, told a caption, a first frame or both: the network, and frame by frame without attention.

The judge is the package's classifier, which reads each frame after its digit was moved to the middle, and the path of
the centre of ink. What it says of real clips of unseen digits is in brackets. The control is the same network with the
same captions, first frames and noise, to which every frame is a clip of its own, as it also was in a fifth of training.
"""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from course import pretrained
from course.applications.video import clean, frame_by_frame, judge, recentred, sample_clips, video_denoiser
from course.data.moving import HELD_OUT, NOTHING, SEEN, moving_digits, read_captions

SEEDS, SCALE = (0, 1, 2), 1.5


def rows(quick: bool = False) -> list[tuple[str, ...]]:
    """(what, with attention across frames, frame by frame): mean ± standard error over sampling seeds."""
    n = 16 if quick else 48
    network, classifier = pretrained.load("video"), pretrained.load("classifier")
    found = []
    for name, pairs, digit, motion, first in (
        ("a caption", SEEN, True, True, False),
        ("a caption never seen", HELD_OUT, True, True, False),
        ("a first frame and a motion", SEEN, False, True, True),
        ("a first frame", SEEN, False, False, True),
    ):
        measured = [
            [measure(make, n, seed, pairs, digit, motion, first, classifier) for seed in SEEDS]
            for make in (network, frame_by_frame(network), None)
        ]
        for what in measured[0][0]:
            ours, control, real = ([run[what] for run in runs] for runs in measured)
            form = "{:.1%}" if "%" in what else "{:.2f}"
            text = f"{name}: {what.removesuffix(' %')} ({form.format(statistics.mean(real))})"
            found.append((text, shown(ours, form), shown(control, form)))
    return found


def measure(
    network: Callable[..., Tensor] | None,
    n: int,
    seed: int,
    pairs: Tensor,
    digit: bool,
    motion: bool,
    first: bool,
    classifier: Callable[[Tensor], Tensor],
) -> dict[str, float]:
    """Sample n clips as real ones are told, or judge these where the network is None."""
    real, captions = moving_digits(n, torch.Generator().manual_seed(seed), split="test", pairs=pairs)
    told = read_captions(captions)
    said = torch.where(torch.tensor([digit, motion, motion]), told, torch.tensor(NOTHING))
    given, clips = real[:, 0] if first else None, real
    if network is not None:
        heard = said if digit or motion else None
        denoiser = video_denoiser(network, heard, given, SCALE)
        clips = sample_clips(denoiser, tuple(real.shape), torch.Generator().manual_seed(100 + seed))
    known = torch.where(torch.tensor([True, motion, motion]), told, torch.tensor(NOTHING))  # by the first frame, too
    seen = {name: value.mean().item() for name, value in judge(clips, known, classifier).items()}
    how = "as told" if motion else "steadily"
    result = {
        "frames read as the digit %": seen["named"],
        "all frames read as one digit %": seen["same"],
        f"moves {how} %": seen["moves"],
        f"moves {how}, the digit in all frames %": seen["right"],
        "pixels off a steady path": seen["off"],
        "change of the digit from frame to frame": seen["change"],
    }
    if given is None:
        result["difference between clips of a digit"] = diversity(clips, told)
    else:
        result["first frame differs from the one given"] = difference(clean(clips)[:, 0], given)
    return result


def diversity(clips: Tensor, told: Tensor) -> float:
    """Root mean square difference between the digits of two clips that are told the same digit."""
    order = told[:, 0].argsort()
    digits, labels = recentred(clips)[order, 0], told[order, 0]
    return difference(digits[1:], digits[:-1], labels[1:] == labels[:-1])


def difference(a: Tensor, b: Tensor, where: Tensor | slice = slice(None)) -> float:
    return (a - b).square().flatten(1).mean(1).sqrt()[where].mean().item()


def shown(values: list[float], form: str) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{form.format(statistics.mean(values))} ± {form.format(error)}"


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
