"""Sentences of a notebook that a number or a picture could refute, each held against what the notebook computed.

Below a text that claims something stands a cell, tagged ``claim``, that readers need not see. It quotes the sentence,
so that neither can change without the other:

    claim("Without skips, smears", grain["without skips"] > 2 * grain["all parts"])
    opinion("That is why building it is a lecture")

``make claims`` lists every sentence with its check, runs them with several seeds, and names those that do not hold.
"""

from dataclasses import dataclass
from typing import Any


class ClaimError(AssertionError):
    """A sentence does not hold for what its notebook computed."""


@dataclass(frozen=True)
class Outcome:
    """What became of one claim: its quotation, whether it holds, and the numbers behind it."""

    quote: str
    holds: bool
    found: str = ""


outcomes: list[Outcome] = []
"""Every claim checked in this session, in order."""

strict = True
"""Raise where a claim does not hold; ``tools.claims`` collects instead."""


def claim(quote: str, holds: Any, found: Any = "") -> None:
    """Hold a sentence against what was computed.

    Args:
        quote: words of the sentence as they stand in the notebook, enough to find it by.
        holds: whether it is true, a boolean or a tensor with one element.
        found: the numbers that decide it, with the standard error of a difference, shown where it does not hold.

    Raises:
        ClaimError: if it does not hold.
    """
    outcome = Outcome(quote, bool(holds), str(found))
    outcomes.append(outcome)
    if strict and not outcome.holds:
        raise ClaimError(f"“{quote}” does not hold here{f': {found}' if outcome.found else ''}.")


def opinion(*quotes: str) -> None:
    """Mark sentences, by words of theirs, that no number here could refute: definitions, proofs, advice, taste."""
