"""Rows of JSON: one object a line, or an array of objects; the content tells which, not the file's name."""

import itertools
import json
import re
import reprlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from slimtune.training.data.readers.json_tables import check_holds_no_rows, check_is_no_table
from slimtune.training.data.readers.lines import lines_of
from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.data.readers.row import Row, RowOfLine
from slimtune.training.errors import DataError

LINES_RULE, ARRAY_RULE = "one JSON object a line", "use a JSON array of objects, or one object a line"
BYTE_ORDER_MARK = "\ufeff"
BLANKS = re.compile(r"[\s\ufeff]*")


class _RepeatedKey(ValueError):
    """An object has a key twice."""


def json_rows(path: Path, options: ReadOptions) -> Iterator[Row | RowOfLine]:
    """The rows of JSON Lines one by one with their lines, or those of an array, or of objects over several lines.

    Raises:
        DataError: It is neither; the message names the line.
    """
    head = [line for _, line in itertools.islice(_numbered(path, options), 2)]
    is_lines = len(head) > 1 and _is_object(head[0])
    yield from _of_lines(path, options) if is_lines else _of_values("".join(lines_of(path, options)), path)


def begins_with_objects(path: Path, options: ReadOptions) -> bool:
    """Whether the first two lines with anything in them are JSON objects, or the only one is."""
    head = [line for _, line in itertools.islice(_numbered(path, options), 2)]
    return bool(head) and all(map(_is_object, head))


def _numbered(path: Path, options: ReadOptions) -> Iterator[tuple[int, str]]:
    """Lines with anything in them, by their numbers; files that were put together have a mark between."""
    for number, line in enumerate(lines_of(path, options), start=1):
        text = line.strip().removeprefix(BYTE_ORDER_MARK)
        if text:
            yield number, text


def _is_object(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_lines(path: Path, options: ReadOptions) -> Iterator[RowOfLine]:
    for number, line in _numbered(path, options):
        row = _decoded(partial(_DECODER.decode, line), path=path, first_line=number, rule=LINES_RULE)
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: {line[:40]!r} is not an object; {LINES_RULE}")
        yield RowOfLine(row, number)


def _of_values(text: str, path: Path) -> Iterator[Row]:
    """The rows of a file that is read whole."""
    values = list(_values(text, path))
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    elif len(values) == 1 and isinstance(values[0], dict):
        check_holds_no_rows(values[0], path)
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            check_is_no_table(values, path)
            raise DataError(f"{path}: row {number} is {reprlib.repr(value)}, which is not an object; {ARRAY_RULE}")
        yield value


def _values(text: str, path: Path) -> Iterator[Any]:
    """The JSON values of a text, one after another."""
    at = _after_blanks(text, 0)
    while at < len(text):
        value, at = _decoded(partial(_DECODER.raw_decode, text, at), path=path, first_line=1, rule=ARRAY_RULE)
        yield value
        at = _after_blanks(text, at)


def _after_blanks(text: str, at: int) -> int:
    blanks = BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _decoded(decode: Callable[[], Any], *, path: Path, first_line: int, rule: str) -> Any:
    try:
        return decode()
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        # as Python writes a dict
        rule += ", as json.dumps writes it, not str" if "double quotes" in error.msg else ""
        raise DataError(
            f"{path}, line {line}: not JSON ({error.msg.removesuffix(' at')} at column {error.colno}); {rule}"
        ) from None
    except _RepeatedKey as error:
        raise DataError(f"{path}, line {first_line}{'' if rule == LINES_RULE else ' or later'}: {error}") from None
    except (ValueError, RecursionError) as error:
        # numbers of thousands of digits, brackets nested thousands deep
        raise DataError(f"{path}, line {first_line}: JSON that cannot be read ({error}); {rule}") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKey(f"an object has the key '{twice}' twice ({', '.join(names)[:80]}); rename one or drop it")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
