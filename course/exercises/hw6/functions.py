"""hw6: the functions of time that its cases hand over."""

from torch import Tensor

from course.exercises.case import Draw, Given


def field(draw: Draw, d: int, kind: str = "Field", size: float = 1.0, **more: Tensor) -> Given:
    """A drift, a score or a velocity that changes a lot with time; where x is small, one of that size."""
    tensors = {"win": draw.normal(d, 7) / d**0.5, "bias": draw.normal(7), "rate": 3 * draw.normal(7)}
    return Given(f"hw6.{kind}", {**tensors, "wout": size * draw.normal(7, d), **more})


def diffusion(draw: Draw) -> Given:
    """g(t), which grows or falls by a factor of two or more."""
    return Given("hw6.Diffusion", {"base": draw.uniform(low=0.6, high=1.6), "rate": draw.uniform(low=0.8, high=1.4)})
