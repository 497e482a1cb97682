"""A cell of a row, read by its type: one reading for every format, for training, evaluation, prediction and serving.

A column is found by its exact name; then as a path into objects and lists, `text.title` or `answers.text.0`; then by
its name without blanks around it. A cell is missing if it is null, NaN or blank, and so is a place behind the end of a
list.
"""

import ast
import json
import math
import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from slimtune.training.data.readers.row import no_column
from slimtune.training.errors import DataError

# pandas' marks for what is not there
MISSING_TYPES = ("NAType", "NaTType")
# parts without commas, as numpy writes them: Python would read two texts side by side as one
NUMPY_PART = re.compile(r"""'[^']*'|"[^"]*"|-?\d+\.?\d*(?:e[+-]?\d+)?|True|False""")
NUMPY_LIST = re.compile(rf"\[\s*(?:{NUMPY_PART.pattern})(?:\s+(?:{NUMPY_PART.pattern}))+\s*\]")
# labels of so many, on average, are sentences rather than names
SENTENCE_WORDS = 3
BRACKETS = {"[": "]", "(": ")", "{": "}"}


class _Absent:
    """Of a column that a row does not have; null is a value."""


ABSENT = _Absent()


def cell_of(row: Mapping[str, Any], column: str) -> Any:
    """The row's cell of a column, without numpy's types; `ABSENT` if there is none."""
    if column in row:
        return python_value(row[column])
    found = _below(row, column)
    if found is not ABSENT:
        return found
    stripped = [name for name in row if isinstance(name, str) and name.strip() == column.strip()]
    return python_value(row[stripped[0]]) if len(stripped) == 1 else ABSENT


def value_of(row: Mapping[str, Any], column: str, where: str, key: str) -> Any:
    """As `cell_of`.

    Args:
        row: As it was read.
        column: Its name, or a path such as `text.title`.
        where: What an error calls the row.
        key: What names the column: a key of the section `data`, an option such as `--text-column`, or in Python
            `TextColumns.text`; words with blanks where nobody names it.

    Raises:
        DataError: The row lacks the column.
    """
    value = cell_of(row, column)
    if value is ABSENT:
        raise no_column(column, row, key=key, where=where)
    return value


def present_column(row: Mapping[str, Any], names: Sequence[str], where: str, key: str) -> str:
    """The first of the columns that a row has.

    Args:
        row: As it was read.
        names: The column of training, or the one that is named; behind it the one that is read in its place, if any.
        where: What an error calls the row.
        key: What names the column.

    Raises:
        DataError: It has none of them.
    """
    found = next((name for name in names if cell_of(row, name) is not ABSENT), None)
    if found is None:
        raise no_column(names[0], row, key=key, where=where, usual=names[1] if names[1:] else None)
    return found


def text_of(row: Mapping[str, Any], column: str, where: str, key: str) -> str:
    """The text of a cell, stripped; empty if it is missing.

    Raises:
        DataError: The row lacks the column, or the cell holds a list, an object or bytes.
    """
    return text_in(value_of(row, column, where, key), column=column, where=where, key=key).strip()


def text_in(value: Any, *, column: str, where: str, key: str) -> str:
    """A cell as it stands, as text; empty if it is missing.

    Raises:
        DataError: It holds a list, an object or bytes.
    """
    if is_missing(value):
        return ""
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        raise _nested(value, column=column, where=where, key=key)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return encodable(_decoded(value, column=column, where=where))
    return encodable(str(value))


def needed(row: Mapping[str, Any], column: str, where: str, key: str) -> str:
    """As `text_of`.

    Raises:
        DataError: It is missing too.
    """
    return not_empty(text_of(row, column, where, key), column, where)


def listed(value: Any) -> list[Any] | None:
    """The parts of a list, also of one that is written as text: in JSON, in Python, by numpy; None if it is no list."""
    if isinstance(value, str):
        value = structure(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return list(value) if isinstance(value, list | tuple) else None


def structure(text: str) -> Any:
    """The list or object that a text writes: in JSON, in Python, by numpy; None if it writes none."""
    text = text.strip()
    if not is_bracketed(text):
        return None
    if NUMPY_LIST.fullmatch(text):
        return [ast.literal_eval(part) for part in NUMPY_PART.findall(text)]
    return _parsed(text)


def is_missing(value: Any) -> bool:
    """Whether a cell is null, NaN or blank."""
    if value is None or type(value).__name__ in MISSING_TYPES:
        return True
    if isinstance(value, str):
        return not value.strip()
    # a whole number may be larger than any float
    return isinstance(value, Real | Decimal) and not isinstance(value, int) and math.isnan(value)


def python_value(value: Any) -> Any:
    """The value of numpy's types as Python's own."""
    to_list = getattr(value, "tolist", None)
    return to_list() if callable(to_list) else value


def encodable(text: str) -> str:
    """The text without lone surrogates, as broken JSON escapes make them: they are no text that can be encoded."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _below(row: Mapping[str, Any], path: str) -> Any:
    """What stands at a path of names and places; a name may have dots itself."""
    head, *rest = path.split(".")
    for split in range(len(rest)):
        inner = python_value(row.get(head))
        found = _at(inner, ".".join(rest[split:])) if head in row else ABSENT
        if found is not ABSENT:
            return found
        head = f"{head}.{rest[split]}"
    return ABSENT


def _at(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return python_value(value[path]) if path in value else _below(value, path)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        place, _, rest = path.partition(".")
        if not (place.isascii() and place.isdigit()):
            return ABSENT
        if int(place) >= len(value):
            # an empty list of answers is a row without one
            return None
        found = python_value(value[int(place)])
        return _at(found, rest) if rest else found
    return ABSENT


def _nested(value: Any, *, column: str, where: str, key: str) -> DataError:
    # whoever sends a request to a served model names no columns
    is_named = " " not in key
    if not isinstance(value, Mapping):
        repair = "join its parts into one text"
        if value and isinstance(value, list | tuple) and is_named:
            repair += f", or name one of them, e.g. {_option(key, f'{column}.0')}"
        return DataError(f"{where}: column '{column}' holds a list, {reprlib.repr(value)}; {repair}")
    names = [str(name) for name in value]
    repair = (
        f"name a text inside of it, e.g. {_option(key, f'{column}.{names[0]}')}"
        if names and is_named
        else "give a text"
    )
    has = f" with {', '.join(names[:5])}" if names else ""
    return DataError(f"{where}: column '{column}' holds an object{has}; {repair}")


def _option(key: str, column: str) -> str:
    """How a column is named in the config, on the command line, or in Python."""
    if key == "data.text_template":
        return f"{{{column}}}"
    kind, _, field = key.rpartition(".")
    if kind.endswith("Columns"):
        return f"{kind}({field}='{column}')"
    return f"{key} {column}" if key.startswith("-") else f"data.{key.removeprefix('data.')}={column}"


def is_bracketed(text: str) -> bool:
    """Whether a text may write a list or an object."""
    return len(text) > 1 and BRACKETS.get(text[0]) == text[-1]


def words_a_text(texts: Collection[str]) -> float:
    """Words that stand between blanks, on average; 0 of no text."""
    return sum(len(text.split()) for text in texts) / len(texts) if texts else 0.0


def not_empty(text: str, column: str, where: str) -> str:
    """The text.

    Raises:
        DataError: It is empty.
    """
    if not text:
        raise DataError(f"{where}: column '{column}' is empty; fill it or remove the row")
    return text


def _decoded(value: bytes, *, column: str, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise DataError(f"{where}: column '{column}' holds bytes that are no text; store text there") from None


def _parsed(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None
