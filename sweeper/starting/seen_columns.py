"""What the columns of a few rows hold."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

from slimtune.sweeper.starting.cell_kinds import OF_DATES, kind_of_cells
from slimtune.training.data.cells import is_missing, python_value, structure, words_a_text
from slimtune.training.data.label_cells import label_name
from slimtune.training.data.labelled_rows import LEAST_ROWS_A_CLASS, LONGEST_NAME
from slimtune.training.data.readers.reader import ReadOptions, Told, located_rows
from slimtune.training.errors import DataError

# enough to tell a class from a text, and read in a moment
NUM_ROWS = 1000
# of a column's cells, those that must be codes for it to hold codes
LEAST_CODES = 0.9
# three digits behind a comma may be thousands
DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d{1,2}\s*")
# a word of letters; those of times and dates are none
WORD = re.compile(r"[^\W\d_]{3,}")
# signs at the end of a sentence, which quotes and brackets may follow
SENTENCE_ENDS, CLOSING = (".", "!", "?", "…", "。", "！", "？", "؟", "।"), "\"'”’»)] "


class Holds(Enum):
    """What the cells of a column are."""

    chat = "chat"
    spans = "spans"
    tags = "tags"
    words = "words"
    labels = "labels"
    number = "number"
    name = "name"
    # numbers of orders, dates, addresses of mail and of the web: no two words of a language; `kind` says which
    code = "code"
    text = "text"
    other = "other"


class SeenColumn(NamedTuple):
    """A column of the first rows.

    Attributes:
        name: As the file has it.
        holds: What its cells are.
        num_distinct: How many different ones there are, as classes where they are names.
        example: The first that is not missing, as text.
        two_labels: The different ones as labels, sorted, where there are two; else empty.
        has_fractions: Whether it has numbers that are not whole: no label is one.
        ends: The least and the greatest of its numbers; None where it holds none.
        num_letters: Of a cell with a text, on average.
        num_words: Likewise.
        kind: What a person calls cells that are no words of a language, as dates; None where `holds` says it.
        empty: What the rows are called whose cell is missing.
        num_cells: How many are not missing.
        num_ended: Of them, those that end as a sentence does.
    """

    name: str
    holds: Holds
    num_distinct: int
    example: str
    two_labels: tuple[str, ...] = ()
    has_fractions: bool = False
    ends: tuple[float, float] | None = None
    num_letters: float = 0.0
    num_words: float = 0.0
    kind: str | None = None
    empty: tuple[str, ...] = ()
    num_cells: int = 0
    num_ended: int = 0


def seen_columns(source: str, encoding: str | None = None) -> list[SeenColumn]:
    """The columns of a file's first rows, in its order.

    Args:
        source: The file, or several.
        encoding: Of text files; None is UTF-8, or what a byte order mark says.

    Raises:
        DataError: The source cannot be read, or has no rows.
    """
    asked = islice(located_rows(source, ReadOptions(Told(), encoding, named_by="--encoding ")), NUM_ROWS)
    located = list(asked)
    if not located:
        raise DataError(f"{source} has no rows; give a file with at least one row")
    return [
        one._replace(empty=tuple(where for row, where in located if is_missing(row.get(one.name))))
        for one in columns_of_rows([row for row, _ in located])
    ]


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> list[SeenColumn]:
    """The columns that any of the rows has."""
    cells: dict[str, list[Any]] = {}
    for row in rows:
        for name, cell in row.items():
            cells.setdefault(name, []).append(python_value(cell))
    return [_seen(name, [cell for cell in each if not is_missing(cell)]) for name, each in cells.items()]


def _seen(name: str, cells: Sequence[Any]) -> SeenColumn:
    texts = [cell if isinstance(cell, str) else str(cell) for cell in cells]
    example = texts[0] if texts else ""
    # of texts, which may be long, nothing is kept
    labels = {label_name(text, cell) for text, cell in zip(texts, cells, strict=True)} if _are_short(texts) else set()
    two = tuple(sorted(labels)) if len(labels) == 2 else ()
    holds = _holds(cells, texts)
    num_distinct = len(labels if holds is Holds.name else set(texts))
    numbers = [one for one in map(_number, cells) if math.isfinite(one)] if holds is Holds.number else []
    return SeenColumn(
        name,
        holds,
        num_distinct,
        example,
        two_labels=two,
        has_fractions=any(not one.is_integer() for one in numbers),
        ends=(min(numbers), max(numbers)) if numbers else None,
        num_letters=sum(map(len, texts)) / len(texts) if texts else 0.0,
        num_words=words_a_text(texts),
        kind=kind_of_cells(cells, texts),
        num_cells=len(cells),
        num_ended=sum(text.rstrip(CLOSING).endswith(SENTENCE_ENDS) for text in texts),
    )


def _holds(cells: Sequence[Any], texts: Sequence[str]) -> Holds:
    if not cells:
        return Holds.other
    lists = [structure(cell) if isinstance(cell, str) and cell.lstrip()[:1] == "[" else cell for cell in cells]
    if all(isinstance(one, list | tuple) for one in lists):
        return _of_lists([item for one in lists for item in one])
    if not all(isinstance(cell, str | int | float | bool | Decimal) for cell in cells):
        return Holds.other
    if all(map(_is_number, cells)):
        return Holds.number
    if _are_names(texts):
        return Holds.name
    return Holds.code if sum(map(_is_code, texts)) >= LEAST_CODES * len(texts) else Holds.text


def _of_lists(items: Sequence[Any]) -> Holds:
    objects = [item for item in items if isinstance(item, Mapping)]
    if objects and len(objects) == len(items):
        keys = set(objects[0])
        if {"role", "content"} <= keys:
            return Holds.chat
        return Holds.spans if {"start", "end"} <= keys else Holds.other
    if items and all(isinstance(item, str) for item in items):
        if any(item[:2] in ("B-", "I-") for item in items) and "O" in items:
            return Holds.tags
        return Holds.labels if len(set(items)) * LEAST_ROWS_A_CLASS <= len(items) and _are_short(items) else Holds.words
    return Holds.other


def _number(cell: Any) -> float:
    """Also of a text with a comma before its decimals, which training asks to be written with a point."""
    is_comma = isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell)
    return float(cell.replace(",", ".") if is_comma else cell)


def _is_number(cell: Any) -> bool:
    try:
        _number(cell)
    except (TypeError, ValueError):
        return False
    return not isinstance(cell, bool)


def _is_code(text: str) -> bool:
    """Whether it is a number, a date or an address rather than words."""
    parts = text.split()
    if len(parts) == 1 and (any(sign.isdigit() for sign in text) or "@" in text or "://" in text):
        return True
    has_digits = any(sign.isdigit() for sign in text)
    return has_digits and all(OF_DATES.fullmatch(word) for word in WORD.findall(text))


def _are_names(texts: Sequence[str]) -> bool:
    return _are_short(texts) and len(set(texts)) * LEAST_ROWS_A_CLASS <= len(texts)


def _are_short(texts: Sequence[str]) -> bool:
    return all(len(text) <= LONGEST_NAME for text in texts)
