"""`course doctor`: does everything that a student needs work here, and an instructor, where nbgrader is?"""

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.extras import remedy

GIB = 2**30
LEAST_FREE = 2 * GIB


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and a sentence about it."""

    good: bool
    what: str


def examine() -> Iterator[Finding]:
    """Look at Python, the disk, PyTorch, the data and Jupyter; where nbgrader is, at what grading needs."""
    yield Finding(sys.version_info >= (3, 10), f"Python {sys.version.split()[0]} (3.10 or newer is needed)")
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(free > LEAST_FREE, f"{free / GIB:.0f} GiB of disk are free here (2 or more are needed)")
    yield from _library()
    yield _package("ipykernel", "notebooks can run", "pip install ipykernel")
    yield _package("jupyterlab", "notebooks can be opened", remedy("lab"))
    if importlib.util.find_spec("nbgrader"):
        yield from _grading()


def _library() -> Iterator[Finding]:
    import torch

    from course.data import mnist

    yield Finding(True, f"PyTorch {torch.__version__}, computing on {_device()}")
    try:
        yield Finding(True, f"MNIST: {len(mnist()[0]):,} digits ship with the package")
    except FileNotFoundError as error:
        yield Finding(False, str(error))


def _grading() -> Iterator[Finding]:
    yield _package("nbgrader", "classes can be graded", remedy("instructor"))
    yield _package("distributed", "submissions are graded side by side", remedy("instructor"))
    if sys.platform == "linux":
        bubblewrap = shutil.which("bwrap")
        yield Finding(
            bool(bubblewrap),
            f"bubblewrap ({bubblewrap}): students' code is kept apart from this machine"
            if bubblewrap
            else "bubblewrap is missing, so nothing is graded unless it is trusted (--no-sandbox): "
            "`apt-get install bubblewrap`, or what your system calls it",
        )
        yield _package("pyseccomp", "system calls of students' code are filtered", remedy("instructor"))
    here = Path("nbgrader_config.py")
    if here.is_file():
        yield _configuration()
    else:
        yield Finding(True, "no nbgrader_config.py here: instructors' commands are run in the folder that has it")


def _configuration() -> Finding:
    from sqlalchemy.engine import make_url

    from course.grading.course_folder import CourseFolder, counted

    try:
        base = CourseFolder(Path.cwd())
        gradebook = make_url(base.database).render_as_string(hide_password=True)
    except Exception as error:  # whatever the instructor's file does
        return Finding(False, f"nbgrader_config.py here cannot be used: {type(error).__name__}: {error}")
    held = counted(len(base.assignments), "assignment")
    return Finding(True, f"nbgrader_config.py here: {held}, gradebook {gradebook}")


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "Apple's GPU (mps)" if torch.backends.mps.is_available() else f"the CPU, {torch.get_num_threads()} threads"


def _package(name: str, what: str, command: str) -> Finding:
    if importlib.util.find_spec(name):
        return Finding(True, f"{name} {importlib.metadata.version(name)}: {what}")
    return Finding(False, f"{name} is missing: `{command}`")
