"""Slides: with their figures, nothing from elsewhere, code folded, and nothing cut off in a real browser."""

import shutil
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytest.importorskip("sphinx_revealjs", reason="needs the extra `site`")

from tools.slides.__main__ import WIDGET, copy_scripts, executed, lectures, write

ROOT = Path(__file__).parent.parent
PLAIN = "<style>.reveal .jp-OutputArea-output img { max-height: 330px; }</style>"
"""What lectures hold for nbconvert's own slides, which would squeeze a picture that has its size written on it."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def cell(make, source, kind, **more):
    return make(source, metadata={"slideshow": {"slide_type": kind}}, **more)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A lecture with a figure, a widget, speaker's notes, a table, and a slide of far too many lines."""
    folder = tmp_path_factory.mktemp("slides")
    copy_scripts(folder)
    large = {"image/png": {"width": 900, "height": 450}}
    figure = new_output("display_data", {"image/png": PIXEL}, metadata=large)
    widget = new_output("display_data", {WIDGET: {"model_id": "a"}, "text/plain": "Explorer()"})
    cells = [
        cell(new_markdown_cell, f"# A title with $\\sqrt{{2\\varepsilon}}$\n\n{PLAIN}", "slide"),
        cell(new_code_cell, "hidden = 1", "skip"),
        cell(new_code_cell, "draw()", "subslide", outputs=[widget, figure]),
        cell(new_markdown_cell, "*Figure: a pixel.*", "notes"),
        cell(new_markdown_cell, "\n\n".join(f"Paragraph {n}: $x_{{{n}}}$" for n in range(40)), "slide"),
        cell(new_code_cell, "\n".join(f"line({n})" for n in range(60)), "subslide", outputs=[figure]),
    ]
    return write(new_notebook(cells=cells), "00_test", folder)


def test_a_page_has_figures_and_notes_and_needs_no_network(page):
    text = page.read_text(encoding="utf-8")
    assert text.count(f"data:image/png;base64,{PIXEL}") == 2
    assert "Explorer()" not in text
    assert (
        "hidden"
        not in text.split("</head>")[1].replace("overflow: hidden", "").split('class="slides"')[1].split("<script")[0]
    )
    assert text.count('<details class="code">') == 2
    assert "unpkg.com" not in text
    assert "cdnjs" not in text
    for script in (
        "tex-svg-full.js",
        "reveal.js/dist/reveal.js",
        "reveal.js/dist/theme/white.css",
        "reveal.js/LICENSE",
    ):
        assert (page.parent / script).is_file()


def test_lectures_are_named_by_number():
    assert [path.name[:2] for path in lectures(["3", "10"])] == ["03", "10"]
    with pytest.raises(SystemExit, match="There is no lecture 99; there are 01, 02"):
        lectures(["99"])


@pytest.mark.slow
def test_what_was_executed_is_kept_until_it_changes(tmp_path):
    from nbformat import write as save

    lecture = tmp_path / "01_test.ipynb"
    save(new_notebook(cells=[new_code_cell("import time; time.time_ns()")]), lecture)
    first = executed(lecture, tmp_path / "kept")
    assert executed(lecture, tmp_path / "kept") == first
    save(new_notebook(cells=[new_code_cell("1 + 1")]), lecture)
    assert executed(lecture, tmp_path / "kept").cells[0].outputs[0].data["text/plain"] == "2"
    assert len(list((tmp_path / "kept").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")
def test_nothing_is_cut_off_even_with_its_code_open(page):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra `test`")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        asked, errors = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.as_uri())
        tab.wait_for_function("window.Reveal && Reveal.isReady()")
        tab.evaluate("MathJax.startup.promise")
        assert tab.evaluate("Reveal.getTotalSlides()") == 4
        for _ in range(4):
            assert _lowest(tab) <= 721
            assert _stretched(tab) == []
            tab.evaluate("document.querySelectorAll('.present details').forEach(one => one.open = true)")
            tab.wait_for_timeout(100)
            assert _lowest(tab) <= 721
            tab.evaluate("Reveal.next()")
            tab.wait_for_timeout(100)
        assert errors == []
        assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
        browser.close()


def _lowest(tab) -> float:
    """Where the current slide's lowest thing ends, in pixels of the screen."""
    return tab.evaluate(
        "Math.max(...[...Reveal.getCurrentSlide().querySelectorAll('.fits, .fits *')]"
        ".map(one => one.getBoundingClientRect()).filter(box => box.width && box.height).map(box => box.bottom))"
    )


def _stretched(tab) -> list[float]:
    """Proportions of the current slide's pictures that are not those of the pixel, which is a square."""
    sides = "one => one.getBoundingClientRect().width / one.getBoundingClientRect().height"
    found = tab.evaluate(f"[...Reveal.getCurrentSlide().querySelectorAll('img')].map({sides})")
    return [proportion for proportion in found if abs(proportion - 1) > 0.02]
