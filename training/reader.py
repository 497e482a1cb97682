"""Rows from JSON arrays, JSONL, CSV and Parquet files."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from training.errors import DataError
from training.locate import locate

Row = dict[str, Any]


def read_rows(name: str) -> list[Row]:
    """All rows of a file.

    Args:
        name: Path with a known ending, or `package:<module>/<file>`.

    Raises:
        DataError: The file is missing, unreadable, empty, or of an unknown kind; the message names file and line.
    """
    rows = list(iter_rows(name))
    if not rows:
        raise DataError(f"{name}: no rows; give a file with at least one row a class")
    return rows


def iter_rows(name: str) -> Iterator[Row]:
    """The rows of a file one by one; JSONL, CSV and TSV are never whole in memory.

    Raises:
        DataError: As `read_rows`, when the row at fault is reached.
    """
    path = _existing(name)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{name}: files ending in '{path.suffix}' are not read; use {', '.join(sorted(READERS))}")
    try:
        yield from reader(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def _existing(name: str) -> Path:
    try:
        path = Path(locate(name)).expanduser()
    except FileNotFoundError as error:
        raise DataError(f"{error}") from None
    if path.is_dir():
        raise DataError(f"{name}: is a folder; name a file in it")
    if not path.exists():
        raise DataError(f"{name}: no such file (looked in {path.absolute().parent}); check the path")
    return path


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _row(line, where=f"{path}, line {number}")


def _row(line: str, *, where: str) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg} at column {error.colno}); one JSON object a line") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: {line.strip()[:40]!r} is not an object; one JSON object a line")
    return row


def _json(path: Path) -> Iterator[Row]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}: not JSON ({error.msg}); use a JSON array of objects") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: not a JSON array of objects; wrap the rows in [ ... ]")
    yield from rows


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
        try:
            for row in table:
                if None in row or None in row.values():
                    raise DataError(f"{path}, line {table.line_num}: not as many fields as the header; quote the field")
                yield dict(row)
        except csv.Error as error:
            raise DataError(f"{path}, line {table.line_num}: not CSV ({error}); quote the field") from None


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow.lib
    import pyarrow.parquet

    try:
        yield from pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.lib.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from None


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}
