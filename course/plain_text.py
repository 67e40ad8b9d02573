"""Signs of equations and check marks where a terminal or a file cannot show them: a word instead of a crash."""

import codecs
import unicodedata
from typing import Any

WORDS = {"✓": "+", "✗": "x", "·": "-", "→": "->", "√": "sqrt", "×": "x", "…": "...", "–": "-", "−": "-", "’": "'"}


def plain_where_needed(*streams: Any) -> None:
    """Let text streams write what their encoding lacks in words, such as "epsilon" for ε."""
    codecs.register_error("plain", _in_words)
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")


def _in_words(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_word, error.object[error.start : error.end])), error.end


def _in_word(character: str) -> str:
    if character in WORDS:
        return WORDS[character]
    simple = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return simple or unicodedata.name(character, "?").split()[-1].lower()
