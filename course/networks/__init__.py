"""Networks: what learns a score, an energy, or a class."""

from course.networks.convolutional import InstanceNormBlock, TimeBlock, UNet, unet
from course.networks.energy import ConvEnergy
from course.networks.layers import (
    adaptive_layer_norm,
    attention_weights,
    conditional_instance_norm,
    cross_attention,
    patchify,
    residual_block,
    self_attention,
    sinusoidal_embedding,
    unpatchify,
)
from course.networks.mlp import MLP, FourierMLP
from course.networks.temporal import TemporalAttention, VideoUNet, temporal_attention
from course.networks.transformer import DiT
from course.networks.view import ViewReader, ViewUNet, view_of

__all__ = [
    "MLP",
    "ConvEnergy",
    "DiT",
    "FourierMLP",
    "InstanceNormBlock",
    "TemporalAttention",
    "TimeBlock",
    "UNet",
    "VideoUNet",
    "ViewReader",
    "ViewUNet",
    "adaptive_layer_norm",
    "attention_weights",
    "conditional_instance_norm",
    "cross_attention",
    "patchify",
    "residual_block",
    "self_attention",
    "sinusoidal_embedding",
    "temporal_attention",
    "unet",
    "unpatchify",
    "view_of",
]
