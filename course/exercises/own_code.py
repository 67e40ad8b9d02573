"""What is the student's own, of the code that ran: the line that failed, and the functions that it uses."""

import inspect
import linecache
import os
import sysconfig
import traceback
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch

from course.exercises.observation import Raised

_FOLDERS = [sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
_FOLDERS += [str(Path(torch.__file__).parent), str(Path(__file__).parent.parent)]
_INSTALLED = tuple({str(Path(folder).resolve()) + os.sep for folder in _FOLDERS})
"""Folders of Python, its packages and the course."""


def describe(error: BaseException, function: Callable) -> Raised:
    """An error's type and text, and the innermost line that is the student's."""
    code = _code(function)
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is where we called
    own = [f for f in frames if (code is not None and f.filename == code.co_filename) or not _is_installed(f.filename)]
    if not own:  # a TypeError before its first line: the arguments do not fit the signature
        return Raised(type(error).__name__, _first_line(error), call=isinstance(error, TypeError))
    lines = [(f.line or linecache.getline(f.filename, f.lineno or 0)).strip() for f in own]
    return Raised(type(error).__name__, _first_line(error), next(filter(None, reversed(lines)), "")[:120])


def names_used(function: Callable) -> list[str]:
    """Names of the notebook's functions that a function refers to, itself or through another."""
    found: dict[str, Any] = {}
    ahead: list[Any] = [function]
    while ahead and len(found) < 100:
        one = _unwrapped(ahead.pop())
        code, known = getattr(one, "__code__", None), getattr(one, "__globals__", {})
        for name in _names(code) if isinstance(code, types.CodeType) else ():
            value = known.get(name)
            if name not in found and _is_own(value):
                found[name] = value
                ahead.append(value)
    return list(found)


def _names(code: types.CodeType) -> Iterator[str]:
    """Global names in a function's code, and in that of functions inside it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _is_own(value: Any) -> bool:
    code = _code(value)
    return inspect.isfunction(value) and code is not None and not _is_installed(code.co_filename)


def _code(function: Any) -> types.CodeType | None:
    """Of the function itself, where it stands below decorators."""
    code = getattr(_unwrapped(function), "__code__", None)
    return code if isinstance(code, types.CodeType) else None


def _unwrapped(function: Any) -> Any:
    try:
        return inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return function


@cache
def _is_installed(filename: str) -> bool:
    """Whether code belongs to Python, a package or the course, rather than to a notebook."""
    return filename.startswith("<frozen") or str(Path(filename).resolve()).startswith(_INSTALLED)


def _first_line(error: BaseException) -> str:
    if not error.args or error.args[0] is None:
        return ""
    try:
        return str(error).strip().split("\n")[0][:200]
    except Exception:  # the student's own class may fail to say what it is
        return ""
