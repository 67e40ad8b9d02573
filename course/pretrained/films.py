"""Recipes: clips of moving digits."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from course import matching
from course.data import mnist
from course.data.moving import FRAMES, NOTHING, SIDE, set_in_motion
from course.networks.temporal import VideoUNet
from course.pretrained.recipe import Recipe
from course.scores import Preconditioned


def video_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Karras et al.'s loss of new clips made of the digits of a batch, half of them given their first frame.

    In one step of five, clips are taken apart into single frames, as if each were a clip of its own that is told its
    number: the network then also makes films frame by frame, to be compared with (and learns from more pictures, for
    which Ho et al. (2022) train on images and videos together).
    """
    images, labels = batch
    clips, told = set_in_motion(images, labels, generator)
    told = forget(told, generator)
    first, at = clips[:, 0], torch.arange(FRAMES, device=clips.device).repeat(len(clips), 1)
    if torch.rand((), generator=generator, device=clips.device) < 0.2:
        clips, at = clips.flatten(0, 1)[:, None], at.reshape(-1, 1)
        told, first = (x.repeat_interleave(FRAMES, 0) for x in (told, first))
    half = torch.rand(len(clips), generator=generator, device=clips.device) < 0.5
    loss = clips.new_zeros(())
    for chosen, given in ((half, True), (~half, False)):
        if n := int(chosen.sum()):
            some = partial(model, told=told[chosen], first=first[chosen] if given else None, at=at[chosen])
            value = matching.edm_loss(Preconditioned(some), clips[chosen], generator, mean=0.6, std=1.5)
            loss = loss + n / len(clips) * value
    return loss


def forget(told: Tensor, generator: torch.Generator) -> Tensor:
    """Leave unsaid what captions may leave unsaid: the digit ("it falls"), the pace, the motion ("a three"), or all."""
    u = torch.rand(4, len(told), generator=generator, device=told.device)
    silent = u[0] < 0.1
    unsaid = torch.stack([(u[1] < 0.2) | silent, (u[2] < 0.1) | silent, (u[2] < 0.1) | (u[3] < 0.2) | silent], 1)
    return torch.where(unsaid, torch.tensor(NOTHING, device=told.device), told)


def video_quality(model: Any, images: Tensor, labels: Tensor) -> dict[str, float]:
    """The loss of clips of test digits set in motion in one fixed way, and what the judge says of 40 sampled clips."""
    from course.applications.video import judge, sample_clips, video_denoiser
    from course.pretrained.loading import load

    generator = torch.Generator().manual_seed(1)
    batches = zip(images[:320].split(32), labels[:320].split(32))
    losses = [video_loss(model, batch, generator).item() for batch in batches]
    told = set_in_motion(images[:40], labels[:40], generator)[1]
    clips = sample_clips(video_denoiser(model, told, scale=1.5), (40, FRAMES, 1, SIDE, SIDE), generator)
    seen = judge(clips, told, load("classifier"))
    return {
        "test_loss": sum(losses) / len(losses),
        "frames_read_as_told": seen["named"].mean().item(),
        "clips_move_as_told": seen["moves"].mean().item(),
    }


RECIPES: dict[str, Recipe] = {
    "video": Recipe(
        "F(x, t, told, first, at) of a denoiser of clips of a moving digit, given what a caption says (digit, motion, "
        "pace), the first frame, both or neither; 8 frames of 24 × 24",
        VideoUNet,
        video_loss,
        video_quality,
        steps=11_000,
        batch_size=8,
        lr=1e-3,
        data=partial(mnist, 28),
        test=partial(mnist, 28, "test"),
        source="10,000 training digits of MNIST, set in motion anew in every step",
    ),
}
