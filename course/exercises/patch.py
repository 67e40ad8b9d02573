"""A patch is a small change of a function's source, written as ``old → new``.

``old`` is an expression or a statement of the function, found in its syntax tree exactly once; formatting and comments
do not matter. Where ``new`` is empty, the statement is left out. Several lines are several changes.
"""

import ast
import copy
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator

from course.errors import CourseError

ARROW = "→"


class PatchError(CourseError):
    """A patch that does not fit the function."""


def source_of(function: Callable) -> str:
    """A function's own text, without the decorators of ``Exercise``, as if it stood at the left margin."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = [one for one in definition.decorator_list if ast.unparse(one).startswith("torch.")]
    return ast.unparse(tree)


def patched(source: str, patch: str) -> str:
    """The source of a function with a patch applied.

    Raises:
        PatchError: if a line of the patch has no arrow, does not parse, changes nothing, or its left side is not found
            exactly once.
    """
    tree = ast.parse(source)
    for line in filter(None, map(str.strip, patch.splitlines())):
        if line.count(ARROW) != 1:
            raise PatchError(f"A patch reads `old {ARROW} new`; got `{line}`.")
        old, new = (side.strip() for side in line.split(ARROW))
        before = ast.unparse(tree)
        _replace(tree, old, new)
        if ast.unparse(ast.fix_missing_locations(tree)) == before:
            raise PatchError(f"`{line}` changes nothing.")
    return ast.unparse(tree)


def compiled(source: str, like: Callable, label: str) -> Callable:
    """The function that a source defines, with the globals of another; its lines can be shown in a traceback."""
    name = like.__name__
    filename = f"<{name}: {label}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = dict(inspect.unwrap(like).__globals__)
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


def _replace(tree: ast.Module, old: str, new: str) -> None:
    target, replacement = _parse(old), _parse(new) if new else ast.Pass()
    wanted = _dump(target)
    found = [
        (parent, name, i)
        for parent in ast.walk(tree)
        for name, i, child in _children(parent)
        if isinstance(child, ast.stmt) == isinstance(target, ast.stmt) and _dump(child) == wanted
    ]
    if len(found) != 1:
        raise PatchError(f"`{old}` is {'not' if not found else f'{len(found)} times'} in `{tree.body[0].name}`.")  # type: ignore[attr-defined]
    parent, name, i = found[0]
    if isinstance(target, ast.expr) and not isinstance(replacement, ast.expr):
        raise PatchError(f"`{old}` is an expression; `{new}` is none.")
    if isinstance(target, ast.stmt) and isinstance(replacement, ast.expr):
        replacement = ast.Expr(replacement)
    if i is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[i] = replacement


def _parse(text: str) -> ast.AST:
    """An expression, or else a statement."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        pass
    try:
        # `if` and `for` are written on one line, as in `for k in range(n): x = f(x)`
        body = ast.parse(f"def _():\n{textwrap.indent(text, '    ')}").body[0].body  # type: ignore[attr-defined]
    except SyntaxError:
        raise PatchError(f"`{text}` is neither an expression nor a statement.") from None
    if len(body) != 1:
        raise PatchError(f"`{text}` is more than one statement; write a line for each.")
    return copy.deepcopy(body[0])


def _children(parent: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for name, value in ast.iter_fields(parent):
        if isinstance(value, list):
            yield from ((name, i, child) for i, child in enumerate(value) if isinstance(child, ast.AST))
        elif isinstance(value, ast.AST):
            yield name, None, value


def _dump(node: ast.AST) -> str:
    """What a node says, whether it is read or written."""
    return ast.dump(node).replace("ctx=Store()", "ctx=Load()")
