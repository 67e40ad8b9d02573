from course.networks.mlp import MLP

__all__ = ["MLP"]
