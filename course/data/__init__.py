"""Data: densities in the plane, MNIST, captioned scenes, moving digits, and heads in three dimensions."""

from course.data.captions import captions, parse, tokenize
from course.data.images import mnist
from course.data.moving import moving_digits
from course.data.rendering import render, settled
from course.data.scenes import Scenes, canonical, draw_scenes, is_held_out, recoloured, restated, select, swapped
from course.data.solids import head_views, heads, photograph
from course.data.toy import checkerboard, grid, moons, pinwheel, ring, spiral, two_modes

__all__ = [
    "Scenes",
    "canonical",
    "captions",
    "checkerboard",
    "draw_scenes",
    "grid",
    "head_views",
    "heads",
    "is_held_out",
    "mnist",
    "moons",
    "moving_digits",
    "parse",
    "photograph",
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
