"""Training: one loop for all that the course trains, its checkpoints, and runs of several processes."""

from course.training.loop import Loss, Trained, train
from course.training.together import launched

__all__ = ["Loss", "Trained", "launched", "train"]
