"""What all tests share."""

import pytest
import torch

torch.set_num_threads(1)  # small tensors: more threads only wait for one another

DEVICES = ["cpu"]
DEVICES += ["cuda"] if torch.cuda.is_available() else []
DEVICES += ["mps"] if torch.backends.mps.is_available() else []


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    """Each device that is present."""
    return request.param
