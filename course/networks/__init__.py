"""Networks: what learns a score, an energy, or a class."""

from course.networks.energy import ConvEnergy
from course.networks.mlp import MLP

__all__ = ["MLP", "ConvEnergy"]
