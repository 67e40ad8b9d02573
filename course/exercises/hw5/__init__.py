"""hw5, networks: its exercises in the order of the notebook."""

from course.exercises.hw5 import accepted as accepted  # registers the other right answers
from course.exercises.hw5.attention import self_attention
from course.exercises.hw5.conditioning import conditional_instance_norm, sinusoidal_embedding
from course.exercises.hw5.convolutional import residual_block
from course.exercises.hw5.patches import patchify, unpatchify
from course.exercises.hw5.skips import unet
from course.exercises.hw5.transformer import adaptive_layer_norm

exercises = [
    sinusoidal_embedding,
    conditional_instance_norm,
    self_attention,
    residual_block,
    unet,
    patchify,
    unpatchify,
    adaptive_layer_norm,
]

answers_in = ["course.networks"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
