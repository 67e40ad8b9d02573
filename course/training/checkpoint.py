"""A checkpoint: everything that changes while training, and what makes a run the run that it is.

A file that another run wrote must not be taken for this one's, or its weights would be returned without a step. So it
keeps fingerprints of model, loss and data beside the settings, and all are compared.
"""

import functools
import hashlib
import tempfile
import types
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.files import replacing

SAMPLED = 2**20
"""Numbers of a data set that its fingerprint looks at, evenly spread."""


# -- what a run is -----------------------------------------------------------------------------------------------------


FINGERPRINTS = ("model", "loss", "data", "drawing")
"""Settings that are told apart by a fingerprint."""


def identity(model: nn.Module, loss: Any, data: Tensor | tuple[Tensor, ...], draw: Any) -> dict[str, str]:
    """Fingerprints of what is trained, on what, how a batch is drawn, and how wrong the model is said to be.

    They see code, and the plain data that it holds on to: numbers, text, tensors, and lists, dictionaries and objects
    of them. A loss's own record of what it has seen is part of what it is, unless its ``state_dict`` keeps it.
    """
    tensors = data if isinstance(data, tuple) else (data,)
    told = {"model": _told(model), "loss": _told(loss), "data": [*map(_content, tensors)], "drawing": _told(draw)}
    return {name: _digest(what) for name, what in told.items()}


MOST = 100_000
"""How many lists, functions and objects a description goes into."""


def _told(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """A value by its numbers and text, a function by its code too; what neither is nor holds these, by its class."""
    seen = {} if seen is None else seen
    told = lambda held: _told(held, seen)
    kind = type(value).__qualname__
    if isinstance(value, (int, float, complex, str, bytes, type(None), torch.dtype, torch.device, range)):
        return repr(value)
    if isinstance(value, type) or id(value) in seen or len(seen) == MOST:
        return getattr(value, "__qualname__", kind)
    seen[id(value)] = value
    if isinstance(value, Tensor):  # what is trained, here or elsewhere, is another after the first step
        return (tuple(value.shape), str(value.dtype)) if value.requires_grad else _content(value)
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), hashlib.sha256(value.tobytes()).hexdigest()
    if isinstance(value, dict):
        return [kind, *((told(key), told(held)) for key, held in value.items())]
    if isinstance(value, (set, frozenset)):
        return [kind, *sorted(map(repr, map(told, value)))]
    if isinstance(value, (list, tuple, deque)):
        return [kind, *map(told, value)]
    if isinstance(value, functools.partial):
        return ["partial", told(value.func), told(value.args), told(value.keywords)]
    if isinstance(value, types.MethodType):
        return [told(value.__func__), told(value.__self__)]
    if isinstance(value, types.FunctionType):
        cells = [_in(cell) for cell in value.__closure__ or ()]
        named = [value.__globals__.get(name) for name in _names(value.__code__)]
        read = [one for one in named if isinstance(one, (int, float, str, tuple, types.FunctionType))]
        near = [one for one in read if getattr(one, "__globals__", value.__globals__) is value.__globals__]
        held = [value.__defaults__, value.__kwdefaults__, cells, near]
        return [value.__qualname__, _code(value.__code__), *map(told, held)]
    return [kind, told(_own(value))]


def _own(value: Any) -> dict[str, Any]:
    """Attributes of an object that its ``state_dict`` does not keep; of a module also its parts and weights."""
    own = getattr(value, "__dict__", {})
    if isinstance(value, nn.Module):
        plain = {name: held for name, held in own.items() if not name.startswith("_") and name != "training"}
        return {**plain, **dict(value.named_children()), **dict(value.named_parameters(recurse=False))}
    if type(value).__module__.partition(".")[0] in ("torch", "builtins", "accelerate", "tqdm"):
        return {}  # generators, bars and such have states that are not of the run
    kept = value.state_dict() if hasattr(value, "state_dict") else {}
    return {name: held for name, held in own.items() if name not in kept}


def _in(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _code(code: types.CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]


def _names(code: types.CodeType) -> list[str]:
    inner = [name for c in code.co_consts if isinstance(c, types.CodeType) for name in _names(c)]
    return [*code.co_names, *inner]


def _content(data: Tensor) -> Any:
    flat = data.detach().flatten()
    some = flat[:: max(1, len(flat) // SAMPLED)].cpu().contiguous().resolve_conj()
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


def write(file: Path, settings: dict[str, Any], state: dict[str, Any]) -> None:
    """Write what ``read`` reads."""
    with replacing(file) as beside:
        torch.save({"settings": settings, "state": state}, beside)


def read(file: Path, settings: dict[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
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
        told = [f"another {key}" if key in FINGERPRINTS else "" for key in differs]
        now = ", ".join(
            t or f"{key} {there.get(key)} there and {settings.get(key)} here" for t, key in zip(told, differs)
        )
        raise ValueError(f"The checkpoint {file} is of another run ({now}); name another file, or delete this one.")
    return saved["state"]
