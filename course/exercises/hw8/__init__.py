"""hw8, applications and limits: its exercises in the order of the notebook, with their points."""

points = {
    "clip_loss": 12,
    "cross_attention": 16,
    "controlled_features": 6,
    "temporal_attention": 12,
    "score_distillation": 10,
    "nearest_training": 10,
    "memorized_fraction": 7,
    "membership_auc": 7,
    "clipped_gradients": 8,
}

answers_in = ["course.applications", "course.networks"]
"""Modules of the library that hold answers to this assignment; they are not there to be imported when it is graded."""
