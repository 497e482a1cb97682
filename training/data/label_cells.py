"""A cell of a row as a label, as several labels, or as a number.

A name is a class's, as numbers and booleans are written alike everywhere: 1, 1.0 and the texts `1` and `1.0` are `1`;
true and the text `True` are `true`; the decimal number 1.50 is `1.5`, and the text `1.50`, which may be that of a
version, stays as it is.
"""

import math
import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from slimtune.training.data.cells import (
    cell_of,
    is_bracketed,
    is_missing,
    listed,
    needed,
    not_empty,
    python_value,
    text_in,
    value_of,
)
from slimtune.training.data.one_hot import hot_names, hot_parts
from slimtune.training.data.readers.row import ID_ENDING, NO_LABEL, Row
from slimtune.training.errors import DataError

# a whole number as columns of floats write it
WHOLE = re.compile(r"-?(?:0|[1-9]\d*)\.0+")
BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
# of a float of 32 bits, which labels become
MOST = 3.4e38
# what scores of pairs mostly lie between, the narrowest first
USUAL_RANGES = ((0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))


def label_of(row: Mapping[str, Any], column: str, where: str, key: str, *, known: Sequence[str] | None = None) -> str:
    """The class that a cell names; of a list of ones and zeros, with `known` as the classes, the only one with a one.

    Raises:
        DataError: The row lacks the column, or the cell is missing or holds a list or an object.
    """
    value = value_of(row, column, where, key)
    parts = listed(value)
    names = _hot_names(value, known, column=column, where=where)
    if parts is None and names is None:
        if is_missing(value) and cell_of(row, f"{column}{ID_ENDING}") == NO_LABEL:
            raise DataError(
                f"{where}: column '{column}' has no label, the {NO_LABEL} by which a ClassLabel of `datasets` says so; "
                "remove the row, or take a split that has labels: those of a test split are often kept back"
            )
        return not_empty(_class_name(value, column=column, where=where, key=key), column, where)
    if names is None or len(names) != 1:
        parts = hot_parts(value) if parts is None else parts
        raise DataError(
            f"{where}: column '{column}' holds a list, {reprlib.repr(parts)}, where one label belongs; "
            "use task=multi_label, or give one label a row"
        )
    return names[0]


def labels_of(
    row: Mapping[str, Any], column: str, where: str, key: str, *, known: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The classes that a cell names, sorted, each once; none if it is missing.

    It holds a list, a list that is written as text, a text with commas, or, with `known` as the classes, a one or zero
    for each of them.

    Raises:
        DataError: The row lacks the column, or the cell holds something else.
    """
    value = value_of(row, column, where, key)
    names = _hot_names(value, known, column=column, where=where)
    if names is None:
        names = [name for name in names_in(value, column=column, where=where, key=key) if name]
    return tuple(sorted(set(names)))


def names_in(value: Any, *, column: str, where: str, key: str) -> list[str]:
    """The names in a list of labels, or in a text with commas, as they stand there; empty for a missing one.

    Raises:
        DataError: It holds something else.
    """
    parts = listed(value)
    if parts is None:
        parts = [] if is_missing(value) else _unlisted(value, column=column, where=where)
    return [_class_name(part, column=column, where=where, key=key) for part in map(python_value, parts)]


def number_of(row: Row, column: str, where: str, *, example: str) -> str:
    """A number in the column of labels, as it was written.

    Raises:
        DataError: The row lacks it, or it is none; `example` says what would be one.
    """
    label = needed(row, column, where, "label_column")
    label = {"true": "1", "false": "0"}.get(label.lower(), label)
    try:
        number = float(label)
    except ValueError:
        point = ", with a point before its decimals" if label.count(",") == 1 else ""
        raise DataError(f"{where}: column '{column}' is '{label}'; use a number{point}, e.g. {example}") from None
    if not abs(number) <= MOST:
        raise DataError(
            f"{where}: column '{column}' is '{label}', which is no finite number of 32 bits; write one, e.g. "
            f"{example}, or remove the row"
        )
    return label


def share_of_range(number: str, score_range: Sequence[float], column: str, where: str) -> str:
    """A number as a share of a range: 0 of its lower end, and 1 of its upper one. Larger numbers have no smaller share.

    Raises:
        DataError: It lies beyond the range.
    """
    low, high = score_range
    if not low <= float(number) <= high:
        raise DataError(
            f"{where}: column '{column}' is '{number}', and task.score_range is {shown_range(score_range)}; correct "
            "the row or remove it, or train with a range that holds all rows"
        )
    return f"{(float(number) - low) / (high - low):.12g}"


def fitting_range(numbers: Collection[float]) -> tuple[float, float]:
    """Which numbers seem to stand for not alike and for alike: of two these, else the ends of a usual range."""
    least, most = min(numbers), max(numbers)
    return (least, most) if len(set(numbers)) == 2 else usual_range(least, most) or _from_zero(least, most)


def usual_range(least: float, most: float) -> tuple[float, float] | None:
    """The narrowest usual range that holds these and what lies between; None where none does."""
    return next(((low, high) for low, high in USUAL_RANGES if low <= least and most <= high), None)


def _from_zero(least: float, most: float) -> tuple[float, float]:
    """These; if they are one number, as no range is, this and 0."""
    return (least, most) if least < most else (min(least, 0.0), max(most, 0.0))


def shown_range(score_range: Sequence[float]) -> str:
    """As it is written in a config."""
    return f"[{', '.join(f'{end:.12g}' for end in score_range)}]"


def score_range_setting(score_range: Sequence[float]) -> str:
    """What sets it on a command line; a shell would read the brackets."""
    return f"'task.score_range={shown_range(score_range).replace(' ', '')}'"


def label_name(text: str, value: Any = None) -> str:
    """The name of a class from its text; `value` is what the text was made of, where that was a number."""
    if isinstance(value, float | Decimal) and math.isfinite(value):
        # 1.50 of a column of decimals is 1.5
        return str(int(value)) if value == int(value) else str(float(value))
    text = text.strip()
    if WHOLE.fullmatch(text):
        return str(int(text.partition(".")[0]))
    return BOOLEANS.get(text, text)


def _class_name(value: Any, *, column: str, where: str, key: str) -> str:
    """A class from its cell; a number is one if it is finite, and a text such as `inf` is a name like others."""
    if isinstance(value, float | Decimal) and math.isinf(value):
        raise DataError(
            f"{where}: column '{column}' is {value}, and a class is a text or a finite number; write the name of the "
            "class, or remove the row"
        )
    return label_name(text_in(value, column=column, where=where, key=key), value)


def _hot_names(value: Any, known: Sequence[str] | None, *, column: str, where: str) -> list[str] | None:
    """The classes with a one, of a list of ones and zeros or of a text of them; None if it is neither."""
    if isinstance(value, str) and value.strip() in (known or ()):
        return None
    parts = listed(value)
    parts = hot_parts(value) if parts is None else parts
    return None if parts is None else hot_names(_filled_parts(parts), known or (), column=column, where=where)


def _filled_parts(parts: Sequence[Any]) -> list[Any]:
    """The parts as Python's own values, None for each missing one."""
    return [None if is_missing(part) else part for part in map(python_value, parts)]


def _unlisted(value: Any, *, column: str, where: str) -> list[Any]:
    """The parts of a text with commas, or the only one."""
    if isinstance(value, Mapping) or (isinstance(value, str) and is_bracketed(value.strip())):
        shown = reprlib.repr(value)
        raise DataError(
            f'{where}: column \'{column}\' is {shown}, which is no list; write labels as ["a", "b"] or a, b'
        )
    return value.split(",") if isinstance(value, str) else [value]
