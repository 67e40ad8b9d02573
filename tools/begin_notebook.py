"""A first notebook for a new assignment, from its pages: ``python -m tools.begin_notebook hw9 "Title"``.

Writes solutions/hw9/hw9.ipynb with the cells that nbgrader and the checks need, a heading for each exercise; everything
else is text that an instructor writes in JupyterLab. It never replaces a notebook.
"""

import argparse
import ast
import sys
from importlib import import_module
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.exercises.check import load
from course.exercises.exercise import Exercise
from course.exercises.patch import source_of
from course.exercises.verdict import TOTAL

SCHEMA = {"schema_version": 3, "task": False}
HEAD = """# {assignment} · {title}

*{total} points*

**Today's claim.** What a reader will know at the end.

| | you write | points |
|---|---|---|
{rows}"""
SETUP = """import math

import torch
from torch import Tensor

from course.exercises import begin

check = begin("{assignment}", globals())"""
TEST = """check({name})
### BEGIN HIDDEN TESTS
from course.exercises import fresh_seed

check({name}, seed=fresh_seed())
### END HIDDEN TESTS"""


def notebook(assignment: str, title: str) -> nbformat.NotebookNode:
    """A heading, a solution and a test for each exercise, and the question that a person grades."""
    number, exercises = assignment.removeprefix("hw"), list(load(assignment).values())
    left = TOTAL - sum(one.points for one in exercises)
    rows = [(f"{number}.{i}", f"`{one.name}`", one.points) for i, one in enumerate(exercises, 1)]
    rows.append((f"{number}.{len(rows) + 1}", "an answer in words", left))
    shown = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
    cells = [new_markdown_cell(HEAD.format(assignment=assignment, title=title, total=TOTAL, rows=shown))]
    cells.append(_code(SETUP.format(assignment=assignment), "setup", locked=True))
    for (heading, name, _), one in zip(rows, exercises):
        cells.append(new_markdown_cell(f"## {heading} {name}\n\n{sys.modules[one.answer.__module__].__doc__}"))
        cells.append(_code(_solution(one), one.name, solution=True))
        cells.append(_code(TEST.format(name=one.name), f"check_{one.name}", grade=True, locked=True, points=one.points))
    cells.append(
        new_markdown_cell(f"## {rows[-1][0]} In your own words\n*{left} points, read by a person*\n\nThe question.")
    )
    words = {"grade": True, "solution": True, "locked": False, "points": left, "grade_id": "in-your-own-words"}
    cells.append(new_markdown_cell("The answer.", metadata={"nbgrader": SCHEMA | words}))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    for i, cell in enumerate(made.cells):
        cell.id = f"{assignment}-{i}"
    return made


def _code(source: str, grade_id: str, **settings: bool | int) -> nbformat.NotebookNode:
    marks = {"grade": False, "solution": False, "locked": False, "grade_id": grade_id} | settings
    return new_code_cell(source, metadata={"nbgrader": SCHEMA | marks})


def _solution(exercise: Exercise) -> str:
    """The answer between nbgrader's markers, with annotations and a docstring to be filled in."""
    (function,) = ast.parse(source_of(exercise.answer)).body
    assert isinstance(function, ast.FunctionDef)
    body = "\n".join("    " + line for statement in function.body for line in ast.unparse(statement).splitlines())
    names = ", ".join(f"{argument.arg}: Tensor" for argument in function.args.args)
    head = f'def {function.name}({names}) -> Tensor:\n    """What it returns, with shapes."""'
    return f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def main(assignment: str, title: str) -> int:
    """Write it, unless there is one."""
    import_module(f"course.exercises.{assignment}")
    path = Path("solutions", assignment, f"{assignment}.ipynb")
    if path.exists():
        print(f"{path} is there already; it stays as it is.", file=sys.stderr)
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook(assignment, title), path)
    print(f"{path} is ready to be written in JupyterLab.")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Begin the notebook of a new assignment.")
    parser.add_argument("assignment", help="such as hw9, whose pages are in course/exercises/hw9/")
    parser.add_argument("title", help="such as 'Flow matching'")
    arguments = parser.parse_args()
    sys.exit(main(arguments.assignment, arguments.title))
