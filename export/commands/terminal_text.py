"""Texts of users on a terminal: whatever they hold, a line stays a line, and nothing fails for its encoding."""

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.training.atomic_files import json_line, json_text, with_finite_numbers

# line and paragraph separators, control characters, halves of surrogate pairs
UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
MOST_NAMED = 10


def one_line(text: str, *, keep: str = "") -> str:
    """The text with its control characters, line ends and lone surrogates as escapes."""
    if text.isprintable():
        return text
    return "".join(
        sign.encode("unicode_escape").decode() if unicodedata.category(sign) in UNSHOWN and sign not in keep else sign
        for sign in text
    )


def shown_row(row: Mapping[str, Any]) -> str:
    """A row as JSON, in plain ASCII where the terminal, or UTF-8, could not have it otherwise."""
    line = json_line(row)
    return line if _is_writable(line) else json_text(row, default=str)


def print_safely(line: str) -> None:
    """Print a line; what the terminal cannot show is escaped."""
    encoding = _encoding()
    print(line if _is_writable(line) else line.encode(encoding, "backslashreplace").decode(encoding))


def tell(note: str) -> None:
    """Something beside the output."""
    print(f"slimtune: {one_line(note)}", file=sys.stderr)


class Unanswered:
    """Rows that had no text to be answered, or no finite number as their answer, to be told at the end."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._infinite: list[str] = []

    def note(self, where: str, values: Mapping[str, Any]) -> None:
        """Keep a row whose values are all None, or one of them, or a part of one, NaN or infinite."""
        if all(value is None for value in values.values()):
            self._rows.append(where)
        elif any(with_finite_numbers(value) != value for value in values.values()):
            self._infinite.append(where)

    def tell(self) -> None:
        """Say which rows, if there are any."""
        if self._rows:
            tell(said_of_empty(self._rows, then="is not answered (null)"))
        if self._infinite:
            tell(
                "the model's answer is NaN or infinite, which JSON has no number for (null), for "
                f"{_first_of(self._infinite, ', ')}; its weights are broken, or its graph's numbers overflow"
            )


def said_of_empty(rows: Sequence[str], *, then: str) -> str:
    """A sentence on rows without text: how many, and what the first of them are called."""
    if len(rows) == 1:
        return f"{rows[0]} has no text and {then}"
    return f"{len(rows)} rows have no text, and each of them {then}: {_first_of(rows, '; ')}"


def _first_of(rows: Sequence[str], separator: str) -> str:
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return f"{separator.join(rows[:MOST_NAMED])}{more}"


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _is_writable(line: str) -> bool:
    try:
        line.encode(_encoding())
    except UnicodeEncodeError:
        return False
    return True
