"""One function a file format: a path in, its rows out."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from slimtune.training.data.readers.arrow_rows import arrow_rows, parquet_rows
from slimtune.training.data.readers.json_rows import begins_with_objects, json_rows
from slimtune.training.data.readers.lines import first_bytes, is_gzip, lines_of
from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.data.readers.row import Row, RowOfLine
from slimtune.training.data.readers.tables import csv_rows, tsv_rows
from slimtune.training.errors import DataError
from slimtune.training.lfs_pointer import said_of_unfetched, unfetched

Reader = Callable[[Path, ReadOptions], Iterator[Row] | Iterator[Row | RowOfLine]]


def ending_of(path: Path) -> str:
    """The ending that tells the format: `.csv` of `a.csv` and of `A.CSV.gz`."""
    plain = path.with_suffix("") if is_gzip(path) else path
    return plain.suffix.lower()


BY_MARK: dict[bytes, Reader] = {b"PAR1": parquet_rows, b"ARROW1": arrow_rows}
# what files begin with that are no text, whatever their names say
NO_TEXT = {
    b"PK\x03\x04": "a zip archive, as workbooks of Excel are; unpack it, or save the sheet as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "a workbook or a document of Office; save it as CSV in UTF-8",
    b"%PDF-": "a PDF; write its text into a file of text",
    b"SQLite format 3\0": "a database of SQLite; export its table as CSV",
}


def rows_of_file(path: Path, options: ReadOptions) -> Iterator[Row | RowOfLine]:
    """The rows of one file, with their lines where it has lines.

    Raises:
        DataError: The file cannot be read, or is not what its ending says; the message names file and line.
    """
    if unfetched([path]) is not None:
        raise DataError(f"{path}: {said_of_unfetched(path)}")
    try:
        yield from _reader_of(path, options)(path, options)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: broken gzip ({error}); compress it again or fetch it anew") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the file and its rights") from None


def _reader_of(path: Path, options: ReadOptions) -> Reader:
    """By the ending; by the content where the ending says nothing."""
    reader = READERS_BY_ENDING.get(ending_of(path)) or _by_mark(path, options)
    if reader is None:
        known = ", ".join(sorted(READERS_BY_ENDING))
        raise DataError(f"{path}: files ending in '{path.suffix}' are not read; use {known}, each also with .gz")
    return reader if reader in BY_MARK.values() else _unless_marked(reader, path, options)


def _unless_marked(reader: Reader, path: Path, options: ReadOptions) -> Reader:
    """The reader for a text, unless the first bytes are those of another kind of file."""
    head = first_bytes(path)
    for mark, said in NO_TEXT.items():
        if head.startswith(mark):
            raise DataError(f"{path} is {said}")
    for mark, other in BY_MARK.items():
        if head.startswith(mark):
            options.told.add("read as Parquet or Arrow, as its content shows", path)
            return other
    return reader


def _by_mark(path: Path, options: ReadOptions) -> Reader | None:
    """What a file with an ending that we do not know is, as far as its first bytes tell."""
    head = first_bytes(path)
    for mark, reader in BY_MARK.items():
        if head.startswith(mark):
            return reader
    if head.lstrip().startswith(b"{") and begins_with_objects(path, options):
        options.told.add("read as JSON Lines, as its content shows", path)
        return json_rows
    return None


def _document(path: Path, options: ReadOptions) -> Iterator[Row]:
    yield {"text": "".join(lines_of(path, options)), "file": str(path)}


def _text(path: Path, options: ReadOptions) -> Iterator[Row | RowOfLine]:
    """A document, unless its lines are JSON objects."""
    if begins_with_objects(path, options):
        options.told.add("read as JSON Lines, as its content shows", path)
        yield from json_rows(path, options)
    else:
        yield from _document(path, options)


READERS_BY_ENDING: dict[str, Reader] = {
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".jsonlines": json_rows,
    ".json": json_rows,
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".tab": tsv_rows,
    ".parquet": parquet_rows,
    ".arrow": arrow_rows,
    ".txt": _text,
    ".md": _document,
}
