"""Columns that some rows of a file lack: null there, as other readers of JSON Lines take them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Generic, NamedTuple, TypeVar

from slimtune.training.config.near_names import nearest_name
from slimtune.training.data.cells import ABSENT, cell_of
from slimtune.training.data.readers.row import LocatedRow, Row, file_in
from slimtune.training.errors import DataError, NoColumn
from slimtune.training.listed_names import with_counts

FoundT = TypeVar("FoundT")


class TakenRow(NamedTuple, Generic[FoundT]):
    """A row as it was taken, and what it is."""

    row: Row
    found: FoundT


class AbsentColumns:
    """Takes a column that a row lacks as null where a null may stand and other rows of the same file have the column.

    One that no row of the file has is a wrong name, and so is one that the row has under a name that is nearly the
    same and that stands in no row with the column. A row with none of the columns of those rows is of another kind.
    """

    def __init__(self, again: Callable[[], Iterable[LocatedRow]]) -> None:
        """Nothing is read before a row lacks a column.

        Args:
            again: Gives all rows of the source once more.
        """
        self._again = again
        self._beside: dict[str, dict[str, set[str]]] = {}
        self._counts: dict[str, Counter[str]] = {}

    def parsed(self, row: Row, where: str, parse: Callable[[Row, str], FoundT]) -> TakenRow[FoundT]:
        """What a row is, with the row as it was taken.

        Raises:
            DataError: As `parse` raises it.
        """
        try:
            return TakenRow(row, parse(row, where))
        except NoColumn as error:
            read = self._filled(row, where, parse, error)
            if read is None:
                raise
            return read

    def seen_in(self, one: LocatedRow) -> LocatedRow:
        """A row with null in the columns that it lacks and that were null in a row of its file before."""
        lacking = [name for name in self._counts.get(file_in(one.where), ()) if cell_of(one.row, name) is ABSENT]
        return one._replace(row={**one.row, **dict.fromkeys(lacking)}) if lacking else one

    def notes(self) -> list[str]:
        """A sentence for each file: what is null in how many of its rows."""
        return [_said(place, counts) for place, counts in self._counts.items()]

    def _filled(
        self, row: Row, where: str, parse: Callable[[Row, str], FoundT], error: NoColumn
    ) -> TakenRow[FoundT] | None:
        """As `parsed`; None if a column that is lacking is no null."""
        # keeps what stands in for columns whose faults are told
        filled, names = copy(row), list[str]()
        while error.column not in names and self._may_be_null(error.column, row, where):
            filled[error.column] = None
            names.append(error.column)
            try:
                found = parse(filled, where)
            except NoColumn as other:
                error = other
            except DataError:
                # no null may stand there, which says less than that the column is lacking
                return None
            else:
                self._counts.setdefault(file_in(where), Counter()).update(names)
                return TakenRow(filled, found)
        return None

    def _may_be_null(self, column: str, row: Row, where: str) -> bool:
        if column not in self._beside:
            self._beside[column] = self._names_beside(column)
        beside = self._beside[column].get(file_in(where))
        if beside is None or not beside.intersection(map(str, row)):
            return False
        return nearest_name(column, [str(name) for name in row if name not in beside]) is None

    def _names_beside(self, column: str) -> dict[str, set[str]]:
        """Names in the rows that have the column, by their file."""
        found: dict[str, set[str]] = {}
        for row, where in _as_far_as_readable(self._again()):
            if cell_of(row, column) is not ABSENT:
                found.setdefault(file_in(where), set()).update(row)
        return found


def _as_far_as_readable(rows: Iterable[LocatedRow]) -> Iterator[LocatedRow]:
    try:
        yield from rows
    except DataError:
        # told by whoever reads the source
        return


def _said(place: str, counts: Counter[str]) -> str:
    what = f"rows that lack a column which others have, read as null there: {with_counts(counts)}"
    return f"{place}: {what}" if place else what
