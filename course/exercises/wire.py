"""Cases and observations as bytes: safetensors for the tensors, JSON for the rest, so that nothing can carry code.

What comes from beside a student's code is not trusted: a message that is not exactly an observation is refused.
"""

import json
from collections.abc import Callable
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from course.exercises.case import Case, Given, Seed
from course.exercises.probe import Observation

LARGEST = 16 * 2**20
"""Bytes that a message may have."""

MOST_TENSORS = 10_000
"""Tensors that a message may have, since reading one costs time too."""


class NotAnObservation(ValueError):
    """What came back from a kernel is not what ``pack_observations`` makes."""


def pack_cases(cases: list[Case]) -> bytes:
    """Cases as bytes, for ``unpack_cases``."""
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            tensors[str(len(tensors))] = value.detach().cpu().contiguous().clone()
            return {"tensor": str(len(tensors) - 1), "device": value.device.type}
        if isinstance(value, Given):
            return {"given": value.name, "tensors": {name: plain(t) for name, t in value.tensors.items()}}
        if isinstance(value, Seed):
            return {"seed": value.value}
        return [plain(v) for v in value] if isinstance(value, list) else value

    told = [
        {
            "arguments": {name: plain(value) for name, value in case.arguments.items()},
            "no_grad": case.no_grad,
            "gradients": list(case.gradients),
            "magnitude": case.magnitude,
        }
        for case in cases
    ]
    return _join(told, tensors)


def unpack_cases(message: bytes) -> list[Case]:
    """The cases that ``pack_cases`` made bytes of."""
    told, tensors = _split(message)

    def value(plain: Any) -> Any:
        if isinstance(plain, list):
            return [value(p) for p in plain]
        if not isinstance(plain, dict):
            return plain
        if "tensor" in plain:
            return tensors[plain["tensor"]].to(plain["device"])
        if "given" in plain:
            return Given(plain["given"], {name: value(t) for name, t in plain["tensors"].items()})
        return Seed(plain["seed"])

    return [
        Case(
            {name: value(plain) for name, plain in one["arguments"].items()},
            one["no_grad"],
            tuple(one["gradients"]),
            one["magnitude"],
        )
        for one in told
    ]


def pack_observations(seen: list[Observation]) -> bytes:
    """Observations as bytes, for ``unpack_observations``; tensors go to the CPU, their device is told."""
    tensors = {f"{i} {name}": t.cpu().contiguous() for i, one in enumerate(seen) for name, t in one.tensors.items()}
    told = [{"facts": one.facts, "devices": {name: t.device.type for name, t in one.tensors.items()}} for one in seen]
    return _join(told, tensors)


def unpack_observations(message: bytes, most: int) -> list[Observation]:
    """The observations that came from a kernel, at most so many.

    Raises:
        NotAnObservation: if it is anything else, or too large.
    """
    try:
        told, tensors = _split(message)
        if not isinstance(told, list) or len(told) > most:
            raise NotAnObservation(f"Expected at most {most} observations.")
        return [
            Observation(
                {
                    name: _on(tensors[f"{i} {name}"], device)
                    for name, device in _a(dict, one["devices"]).items()
                    if isinstance(name, str)
                },
                _facts(one["facts"]),
            )
            for i, one in enumerate(told)
        ]
    except NotAnObservation:
        raise
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, SafetensorError, UnicodeError) as error:
        raise NotAnObservation(f"The kernel sent something else than observations ({type(error).__name__}).") from None


# -- the facts of an observation, as ``probe`` writes them -------------------------------------------------------------

LONGEST_TEXT = 300
MOST_PRINTED = 10**12


def _facts(facts: Any) -> dict[str, Any]:
    """Only the facts that there are, each of its own type, no text longer than a line."""
    kinds: dict[str, Callable[[Any], Any]] = {"raised": _raised, "printed": lambda n: min(_a(int, n), MOST_PRINTED)}
    kinds |= {"returned": _texts, "changed": _texts, "shares": _texts, "drew": bool, "attached": bool}
    facts = _a(dict, facts)
    checked = {name: kinds[name](value) for name, value in facts.items()}
    if "raised" not in checked and not checked.get("returned"):
        raise NotAnObservation("An observation tells what was returned or raised.")
    return checked


def _raised(raised: Any) -> dict[str, Any]:
    raised = _a(dict, raised)
    texts = {name: _text(raised[name]) for name in ("type", "text", "line") if name in raised}
    return {"type": "", "text": "", **texts, **({"call": True} if raised.get("call") else {})}


def _texts(values: Any) -> list[str]:
    return [_text(v) for v in _a(list, values)[:16]]


def _text(value: Any) -> str:
    """One line that any file and any terminal can take: neither halves of characters nor control sequences."""
    text = " ".join(_a(str, value)[:LONGEST_TEXT].split())
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _a(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise NotAnObservation(f"Expected a {kind.__name__}; got a {type(value).__name__}.")
    return value


def _on(t: Tensor, device: str) -> Tensor:
    """A tensor back where it was, where that place exists here too."""
    return t.to(device) if device == "cuda" and torch.cuda.is_available() else t


# -- framing -----------------------------------------------------------------------------------------------------------


def _join(told: Any, tensors: dict[str, Tensor]) -> bytes:
    head = json.dumps(told).encode()
    return len(head).to_bytes(8, "big") + head + save(tensors)


def _split(message: bytes) -> tuple[Any, dict[str, Tensor]]:
    if len(message) > LARGEST:
        raise NotAnObservation(f"A message has at most {LARGEST:,} bytes; got {len(message):,}.")
    if message.count(b'"data_offsets"') > MOST_TENSORS:
        raise NotAnObservation(f"A message has at most {MOST_TENSORS:,} tensors.")
    end = 8 + int.from_bytes(message[:8], "big")
    return json.loads(message[8:end]), load(message[end:])
