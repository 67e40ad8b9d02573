"""What several of hw7's exercises hand over: times, a step, and a noise kernel."""

from torch import Tensor

from course.exercises.case import CaseRng, FunctionSpec


def a_time(draw: CaseRng, b: int | None = None) -> float | Tensor:
    """A number, or one for each of b examples."""
    return draw.number(0.3, 0.9) if b is None else draw.uniform(b, low=0.2, high=1.8)


def a_step(draw: CaseRng, d: int) -> FunctionSpec:
    """A step that depends on both of its times and is not linear."""
    return FunctionSpec(
        "hw7.Step", {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "wout": draw.normal(5, d) / d**0.5}
    )


def a_kernel(draw: CaseRng) -> FunctionSpec:
    """α below one and σ of order one, unrelated to each other."""
    return FunctionSpec(
        "hw7.Kernel", {"decay": draw.uniform(low=0.5, high=0.9), "growth": draw.uniform(low=0.6, high=0.9)}
    )
