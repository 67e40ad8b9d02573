"""Files that are no notebook, or hardly one."""

import json
from collections.abc import Callable

import nbformat
from nbformat.v4 import new_code_cell

from .attack import ALL, Attack, World, as_bytes, right

REFUSED = "missing from the submission|not a notebook|not JSON"


def _raw(name: str, tries: str, make: Callable[[World], bytes], deserves: float = 0, told: str = REFUSED) -> Attack:
    return Attack(name, "broken notebooks", tries, make, deserves, told)


def _old(world: World) -> bytes:
    old = nbformat.convert(right(world), 3)
    return nbformat.v3.writes_json(old).encode()


def _with(world: World, **changes) -> bytes:
    return json.dumps({**right(world), **changes}).encode()


def _half_characters(world: World) -> bytes:
    notebook = right(world)
    next(c for c in notebook.cells if c.id == "log-partition").source += "\n# half a character: HERE"
    return json.dumps(notebook).replace("HERE", "\\ud800").encode()


def _strange_cells(world: World) -> bytes:
    cells = [
        None,
        7,
        [],
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 3},
        {"cell_type": "x", "source": ""},
    ]
    cells += [{"cell_type": "code", "source": "1", "metadata": m} for m in (None, 3, {"nbgrader": 3}, {"nbgrader": {}})]
    cells += [{"cell_type": "code", "source": "x" * 300_000}, {"cell_type": "markdown", "source": "", "attachments": 7}]
    return _with(world, cells=cells + right(world).cells, metadata=7)


BROKEN = [
    _raw("empty-file", "no bytes", lambda w: b""),
    _raw("not-json", "half of a notebook", lambda w: as_bytes(right(w))[:9000]),
    _raw("another-json", "JSON that is no notebook", lambda w: b'[{"cells": "nbformat"}]'),
    _raw("no-format", "a notebook without a number of its format", lambda w: _with(w, nbformat="four")),
    _raw("no-cells", "a notebook whose cells are a number", lambda w: _with(w, cells=88)),
    _raw("true-format", "a format that is true", lambda w: _with(w, nbformat=True)),
    _raw("deep", "lists in lists, 200,000 deep", lambda w: b"[" * 200_000 + b"]" * 200_000),
    _raw("enormous", "21 MB beside the cells", lambda w: _with(w, filler="x" * (21 * 2**20)), ALL, ""),
    _raw("long-number", "a number of a million digits", lambda w: b'{"nbformat": ' + b"9" * 10**6 + b"}"),
    _raw("many-cells", "5,000 cells", lambda w: _with(w, cells=[new_code_cell("1")] * 5000), told="2,000 were read"),
    _raw("strange-cells", "cells of every wrong type before the right ones", _strange_cells, ALL, "damaged cells"),
    _raw("half-characters", "text that no file can hold", _half_characters, ALL, ""),
    _raw("old-format", "saved by a notebook of 2013", _old, ALL, "old format"),
    _raw("utf-16", "in UTF-16", lambda w: as_bytes(right(w)).decode().encode("utf-16"), ALL, "utf-16"),
    _raw("utf-8-mark", "with a byte order mark", lambda w: b"\xef\xbb\xbf" + as_bytes(right(w)), ALL, "UTF-8"),
    _raw(
        "latin-1",
        "in Latin-1",
        lambda w: as_bytes(right(w)).decode().encode("latin-1", "replace"),
        ALL,
        "latin-1",
    ),
]
