"""The notebook that is graded: the instructor's, with only the text of the student's own cells in it.

Metadata, tags, deleted or reordered cells, altered tests, and anything put between a solution and its test do not
survive. Helper code that a student added before a solution cell does, and a solution that JupyterLab's "Split Cell" has
put into several cells is joined again.
"""

import copy
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

NOT_GRADED = "not-graded"
"""The tag of cells that only train or draw."""

STUB = "raise NotImplementedError"
"""What stands in a released notebook where an answer belongs."""

NOTES = "score_course_rebuild"
"""Notebook metadata under which the rebuilding leaves its notes for the instructor."""


@dataclass
class Rebuilt:
    """The notebook to grade, and what the instructor should know about how it came to be."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)


def rebuild(original: NotebookNode, submitted: NotebookNode) -> Rebuilt:
    """Splice a student's solution cells, by grade id, into the instructor's notebook.

    Args:
        original: the instructor's notebook (released or source; the text of its solution cells is replaced).
        submitted: the student's, in whatever state it is.

    Returns:
        The instructor's cells in the instructor's order, with the student's text in the solution cells, and the code
        cells that the student added kept where they stand directly before a solution cell's own place.
    """
    answers, helpers, notes = _take_apart(original, submitted)
    rebuilt = Rebuilt(copy.deepcopy(original), notes)
    cells = []
    for cell in rebuilt.notebook.cells:
        if "claim" in cell.metadata.get("tags", []):  # it holds the text against the instructor's solution
            continue
        if not _is_solution(cell):
            cells.append(cell)
            continue
        name = cell.metadata.nbgrader.grade_id
        cells += helpers.get(name, [])
        if name in answers:
            cell.source = str(answers[name].source)
            if cell.cell_type == "markdown" and answers[name].get("attachments"):
                cell.attachments = answers[name].attachments
        else:
            cell.source = ""
            notes.append(f"The answer cell {name} is missing from the submission and counts as empty.")
        cells.append(cell)
    rebuilt.notebook.cells = cells
    rebuilt.notebook.metadata[NOTES] = notes
    return rebuilt


def _take_apart(
    original: NotebookNode, submitted: NotebookNode
) -> tuple[dict[str, NotebookNode], dict[str, list[NotebookNode]], list[str]]:
    """The student's answer cells and helper cells by grade id, and notes."""
    kinds = {cell.metadata.nbgrader.grade_id: cell.cell_type for cell in original.cells if _is_solution(cell)}
    texts = {cell.source.strip() for cell in original.cells}
    given = {cell.get("id"): cell for cell in original.cells}
    there = Counter(cell.get("id") for cell in submitted.cells)
    answers: dict[str, NotebookNode] = {}
    helpers: dict[str, list[NotebookNode]] = {}
    notes: list[str] = []
    waiting: list[NotebookNode] = []
    helper = 0
    for cell in submitted.cells:
        name = _grade_id(cell)
        if name is not None and name in kinds:
            if name in answers and STUB in cell.source:
                pass  # a copy of what was handed out
            elif name in answers and cell.cell_type == kinds[name]:
                notes.append(f"The answer cell {name} is in several parts, which were joined in their order.")
                _join(answers[name], cell)
                helpers.setdefault(name, []).extend(waiting)
            elif name in answers:
                notes.append(f"A part of the answer {name} was turned into a {cell.cell_type} cell and was left out.")
            elif cell.cell_type != kinds[name]:
                notes.append(f"The answer cell {name} was turned into a {cell.cell_type} cell and counts as empty.")
                answers[name] = nbformat.v4.new_code_cell("")
            else:
                answers[name] = cell
                helpers[name] = waiting
            waiting = []
        elif name is not None:  # a test or another locked cell: nothing of it is taken, nor what stands before it
            if waiting:
                notes.append(
                    f"Code before {name} was left out: nothing of a student's runs between an answer and its test."
                )
            waiting = []
        elif cell.cell_type == "code" and cell.source.strip() not in texts:
            same = given.get(cell.get("id"))
            if same is not None and _is_test(same):
                continue  # without its metadata
            if same is not None and there[cell.id] == 1 and NOT_GRADED in same.metadata.get("tags", []):
                notes.append(f"The cell {cell.id} was changed; it trains or draws, and such cells are not run.")
                continue
            helper += 1
            waiting.append(_plain(cell, helper))
    return answers, helpers, list(dict.fromkeys(notes))


def _join(first: NotebookNode, part: NotebookNode) -> None:
    """Put a further part of an answer below the first: what ran from top to bottom in two cells does so in one."""
    between = "\n\n" if first.cell_type == "markdown" else "\n"
    first.source = f"{first.source.rstrip()}{between}{part.source}"
    if part.get("attachments"):
        first.attachments = {**first.get("attachments", {}), **part.attachments}


def _plain(cell: NotebookNode, number: int) -> NotebookNode:
    """A student's helper cell with nothing but its text."""
    return nbformat.v4.new_code_cell(str(cell.source), id=f"helper-{number}")


def _grade_id(cell: NotebookNode) -> str | None:
    nbgrader = cell.get("metadata", {}).get("nbgrader")
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else None


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _is_test(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


class Rebuild(NbGraderPreprocessor):  # type: ignore[misc]
    """``rebuild`` as the first of nbgrader's sanitizing preprocessors, so that plain nbgrader does it too."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        course = CourseDirectory(parent=self)
        name, assignment = resources["nbgrader"]["notebook"], resources["nbgrader"]["assignment"]
        source = Path(course.format_path(course.source_directory, ".", assignment)) / f"{name}.ipynb"
        rebuilt = rebuild(nbformat.read(source, as_version=nbformat.current_nbformat), nb)
        for note in rebuilt.notes:
            self.log.warning("%s", note)
        return rebuilt.notebook, resources
