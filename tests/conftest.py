"""What the tests share: one thread, the devices that are here, and random numbers with a seed."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # kernels too: threads of processes side by side only wait

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

torch.set_num_threads(1)  # tensors here are small: threads would only wait for each other

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device there is. Not all know float64: exact laws are held in float64 on the CPU, without this fixture."""
    return torch.device(request.param)


@pytest.fixture
def generator(device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


@pytest.fixture
def normal() -> Callable[..., Tensor]:
    """``normal(5, 2)``: standard Gaussian numbers of that shape, in float64 on the CPU."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator, dtype=torch.float64)
