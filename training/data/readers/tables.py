"""Rows of CSV and TSV."""

import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from slimtune.training.data.readers.dialect import Dialect, dialect_of
from slimtune.training.data.readers.lines import lines_of
from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.data.readers.row import NAMELESS, RowOfLine
from slimtune.training.errors import DataError

# lines from which a cell is told even if they do not look like rows
MANY_LINES = 10
BYTE_ORDER_MARK = "\ufeff"


def csv_rows(path: Path, options: ReadOptions) -> Iterator[RowOfLine]:
    """The rows of a table whose cells commas part, or another sign that its first lines show.

    Raises:
        DataError: A row has not as many cells as the header, a quote is not closed, or two columns have one name.
    """
    yield from _rows(path, options, usual=",")


def tsv_rows(path: Path, options: ReadOptions) -> Iterator[RowOfLine]:
    """As `csv_rows`, with tabs. A quote is a sign like others, unless the whole file puts its cells in quotes."""
    yield from _rows(path, options, usual="\t")


def _rows(path: Path, options: ReadOptions, *, usual: str) -> Iterator[RowOfLine]:
    # a field may be as long as the file
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    dialect = dialect_of(path, options, usual=usual)
    lines = itertools.islice(lines_of(path, options, newline=""), dialect.header_line - 1, None)
    before = dialect.header_line - 1
    table = csv.reader(lines, **dialect.options())
    header: list[str] = []
    opened = before + 1
    try:
        for cells in table:
            opened, began = before + table.line_num + 1, opened
            if not cells:
                continue
            if not header:
                header = _header(cells, path, began)
                continue
            if len(cells) != len(header):
                raise _misfit(path, began, cells, header, dialect)
            if _is_header_again(cells, header):
                options.told.add("the header stands there again, and is left out", f"{path}, line {began}")
                continue
            _tell_of_lines(cells, path, began, dialect, options)
            yield RowOfLine(dict(zip(header, cells, strict=True)), began)
    except csv.Error as error:
        raise _broken(error, path, opened, before + table.line_num) from None


def _header(cells: Sequence[str], path: Path, line: int) -> list[str]:
    """The names of the columns; one without a name is called by its place."""
    names = [cell if cell.strip() else f"{NAMELESS}{number}" for number, cell in enumerate(cells, start=1)]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}, line {line}: two columns have the name '{name}'; rename one")
    return names


def _is_header_again(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a row has the names of the columns, as the first of each file that was put behind another one."""
    return len(header) > 1 and [cells[0].removeprefix(BYTE_ORDER_MARK), *cells[1:]] == list(header)


def _misfit(path: Path, line: int, cells: Sequence[str], header: Sequence[str], dialect: Dialect) -> DataError:
    repair = "quote the field" if dialect.quoted else "write rows with tabs or line breaks in cells as JSONL"
    if len(cells) < len(header):
        repair = f"add what is missing, or {repair}, if a line break is in it"
    if len(cells) > len(header) and not cells[-1].strip():
        repair = f"remove what follows its last cell, or {repair}"
    if len(cells) == len(header) + 1 and line == dialect.header_line + 1:
        repair += ", or name the first column too, if it has the names of rows, as R writes them"
    if len(header) == 1:
        repair += f", or begin the file with the names of all columns (now '{header[0][:40]}')"
    return DataError(f"{path}, line {line}: not as many fields as the header, {len(cells)} for {len(header)}; {repair}")


def _broken(error: csv.Error, path: Path, opened: int, line: int) -> DataError:
    if "unexpected end of data" in str(error):
        return DataError(f"{path}, line {opened}: a quote that opens in this row is never closed; close or double it")
    # of a cell over several lines, the line where it stops to fit
    return DataError(
        f"{path}, line {line}: not CSV ({error}); quote the field, double the quotes in it "
        '("", and not \\"), or write the rows as JSONL'
    )


def _tell_of_lines(cells: Sequence[str], path: Path, line: int, dialect: Dialect, options: ReadOptions) -> None:
    """A cell may have lines of its own; a quote that was forgotten makes rows into one."""
    for cell in cells:
        inner = cell.splitlines()
        if len(inner) < 2:
            continue
        like_rows = all(part.count(dialect.sign) >= len(cells) - 1 > 0 for part in inner[:-1])
        if like_rows or len(inner) > MANY_LINES:
            options.told.add(_about_lines(like_rows), f"{path}, line {line} ({len(inner)} lines)")


def _about_lines(like_rows: bool) -> str:
    looks = "that look like rows opens here; if they are, a quote is missing" if like_rows else "opens here"
    return f"a cell over many lines {looks}"
