"""Applications and limits: text to image, edges, video, 3D, and whether images are new, real, or marked."""

from course.applications.detection import auc, detection_scores, detector_loss, pixel_traces, train_detector
from course.applications.tree_ring import tree_ring, tree_ring_score
from course.applications.video import frame_by_frame, moves_as_told, sample_clips, video_denoiser
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
    "auc",
    "detection_scores",
    "detector_loss",
    "frame_by_frame",
    "keyed_signs",
    "moves_as_told",
    "pixel_traces",
    "principal_directions",
    "recovered_noise",
    "sample_clips",
    "trace_watermark",
    "train_detector",
    "tree_ring",
    "tree_ring_score",
    "video_denoiser",
    "watermark_p_value",
    "watermark_score",
    "watermarked_noise",
]
