"""A cell of a row, read by its type: one reading for every format, for training, evaluation, prediction and serving.

A column is found by its exact name; then as a path into objects and lists, `text.title` or `answers.text.0`; then by
its name without blanks around it. A cell is missing if it is null, NaN or blank, and so is a place behind the end of a
list. A name is a class's, as numbers and booleans are written alike everywhere: 1, 1.0 and the texts `1` and `1.0` are
`1`; true and the text `True` are `true`; the decimal number 1.50 is `1.5`, and the text `1.50`, which may be that of a
version, stays as it is.
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

from slimtune.training.data.one_hot import hot_names, hot_parts
from slimtune.training.data.readers.row import ID_ENDING, NO_LABEL, Row, no_column
from slimtune.training.errors import DataError

# a whole number as columns of floats write it
WHOLE = re.compile(r"-?(?:0|[1-9]\d*)\.0+")
BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
# pandas' marks for what is not there
MISSING_TYPES = ("NAType", "NaTType")
# parts without commas, as numpy writes them: Python would read two texts side by side as one
NUMPY_PART = re.compile(r"""'[^']*'|"[^"]*"|-?\d+\.?\d*(?:e[+-]?\d+)?|True|False""")
NUMPY_LIST = re.compile(rf"\[\s*(?:{NUMPY_PART.pattern})(?:\s+(?:{NUMPY_PART.pattern}))+\s*\]")
# of a float of 32 bits, which labels become
MOST = 3.4e38
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
    return _filled(text_of(row, column, where, key), column, where)


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
        return _filled(_class_name(value, column=column, where=where, key=key), column, where)
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


def _class_name(value: Any, *, column: str, where: str, key: str) -> str:
    """A class from its cell; a number is one if it is finite, and a text such as `inf` is a name like others."""
    if isinstance(value, float | Decimal) and math.isinf(value):
        raise DataError(
            f"{where}: column '{column}' is {value}, and a class is a text or a finite number; write the name of the "
            "class, or remove the row"
        )
    return label_name(text_in(value, column=column, where=where, key=key), value)


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


def label_name(text: str, value: Any = None) -> str:
    """The name of a class from its text; `value` is what the text was made of, where that was a number."""
    if isinstance(value, float | Decimal) and math.isfinite(value):
        # 1.50 of a column of decimals is 1.5
        return str(int(value)) if value == int(value) else str(float(value))
    text = text.strip()
    if WHOLE.fullmatch(text):
        return str(int(text.partition(".")[0]))
    return BOOLEANS.get(text, text)


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
    if not _is_bracketed(text):
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


def _is_bracketed(text: str) -> bool:
    return len(text) > 1 and BRACKETS.get(text[0]) == text[-1]


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
    if isinstance(value, Mapping) or (isinstance(value, str) and _is_bracketed(value.strip())):
        shown = reprlib.repr(value)
        raise DataError(
            f'{where}: column \'{column}\' is {shown}, which is no list; write labels as ["a", "b"] or a, b'
        )
    return value.split(",") if isinstance(value, str) else [value]


def words_a_text(texts: Collection[str]) -> float:
    """Words that stand between blanks, on average; 0 of no text."""
    return sum(len(text.split()) for text in texts) / len(texts) if texts else 0.0


def _filled(text: str, column: str, where: str) -> str:
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
