"""Mutation testing of the checks: ``python -m course.exercises.mutate hw2`` changes each right solution a little.

A mutant is the solution of the instructor's notebook with one small change: an operator, a constant, a sign, a term
dropped, arguments swapped, an axis, a loop one shorter, a ``detach`` or a statement left out, a sum in place. Every
mutant must fail its check, or be shown to be right all the same: ``hwN/equivalent.json`` says why.
"""

import ast
import copy
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import torch

from course.exercises.check import check_exercise, load

SEEDS = 3
"""A mutant that passes for so many seeds has survived."""

OTHER: dict[type, list[type]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Div],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
METHODS = {
    "sum": ["mean"],
    "mean": ["sum"],
    "cos": ["sin"],
    "sin": ["cos"],
    "amax": ["amin"],
    "amin": ["amax"],
    "argmax": ["argmin"],
    "argmin": ["argmax"],
    "softmax": ["log_softmax"],
    "logsumexp": ["sum"],
    "cumprod": ["cumsum"],
    "randn": ["rand"],
    "any": ["all"],
    "all": ["any"],
}
DROPPED = {"detach", "exp", "log", "sqrt", "square", "clone", "abs", "flatten", "mT", "flip", "sort"}
IN_PLACE = {ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_"}


@dataclass(frozen=True)
class Mutant:
    """A changed solution.

    Attributes:
        what: the change, as ``line before → line after``, the same in every run.
        source: the whole function.
    """

    what: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a function, each with one change; those that read the same are one."""
    tree = ast.parse(source)
    original = ast.unparse(tree)
    found: dict[str, Mutant] = {}
    for place in range(sum(1 for _ in ast.walk(tree))):
        for choice in range(20):
            changed = copy.deepcopy(tree)
            if not _change(changed, place, choice):
                break
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in (original, *found):
                found[text] = Mutant(_describe(original, text), text)
    return list(found.values())


def _change(tree: ast.AST, place: int, choice: int) -> bool:
    """Change the node of this number in one way; False if there are no more ways."""
    parents = {child: (parent, field) for parent in ast.walk(tree) for field, child in _children(parent)}
    node = list(ast.walk(tree))[place]
    ways = list(_ways(node, parents))
    if choice >= len(ways):
        return False
    ways[choice]()
    return True


def _children(parent: ast.AST) -> Iterator[tuple[tuple[str, int | None], ast.AST]]:
    for name, value in ast.iter_fields(parent):
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield (name, i), child


def _ways(node: ast.AST, parents: dict) -> Iterator[Any]:
    """Functions that each change the tree at a node."""

    def instead(new: ast.AST) -> Any:
        parent, (name, i) = parents[node]

        def put() -> None:
            if i is None:
                setattr(parent, name, new)
            else:
                getattr(parent, name)[i] = new

        return put

    if isinstance(node, ast.BinOp):
        for kind in OTHER.get(type(node.op), []):
            yield partial(setattr, node, "op", kind())
        yield instead(node.left)
        yield instead(node.right)
        if isinstance(node.left, ast.Name) and type(node.op) in IN_PLACE:
            method = ast.Attribute(node.left, IN_PLACE[type(node.op)], ast.Load())
            yield instead(ast.Call(method, [node.right], []))
    elif isinstance(node, ast.UnaryOp):
        yield instead(node.operand)
    elif isinstance(node, ast.Compare):
        for kind in OTHER.get(type(node.ops[0]), []):
            yield partial(setattr, node, "ops", [kind()])
    elif isinstance(node, ast.BoolOp):
        for kind in OTHER.get(type(node.op), []):
            yield partial(setattr, node, "op", kind())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield partial(setattr, node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for value in sorted({node.value + 1, node.value - 1, 2 * node.value} - {node.value}):
            yield partial(setattr, node, "value", value)
    elif isinstance(node, ast.Call):
        yield from _ways_of_call(node, instead)
    elif isinstance(node, ast.Attribute) and node.attr in DROPPED and node in parents:
        if not isinstance(parents[node][0], ast.Call):
            yield instead(node.value)
    elif isinstance(node, ast.Return) and node.value is not None:
        if not isinstance(node.value, (ast.Tuple, ast.List)):
            yield partial(setattr, node, "value", ast.UnaryOp(ast.USub(), node.value))
    elif isinstance(node, (ast.Assign, ast.AugAssign)) and node in parents:
        yield instead(ast.Pass())
    elif isinstance(node, ast.withitem):
        yield partial(setattr, node, "context_expr", ast.parse("torch.no_grad()", mode="eval").body)


def _ways_of_call(node: ast.Call, instead: Any) -> Iterator[Any]:
    if len(node.args) >= 2 and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        yield partial(setattr, node, "args", [node.args[1], node.args[0], *node.args[2:]])
    if isinstance(node.func, ast.Attribute):
        for other in METHODS.get(node.func.attr, []):
            yield partial(setattr, node.func, "attr", other)
        if node.func.attr in DROPPED and not isinstance(node.func.value, ast.Name):
            yield instead(node.func.value)
        elif node.func.attr in DROPPED and isinstance(node.func.value, ast.Name):
            yield instead(node.args[0] if node.func.value.id in ("torch", "math") and node.args else node.func.value)
    for i in range(len(node.keywords)):
        yield partial(setattr, node, "keywords", node.keywords[:i] + node.keywords[i + 1 :])
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        last = node.args[-1] if len(node.args) < 3 else node.args[1]
        shorter = ast.BinOp(last, ast.Sub(), ast.Constant(1))
        yield partial(setattr, node, "args", [*node.args[:-1], shorter])


def _describe(before: str, after: str) -> str:
    pairs = [(a.strip(), b.strip()) for a, b in zip(before.splitlines(), after.splitlines()) if a != b]
    return " ; ".join(f"{a} → {b}" for a, b in pairs[:1]) or "a line left out"


# -- the solutions, and what becomes of their mutants ------------------------------------------------------------------


def solutions(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """The text of each function of an instructor's notebook, and the namespace in which they all are."""
    sources, namespace = {}, {"__name__": "solutions"}
    for cell in nbformat.read(path, as_version=4).cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or nbgrader.get("grade") or "not-graded" in cell.metadata.get("tags", []):
            continue
        exec(compile(cell.source, str(path), "exec"), namespace)
        if nbgrader.get("solution"):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef):
                    sources[node.name] = ast.unparse(node)
    return sources, namespace


def survivors(assignment: str, path: Path, name: str) -> tuple[int, list[str]]:
    """How many mutants a function has, and which of them pass its check."""
    torch.set_num_threads(1)
    sources, namespace = solutions(path)
    exercise, alive = load(assignment)[name], []
    all_mutants = mutants(sources[name])
    for mutant in all_mutants:
        changed = dict(namespace)
        try:
            exec(compile(mutant.source, name, "exec"), changed)
        except Exception:
            continue
        if all(check_exercise(exercise, changed[name], seed).passed for seed in range(SEEDS)):
            alive.append(mutant.what)
    return len(all_mutants), alive


def equivalents(assignment: str) -> dict[str, dict[str, str]]:
    """By exercise and change, why a mutant is right all the same."""
    path = Path(__file__).parent / assignment / "equivalent.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def main(assignment: str, workers: int = 2) -> int:
    """Print the table of an assignment and its survivors; how many of them are not explained."""
    path = Path("solutions") / assignment / f"{assignment}.ipynb"
    names, known, unexplained = list(load(assignment)), equivalents(assignment), 0
    print(f"## {assignment}\n\n| exercise | mutants | killed | equivalent | alive |\n|---|---|---|---|---|")
    details = []
    with ProcessPoolExecutor(workers) as pool:
        for name, (count, alive) in zip(names, pool.map(partial(survivors, assignment, path), names)):
            why = known.get(name, {})
            unknown = [what for what in alive if what not in why]
            unexplained += len(unknown)
            print(
                f"| `{name}` | {count} | {count - len(alive)} | {len(alive) - len(unknown)} | {len(unknown)} |",
                flush=True,
            )
            details += [f"- `{name}`: `{what}`: {why.get(what, '**not explained**')}" for what in alive]
    print("\n" + "\n".join(details) if details else "")
    return unexplained


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m course.exercises.mutate ASSIGNMENT, such as hw2, in the course's folder.")
    sys.exit(min(main(sys.argv[1]), 1))
