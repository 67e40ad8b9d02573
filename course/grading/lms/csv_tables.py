"""CSV tables as spreadsheets and learning platforms write them: any usual encoding, commas, semicolons or tabs."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course.grading.course_folder import GradingError

MOST_BYTES = 20_000_000
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # what a spreadsheet may take for a formula's start


@dataclass(frozen=True)
class Table:
    """A header, and every row with its line in the file; values are stripped, and missing ones empty."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_table(path: Path, known: Callable[[tuple[str, ...]], object]) -> Table:
    """Read a CSV file whose header is of a known kind.

    Args:
        path: the file, in UTF-8 (with or without a byte-order mark), UTF-16 or Windows-1252 (Excel's Latin-1).
        known: whether a header is one to look for; it decides between commas, semicolons and tabs.

    Returns:
        The table. Rows without any value are left out.

    Raises:
        GradingError: if the file is missing, too large, a spreadsheet, no text, or has no header of a known kind.
    """
    text = _decode(path)
    first, _, rest = text.partition("\n")
    hint = first.strip().lower().startswith("sep=")  # Excel's own
    if hint:
        text, first = rest, rest.partition("\n")[0]
    for separator in ",;\t":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            header = tuple(" ".join(name.split()) for name in next(reader, []))
            if known(header):
                return Table(header, tuple(_rows(reader, header, hint)))
        except csv.Error as error:
            raise GradingError(f"{path} is not a CSV file that can be read ({error}); export it again.") from None
    raise GradingError(
        f"{path} begins with '{shown(first)}', which is no header known here; give nbgrader's columns (id, first_name, "
        "last_name, email, lms_user_id), a Canvas gradebook export, a Moodle participants, grades or grading worksheet "
        "export, or a Gradescope roster, in English."
    )


def shown(name: str, most: int = 100) -> str:
    """A name from a stranger, fit for a terminal: control characters replaced, long ones cut."""
    plain = "".join(letter if letter.isprintable() else "�" for letter in name.strip())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def inert(value: str) -> str:
    """A text that no spreadsheet takes for a formula: what looks like one gets an apostrophe in front."""
    return f"'{value}" if value.lstrip(" \n\xa0").startswith(FORMULA) else value


def restored(value: str) -> str:
    """The text that ``inert`` was given."""
    return value[1:] if value.startswith("'") and inert(value[1:]) != value[1:] else value


def _rows(reader: Iterator[list[str]], header: tuple[str, ...], skipped: int) -> Iterator[tuple[int, dict[str, str]]]:
    for values in reader:
        row = dict.fromkeys(header, "") | {
            n: restored(" ".join(v.split())) for n, v in zip(header, values, strict=False)
        }
        if any(row.values()):
            yield reader.line_num + skipped, row  # type: ignore[attr-defined]


def _decode(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise GradingError(f"{path} has more than {MOST_BYTES // 1_000_000} MB, too much for a table of students.")
        raw = path.read_bytes()
    except OSError as error:
        raise GradingError(f"{path} cannot be read ({error.strerror}); name a CSV file that is there.") from None
    if raw.startswith(SPREADSHEETS):
        raise GradingError(f"{path} is a spreadsheet, not a CSV file; save it as 'CSV UTF-8' and give that.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in raw[:100]:
        encodings = ["utf-16-be" if raw[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not any(ord(letter) < 9 for letter in text):
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise GradingError(f"{path} is neither UTF-8, UTF-16 nor Windows-1252 text; save it as 'CSV UTF-8' and give that.")
