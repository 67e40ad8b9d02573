"""The outcome of a check, as a notebook shows it, nbgrader counts it, and reports read it; needs no torch."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOTAL = 100
"""Points of an assignment; what its exercises leave is for the question that a person grades."""

VERDICT_MIME = "application/vnd.score-course.verdict+json"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: points and one sentence.

    A notebook shows the sentence; nbgrader reads the points (the plain-text form of a test cell's last value is its
    partial credit); reports read the JSON.
    """

    exercise: str
    points: float
    possible: float
    sentence: str
    misconception: str | None = None
    seed: int = 0

    @property
    def passed(self) -> bool:
        """Whether it earned all its points."""
        return self.points == self.possible > 0

    def __str__(self) -> str:
        worth = f" · {self.points:g} points" if self.passed else f" · {self.points:g} of {self.possible:g} points"
        return f"{'✓' if self.passed else '✗'} {self.exercise}{worth}{' · ' if self.sentence else ''}{self.sentence}"

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        colour = "#009e73" if self.passed else "#d55e00"
        box = f"border-left: 4px solid {colour}; padding: 0.4em 0.8em; white-space: pre-wrap"
        return {
            "text/plain": f"{self.points:g}",
            "text/html": f'<div style="{box}">{as_html(str(self))}</div>',
            VERDICT_MIME: self.__dict__,
        }


@dataclass(frozen=True)
class Tally:
    """The verdicts on all exercises of an assignment, one below the other, and the sum of their points."""

    verdicts: list[Verdict]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.verdicts), self._sum()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join([*(v._repr_mimebundle_()["text/html"] for v in self.verdicts), f"<b>{self._sum()}</b>"])

    def _sum(self) -> str:
        points, possible = (sum(getattr(v, what) for v in self.verdicts) for what in ("points", "possible"))
        written = f"; {TOTAL - possible:g} more for the written question" if possible < TOTAL else ""
        return f"{points:g} of {possible:g} points from checks{written}"


def verdicts_in(notebook: Any) -> Iterator[Verdict]:
    """The verdict of each test cell of an executed notebook, the last one where a cell has several."""
    for cell in notebook.cells:
        found = [
            output["data"][VERDICT_MIME]
            for output in cell.get("outputs", [])
            if output["output_type"] == "execute_result" and VERDICT_MIME in output.get("data", {})
        ]
        if found and cell.metadata.get("nbgrader", {}).get("grade"):
            yield Verdict(**found[-1])


def as_html(text: str) -> str:
    """Text as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text))
