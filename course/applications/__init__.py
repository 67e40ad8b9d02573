"""Applications and limits: text to image, edges, video, 3D, and whether images are new, real, or marked."""

from course.applications.detection import auc, detection_scores, detector_loss, pixel_traces, train_detector
from course.applications.distillation import distill, score_distillation, view_prior
from course.applications.locality import local_denoiser
from course.applications.membership import denoising_losses, membership_auc, roc_curve, true_positive_rate
from course.applications.memorization import (
    distance_ratio,
    memorized_fraction,
    nearest_training,
    repeated_images,
    two_nearest,
)
from course.applications.privacy import PrivateLoss, clipped_gradients, epsilon, example_gradients, poisson_batch
from course.applications.tree_ring import tree_ring, tree_ring_score
from course.applications.video import frame_by_frame, moves_as_told, sample_clips, video_denoiser
from course.applications.volumes import Volume, turntable
from course.applications.watermark import (
    keyed_signs,
    principal_directions,
    recovered_noise,
    trace_watermark,
    watermark_p_value,
    watermark_score,
    watermarked_noise,
)

__all__ = [
    "PrivateLoss",
    "Volume",
    "auc",
    "clipped_gradients",
    "denoising_losses",
    "detection_scores",
    "detector_loss",
    "distance_ratio",
    "distill",
    "epsilon",
    "example_gradients",
    "frame_by_frame",
    "keyed_signs",
    "local_denoiser",
    "membership_auc",
    "memorized_fraction",
    "moves_as_told",
    "nearest_training",
    "pixel_traces",
    "poisson_batch",
    "principal_directions",
    "recovered_noise",
    "repeated_images",
    "roc_curve",
    "sample_clips",
    "score_distillation",
    "trace_watermark",
    "train_detector",
    "tree_ring",
    "tree_ring_score",
    "true_positive_rate",
    "turntable",
    "two_nearest",
    "video_denoiser",
    "view_prior",
    "watermark_p_value",
    "watermark_score",
    "watermarked_noise",
]
