"""How the lines of a table are cut into cells: the sign between them, and whether quotes hold them together."""

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.data.readers.lines import lines_of
from slimtune.training.data.readers.options import ReadOptions

SIGNS = (",", ";", "\t", "|")
SAMPLED_LINES = 20
# the first line by which Excel names the sign
SIGN_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
QUOTED_CELL = re.compile(r'"(?:[^"]|"")*"')


class Dialect(NamedTuple):
    """How a table is written.

    Attributes:
        sign: Between two cells.
        quoted: Whether a cell in quotes may hold signs, quotes and line breaks.
        blank_after_sign: Whether a blank follows each sign.
        header_line: Number of the line with the names of the columns.
    """

    sign: str
    quoted: bool = True
    blank_after_sign: bool = False
    header_line: int = 1

    def options(self) -> dict[str, Any]:
        """As `csv.reader` takes them."""
        quoting = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        blank = self.blank_after_sign
        return {"delimiter": self.sign, "quoting": quoting, "skipinitialspace": blank, "strict": True}


def dialect_of(path: Path, options: ReadOptions, *, usual: str) -> Dialect:
    """The dialect of a file, told where it is not the usual one.

    Cells are parted by the usual sign, unless a line `sep=;` names another one, or the first lines do not fit it and
    fit another one. Cells that tabs part have no quotes around them, unless the lines do not fit so, or quotes stand
    around cells as writers of CSV put them.
    """
    lines = list(itertools.islice(lines_of(path, options, newline=""), SAMPLED_LINES))
    header = next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)
    named = SIGN_LINE.fullmatch(lines[header - 1]) if lines else None
    sampled = lines[header if named else header - 1 :]
    sign = named[1] if named else _sign(sampled, usual, cut=len(lines) == SAMPLED_LINES)
    if sign != usual:
        options.told.add(f"read with {sign!r} between cells, as its first lines show", path)
    has_blank = bool(sampled) and sampled[0].count(sign) == sampled[0].count(f"{sign} ") > 0
    dialect = Dialect(sign, blank_after_sign=has_blank and sign != "\t", header_line=header + bool(named))
    return dialect._replace(quoted=_is_quoted(path, options, dialect)) if sign == "\t" else dialect


def _sign(lines: Sequence[str], usual: str, *, cut: bool) -> str:
    return next((sign for sign in (usual, *SIGNS) if _fits(lines, sign, cut=cut)), usual)


def _fits(lines: Sequence[str], sign: str, *, cut: bool) -> bool:
    """Whether the sign parts all these lines into as many cells as the first one, at least two."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=sign) if row]
    except csv.Error:
        return False
    # the last row may go on behind the sample
    whole = rows[:-1] if cut and len(rows) > 1 else rows
    return bool(rows) and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in whole)


def _is_quoted(path: Path, options: ReadOptions, dialect: Dialect) -> bool:
    """Whether quotes stand around the cells of lines that tabs part."""
    lines = itertools.islice(lines_of(path, options, newline=""), dialect.header_line - 1, None)
    header = next(lines, "")
    num_tabs, fits, cells = header.count(dialect.sign), True, _QuotedCells()
    cells.see(header, is_header=True)
    for line in filter(str.strip, lines):
        fits &= line.count(dialect.sign) == num_tabs
        cells.see(line, is_header=False)
    if not cells.count:
        return False
    is_csv = not fits or cells.are_csv
    as_they_stand = f"quotes are read as they stand, for TSV has no quoting; cells that have them: {cells.count}"
    options.told.add("read with quotes around cells, as in CSV" if is_csv else as_they_stand, path)
    return is_csv


class _QuotedCells:
    """Cells with quotes in lines that tabs part.

    Attributes:
        count: How many there are.
        num_bare: Of them, those that no writer of CSV would write so.
        num_escaped: Those of the header, and those with quotes in quotes.
    """

    def __init__(self) -> None:
        self.count = self.num_bare = self.num_escaped = 0

    @property
    def are_csv(self) -> bool:
        """Whether somebody wrote them as CSV."""
        return bool(self.num_escaped) and not self.num_bare

    def see(self, line: str, *, is_header: bool) -> None:
        """Count those of a line."""
        if '"' not in line:
            return
        for cell in line.rstrip("\r\n").split("\t"):
            if '"' in cell:
                self.count += 1
                self.num_bare += QUOTED_CELL.fullmatch(cell) is None
                self.num_escaped += is_header or '""' in cell[1:-1]
