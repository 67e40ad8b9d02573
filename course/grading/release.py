"""Releasing an assignment: what students got stays there until its replacement is whole.

nbgrader removes the old release first, and removes it again when the new one fails. ``keep_until_replaced`` makes its
own ``generate_assignment`` safe, from the command line and in formgrader; ``nbgrader_config.py`` calls it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import BaseConverter


def find_own_programs() -> None:
    """nbgrader calls ``alembic`` by name: let it find the one beside this Python, though its venv is not activated."""
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])


def keep_until_replaced() -> None:
    """Let nbgrader's ``generate_assignment`` put the old release back where the new one fails."""
    if not hasattr(GenerateAssignment.convert_notebooks, "keeps"):
        GenerateAssignment.convert_notebooks = _keeping(BaseConverter.convert_notebooks)


def _keeping(convert: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(convert)
    def convert_notebooks(self: GenerateAssignment) -> None:
        found = self.coursedir.format_path(
            self._output_directory, self.coursedir.student_id, self.coursedir.assignment_id
        )
        with kept(Path(found)):
            convert(self)

    convert_notebooks.keeps = True  # type: ignore[attr-defined]
    return convert_notebooks


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Restore a folder if what changes it fails; and first, if an earlier change was cut off."""
    before = folder.with_name(f".{folder.name}.before")
    if before.is_dir():  # the last time, the power failed
        shutil.rmtree(folder, ignore_errors=True)
        before.rename(folder)
    if folder.is_dir():
        part = before.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(folder, part)
        part.rename(before)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if before.is_dir():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
