"""hw5, networks: its exercises in the order of the notebook, with their points."""

points = {
    "sinusoidal_embedding": 10,
    "conditional_instance_norm": 14,
    "self_attention": 16,
    "residual_block": 10,
    "unet": 14,
    "patchify": 8,
    "unpatchify": 6,
    "adaptive_layer_norm": 10,
}

answers_in = ["course.networks"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
