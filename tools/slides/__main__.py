"""Slides of the lectures with their figures, in a folder that needs no network: ``make slides``.

    python -m tools.slides [LECTURE ...] [--to build/slides]

A lecture is executed without the cells that hold its text against numbers, which no slide shows. What was executed is
kept beside the slides until the lecture or the library changes.
"""

import argparse
import hashlib
import os
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode

from course.files import replacing
from tools.claims import is_claim

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).parent
WIDGET = "application/vnd.jupyter.widget-view+json"
SHARP = "--InlineBackend.figure_formats={'retina'}"
"""Figures have twice the pixels, for a projector."""

SECONDS = 600
"""For one cell."""


def main() -> None:
    """Make the slides of the lectures that are named by their number, or of all."""
    options = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__.splitlines()[0])
    options.add_argument("lectures", nargs="*", help="numbers, such as 03 10; all if none is given")
    options.add_argument("--to", type=Path, default=ROOT / "build" / "slides")
    chosen = options.parse_args()
    copy_scripts(chosen.to)
    for path in lectures(chosen.lectures):
        print(f"{path.stem} ...", flush=True)
        print(f"  {write(executed(path, chosen.to / 'executed'), path.stem, chosen.to)}", flush=True)


def lectures(numbers: list[str]) -> list[Path]:
    """The notebooks of the lectures with these numbers; all if there are none.

    Raises:
        SystemExit: if a number is no lecture's.
    """
    found = {path.name[:2]: path for path in sorted((ROOT / "lectures").glob("[0-9][0-9]_*.ipynb"))}
    unknown = [number for number in numbers if number.zfill(2) not in found]
    if unknown:
        raise SystemExit(f"There is no lecture {unknown[0]}; there are {', '.join(found)}.")
    return [found[number.zfill(2)] for number in numbers] if numbers else list(found.values())


def copy_scripts(folder: Path) -> None:
    """Put reveal.js and MathJax into a folder, from the packages of the extra ``site``.

    Raises:
        SystemExit: if these are not installed.
    """
    try:
        mathjax = next(f.locate() for f in files("sphinx-mathjax-offline") or [] if f.name == "tex-svg-full.js")
        licence = next(f.locate() for f in files("sphinx-revealjs") or [] if f.match("revealjs/LICENSE"))
    except (PackageNotFoundError, StopIteration):
        raise SystemExit("reveal.js and MathJax are missing: `pip install -e '.[site]'`, or `make slides`.") from None
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(str(mathjax)), folder)
    for part in ("dist", "plugin/notes"):
        shutil.copytree(Path(str(licence)).parent / part, folder / "reveal.js" / part, dirs_exist_ok=True)
    shutil.copy(Path(str(licence)), folder / "reveal.js")


def executed(path: Path, kept: Path) -> NotebookNode:
    """A lecture with its outputs, without its claims; from ``kept`` where nothing has changed since."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not is_claim(cell)]
    target = kept / f"{path.stem}-{_digest(notebook)}.ipynb"
    if target.is_file():
        return nbformat.read(target, as_version=4)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=place, extra_arguments=[SHARP]).execute()
    for old in kept.glob(f"{path.stem}-*.ipynb"):
        old.unlink()
    with replacing(target) as beside:
        nbformat.write(notebook, beside)
    return notebook


def write(notebook: NotebookNode, name: str, folder: Path) -> Path:
    """Write an executed lecture as slides beside reveal.js and MathJax; returns the page.

    Of a widget stays the picture beside it: no kernel answers here.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    exporter = SlidesExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        extra_template_paths=[str(TEMPLATE)],
        reveal_url_prefix="reveal.js",
        reveal_theme="white",  # whose fonts are beside it
    )
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    target = folder / f"{name}.html"
    with replacing(target) as beside:
        beside.write_text(page, encoding="utf-8")
    return target


def _digest(notebook: NotebookNode) -> str:
    """Of what a lecture's outputs follow from: its cells and the library."""
    state = hashlib.sha256(nbformat.writes(notebook).encode())
    for kind in ("py", "safetensors", "npz"):
        for path in sorted(ROOT.glob(f"course/**/*.{kind}")):
            if path.relative_to(ROOT).parts[1] not in ("exercises", "grading"):
                state.update(path.read_bytes())
    return state.hexdigest()[:12]


if __name__ == "__main__":
    main()
