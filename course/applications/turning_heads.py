"""A head distilled from a prior of pictures, and an independent reader's opinion of every side of it.

A head has one face. Distilled from a prior that is not told where the camera stands, it has as many as there are places
to stand, since each of its pictures is probable as a face: the Janus problem.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course.applications.distillation import distill, view_prior
from course.applications.volumes import Volume, around, pictures_of
from course.data.solids import over, turned
from course.networks.view import ViewReader
from course.pretrained import load
from course.tensors import check_real


def distilled_head(
    told: bool = True,
    steps: int = 300,
    generator: torch.Generator | None = None,
    azimuths: Tensor | None = None,
    each: Callable[[int, nn.Module], Any] | None = None,
) -> Volume:
    """A volume of a head from the shipped prior ``head_prior``; about 40 ms a step of one core.

    Args:
        told: tell the prior the view, or else nothing.
        steps: of ``distill``.
        generator: draws angles, backgrounds and noise.
        azimuths: the only ones to be rendered, at least 8; None for any.
        each: called with the step's number and the volume after each step, to watch.
    """
    volume = Volume()
    prior = view_prior(load("head_prior"), told=told)
    smooth_and_sparse = lambda: 1e-5 * volume.variation() + 10 * volume.density.mean()
    distill(
        prior,
        volume,
        steps,
        sigmas=(1.0, 0.1),
        azimuths=azimuths,
        regularizer=smooth_and_sparse,
        generator=generator,
        each=each,
    )
    return volume


@torch.no_grad()
def view_errors(volume: nn.Module, reader: ViewReader, azimuth: Tensor) -> Tensor:
    """How far from each azimuth a picture from there seems to be taken, in radians from −π to π; (B,) → (B,)."""
    check_real(azimuth=azimuth)
    return turned(_read(volume, reader, azimuth), azimuth)


@torch.no_grad()
def faces(volume: nn.Module, reader: ViewReader, sides: int = 8) -> int:
    """On how many of the sides, the front and others all around, the reader sees the front; a head has one face."""
    read = _read(volume, reader, around(sides))
    return int((read.abs() < math.pi / sides).sum())


def _read(volume: nn.Module, reader: ViewReader, azimuth: Tensor) -> Tensor:
    if not isinstance(reader, ViewReader):
        raise TypeError(f"Expected a reader of views, a ViewReader; got a value of type {type(reader).__name__}.")
    return reader.azimuth(over(pictures_of(volume, azimuth)))
