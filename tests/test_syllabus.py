"""The syllabus names every lecture, assignment and slide, as they are."""

import re
from pathlib import Path

import nbformat

from course.exercises import assignments

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "syllabus.md").read_text(encoding="utf-8")
ROWS = {row.split("|")[2].strip(): row for row in TEXT.splitlines() if "../lectures/" in row}


def numbers(text: str) -> set[int]:
    """Of slides: "2–7" and "22, with a look back at 18" name them in full."""
    found = set()
    for first, last in re.findall(r"(\d+)(?:–(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_every_lecture_has_its_row_title_and_slides():
    for path in sorted(ROOT.glob("lectures/*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source
        title, slides = first.splitlines()[0].removeprefix("# "), re.search(r"\*Slides ([^.]*)\.", first).group(1)
        row = ROWS[f"[{title}](../lectures/{path.name})"]
        assert numbers(row.split("|")[3]) <= numbers(slides), title


def test_every_assignment_and_every_slide_is_there():
    assert set(assignments()) <= set(re.findall(r"hw\d", TEXT))
    told = [
        numbers(row.split("|")[1]) for row in TEXT.split("## The slides")[1].splitlines() if re.match(r"\| \d", row)
    ]
    assert sorted(n for some in told for n in some) == list(range(1, 35))


def test_every_application_that_is_named_is_there():
    for name in re.findall(r"`course\.applications\.(\w+)`", TEXT):
        assert (ROOT / "course" / "applications" / f"{name}.py").is_file(), name
