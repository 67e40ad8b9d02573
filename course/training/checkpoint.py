"""A checkpoint: everything that changes while training, and what makes a run the run that it is.

A file that another run wrote must not be taken for this one's, or its weights would be returned without a step. So it
keeps fingerprints of model, loss and data beside the settings, and all are compared.
"""

import functools
import hashlib
import tempfile
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course.files import replacing

SAMPLED = 2**20
"""Numbers of a data set that its fingerprint looks at, evenly spread."""


# -- what a run is -----------------------------------------------------------------------------------------------------


def identity(model: nn.Module, loss: Any, data: Tensor | tuple[Tensor, ...]) -> dict[str, str]:
    """Fingerprints of what is trained, on what, and how wrong it is said to be."""
    tensors = data if isinstance(data, tuple) else (data,)
    parts = [type(part).__qualname__ for part in model.modules()]
    shapes = [(name, tuple(t.shape)) for name, t in model.state_dict().items()]
    return {"model": _digest(parts, shapes), "loss": _digest(_told(loss)), "data": _digest(*map(_content, tensors))}


def _told(function: Any) -> Any:
    """A function by its code and the numbers it holds on to; anything else that can be called by its class."""
    if isinstance(function, functools.partial):
        held = [_told(value) for value in (*function.args, *function.keywords.values())]
        return ["partial", _told(function.func), held, list(function.keywords)]
    if isinstance(function, types.MethodType):
        return [_told(function.__func__), _told(function.__self__)]
    if isinstance(function, types.FunctionType):
        cells = function.__closure__ or ()
        held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *map(_in, cells)]
        return [function.__qualname__, _code(function.__code__), [_told(value) for value in held]]
    if isinstance(function, (int, float, str, bytes, bool, type(None))):
        return repr(function)
    return type(function).__qualname__


def _in(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _code(code: types.CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]


def _content(data: Tensor) -> Any:
    flat = data.detach().flatten()
    some = flat[:: max(1, len(flat) // SAMPLED)].cpu().contiguous()
    return tuple(data.shape), str(data.dtype), hashlib.sha256(some.view(torch.uint8).numpy().tobytes()).hexdigest()


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


# -- the file ----------------------------------------------------------------------------------------------------------


def check_writable(file: Path) -> None:
    """Raise an OSError now rather than after hours, if the file could not be written; several processes may ask."""
    try:
        if file.is_dir():
            raise IsADirectoryError("it is a folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(f"The checkpoint {file} cannot be written ({reason}); name another file.") from None


def write(file: Path, settings: dict, state: dict) -> None:
    """Write what ``read`` reads."""
    with replacing(file) as beside:
        torch.save({"settings": settings, "state": state}, beside)


def read(file: Path, settings: dict, parts: tuple[str, ...]) -> dict[str, Any]:
    """The state in a file, if it is of the run that has these settings.

    Raises:
        ValueError: if the file is no checkpoint of ``train``, lacks a part, or is of another run.
    """
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{file} is no checkpoint of `train`; name another file, or delete this one.") from error
    if not (isinstance(saved, dict) and {"settings", "state"} <= set(saved) and isinstance(saved["state"], dict)):
        kind = "a state_dict" if isinstance(saved, dict) else f"a {type(saved).__name__}"
        raise ValueError(
            f"{file} holds {kind}, and is no checkpoint of `train`; name another file, or delete this one."
        )
    missing = [part for part in parts if part not in saved["state"]]
    if missing:
        raise ValueError(f"The checkpoint {file} has no {', '.join(missing)}; name another file, or delete this one.")
    there = saved["settings"]
    differs = [key for key in {**there, **settings} if there.get(key) != settings.get(key)]
    if differs:
        told = [f"another {key}" if key in ("model", "loss", "data") else "" for key in differs]
        now = ", ".join(
            t or f"{key} {there.get(key)} there and {settings.get(key)} here" for t, key in zip(told, differs)
        )
        raise ValueError(f"The checkpoint {file} is of another run ({now}); name another file, or delete this one.")
    return saved["state"]
