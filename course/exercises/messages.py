"""Cases and observations as bytes: safetensors for the tensors, JSON for the rest, so that nothing can carry code.

What comes from beside a student's code is not trusted: a message that is not exactly an observation is refused.
"""

import json
from dataclasses import fields
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from course.errors import CourseError
from course.exercises.case import Case, FunctionSpec, Seed
from course.exercises.observation import Facts, Observation, plain

LARGEST = 16 * 2**20
"""Bytes that a message may have."""

MOST_TENSORS = 10_000
"""Tensors that a message may have, since reading one costs time too."""


class ObservationError(CourseError, ValueError):
    """What came back from a kernel is not what ``pack_observations`` makes."""


# -- cases, which are ours ---------------------------------------------------------------------------------------------

SENT = {kind.__name__: kind for kind in (Case, FunctionSpec, Seed)}


def pack_cases(cases: list[Case]) -> bytes:
    """Cases as bytes, for ``unpack_cases``."""
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            # laid out in memory as it is here, since what fits a `view` depends on it
            order = sorted(range(value.ndim), key=value.stride, reverse=True)
            tensors[str(len(tensors))] = value.detach().cpu().permute(order).contiguous().clone()
            return {"tensor": str(len(tensors) - 1), "order": order, "device": value.device.type}
        if type(value).__name__ in SENT:
            return {type(value).__name__: {one.name: plain(getattr(value, one.name)) for one in fields(value)}}
        if isinstance(value, dict):
            return {"dict": {name: plain(v) for name, v in value.items()}}
        if isinstance(value, tuple):
            return {"tuple": [plain(v) for v in value]}
        return [plain(v) for v in value] if isinstance(value, list) else value

    return _join(plain(cases), tensors)


def unpack_cases(message: bytes) -> list[Case]:
    """The cases that ``pack_cases`` made bytes of."""
    told, tensors = _split(message)

    def value(plain: Any) -> Any:
        if isinstance(plain, list):
            return [value(p) for p in plain]
        if not isinstance(plain, dict):
            return plain
        if "tensor" in plain:
            t, order = tensors[plain["tensor"]].to(plain["device"]), plain["order"]
            return t.permute([order.index(i) for i in range(t.ndim)])
        ((kind, parts),) = plain.items()
        if kind == "tuple":
            return tuple(value(p) for p in parts)
        parts = {name: value(p) for name, p in parts.items()}
        return parts if kind == "dict" else SENT[kind](**parts)

    return value(told)


# -- observations, which may be anything -------------------------------------------------------------------------------


def pack_observations(seen: list[Observation]) -> bytes:
    """Observations as bytes, for ``unpack_observations``; tensors go to the CPU, their device is told."""
    tensors = {f"{i} {name}": t.cpu().contiguous() for i, one in enumerate(seen) for name, t in one.tensors.items()}
    told = [
        {"facts": plain(one.facts), "devices": {name: t.device.type for name, t in one.tensors.items()}} for one in seen
    ]
    return _join(told, tensors)


def unpack_observations(message: bytes, most: int) -> list[Observation]:
    """The observations that came from a kernel, at most so many.

    Raises:
        ObservationError: if it is anything else, or too large.
    """
    try:
        told, tensors = _split(message)
        if not isinstance(told, list) or len(told) > most:
            raise ObservationError(f"Expected at most {most} observations.")
        return [
            Observation(
                {name: _on(tensors[f"{i} {name}"], device) for name, device in one["devices"].items()},
                _facts(one["facts"]),
            )
            for i, one in enumerate(told)
        ]
    except ObservationError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise ObservationError(f"The kernel sent something else than observations ({type(error).__name__}).") from None


def _facts(told: Any) -> Facts:
    facts = Facts(**told)
    if not facts.raised and not facts.returned:
        raise ObservationError("An observation tells what was returned or raised.")
    return facts


def _on(t: Tensor, device: str) -> Tensor:
    """A tensor back where it was, where that place exists here too."""
    return t.to(device) if device == "cuda" and torch.cuda.is_available() else t


# -- framing -----------------------------------------------------------------------------------------------------------


def _join(told: Any, tensors: dict[str, Tensor]) -> bytes:
    head = json.dumps(told).encode()
    return len(head).to_bytes(8, "big") + head + save(tensors)


def _split(message: bytes) -> tuple[Any, dict[str, Tensor]]:
    if len(message) > LARGEST:
        raise ObservationError(f"A message has at most {LARGEST:,} bytes; got {len(message):,}.")
    if message.count(b'"data_offsets"') > MOST_TENSORS:
        raise ObservationError(f"A message has at most {MOST_TENSORS:,} tensors.")
    end = 8 + int.from_bytes(message[:8], "big")
    return json.loads(message[8:end]), load(message[end:])
