"""``python -m tests.attacks``: grade every attack, and write docs/ATTACKS.md."""

import html
import sys
import tempfile
import time
from pathlib import Path

from .run import SECONDS, WORKERS, Aftermath, Outcome, run
from .surroundings import ROOT

HEAD = """# The attacks that grading withstood

Written by `make attacks`: {n} submissions, graded for real by `course grade` in one class on {workers} workers, with
{cell:.0f} seconds for a cell and {total:.0f} in all. Points gained are those beyond what is really solved in a
submission. {world} {honest}

| attack | what it tries | outcome | points gained | what the instructor and the student see | seconds |
|---|---|---|--:|---|--:|
"""


def main() -> int:
    """Returns how many attacks were not repelled."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        after, _ = run(Path(folder))
    bad = [one for one in after.outcomes.values() if one.problems]
    (ROOT / "docs" / "ATTACKS.md").write_text(_table(after))
    print(f"{len(after.outcomes)} attacks in {time.monotonic() - start:.0f} seconds")
    for one in bad:
        print(f"✗ {one.attack.name}: {'; '.join(one.problems)}")
    for what in [*after.damage, *(f"{name}: {why}" for name, why in after.failed.items())]:
        print(f"✗ {what}")
    return len(bad) + len(after.damage) + len(after.failed)


def _table(after: Aftermath) -> str:
    world = "Nothing outside was read or changed, no process was left, and no worker ended."
    if after.damage or after.failed:
        world = f"Damage: {'; '.join([*after.damage, *after.failed])}."
    honest = f"Right submissions graded afterwards by the same workers: {sorted(set(after.honest.values()))} points."
    n = len(after.outcomes)
    text = HEAD.format(n=n, workers=WORKERS, cell=SECONDS[0], total=SECONDS[1], world=world, honest=honest)
    kind = ""
    for one in after.outcomes.values():
        if one.attack.kind != kind:
            kind = one.attack.kind
            text += f"| **{kind}** | | | | | |\n"
        gained = one.points - one.attack.deserves
        cells = [one.attack.name, one.attack.tries, _outcome(one), f"{gained:g}", _seen(one), f"{one.seconds:.1f}"]
        text += f"| {' | '.join(map(_cell, cells))} |\n"
    text += "".join(f"| {name} | | not tried: {why} | | | |\n" for name, why in after.skipped.items())
    return text


def _outcome(one: Outcome) -> str:
    if one.problems:
        return f"**not repelled**: {'; '.join(one.problems)}"
    ended = "; the kernel ended" if any("the kernel ended" in note for note in one.notes) else ""
    return f"{one.points:g} points, as deserved{ended}"


def _seen(one: Outcome) -> str:
    wrong = next((sentence for sentence in one.sentences if sentence.startswith("✗")), "")
    return one.notes[0] if one.notes else wrong


def _cell(text: str) -> str:
    short = text if len(text) <= 180 else text[:180] + " …"
    return html.escape(short, quote=False).replace("|", "\\|").replace("\n", " ").replace("$", "\\$")


if __name__ == "__main__":
    sys.exit(min(main(), 1))
