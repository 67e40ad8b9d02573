"""CONTRIBUTING is true: an assignment made in a copy by its steps alone releases, checks, and names its mistakes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="releasing needs the extra `instructor`")

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

TRIED = """
from course.exercises import check_exercise, load

exercise = load("hw9")["interpolate"]
print(check_exercise(exercise, exercise.answer))
for mistake in exercise.misconceptions:
    print(check_exercise(exercise, mistake.function))
"""


def steps() -> tuple[dict[str, str], list[str]]:
    """The files that the section shows, and its commands."""
    section = TEXT.split("## An assignment, from nothing")[1]
    files = re.findall(r"`(course/\S+\.py)`[^`]*(?:`[^`]*`[^`]*)*?```python\n(.*?)```", section, re.DOTALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return dict(files), commands.splitlines()


@pytest.mark.slow
def test_an_assignment_from_nothing(tmp_path):
    for name in ("course", "tools", "solutions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "checkpoints"))
    for name in ("nbgrader_config.py",):
        shutil.copy(ROOT / name, tmp_path)
    files, commands = steps()
    assert len(files) == 2
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    for command in commands:
        program, *arguments = re.findall(r'"([^"]*)"|(\S+)', command)
        words = [a or b for a, b in (program, *arguments)]
        run(*({"python": [sys.executable], "course": [sys.executable, "-m", "course.cli"]}[words[0]] + words[1:]))
    assert (tmp_path / "assignments" / "hw9" / "hw9.ipynb").is_file()
    said = run(sys.executable, "-c", TRIED).splitlines()
    assert said[0].startswith("✓ interpolate · 88 points")
    assert "your noise grows like √t" in said[1]
    assert "your path runs from noise to data" in said[2]
    again = subprocess.run(
        [sys.executable, "-m", "tools.begin_notebook", "hw9", "x"], cwd=tmp_path, env=environment, check=False
    )
    assert again.returncode == 1, "a notebook that is there was replaced"


def test_the_places_that_it_names_are_there():
    for name in re.findall(r"`((?:course|docs|tests|lectures|benchmarks)/[\w/.]+)`", TEXT):
        if "hw9" not in name and "hwN" not in name and "NN" not in name:
            assert (ROOT / name).exists(), name
    for tool in re.findall(r"python -m (tools\.\w+)", TEXT):
        assert (ROOT / tool.replace(".", "/")).with_suffix(".py").is_file()
