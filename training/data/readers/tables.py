"""Rows of CSV and TSV."""

import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from slimtune.training.data.readers.dialect import Dialect, dialect_of
from slimtune.training.data.readers.lines import lines_of
from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.data.readers.row import NAMELESS, RowOfLine
from slimtune.training.errors import DataError

# lines from which a cell is told even if they do not look like rows
MANY_LINES = 10
# signs between cells from which lines look like rows, whatever else stands in them
SURE_SIGNS = 2
# values that are remembered of a column, and letters of each: labels are few and short
MOST_VALUES, MOST_LETTERS = 1000, 100
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
    opened, known = before + 1, _KnownValues()
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
            for about, num_lines in _about_cells(cells, dialect, known):
                options.told.add(about, f"{path}, line {began} ({num_lines} lines)")
            known.add(cells)
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


class _KnownValues:
    """Short values of each column in the rows so far."""

    def __init__(self) -> None:
        self._by_column: dict[int, set[str]] = {}

    def add(self, cells: Sequence[str]) -> None:
        """Those of a row."""
        for column, cell in enumerate(cells):
            values = self._by_column.setdefault(column, set())
            if len(values) < MOST_VALUES and len(cell) <= MOST_LETTERS:
                values.add(cell.strip())

    def has_one(self, cells: Sequence[str], start: int) -> bool:
        """Whether one of the cells, the first of which is of the column `start`, is there; a blank says nothing."""
        return any(
            cell.strip() in self._by_column.get(column, ()) for column, cell in enumerate(cells, start) if cell.strip()
        )


class _Place(NamedTuple):
    """Where a cell stands: its column, and how many there are."""

    column: int
    num_columns: int

    @property
    def num_behind(self) -> int:
        """Signs behind it in its row."""
        return self.num_columns - 1 - self.column


def _about_cells(cells: Sequence[str], dialect: Dialect, known: _KnownValues) -> Iterator[tuple[str, int]]:
    """What is told of cells with lines of their own, which may be rows, and how many lines each has."""
    for column, cell in enumerate(cells):
        lines = cell.splitlines()
        if len(lines) < 2:
            continue
        are_like_rows = _look_like_rows(lines, _Place(column, len(cells)), dialect, known)
        if are_like_rows or len(lines) > MANY_LINES:
            yield _about_lines(are_like_rows), len(lines)


def _look_like_rows(lines: Sequence[str], place: _Place, dialect: Dialect, known: _KnownValues) -> bool:
    """Whether a quote that was forgotten seems to have made rows into one cell.

    The first of its lines is then a row's end, from this cell on, and the last one a row's beginning, up to it. Commas
    of sentences mostly have a blank behind them, those between cells none. Where that says little, a value must be
    there that a row above has in the same column.
    """
    first, *inner, last = lines
    sign, whole = dialect.sign, [line for line in inner if line.strip()]
    ends = first.rsplit(sign, place.num_behind), last.split(sign, place.column)
    parts = [ends[0], *(line.split(sign) for line in whole), ends[1]]
    sizes = [place.num_behind + 1, *[place.num_columns] * len(whole), place.column + 1]
    if place.num_columns == 1 or [len(cells) for cells in parts] != sizes:
        return False
    has_blanks = dialect.blank_after_sign
    if not has_blanks and any(cell[:1].isspace() for cells in parts for cell in cells[1:]):
        return False
    if not has_blanks and sum(sizes) - len(sizes) >= SURE_SIGNS:
        return True
    starts = [place.column, *[0] * (len(parts) - 1)]
    return any(known.has_one(cells, start) for cells, start in zip(parts, starts, strict=True))


def _about_lines(like_rows: bool) -> str:
    looks = "that look like rows opens here; if they are, a quote is missing" if like_rows else "opens here"
    return f"a cell over many lines {looks}"
