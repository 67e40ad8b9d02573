"""Every claim of a lecture or an assignment, with the check that guards it: ``make claims``.

    python -m tools.claims [NOTEBOOK ...] [--seeds 5] [--networks FOLDER] [--list]

A claim is a sentence of a paragraph that begins with **Notice** or **Today's claim**, of a figure's caption, of the
summary at a lecture's end, or one with a bold clause. A check quotes words of it: ``claim("words", condition)``.
Running a notebook with another seed shifts every ``manual_seed`` in it; ``--networks`` puts other checkpoints in the
place of those that ship. The exit status is 1 where a sentence has no guard, or a claim does not hold.
"""

import ast
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [*sorted(ROOT.glob("lectures/*.ipynb")), *sorted(ROOT.glob("solutions/*/*.ipynb"))]
TAG = "claim"

# -- sentences ---------------------------------------------------------------------------------------------------------


@dataclass
class Sentence:
    """A sentence that claims something, and the guards that quote it."""

    cell: int
    kind: str
    text: str
    guards: list[str] = field(default_factory=list)


def sentences(notebook: NotebookNode) -> list[Sentence]:
    """Every sentence that needs a guard, in order; questions need none."""
    found, heading = [], ""
    for i, text in _texts(notebook):
        kind_so_far = ""
        for paragraph in _paragraphs(text):
            if paragraph.startswith("#"):
                heading, kind_so_far = paragraph.lstrip("# "), ""
                continue
            kind_so_far = _kind(paragraph, heading) or (kind_so_far if kind_so_far == "notice" else "")
            for sentence in split(paragraph):
                kind = kind_so_far or ("bold" if _has_bold_clause(sentence) else "")
                if kind and not sentence.rstrip('*_ ”")').endswith("?"):
                    found.append(Sentence(i, kind, sentence))
    return found


def _texts(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """The text of Markdown cells, and what code cells display with ``Markdown(...)``, numbers left out."""
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            yield i, cell.source
        elif cell.cell_type == "code" and "Markdown(" in cell.source:
            for node in _calls(cell.source, "Markdown"):
                yield i, _words(node.args[0]) if node.args else ""


def _words(node: ast.expr) -> str:
    """The text of a string, an f-string, or strings added or joined; an ellipsis for what is computed."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_words, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _words(left) + _words(right)
    return "…"


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and list items, each on one line; without folded answers, tables, and styles."""
    text = re.sub(r"<details>.*?</details>|<style>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=#)", text):
        block = " ".join(block.split())
        if block and not block.startswith("|"):
            yield block


def _kind(paragraph: str, heading: str) -> str:
    if paragraph.startswith("*Figure: "):
        return "caption"
    if paragraph.lstrip("*").startswith("Notice"):
        return "notice"
    if paragraph.startswith("**Today's claim.**"):
        return "claim"
    return "summary" if heading.startswith("What we know") and paragraph.startswith("- ") else ""


def _has_bold_clause(sentence: str) -> bool:
    heading = re.fullmatch(r"\*\*[^*]+\*\*", sentence) and len(sentence.split()) <= 7  # it opens a paragraph
    return not heading and any(len(bold.split()) >= 4 for bold in re.findall(r"\*\*(.+?)\*\*", sentence))


END, CLOSING = r"[.!?…]", r"[*_)”\"]"
SHORT_FORMS = r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bal\.)(?<!\bcf\.)(?<!\bvs\.)(?<!\beq\.)(?<!\b[A-Z]\.)"


def split(paragraph: str) -> list[str]:
    """The sentences of a paragraph; formulas and code between backticks are kept whole."""
    paragraph = re.sub(r"^(\*Figure: |- |\*\*(?:Notice|Today's claim)[^*]*\*\* ?)", "", paragraph)
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x00"

    hidden = re.sub(r"\$\$.+?\$\$|\$[^$]+?\$|`[^`]+`", keep, paragraph)
    ends = "|".join(rf"(?<={END}{SHORT_FORMS}{closed})" for closed in ("", CLOSING, r"\*\*", rf"\*\*{CLOSING}"))
    parts = re.split(rf"(?:{ends})\s+(?=[A-Z0-9\x00*_(“\"α-ω])", hidden)
    whole = (re.sub(r"\x00(\d+)\x00", lambda m: kept[int(m[1])], part).strip() for part in parts)
    return [sentence for sentence in whole if re.search(r"[A-Za-z]{2}", sentence)]


# -- guards ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Guard:
    """A quotation, and what guards it: the condition's code, or "opinion"."""

    cell: int
    quote: str
    check: str


def guards(notebook: NotebookNode) -> list[Guard]:
    """Every quotation in the notebook's claim cells."""
    found = []
    for i, cell in enumerate(notebook.cells):
        if is_claim(cell):
            for node in _calls(cell.source, "claim"):
                found.append(Guard(i, _words(node.args[0]), ast.unparse(node.args[1])))
            for node in _calls(cell.source, "opinion"):
                found += [Guard(i, _words(quote), "opinion") for quote in node.args]
    return found


def is_claim(cell: NotebookNode) -> bool:
    """Whether it is a cell that checks sentences."""
    return TAG in cell.metadata.get("tags", [])


def _calls(source: str, name: str) -> Iterator[ast.Call]:
    tree = ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _plain(text: str) -> str:
    return " ".join(text.split())


def meddling(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Names that a claim cell sets and a later visible cell uses: without the claims, readers would miss them."""
    found, set_by_claims = [], set()
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        tree = ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE))
        for statement in tree.body:
            stored, loaded = _names(statement)
            if is_claim(cell):
                set_by_claims |= stored
            else:
                found += [(i, name) for name in sorted(loaded & set_by_claims)]
                set_by_claims -= stored
    return found


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """The names that a statement sets in the notebook, and those that it takes from there."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            stored, local = {name}, _bound(statement)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}, set()
        case _:
            inner = [n for n in ast.walk(statement) if isinstance(n, (ast.Lambda, ast.comprehension))]
            local = set().union(*map(_bound, inner)) if inner else set()
            stored = _bound(statement) - local
            if isinstance(statement, (ast.For, ast.With)):  # what it sets, it sets before it uses it
                local |= stored
    loads = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return stored, loads - local


def _bound(node: ast.AST) -> set[str]:
    """Every name that is an argument or is assigned anywhere inside."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}


def listed(notebook: NotebookNode) -> list[Sentence]:
    """Every sentence that claims something, with its guards."""
    found, there = sentences(notebook), guards(notebook)
    for sentence in found:
        sentence.guards = [guard.check for guard in there if _plain(guard.quote) in sentence.text]
    return found


def lost(notebook: NotebookNode) -> list[Guard]:
    """Guards whose words stand nowhere in the notebook any more, or in too many places to tell which."""
    texts = [_plain(text) for _, text in _texts(notebook)]
    return [guard for guard in guards(notebook) if sum(text.count(_plain(guard.quote)) for text in texts) != 1]


# -- running -----------------------------------------------------------------------------------------------------------

BEFORE = """
import pathlib, torch
from course import claims, pretrained
claims.strict = False
class _Shifted(torch.Generator):
    def manual_seed(self, seed): return super().manual_seed(seed + {shift})
_manual_seed = torch.manual_seed
if {shift}:
    torch.Generator, torch.manual_seed = _Shifted, lambda seed: _manual_seed(seed + {shift})
pretrained.loading.FOLDER = pathlib.Path({checkpoints!r})
"""
AFTER = """
import json
from course.claims import outcomes
print(json.dumps([vars(outcome) for outcome in outcomes]))
"""


@dataclass(frozen=True)
class Run:
    """What came of the claims of a notebook under one seed."""

    seed: int
    outcomes: list[dict]
    error: str = ""

    @property
    def failed(self) -> list[dict]:
        return [outcome for outcome in self.outcomes if not outcome["holds"]]


def run(notebook: NotebookNode, seed: int, checkpoints: Path) -> Run:
    """Execute a notebook, its seeds shifted, and collect what its claims found."""
    before = BEFORE.format(shift=1000 * seed, checkpoints=str(checkpoints))
    cells = [nbformat.v4.new_code_cell(code) for code in (before, AFTER)]
    shifted = nbformat.v4.new_notebook(cells=[cells[0], *notebook.cells, cells[1]], metadata=notebook.metadata)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(shifted, timeout=3600, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.allow_errors = True
        client.execute()
    errors = [f"{o.ename}: {o.evalue}" for c in shifted.cells for o in c.get("outputs", []) if o.output_type == "error"]
    told = "".join(output.get("text", "") for output in cells[1].get("outputs", []))
    return Run(seed, json.loads(told or "[]"), errors[0] if errors else "")


def with_networks(folder: Path | None, into: Path) -> Path:
    """A folder of checkpoints: those that ship, some of them replaced by others of the same name."""
    from course import pretrained

    for file in [*pretrained.FOLDER.glob("*.safetensors"), *(folder.glob("*.safetensors") if folder else [])]:
        shutil.copy(file, into)
    return into


# -- the command -------------------------------------------------------------------------------------------------------


def main(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="All lectures and solutions if not given.")] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds, the notebook's own first.")] = 1,
    networks: Annotated[Path | None, typer.Option(help="Checkpoints to use in the place of those that ship.")] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the sentences and their guards; run nothing.")
    ] = False,
) -> None:
    """List every claim with the check that guards it, run them, and name those that do not hold."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = with_networks(networks, Path(folder))
        for path in notebooks or NOTEBOOKS:
            wrong += _report(path, 0 if list_only else seeds, checkpoints)
    sys.exit(wrong > 0)


def _report(path: Path, seeds: int, checkpoints: Path) -> int:
    """Print a notebook's table; return how many sentences are unguarded or do not hold."""
    notebook = nbformat.read(path, as_version=4)
    print(f"\n## {path.stem}\n\n| cell | kind | sentence | guard |\n|---|---|---|---|")
    rows = listed(notebook)
    for row in rows:
        cells = (str(row.cell), row.kind, row.text, "; ".join(row.guards) or "**none**")
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    unguarded, strays = [row for row in rows if not row.guards], lost(notebook)
    checked = sum(any(guard != "opinion" for guard in row.guards) for row in rows)
    print(f"\n{len(rows)} sentences: {checked} checked, {len(rows) - checked - len(unguarded)} opinion,", end=" ")
    print(f"{len(unguarded)} unguarded; {len(guards(notebook))} guards.")
    for guard in strays:
        print(f"- cell {guard.cell}: “{guard.quote}” does not stand in exactly one place of the text.")
    failed = 0
    for seed in range(seeds):
        result = run(nbformat.read(path, as_version=4), seed, checkpoints)
        failed += len(result.failed) + bool(result.error)
        print(f"- seed {seed}: {len(result.outcomes) - len(result.failed)} of {len(result.outcomes)} hold", flush=True)
        for outcome in result.failed:
            print(f"  - “{outcome['quote']}” does not hold: {outcome['found']}")
        if result.error:
            print(f"  - the notebook fails: {result.error}")
    return len(unguarded) + len(strays) + failed


if __name__ == "__main__":
    typer.run(main)
