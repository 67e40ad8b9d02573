"""A student in a real JupyterLab in a real browser: checks pass, fail, and explain."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from course.exercises import load
from course.grading.sample_class import MARKERS, fill_in
from tools.claims import is_claim

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra `test`")
pytest.importorskip("jupyterlab", reason="needs JupyterLab, of the extra `lab`")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab whose folder is fresh, and that folder."""
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # draw every cell, so that outputs out of view can be read too
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    options = [
        f"--port={port}",
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=",
        f"--notebook-dir={folder}",
    ]
    command = [sys.executable, "-m", "jupyterlab", *options]
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(command, env=os.environ | home, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, folder / "lab.log")
        yield address, folder
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str, log: Path) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=1)
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(lab):
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(150_000)
        yield page
        browser.close()


def student_notebook() -> nbformat.NotebookNode:
    """hw2 with a right, a wrong and a deleted function, a helper of the student's own, and the rest not written.

    The cells that train and draw are left out: they run in test_assignments.py.
    """
    released, solution = (nbformat.read(ROOT / f / "hw2/hw2.ipynb", as_version=4) for f in ("assignments", "solutions"))
    right = {cell.id: MARKERS.sub("", cell.source) for cell in solution.cells}
    wrong = right["langevin-step"].replace("math.sqrt(2 * step_size)", "math.sqrt(step_size)")
    answers = {"log_partition": right["log-partition"], "langevin_step": wrong, "energy_score": "# gone"}
    notebook = fill_in(released, answers)
    notebook.cells = [cell for cell in notebook.cells if "not-graded" not in cell.metadata.get("tags", [])]
    return notebook


def test_checks_pass_fail_and_explain(lab, page):
    address, folder = lab
    nbformat.write(student_notebook(), folder / "hw2.ipynb")
    _run_all(page, f"{address}/lab/tree/hw2.ipynb", "h1")
    outputs = page.locator(".jp-OutputArea-output")
    outputs.get_by_text("✗ start_negatives").wait_for()
    text = "\n".join(outputs.all_inner_texts())  # code stands in its own font, without backticks
    sentence = next(m.sentence for m in load("hw2")["langevin_step"].misconceptions if "√ε, so" in m.sentence)
    assert "✓ log_partition · 8 points" in text
    assert f"✗ langevin_step · 0 of 12 points · {sentence}" in text
    assert "✗ energy_score · 0 of 10 points · there is no function energy_score yet" in text
    assert "✗ langevin_chain · 0 of 12 points · not written yet" in text
    assert "Traceback" not in text
    outputs.get_by_text("✗ langevin_step").scroll_into_view_if_needed()
    page.screenshot(path=os.environ.get("SCREENSHOT", folder / "hw2.png"))


def test_a_slider_moves_the_picture_by_keyboard(lab, page):
    address, folder = lab
    lines = ["from course import plots", "from course.widgets import explore", "", "", "def draw(height=2):"]
    lines += ['    "A line."', "    figure, ax = plots.figure()", "    ax.axhline(height)", "    ax.set(ylim=(0, 10))"]
    lines += ["    return figure", "", "", "explore(draw, height=(0, 10, 1, 2))"]
    cell = nbformat.v4.new_code_cell("\n".join(lines))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), folder / "slider.ipynb")
    _run_all(page, f"{address}/lab/tree/slider.ipynb", ".jp-CodeCell")
    picture = page.locator("img.widget-image")
    picture.wait_for()
    _move(page, picture, page.locator(".noUi-handle"))
    assert page.locator("img[class^=static]").is_hidden()  # the plain picture stands in only where no widget lives


def test_a_text_box_draws_what_is_typed_and_says_what_it_cannot_read(lab, page):
    address, folder = lab
    lines = ["from course import plots", "from course.data import parse", "from course.widgets import explore", "", ""]
    lines += [
        "def draw(caption):",
        '    "A caption as a title."',
        "    parse(caption)",
        "    figure, ax = plots.figure()",
    ]
    lines += ["    ax.set(title=caption)", "    return figure", "", "", 'explore(draw, caption="a red seven")']
    cell = nbformat.v4.new_code_cell("\n".join(lines))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), folder / "text.ipynb")
    _run_all(page, f"{address}/lab/tree/text.ipynb", ".jp-CodeCell")
    picture, box = page.locator("img.widget-image"), page.locator(".widget-text input")
    picture.wait_for()
    before = picture.get_attribute("src")
    box.fill("a mauve seven")
    box.press("Enter")
    page.get_by_text("There is no word 'mauve'").wait_for()
    assert picture.get_attribute("src") == before
    box.fill("a blue star")
    box.press("Enter")
    page.wait_for_function(IS_ANOTHER, arg=[picture.element_handle(), before], polling=10)
    assert page.get_by_text("There is no word 'mauve'").count() == 0


def test_lines_drawn_with_the_mouse_reach_the_kernel(lab, page):
    """Press, move, lift; the picture answers when it is asked to, and shows another drawing by keyboard, too."""
    address, folder = lab
    lines = ["import torch", "from course import plots", "from course.sketch import sketch, stroke", "", ""]
    lines += ["def draw(lines, words):", '    "Lines."', "    figure, ax = plots.figure()"]
    lines += [
        "    plots.images(ax, 1 - 2 * lines)",
        '    ax.set_title(f"{int(lines.sum())} {words}")',
        "    return figure",
    ]
    lines += ["", "", "empty = torch.zeros(1, 1, 32, 32)"]
    lines += ['sketch(draw, {"nothing": empty, "a line": stroke(empty, (2.0, 2.0), (30.0, 9.0))}, "words")']
    cell = nbformat.v4.new_code_cell("\n".join(lines))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), folder / "sketch.ipynb")
    _run_all(page, f"{address}/lab/tree/sketch.ipynb", ".jp-CodeCell")
    picture = page.locator("img.widget-image")
    picture.wait_for()
    assert page.locator("img[class^=static]").is_hidden()
    box = page.locator("canvas").first.bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.move(*at(0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*at(0.8, 0.3), steps=8)
    page.mouse.move(*at(0.5, 0.8), steps=8)
    page.mouse.up()
    go = page.get_by_role("button", name="Make pictures")
    before = picture.get_attribute("src")
    go.click()
    page.wait_for_function(IS_ANOTHER, arg=[picture.element_handle(), before], polling=50)
    page.screenshot(path=os.environ.get("SCREENSHOT_SKETCH", folder / "sketch.png"))
    before = picture.get_attribute("src")
    for name in ("a line", "Make pictures"):
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Space")
    page.wait_for_function(IS_ANOTHER, arg=[picture.element_handle(), before], polling=50)


@pytest.mark.parametrize("lecture", sorted(ROOT.glob("lectures/*.ipynb")), ids=lambda path: path.stem)
def test_every_slider_of_a_lecture_moves_its_picture(lab, page, lecture):
    """Run all, nothing on stderr; then each slider by keyboard, one step: another picture appears."""
    address, folder = lab
    notebook = nbformat.read(lecture, as_version=4)
    notebook.cells = cells = [cell for cell in notebook.cells if not is_claim(cell)]  # test_lectures.py runs those
    nbformat.write(notebook, folder / lecture.name)
    _run_all(page, f"{address}/lab/tree/{lecture.name}", "h1")
    widgets = sum(cell.cell_type == "code" and "\nexplore(" in f"\n{cell.source}" for cell in cells)
    page.wait_for_function(ALL_HAVE_RUN, arg=widgets, timeout=300_000)
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    explorers = page.locator(".widget-vbox:has(> img.widget-image)")
    took = []
    for i in range(widgets):
        picture = explorers.nth(i).locator("img.widget-image")
        for handle in explorers.nth(i).locator(".noUi-handle").all():
            took.append(_move(page, picture, handle))
        shot = Path(os.environ.get("SCREENSHOTS", folder)) / f"{lecture.stem}-{i + 1}.png"
        explorers.nth(i).screenshot(path=shot)
    print(f"{lecture.stem}: {widgets} widgets, {len(took)} sliders, slowest answer {1000 * max(took):.0f} ms")


ALL_HAVE_RUN = """n => document.querySelectorAll('img.widget-image').length >= n
    && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.innerText.includes('*'))"""
ONE_RUNS = "() => [...document.querySelectorAll('.jp-InputPrompt')].some(prompt => /[*0-9]/.test(prompt.innerText))"
IS_ANOTHER = "([image, before]) => image.src !== before"


def _run_all(page, address: str, sign: str) -> None:
    """Open a notebook in an empty workspace and run it, once a sign of it is there and its kernel waits.

    JupyterLab forgets that it was asked to, if that was too early for it: then ask again, as people do.
    """
    page.goto(f"{address}?reset")
    page.locator(f"{sign}:visible").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]:visible').wait_for()
    for _ in range(10):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            page.wait_for_function(ONE_RUNS, timeout=5000)
        except sync_api.TimeoutError:
            continue
        return
    raise TimeoutError("JupyterLab does not run the notebook.")


def _move(page, picture, handle) -> float:
    """Seconds until a slider's step has changed the picture; at the end of its range it steps back."""
    handle.focus()
    before, value = picture.get_attribute("src"), handle.get_attribute("aria-valuenow")
    start = time.perf_counter()
    page.keyboard.press("ArrowRight")
    if handle.get_attribute("aria-valuenow") == value:
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(IS_ANOTHER, arg=[picture.element_handle(), before], polling=10)
    return time.perf_counter() - start
