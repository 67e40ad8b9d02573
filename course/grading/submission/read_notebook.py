"""A student's file as bytes, read as a notebook or refused in one sentence."""

import json
from typing import Any

import nbformat
from nbformat import NotebookNode

from course.errors import CourseError
from course.grading.submission.strip import LARGEST

MOST_CELLS = 2000
LONGEST_CELL = 200_000
"""Characters of one cell's text."""


class UnreadableNotebookError(CourseError):
    """The submitted file is no notebook; the message says why."""


def read(data: bytes) -> tuple[NotebookNode, list[str]]:
    """The notebook in a file, in today's format, with notes on what was mended on the way.

    Only what grading takes is kept: the type, the id, the text, the tags and nbgrader's metadata of each cell, and
    pictures attached to text.

    Raises:
        UnreadableNotebookError: if it is too large, not JSON, or not a notebook.
    """
    if len(data) > LARGEST:
        raise UnreadableNotebookError(f"The file has more than {LARGEST / 2**20:.0f} MB, which a notebook has at most.")
    text, notes = _decode(data)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableNotebookError(f"The file is not JSON, so not a notebook ({_first_line(error)}).") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise UnreadableNotebookError("The file is JSON, but not a notebook: it has no nbformat.")
    if raw["nbformat"] < 4:
        raw = _upgrade(raw)
        notes.append("The notebook was saved in an old format, and was converted.")
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise UnreadableNotebookError("The file is JSON, but not a notebook: it has no list of cells.")
    if len(cells) > MOST_CELLS:
        notes.append(f"The notebook has {len(cells):,} cells; of those that are no answers, {MOST_CELLS:,} were read.")
        cells = _fewer(cells)
    notebook = nbformat.v4.new_notebook()
    kept = [_cell(cell, f"cell-{i}") for i, cell in enumerate(cells)]
    notebook.cells = [cell for cell in kept if cell is not None]
    if len(notebook.cells) < len(cells):
        notes.append(f"{len(cells) - len(notebook.cells)} damaged cells were left out.")
    return notebook, notes


def _fewer(cells: list[Any]) -> list[Any]:
    """The first cells, and all answers."""
    answers = [
        cell for cell in cells[MOST_CELLS:] if isinstance(cell, dict) and "nbgrader" in str(cell.get("metadata"))
    ]
    return cells[:MOST_CELLS] + answers[:MOST_CELLS]


def _decode(data: bytes) -> tuple[str, list[str]]:
    for encoding in ("utf-8-sig", "utf-16", "latin-1"):
        if encoding == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        usual = encoding == "utf-8-sig" and not data.startswith(b"\xef\xbb\xbf")
        return text, [] if usual else [f"The notebook's encoding is {encoding.removesuffix('-sig')}, not plain UTF-8."]
    raise UnreadableNotebookError("The file's encoding is none that notebooks have.")


def _upgrade(raw: dict[str, Any]) -> dict[str, Any]:
    try:
        return nbformat.convert(nbformat.from_dict(raw), 4)
    except Exception as error:  # the converter trusts its input
        raise UnreadableNotebookError(
            f"The notebook's old format could not be converted ({_first_line(error)})."
        ) from None


def _cell(cell: Any, name: str) -> NotebookNode | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > LONGEST_CELL:
        return None
    source = source.encode("utf-8", "replace").decode()  # lone surrogates cannot be written again
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    kept = make.get(cell["cell_type"], nbformat.v4.new_raw_cell)(source)
    kept.id = cell["id"] if isinstance(cell.get("id"), str) else name
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(nbgrader, dict) and isinstance(nbgrader.get("grade_id"), str):
        kept.metadata["nbgrader"] = {"grade_id": nbgrader["grade_id"]}
    if kept.cell_type == "markdown":
        kept.attachments = _pictures(cell.get("attachments"))
    return kept


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Attached photographs and drawings; anything else could carry a script."""
    if not isinstance(attachments, dict):
        return {}
    return {
        str(name): {
            kind: data for kind, data in one.items() if kind in ("image/png", "image/jpeg") and isinstance(data, str)
        }
        for name, one in attachments.items()
        if isinstance(one, dict)
    }


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0][:120] or type(error).__name__
