"""The notebook that counts, among the files that a student handed in.

What students hand in lies under other names, in folders, beside copies that JupyterLab made. The notebook with the
assignment's name counts if there is work in it; else the only one that has any. Where that leaves a choice, the
instructor is asked: no work is ever graded as empty without a word.
"""

import os
from collections.abc import Callable
from pathlib import Path

from course.errors import CourseError

DEEPEST = 3
"""Levels of folders that are searched."""

MOST = 50
"""Notebooks that are looked at."""


class AmbiguousSubmissionError(CourseError):
    """Several notebooks hold work; the message says which, and what to do."""


def notebooks_in(folder: Path) -> list[Path]:
    """The notebooks in a folder and below, without hidden ones; links are not followed."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")) and depth < DEEPEST)
        found += [Path(place, name) for name in sorted(files) if _is_notebook(name)]
    return found[:MOST]


def choose(folder: Path, name: str, work: Callable[[Path], int]) -> tuple[Path | None, list[str]]:
    """The notebook that counts, if there is one, and notes for the instructor.

    Args:
        folder: where a student's files are.
        name: such as "hw2.ipynb".
        work: how many answers a notebook holds; asked only where there are several notebooks.

    Raises:
        AmbiguousSubmissionError: if more than one holds work and none of those has the name.
    """
    found = notebooks_in(folder)
    if not found:
        return None, [f"There is no notebook called {name}: graded as empty."]
    if len(found) == 1:
        named = found[0] == folder / name
        return found[0], [] if named else [f"The notebook was called {_shown(found[0], folder)}."]
    answers = {path: work(path) for path in found}
    with_work = [path for path in found if answers[path]]
    wanted = folder / name
    if not with_work:
        return (wanted if wanted in found else found[0]), [f"There are {len(found)} notebooks, none with an answer."]
    most = max(answers.values())
    if len(with_work) == 1 or (wanted in with_work and answers[wanted] == most):
        chosen = wanted if wanted in with_work else with_work[0]
        others = ", ".join(_shown(path, folder) for path in found if path != chosen)
        return chosen, [f"{_shown(chosen, folder)} was graded, and not: {others}."]
    held = " and ".join(f"{_shown(path, folder)} ({answers[path]} answers)" for path in with_work[:4])
    raise AmbiguousSubmissionError(f"several notebooks hold work: {held}; keep the one that counts as {name}.")


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb") and not name.startswith(".")


def _shown(path: Path, folder: Path) -> str:
    """A file's place as text, whatever bytes it is made of."""
    return os.fsencode(path.relative_to(folder)).decode("utf-8", "replace")
