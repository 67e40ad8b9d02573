"""Data: densities in the plane, and MNIST."""

from course.data.images import mnist
from course.data.toy import checkerboard, grid, moons, pinwheel, ring, spiral, two_modes

__all__ = ["checkerboard", "grid", "mnist", "moons", "pinwheel", "ring", "spiral", "two_modes"]
