"""Patches and changes alter one place of an answer, and answers are those of the instructor's notebook."""

import ast
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from course.exercises import assignments, load
from course.exercises.changes import changes
from course.exercises.patch import PatchError, compiled, patched, source_of

ROOT = Path(__file__).parent.parent
SOURCE = """def f(x, score, step_size):
    for k in range(3):
        x = x + step_size * score(x)
    return x
"""
PAGED = [one for one in assignments() if hasattr(import_module(f"course.exercises.{one}"), "points")]
EXERCISES = [exercise for assignment in PAGED for exercise in load(assignment).values()]


def name(value: object) -> str:
    return getattr(value, "name", "")


def test_a_patch_replaces_an_expression_or_a_statement():
    assert "x - step_size" in patched(SOURCE, "x + step_size * score(x) → x - step_size * score(x)")
    assert "range(4)" in patched(SOURCE, "3 → 4")
    assert "pass" in patched(SOURCE, "x = x + step_size * score(x) → ")
    assert "return -x" in patched(SOURCE, "return x → return -x")


def test_several_lines_are_several_changes_one_after_the_other():
    both = patched(SOURCE, "range(3) → range(4)\n range(4) → range(5)")
    assert "range(5)" in both


def test_formatting_does_not_matter():
    assert patched(SOURCE, "step_size*score( x ) → 2*score(x)") == patched(
        SOURCE, "step_size * score(x) → 2 * score(x)"
    )


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("x", "A patch reads `old → new`"),
        ("a → b → c", "A patch reads `old → new`"),
        ("y → x", "`y` is not in `f`"),
        ("x → y", "`x` is 4 times in `f`"),
        ("3 → 3", "changes nothing"),
        ("3 → )", "neither an expression nor a statement"),
        ("3 → x = 4", "`x = 4` is none"),
        ("return x → return x; return y", "more than one statement"),
    ],
)
def test_a_patch_that_does_not_fit_says_why(patch, words):
    with pytest.raises(PatchError) as error:
        patched(SOURCE, patch)
    assert words in str(error.value)


def test_a_compiled_version_knows_the_answers_names_and_shows_its_lines():
    def f(x):
        return name(x)

    assert compiled("def f(x):\n    return 2 * name(x)", f, "twice")("x") == ""
    with pytest.raises(ZeroDivisionError) as error:
        compiled("def f(x):\n    return 1 / 0", f, "breaks")(1)
    assert "return 1 / 0" in str(error.getrepr())


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_every_version_is_another_text_than_the_answer(exercise):
    """A patch that does not fit its answer is an error here."""
    for one in (*exercise.misconceptions, *exercise.variants):
        assert ast.parse(one.source).body[0].name == exercise.name
        assert one.rewrite or one.source != exercise.source, one.name


def test_changes_are_all_different_and_all_compile():
    made = list(changes(SOURCE))
    texts = [change.source for change in made]
    assert len(set(texts)) == len(texts)
    assert ast.unparse(ast.parse(SOURCE)) not in texts
    for change in made:
        ast.parse(change.source)
        assert change.slip
        assert not change.slip.endswith(".")


def test_making_changes_leaves_no_trace():
    """Each is one change of the same text: none is built on another."""
    first = [change.source for change in changes(SOURCE)]
    assert first == [change.source for change in changes(SOURCE)]


def solution_cells(assignment: str) -> dict[str, ast.FunctionDef]:
    notebook = nbformat.read(ROOT / f"solutions/{assignment}/{assignment}.ipynb", as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("solution")]
    functions = (node for c in cells for node in ast.parse(c.source).body if isinstance(node, ast.FunctionDef))
    return {node.name: node for node in functions}


def bare(function: ast.FunctionDef) -> str:
    """A function's text without annotations and docstring."""
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    return ast.unparse(function)


@pytest.mark.parametrize("assignment", PAGED)
def test_the_answers_are_those_of_the_instructors_notebook(assignment):
    cells = solution_cells(assignment)
    for exercise in load(assignment).values():
        assert source_of(exercise.answer) == bare(cells[exercise.name]), exercise.name


def test_a_source_has_no_decorator_of_ours_but_torchs_own():
    exercise = load("hw2")["langevin_step"]
    sources = [one.source for one in (*exercise.misconceptions, *exercise.variants)]
    assert not any("exercise." in source for source in sources)
    assert any(source.startswith("@torch.no_grad()") for source in sources)
    for one in EXERCISES:
        assert not any(version.source.startswith("@exercise") for version in (*one.misconceptions, *one.variants))
