"""Data: densities in the plane, MNIST, captioned scenes, and moving digits."""

from course.data.captions import captions, parse, tokenize
from course.data.images import mnist
from course.data.moving import moving_digits
from course.data.rendering import render, settled
from course.data.scenes import Scenes, canonical, draw_scenes, is_held_out, recoloured, restated, select, swapped
from course.data.toy import checkerboard, grid, moons, pinwheel, ring, spiral, two_modes

__all__ = [
    "Scenes",
    "canonical",
    "captions",
    "checkerboard",
    "draw_scenes",
    "grid",
    "is_held_out",
    "mnist",
    "moons",
    "moving_digits",
    "parse",
    "pinwheel",
    "recoloured",
    "render",
    "restated",
    "ring",
    "select",
    "settled",
    "spiral",
    "swapped",
    "tokenize",
    "two_modes",
]
