"""The README's first lines of code do what the picture above them shows."""

import re
from pathlib import Path

import torch
from PIL import Image

from course.pretrained import load

ROOT = Path(__file__).parent.parent
README, PICTURE = (ROOT / "README.md").read_text(encoding="utf-8"), ROOT / "docs/digits.webp"


def test_the_lines_of_the_readme_draw_its_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = {}
    (lines,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(lines, made)
    with Image.open("digits.webp") as film, Image.open(PICTURE) as shown:
        assert film.size == shown.size
        assert film.n_frames == shown.n_frames > 10
    with torch.no_grad():
        read = load("classifier")(made["frames"][-1]).argmax(1)
    assert (read == made["digits"]).sum() >= 28  # of 30
    assert made["frames"][0].std() > 0.9  # they begin as noise
