"""Faults of rows, gathered in one reading: the first of each kind in full, and how many more there are."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from slimtune.training.data.readers.row import file_in
from slimtune.training.errors import DataError, DataProblems, NoColumn, UserError
from slimtune.training.listed_names import counted

RowT = TypeVar("RowT")
FoundT = TypeVar("FoundT")
# faults after which a file is read no further, and rows that are named beside the first one
MOST_FAULTS, MOST_NAMED = 1000, 3
# what tells two faults of one kind apart: numbers, and what stands in quotes or brackets, but for a column's name
PARTICULAR = re.compile(r"(column '[^']*')|'[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^\[\]]*\]|-?\d+(?:\.\d+)?")
# stands for a column that a row lacks, so that the next one is found
STANDS_IN = "1"


@dataclass
class _Kind:
    """Faults that differ in nothing but their rows.

    Attributes:
        first: The first of them, in full.
        place: The file that its row stands in.
        others: What the rows of the next ones are called.
        count: How many there are.
    """

    first: str
    place: str
    others: list[str] = field(default_factory=list)
    count: int = 0


class RowFaults:
    """What is wrong with the rows of a config, of all its files."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._counts: dict[str, int] = {}
        self._is_cut_short = False

    def readable(self, name: str, rows: Iterable[RowT]) -> Iterator[RowT]:
        """The rows of a source, as far as it can be read, or until it has too many faults."""
        try:
            for row in rows:
                if self.num_of(name) >= MOST_FAULTS:
                    self._is_cut_short = True
                    return
                yield row
        except DataError as error:
            self._is_cut_short = True
            self.add(name, "", error)

    def parsed(self, name: str, row: Any, where: str, parse: Callable[[Any, str], FoundT]) -> Iterator[FoundT]:
        """What a row is; nothing for one with a fault, which is noted."""
        try:
            yield parse(row, where)
        except NoColumn as error:
            for one in (error, *_further(row, where, parse, error)):
                self.add(name, where, one)
        except DataError as error:
            self.add(name, where, error)

    def add(self, name: str, where: str, error: DataError) -> None:
        """Note a fault of a source, or of a row of it."""
        text = str(error)
        key = name, error.column if isinstance(error, NoColumn) else _without_particulars(text.removeprefix(where))
        kind = self._kinds.setdefault(key, _Kind(text, file_in(where)))
        kind.count += 1
        if 1 < kind.count <= 1 + MOST_NAMED:
            kind.others.append(_said_beside(kind.place, where))
        self._counts[name] = self.num_of(name) + 1

    @property
    def total(self) -> int | None:
        """Faults of all sources; None where one cannot be read to its end."""
        return None if self._is_cut_short else sum(self._counts.values())

    def num_of(self, name: str) -> int:
        """Faults of a source."""
        return self._counts.get(name, 0)

    def check(self) -> None:
        """Nothing without a fault.

        Raises:
            DataError: One sentence for each kind.
        """
        problems = [_said(kind, at_least=self.num_of(name) >= MOST_FAULTS) for (name, _), kind in self._kinds.items()]
        if len(problems) == 1:
            raise DataError(problems[0])
        if problems:
            raise DataProblems(problems)


def _said_beside(place: str, where: str) -> str:
    """What a row is called behind one of a file; that of another file names it."""
    own, _, row = where.rpartition(", ")
    return row if own == place else f"{row} of {own}"


def _said(kind: _Kind, *, at_least: bool) -> str:
    more = kind.count - 1
    if not more:
        return kind.first
    rows = ", ".join(kind.others) + (", ..." if more > MOST_NAMED else "")
    return f"{kind.first} ({'at least ' if at_least else ''}{counted(more, 'more row', 'more rows')}: {rows})"


def _without_particulars(text: str) -> str:
    return PARTICULAR.sub(lambda match: match[1] or "", text)


class _Filled(dict[str, Any]):
    """A row that has columns which it lacks, but names only its own."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(row)
        self.lacking: set[str] = set()

    def __contains__(self, column: object) -> bool:
        return column in self.lacking or super().__contains__(column)

    def __missing__(self, column: str) -> str:
        return STANDS_IN


def _further(row: Any, where: str, parse: Callable[[Any, str], object], first: NoColumn) -> Iterator[NoColumn]:
    """Other columns that a row lacks, beside the first one that is missed."""
    filled, error = _Filled(row), first
    while error.column not in filled.lacking:
        filled.lacking.add(error.column)
        try:
            parse(filled, where)
        except NoColumn as other:
            error = other
        except UserError:
            # of what stands in
            return
        else:
            return
        if error.column not in filled.lacking:
            yield error
