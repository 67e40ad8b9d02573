"""Small changes of a function, each with the slip that it is: for mutation tests, and to explain wrong answers.

A change alters one place of the syntax tree. Its slip says in words what a student who wrote the changed function got
wrong; it names the arguments that are concerned, since those are the student's own, and never what would be right.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OPERATORS: dict[type, list[type]] = {
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
LEFT_OUT = {"detach", "exp", "log", "sqrt", "square", "clone", "abs", "flatten", "mT", "flip", "sort"}
ALSO_LEFT_OUT = {"clamp", "norm", "softmax", "log_softmax", "cumsum", "tanh", "reshape", "mean", "sum", "T", "permute"}
IN_PLACE = {ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_"}
FACTORS = {
    "2": "twice",
    "0.5": "half",
    "2**0.5": "√2 times",
    "0.5**0.5": "1/√2 times",
    "4": "four times",
    "0.25": "a quarter of",
}
FACTORS |= {"3.141592653589793": "π times", "6.283185307179586": "2π times", "0.5/3.141592653589793": "1/(2π) times"}


@dataclass(frozen=True)
class Change:
    """A changed function.

    Attributes:
        source: its text.
        slip: what is wrong in it, as the end of "right but for one thing: …".
        mutant: it is one of the changes that mutation tests try.
    """

    source: str
    slip: str
    mutant: bool


Edit = tuple[Any, str, int | None, Any]
"""A node, the name of a field of it, the place in that field's list if it is one, and the new value."""

Way = tuple[list[Edit], str, bool]
"""What changes a tree, its slip, and whether it is a mutant."""


def changes(source: str, only_mutants: bool = False) -> Iterator[Change]:
    """Every function that differs from this one by one change; those that read the same are one, the first."""
    tree = ast.parse(source)
    places = _Places(tree)
    ways = [way for node in list(ast.walk(tree)) for way in places.ways(node)]
    seen = {ast.unparse(tree)}
    for edits, slip, mutant in sorted(ways, key=lambda way: not way[2]):
        if only_mutants and not mutant:
            return
        text = _edited(tree, edits)
        if text not in seen:
            seen.add(text)
            yield Change(text, slip, mutant)


def _edited(tree: ast.Module, edits: list[Edit]) -> str:
    """The text of the tree with some edits, which are taken back."""
    undo = []
    for node, name, i, value in edits:
        held = getattr(node, name)
        undo.append((node, name, held if i is None else [*held]))
        if i is None:
            setattr(node, name, value)
        else:
            setattr(node, name, [*held[:i], value, *held[i + 1 :]])
    text = ast.unparse(tree)
    for node, name, held in reversed(undo):
        setattr(node, name, held)
    return text


class _Places:
    """What can be changed at each node of a function's tree."""

    def __init__(self, tree: ast.Module):
        self.definition = tree.body[0]
        assert isinstance(self.definition, ast.FunctionDef)
        self.arguments = [one.arg for one in self.definition.args.args]
        self.parents = {child: (parent, field) for parent in ast.walk(tree) for field, child in _children(parent)}
        self.assigned: dict[str, list[ast.expr]] = {}
        for one in ast.walk(tree):
            if isinstance(one, ast.Assign):
                for target in one.targets:
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name):
                            self.assigned.setdefault(name.id, []).append(one.value)
        self.names: dict[tuple[ast.AST, int], list[str]] = {}

    # -- words

    def _with(self, *nodes: ast.AST) -> str:
        """The arguments that an expression is made of, such as " with `x` and `score`"."""
        names = list(dict.fromkeys(name for node in nodes for name in self._names(node)))
        quoted = [f"`{name}`" for name in names[:3]]
        return f" with {' and '.join(filter(None, [', '.join(quoted[:-1]), quoted[-1]]))}" if quoted else ""

    def _names(self, node: ast.AST, deep: int = 0) -> list[str]:
        """The arguments in an expression, and in what computed its other names."""
        if (node, deep) not in self.names:
            found = []
            for one in ast.walk(node):
                if isinstance(one, ast.Name) and one.id in self.arguments:
                    found.append(one.id)
                elif isinstance(one, ast.Name) and deep < 2:
                    found += [name for value in self.assigned.get(one.id, []) for name in self._names(value, deep + 1)]
            self.names[node, deep] = list(dict.fromkeys(found))
        return self.names[node, deep]

    # -- changes

    def _instead(self, node: ast.AST, new: ast.AST) -> list[Edit]:
        parent, (name, i) = self.parents[node]
        return [(parent, name, i, new)]

    @staticmethod
    def _put(node: ast.AST, name: str, value: object) -> list[Edit]:
        return [(node, name, None, value)]

    def ways(self, node: ast.AST) -> Iterator[Way]:
        """All that can be changed at this node."""
        if isinstance(node, ast.BinOp):
            yield from self._of_operation(node)
        elif isinstance(node, ast.UnaryOp):
            yield self._instead(node, node.operand), f"the sign of the term{self._with(node.operand)}", True
        elif isinstance(node, ast.Compare):
            for kind in OPERATORS.get(type(node.ops[0]), []):
                slip = f"the direction of the comparison{self._with(node)}"
                yield self._put(node, "ops", [kind()]), slip, True
        elif isinstance(node, ast.BoolOp):
            for kind in OPERATORS.get(type(node.op), []):
                yield self._put(node, "op", kind()), "`and` and `or` are exchanged", True
        elif isinstance(node, ast.Constant):
            yield from self._of_constant(node)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node)
        elif isinstance(node, ast.Attribute):
            yield from self._of_attribute(node)
        elif isinstance(node, ast.Return) and node.value is not None:
            if not isinstance(node.value, (ast.Tuple, ast.List)):
                yield self._put(node, "value", ast.UnaryOp(ast.USub(), node.value)), "the sign of the result", True
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            yield self._instead(node, ast.Pass()), f"a step is left out, one{self._with(node.value)}", True
        elif isinstance(node, ast.withitem):
            no_grad = ast.parse("torch.no_grad()", mode="eval").body
            yield self._put(node, "context_expr", no_grad), "a gradient is asked for where none is kept", True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from self._of_name(node)
        if isinstance(node, ast.expr) and self._is_quantity(node):
            yield from self._scaled(node)

    def _of_operation(self, node: ast.BinOp) -> Iterator[Way]:
        right, left, op = self._with(node.right), self._with(node.left), type(node.op)
        whole = self._with(node)
        for kind in OPERATORS.get(op, []):
            if op in (ast.Add, ast.Sub):
                slip = f"the sign of the term{right or left}"
            elif op in (ast.Mult, ast.Div):
                slip = f"a multiplication and a division are exchanged in the term{whole}"
            elif op is ast.Pow:
                slip = f"a power is a multiple in the term{whole}"
            else:
                slip = f"an operation in the term{whole}"
            yield self._put(node, "op", kind()), slip, True
        missing = {ast.Add: "term", ast.Sub: "term", ast.Mult: "factor", ast.Div: "divisor", ast.Pow: "exponent"}
        what = missing.get(op, "part")
        named = right if op is not ast.Pow else f" of the term{left}"
        yield self._instead(node, node.left), f"a {what}{named} is left out", True
        yield (
            self._instead(node, node.right),
            f"a {what}{left} is left out" if left else f"only a part is kept{right}",
            True,
        )
        if op in (ast.Sub, ast.Div, ast.Pow, ast.MatMult):
            exchanged = ast.BinOp(node.right, node.op, node.left)
            yield self._instead(node, exchanged), f"the two sides are exchanged in the term{whole}", False
        if isinstance(node.left, ast.Name) and op in IN_PLACE:
            method = ast.Attribute(node.left, IN_PLACE[op], ast.Load())
            yield self._instead(node, ast.Call(method, [node.right], [])), f"something is changed in place{left}", True

    def _of_constant(self, node: ast.Constant) -> Iterator[Way]:
        parent, (field, _) = self.parents.get(node, (None, ("", None)))
        about = self._with(parent) if parent else ""
        if isinstance(node.value, bool):
            yield self._put(node, "value", not node.value), f"a switch is set the wrong way{about}", True
        elif isinstance(node.value, (int, float)):
            if isinstance(parent, ast.keyword) and parent.arg in ("dim", "axis"):
                slip = "something is taken over the wrong axis"
            elif isinstance(parent, (ast.Subscript, ast.Slice)):
                slip = f"an entry is taken at the wrong place{about}"
            elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and field == "right":
                slip = f"the exponent of the term{about}"
            else:
                slip = f"a constant{about.replace(' with', ' beside', 1)}"
            for value in sorted({node.value + 1, node.value - 1, 2 * node.value} - {node.value}):
                yield self._put(node, "value", value), slip, True
            for value in (0.5 * node.value, -node.value):
                if value != node.value and not isinstance(parent, (ast.Subscript, ast.keyword)):
                    yield self._put(node, "value", value), slip, False

    def _of_call(self, node: ast.Call) -> Iterator[Way]:
        called = ast.unparse(node.func).split(".")[-1]
        if len(node.args) >= 2 and ast.dump(node.args[0]) != ast.dump(node.args[1]):
            swapped = [node.args[1], node.args[0], *node.args[2:]]
            yield self._put(node, "args", swapped), f"the first two arguments of `{called}` are exchanged", True
        for i in range(1, len(node.args) - 1):
            swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
            yield self._put(node, "args", swapped), f"two arguments of `{called}` are exchanged", False
        if isinstance(node.func, ast.Attribute):
            yield from self._of_method(node, node.func)
        for i, keyword in enumerate(node.keywords):
            rest = node.keywords[:i] + node.keywords[i + 1 :]
            yield self._put(node, "keywords", rest), f"`{keyword.arg}` of `{called}` is left out", True
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            place = 1 if len(node.args) == 3 else len(node.args) - 1
            for by, slip in (
                (ast.Sub(), "the loop is one round short"),
                (ast.Add(), "the loop has one round too many"),
            ):
                other = [*node.args]
                other[place] = ast.BinOp(node.args[place], by, ast.Constant(1))
                yield self._put(node, "args", other), slip, isinstance(by, ast.Sub)
            if len(node.args) == 1:
                late = [ast.Constant(1), ast.BinOp(node.args[0], ast.Add(), ast.Constant(1))]
                yield self._put(node, "args", late), "the loop counts from one", False
        if isinstance(node.func, ast.Name) and node.func.id in ("reversed", "sorted") and len(node.args) == 1:
            yield self._instead(node, node.args[0]), "the order in which the loop goes", False

    def _of_method(self, node: ast.Call, method: ast.Attribute) -> Iterator[Way]:
        about = self._with(method.value, *node.args)
        for other in METHODS.get(method.attr, []):
            yield self._put(method, "attr", other), f"a `{other}` stands where another belongs{about}", True
        is_module = isinstance(method.value, ast.Name) and method.value.id in ("torch", "math")
        inner = node.args[0] if is_module and node.args else method.value
        if method.attr in LEFT_OUT or (method.attr in ALSO_LEFT_OUT and not (is_module and not node.args)):
            yield self._instead(node, inner), f"`{method.attr}` is left out{about}", method.attr in LEFT_OUT
        if method.attr == "where" and len(node.args) == 3:
            other_way = [node.args[0], node.args[2], node.args[1]]
            yield self._put(node, "args", other_way), "the two sides of a choice are exchanged", False
        if method.attr in ("sum", "mean") and (node.args or node.keywords):
            bare = self._put(node, "args", []) + self._put(node, "keywords", [])
            yield bare, f"a `{method.attr}` runs over everything{about}", False

    def _of_attribute(self, node: ast.Attribute) -> Iterator[Way]:
        is_called = isinstance(self.parents[node][0], ast.Call) and self.parents[node][1][0] == "func"
        if not is_called and node.attr in LEFT_OUT | {"T"}:
            yield (
                self._instead(node, node.value),
                f"`{node.attr}` is left out{self._with(node.value)}",
                node.attr in LEFT_OUT,
            )

    def _of_name(self, node: ast.Name) -> Iterator[Way]:
        """Another of the function's own names instead."""
        parent, (field, _) = self.parents[node]
        if isinstance(parent, ast.Call) and field == "func":
            return
        local = [t.id for t in ast.walk(self.definition) if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store)]
        for other in dict.fromkeys([*self.arguments, *local]):
            if other == node.id or (node.id not in self.arguments and node.id not in local):
                continue
            used = f"`{other}`" if other in self.arguments else "something computed on the way"
            meant = f"`{node.id}`" if node.id in self.arguments else "something else that was computed"
            yield self._put(node, "id", other), f"{used} is used where {meant} belongs", False

    def _is_quantity(self, node: ast.expr) -> bool:
        """A term, a factor or an argument: not a function, a shape, an index or a string."""
        parent, (field, _) = self.parents.get(node, (None, ("", None)))
        if isinstance(parent, ast.BinOp):
            return not isinstance(node, ast.Constant)
        if isinstance(parent, ast.Call):
            return field == "args" and not isinstance(node, (ast.Constant, ast.Starred, ast.List, ast.Tuple))
        return isinstance(parent, ast.Return) and not isinstance(node, (ast.Tuple, ast.List))

    def _scaled(self, node: ast.expr) -> Iterator[Way]:
        parent, _ = self.parents[node]
        part = "the result" if isinstance(parent, ast.Return) else f"the part{self._with(node)}"
        for factor, words in FACTORS.items():
            scaled = ast.BinOp(ast.parse(factor, mode="eval").body, ast.Mult(), node)
            yield self._instead(node, scaled), f"{part} is {words} what it should be", False
        for form, words in (
            ("1 / _", "upside down"),
            ("_ ** 2", "squared"),
            ("_ ** 0.5", "under a root"),
            ("-_", "with the wrong sign"),
            ("1 - _", "as one minus what it should be"),
            ("abs(_)", "without its sign"),
            ("_.flip(0)", "in reverse order"),
        ):
            yield self._instead(node, _filled(form, node)), f"{part} enters {words}", False


def _filled(form: str, node: ast.expr) -> ast.expr:
    """A form with an expression at its blank."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return node if name.id == "_" else name

    return Fill().visit(ast.parse(form, mode="eval").body)


def _children(parent: ast.AST) -> Iterator[tuple[tuple[str, int | None], ast.AST]]:
    for name, value in ast.iter_fields(parent):
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield (name, i), child
