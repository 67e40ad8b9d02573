"""What is noted about one call of a student's function: one typed schema for all who write, send, judge or explain it.

Facts are written beside the student's code and judged elsewhere, so every value is held to its type and to a size when
it is made, on both sides. Sent and read again, an observation is the same.
"""

import types
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch import Tensor

LONGEST_TEXT = 300
"""Characters of a text."""

MOST_ENTRIES = 16
"""Entries of a list or a dictionary."""

LARGEST_COUNT = 10**12

MOST_BYTES = 12 * 2**20
"""Bytes of all tensors that are noted of one exercise; a right answer has a tenth of that."""

GRADIENT_MODE = "PyTorch's gradient mode"
"""Among what a function changed: it switched gradients on or off, and left them so."""

TOO_LARGE = "TooLarge"
"""Instead of the type of an error: the function returned more than that."""


class Bounded:
    """A dataclass whose fields have the types they are declared with, and a size that can be shown to anyone.

    Texts become one printable line of at most ``LONGEST_TEXT`` characters, lists and dictionaries keep their first
    ``MOST_ENTRIES`` entries, numbers lie between 0 and ``LARGEST_COUNT``.

    Raises:
        TypeError: if a field has another type than the declared one.
    """

    def __post_init__(self) -> None:
        kinds = _kinds(type(self))  # type: ignore[arg-type]  # mypy takes a dataclass for unhashable
        for one in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, one.name, bounded(kinds[one.name], getattr(self, one.name)))


@cache
def _kinds(schema: type) -> dict[str, Any]:
    return get_type_hints(schema)


@dataclass(frozen=True)
class Raised(Bounded):
    """An error that left the student's function.

    Attributes:
        type: the name of its class.
        text: the first line of its message.
        line: the innermost line of the student's own code.
        call: it was raised before the function's first line: the arguments do not fit the signature.
    """

    type: str = ""
    text: str = ""
    line: str = ""
    call: bool = False


@dataclass(frozen=True)
class Facts(Bounded):
    """What a function did on one case, but for the numbers; a field at its default has nothing to tell.

    Attributes:
        returned: the kind of each result, such as "tensor", "float" or "list"; several for a tuple.
        raised: the error instead of a result.
        printed: how many characters it printed.
        changed: what it changed of what it was lent, in words.
        shares: the arguments whose memory a result shares.
        drew: it moved a global random stream.
        repeats: a second call with the generators of the first, where they then stood, gives the same result.
        unmoved: generators handed over that stand where they stood.
        attached: a result carries its graph.
        calls: how often each function handed over was called, by the name of the argument, such as "score" or
            "down[0]"; example by example is one call. Compared with the answer's for the names in
            ``Exercise.counted``, since some exercises leave open how often.
        overwrote: functions handed over whose returned tensors the student's function changed; never right.
        times: functions handed over that were called with a time of another kind than the one that was given, such
            as a tensor for a float; never right.
        held: the most numbers that its tensors held at once, where the case asks.
        uses: functions of the notebook that the code refers to, itself or through another: to blame where they are
            earlier exercises that do not pass.
    """

    returned: list[str] = field(default_factory=list)
    raised: Raised | None = None
    printed: int = 0
    changed: list[str] = field(default_factory=list)
    shares: list[str] = field(default_factory=list)
    drew: bool = False
    repeats: bool = False
    unmoved: list[str] = field(default_factory=list)
    attached: bool = False
    calls: dict[str, int] = field(default_factory=dict)
    overwrote: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    held: int = 0
    uses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Observation:
    """What a function did on one case.

    Attributes:
        tensors: what it returned ("result", or "result[0]", … for a tuple) and the gradients that were asked for.
        facts: everything else.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)


def plain(value: Any) -> Any:
    """Facts as JSON, without the fields at their defaults."""
    if not isinstance(value, Bounded):
        return value
    default = type(value)()
    told = {one.name: getattr(value, one.name) for one in fields(value)}  # type: ignore[arg-type]
    return {name: plain(v) for name, v in told.items() if v != getattr(default, name)}


def bounded(kind: Any, value: Any) -> Any:
    """A value of a declared type, from itself or from its JSON, cut to size.

    Raises:
        TypeError: if it is something else.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # there is only "or None"
        return None if value is None else bounded(inner[0], value)
    if origin is list:
        return [bounded(inner[0], v) for v in _a(list, value)[:MOST_ENTRIES]]
    if origin is dict:
        first = list(_a(dict, value).items())[:MOST_ENTRIES]
        return {bounded(inner[0], k): bounded(inner[1], v) for k, v in first}
    if issubclass(kind, Bounded):
        return kind(**value) if isinstance(value, dict) else _a(kind, value)
    if kind is str:
        return _line(_a(str, value))
    if kind is int:
        return max(0, min(_a(int, value), LARGEST_COUNT))
    return _a(kind, value)


def _line(text: str) -> str:
    """One line that any file and any terminal can take: neither halves of characters nor control sequences."""
    text = " ".join(text[:LONGEST_TEXT].split())
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _a(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"Expected {kind.__name__}, got {type(value).__name__}.")
    return value
