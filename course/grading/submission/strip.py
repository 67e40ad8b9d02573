"""What grading takes of a notebook's file: its cells' types, ids, texts, grade ids and pictures, and no outputs.

A file may be large because of its outputs, or old, or made to exhaust whoever reads it. So what is large or old is read
in a process of its own, with limits on memory and time; only what it leaves comes near the gradebook.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LARGEST_FILE = 200 * 2**20
"""Bytes of a file that is looked into at all."""

LARGEST = 20 * 2**20
"""Bytes of what is left of it, and of a file that needs no stripping."""

MEMORY = 2 * 2**30
SECONDS = 30


def stripped(file: Path) -> bytes:
    """The file's notebook without outputs, as JSON.

    Raises:
        ValueError: if it is too large even so, is no notebook, or cannot be read within the limits.
    """
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise ValueError(f"The file has {size / 2**20:.0f} MB; at most {LARGEST_FILE / 2**20:.0f} are looked into.")
    command = [sys.executable, "-I", str(Path(__file__)), str(file)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise ValueError(f"The file could not be read within {SECONDS} seconds.") from None
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(f"The file could not be read as a notebook ({(why or ['out of memory'])[-1][:120]}).")
    if len(done.stdout) > LARGEST:
        raise ValueError(f"The file has more than {LARGEST / 2**20:.0f} MB even without its outputs.")
    return done.stdout


def without_outputs(raw: Any) -> dict[str, Any]:
    """A notebook as plain data, of today's format, with nothing but what grading takes."""
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise ValueError("it has no nbformat")
    if raw["nbformat"] < 4:
        import nbformat

        raw = nbformat.convert(nbformat.from_dict(raw), 4)
    cells = raw.get("cells")
    kept = [_cell(cell) for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": kept}


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    names = ("cell_type", "id", "source", "attachments")
    kept = {name: cell[name] for name in names if name in cell}
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return {**kept, "metadata": {"nbgrader": {"grade_id": grade_id}} if isinstance(grade_id, str) else {}}


def _main(path: str) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    with open(path, "rb") as file:
        text = file.read(LARGEST_FILE).decode("utf-8-sig", "replace")
    json.dump(without_outputs(json.loads(text)), sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1])
