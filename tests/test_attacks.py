"""Every attack of ``tests/attacks``, graded for real: no points but those deserved, and the world as it was."""

import re
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from attacks import ATTACKS
from attacks.attack import ALL
from attacks.breakout import READS
from attacks.pages import live
from attacks.run import run
from attacks.scripts import SCRIPTS
from attacks.surroundings import AFTERWARDS
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course.grading.submission.sanitize import markdown2html

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap"),
    pytest.mark.filterwarnings("ignore:Object of type <Submitted.*not in session"),
    pytest.mark.filterwarnings("ignore:Sending large graph"),
]


def test_every_attack_is_repelled_and_the_world_is_as_it_was(tmp_path):
    """One class, and so one test: that everything was graded, as it deserves; that nothing around was read, changed,
    called or left behind; that no attack swelled the grader; and that the same workers grade right ones right."""
    after, _ = run(tmp_path)
    problems = {name: one.problems for name, one in after.outcomes.items() if one.problems}
    assert problems == {}
    assert after.failed == {}
    assert set(after.outcomes) | set(after.skipped) == {one.name for one in ATTACKS}
    assert after.damage == []
    assert after.honest == dict.fromkeys(AFTERWARDS, ALL)
    assert after.memory < 2 * 2**30


def test_attacks_have_names_of_their_own():
    assert len({one.name for one in ATTACKS}) == len(ATTACKS)


def test_what_reads_secrets_would_find_them_outside_of_the_sandbox(tmp_path):
    """So that the attack fails by the walls, not by its own mistakes."""
    secret = tmp_path / "secret"
    secret.write_text("a secret word")
    script = READS.replace("@SECRETS@", repr([str(secret)])).replace("@ROOT@", repr(str(tmp_path)))
    command = [sys.executable, "-c", f"breach = print\n{script}"]
    assert "a secret word" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_acts_in_a_page_is_found_and_disarmed():
    acting = live(MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(SCRIPTS.replace("attachment:", "")))
    assert {re.findall(r"\w+", what)[0] for what in acting} >= {"script", "img", "svg", "iframe", "form", "b", "a"}
    assert not live(markdown2html({"cell": {}}, SCRIPTS))
