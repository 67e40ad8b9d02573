"""A training step of the recipe ``edm``: in float32 and bfloat16, with and without ``torch.compile``, on every device.

The median of steps that follow one another; what the first step takes beyond it is what compiling costs.
"""

import statistics
import time
from itertools import pairwise, product

import torch

from benchmarks.report import table
from course import pretrained
from course.data import mnist
from course.training import train

STEPS = 40


def run() -> str:
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    rows, plain = [], {}
    for device, precision, compiled in product(devices, (torch.float32, torch.bfloat16), (False, True)):
        name = f"{device}, {str(precision).removeprefix('torch.')}{', compiled' if compiled else ''}"
        try:
            first, later = seconds(device, precision, compiled)
        except Exception as error:  # torch.compile needs a C++ compiler on the CPU, and says so in many ways
            rows.append([name, "", "", f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80]}"])
            continue
        base = plain.setdefault(device, later)
        rows.append([name, f"{1e3 * later:.1f} ms", f"{base / later:.1f} ×", f"{first - later:.1f} s"])
    return table(["", "a step of 64 images", "faster", "before the first"], rows)


def seconds(device: str, precision: torch.dtype, compiled: bool) -> tuple[float, float]:
    """Of the first step, and of a later one."""
    torch.manual_seed(0)
    recipe, ticks = pretrained.RECIPES["edm"], [time.perf_counter()]

    def loss(model, batch, generator):
        if device == "cuda":
            torch.cuda.synchronize()
        ticks.append(time.perf_counter())
        return recipe.loss(model, batch, generator)

    autocast = None if precision == torch.float32 else precision
    options = {"batch_size": recipe.batch_size, "precision": autocast, "compiled": compiled, "progress": False}
    train(recipe.network().to(device), loss, mnist(pretrained.SIZE), steps=STEPS, **options)
    lengths = [later - earlier for earlier, later in pairwise(ticks[1:])]
    return lengths[0], statistics.median(lengths[5:])
