"""The website: built by Sphinx without a warning, whole, linked, and with nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parent.parent
TAKEN_ALONG = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
LED_TO = ("search", "index", "next", "prev")
"""What a ``link`` only leads to."""

pytestmark = pytest.mark.slow
pytest.importorskip("myst_nb", reason="needs the extra `site`")


class Page(HTMLParser):
    """A page's anchors, where its links lead, and what a browser loads with it."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.anchors.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if attributes.get(TAKEN_ALONG.get(tag, "")) and attributes.get("rel") not in LED_TO:
            self.loaded.append(attributes[TAKEN_ALONG[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> dict[Path, Page]:
    """All pages; lectures are not executed here, since other tests do that."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-c", "docs", "-D", "nb_execution_mode=off"]
    command = [sys.executable, "-m", "sphinx", *options, "-d", str(folder / "trees"), ".", str(folder / "html")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert made.returncode == 0, made.stderr
    return {path: Page(path) for path in (folder / "html").rglob("*.html")}


def test_everything_is_there(site):
    names = {path.with_suffix("").name for path in site}
    assert {path.stem for path in ROOT.glob("lectures/*.ipynb")} < names
    assert {path.stem for path in ROOT.glob("assignments/*/*.ipynb")} < names
    anchors = set().union(*(page.anchors for page in site.values()))
    assert {"course.langevin.langevin_step", "course.sampling.walk", "course.guidance.classifier_free"} < anchors


def test_every_module_of_the_library_has_its_place():
    named = set(re.findall(r"automodule:: course\.(\w+)", "".join(p.read_text() for p in ROOT.glob("docs/library/*"))))
    there = {path.stem for path in ROOT.glob("course/*.py")} | {
        path.parent.name for path in ROOT.glob("course/*/__init__.py")
    }
    assert there - named == {"__init__", "cli", "doctor", "exercises", "extras", "grading", "plain_text", "student"}


def test_links_lead_somewhere(site):
    for path, page in site.items():
        for link in page.links:
            to = urlsplit(link)
            if to.scheme or to.netloc:
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            assert target.exists(), (path.name, link)
            if to.fragment and target in site:
                assert unquote(to.fragment) in site[target].anchors, (path.name, link)


def test_nothing_is_loaded_from_elsewhere(site):
    for path, page in site.items():
        for address in page.loaded:
            assert not urlsplit(address).netloc, (path.name, address)
            if not address.startswith("data:"):
                assert (path.parent / urlsplit(address).path).resolve().exists(), (path.name, address)


def test_the_reference_prints_no_addresses_of_functions(site):
    """A default is shown as it is written in the source."""
    for path in site:
        if path.parent.name == "library":
            found = re.search(r"&lt;(function|class|bound method|object)|\b0x[0-9a-f]{6,}", path.read_text())
            assert found is None, (path.name, found)
