"""Draw the structure of the package from its imports: ``python -m tools.structure`` writes docs/structure.svg.

A room is a module or a package of ``course``, and each package within ``grading``; an arrow goes from a room to one
that it imports, unless a chain of other arrows leads there. Rooms stand in rows, each above all that it imports: read
the drawing from below.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "course"
TARGET = ROOT / "docs/structure.svg"
SPLIT = {"grading"}
"""Packages whose own packages are rooms of their own."""


def rooms() -> dict[str, set[str]]:
    """Every room, and the rooms that its modules import anywhere, also within functions."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name == "course":
            continue
        room = room_of(name)
        found.setdefault(room, set()).update(room_of(one) for one in _imported(path) if one != "course")
    return {room: others - {room} for room, others in found.items()}


def room_of(module: str) -> str:
    """The room of a module, such as ``grading.kernel`` of ``course.grading.kernel.session``."""
    parts = module.split(".")[1:]
    inner = len(parts) > 1 and parts[0] in SPLIT and (PACKAGE / parts[0] / parts[1]).is_dir()
    return ".".join(parts[:2]) if inner else parts[0]


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "course":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if _is_module(inner) else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("course."))


@cache
def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def reachable(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Every room, and all that it imports, directly or through others."""
    reach = {room: set(others) for room, others in graph.items()}
    for middle in graph:
        for room in graph:
            if middle in reach[room]:
                reach[room] |= reach[middle]
    return reach


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of rooms that import one another, directly or through others."""
    reach = reachable(graph)
    groups = {tuple(sorted(other for other in reach[room] if room in reach[other])) for room in graph}
    return [list(group) for group in sorted(groups) if group]


def direct(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Of the imports, those that no chain of others implies; within a cycle, all."""
    reach = reachable(graph)

    def implied(room: str, other: str) -> bool:
        return any(other in reach[middle] and room not in reach[middle] for middle in graph[room] - {other})

    return {room: {other for other in others if not implied(room, other)} for room, others in graph.items()}


def rows(graph: dict[str, set[str]]) -> list[list[str]]:
    """Rooms in rows from below: each above all that it imports; rooms of a cycle share a row."""
    together = {room: frozenset(group) for group in cycles(graph) for room in group}

    @cache
    def height(room: str) -> int:
        group = together.get(room, frozenset([room]))
        below = {other for one in group for other in graph[one] if other not in group}
        return 1 + max((height(other) for other in below), default=-1)

    heights = {room: height(room) for room in graph}
    return [sorted(room for room in graph if heights[room] == h) for h in range(max(heights.values()) + 1)]


def draw(target: Path) -> None:
    """Write the drawing as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "structure"})
    graph = rooms()
    levels = rows(graph)
    places = {room: ((i + 1) / (len(row) + 1), y) for y, row in enumerate(levels) for i, room in enumerate(row)}
    fig, ax = plt.subplots(figsize=(10, 0.6 * len(levels) + 0.4), layout="constrained")
    for room, others in direct(graph).items():
        for other in others:
            (x, y), (to_x, to_y) = places[room], places[other]
            line = {"arrowstyle": "-|>", "color": "0.75", "linewidth": 0.7, "shrinkA": 9, "shrinkB": 9}
            ax.annotate("", (to_x, to_y), (x, y), arrowprops=line, zorder=1)
    for room, (x, y) in places.items():
        colour = "#e69f00" if room.startswith("grading") else "#56b4e9" if room == "exercises" else "#ffffff"
        box = {"boxstyle": "round", "facecolor": colour, "edgecolor": "0.3", "linewidth": 0.8}
        ax.text(x, y, room, ha="center", va="center", fontsize=9, bbox=box, zorder=2)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(levels) - 0.4))
    ax.axis("off")
    fig.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
