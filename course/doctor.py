"""`course doctor`: does everything that a student needs work here?"""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and a sentence about it."""

    good: bool
    what: str


def examine() -> Iterator[Finding]:
    """Look at Python, PyTorch, the data, and Jupyter."""
    import torch

    from course.data import mnist

    yield Finding(sys.version_info >= (3, 10), f"Python {sys.version.split()[0]} (3.10 or newer is needed)")
    yield Finding(True, f"PyTorch {torch.__version__}, computing on {_device()}")
    try:
        yield Finding(True, f"MNIST: {len(mnist()[0]):,} digits ship with the package")
    except FileNotFoundError as error:
        yield Finding(False, str(error))
    yield _package("ipykernel", "notebooks can run", "pip install ipykernel")
    yield _package("jupyterlab", "notebooks can be opened", "pip install 'score-course[lab]'")
    if importlib.util.find_spec("nbgrader"):
        yield _package("nbgrader", "classes can be graded", "pip install 'score-course[instructor]'")


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "Apple's GPU (mps)" if torch.backends.mps.is_available() else f"the CPU, {torch.get_num_threads()} threads"


def _package(name: str, what: str, remedy: str) -> Finding:
    if importlib.util.find_spec(name):
        return Finding(True, f"{name} {importlib.metadata.version(name)}: {what}")
    return Finding(False, f"{name} is missing: `{remedy}`")
