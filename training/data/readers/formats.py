"""One function a file format: a path in, its rows out."""

import contextlib
import csv
import gzip
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from slimtune.training.data.readers.lines import is_gzip, lines_of
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError

# rows of a Parquet batch; few, because a row may be a whole document
PARQUET_ROWS = 1024
# read ahead in a Parquet column; else pyarrow reads whole column chunks, and one may be the file
BUFFER_BYTES = 1 << 20


def ending_of(path: Path) -> str:
    """The ending that tells the format: `.csv` of `a.csv` and of `A.CSV.gz`."""
    plain = path.with_suffix("") if is_gzip(path) else path
    return plain.suffix.lower()


def rows_of_file(path: Path) -> Iterator[Row]:
    """The rows of one file.

    Raises:
        DataError: The file cannot be read, or is not what its ending says; the message names file and line.
    """
    reader = READERS_BY_ENDING.get(ending_of(path))
    if reader is None:
        known = ", ".join(sorted(READERS_BY_ENDING))
        raise DataError(f"{path}: files ending in '{path.suffix}' are not read; use {known}, each also with .gz")
    try:
        yield from reader(path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: broken gzip ({error}); compress it again or fetch it anew") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the file and its rights") from None


def _jsonl(path: Path) -> Iterator[Row]:
    for number, line in enumerate(lines_of(path), start=1):
        if not line.strip():
            continue
        row = _decoded(line.rstrip(), path=path, first_line=number, rule="one JSON object a line")
        if not isinstance(row, dict):
            shown = f"{line.strip()[:40]!r}"
            raise DataError(f"{path}, line {number}: {shown} is not an object; one JSON object a line")
        yield row


def _json(path: Path) -> Iterator[Row]:
    rows = _decoded("".join(lines_of(path)), path=path, first_line=1, rule="use a JSON array of objects")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: not a JSON array of objects; wrap the rows in [ ... ]")
    yield from rows


def _decoded(text: str, *, path: Path, first_line: int, rule: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(f"{path}, line {line}: not JSON ({error.msg} at column {error.colno}); {rule}") from None
    except (ValueError, RecursionError) as error:
        # numbers of thousands of digits, brackets nested thousands deep
        raise DataError(f"{path}, line {first_line}: JSON that cannot be read ({error}); {rule}") from None


def _csv(path: Path) -> Iterator[Row]:
    delimiter = "\t" if ending_of(path) == ".tsv" else ","
    table = csv.DictReader(lines_of(path, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in table:
            if None in row or None in row.values():
                raise DataError(f"{path}, line {table.line_num}: not as many fields as the header; quote the field")
            yield dict(row)
    except csv.Error as error:
        where = f"{path}, line {table.reader.line_num}"  # the table's own number is of the last good row
        raise DataError(f"{where}: not CSV ({error}); quote the field, or write the rows as JSONL") from None


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    with _seekable(path) as source:
        try:
            with pyarrow.parquet.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
                for batch in table.iter_batches(batch_size=PARQUET_ROWS):
                    yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0]}); write it anew") from None


@contextlib.contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """Parquet is read from its end: a gzipped file is first decompressed to disk."""
    if not is_gzip(path):
        with path.open("rb") as source:
            yield source
        return
    with tempfile.TemporaryFile() as source:
        with gzip.open(path) as packed:
            shutil.copyfileobj(packed, source)
        yield source


def _document(path: Path) -> Iterator[Row]:
    yield {"text": "".join(lines_of(path)), "file": str(path)}


READERS_BY_ENDING: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".txt": _document,
    ".md": _document,
}
