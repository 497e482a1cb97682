"""Texts of users on a terminal: whatever they hold, a line stays a line, and nothing fails for its encoding."""

import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping
from typing import Any, TextIO

from slimtune.training.atomic_files import json_line, json_text

# of a column that is worth breaking lines for
LEAST_WIDTH = 30
# what the text begins with where there is no such column
NARROW = "  "
WORD_AND_MEANING = re.compile(r" +\S+ {2,}")
# line and paragraph separators, control characters, halves of surrogate pairs
UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}


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


def print_below(start: str, text: str) -> None:
    """Print a text behind what its line begins with; on a terminal, further lines begin below the text.

    Where the terminal is too narrow for that, the text has lines of its own, two columns to the right.
    """
    if not sys.stdout.isatty():
        print_safely(start + text)
        return
    width = shutil.get_terminal_size().columns
    if width < len(start) + LEAST_WIDTH:
        for line in [*_wrapped(start, width), *(f"{NARROW}{line}" for line in _wrapped(text, width - len(NARROW)))]:
            print_safely(line)
        return
    for number, line in enumerate(_wrapped(text, width - len(start)) or [""]):
        print_safely((" " * len(start) if number else start) + line)


def print_sentence(text: str) -> None:
    """Print what is to be read, and not to be copied: on a terminal its lines are broken between words."""
    print_safely(broken_at_blanks(text, sys.stdout))


def print_page(text: str) -> None:
    """Print a help page that ends its last line; on a terminal its lines are broken between words."""
    print(broken_at_blanks(text, sys.stdout), end="")


def broken_at_blanks(text: str, stream: TextIO) -> str:
    """The text with its lines broken between words where a terminal is too narrow; further lines are indented.

    Args:
        text: Lines.
        stream: Where it is written; what is no terminal gets it as it is.
    """
    if not stream.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 1)
    return "\n".join("\n".join(_broken(line, width)) for line in text.split("\n"))


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    # of a word and what it means, the meaning goes on below itself
    word = WORD_AND_MEANING.match(line)
    indent = word.end() if word and word.end() <= width // 2 else len(line) - len(line.lstrip()) + len(NARROW)
    return _wrapped(line, width, indent=indent)


def _wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    below = " " * indent
    return textwrap.wrap(text, max(width, 1), subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def tell(note: str) -> None:
    """Something beside the output."""
    print(f"slimtune: {one_line(note)}", file=sys.stderr)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _is_writable(line: str) -> bool:
    try:
        line.encode(_encoding())
    except UnicodeEncodeError:
        return False
    return True
