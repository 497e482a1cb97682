"""Some of the rows of files: `train[:400]`, `train[10%:20%]`, `train[-80:]`, as `datasets` writes them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from slimtune.training.config.data import ROWS_OF_FILES, SPLITS, DataConfig
from slimtune.training.data.readers.options import ReadOptions, Told
from slimtune.training.data.readers.reader import LocatedRow, located_rows, located_with, needs_no_hub
from slimtune.training.errors import DataError
from slimtune.training.listed_names import agreeing, counted


class RowSlice(NamedTuple):
    """Where rows begin and end: numbers, places from the end below 0, or shares such as `10%`.

    Attributes:
        said: Key and value, as a message begins.
        begin: The first one; None is the first of all.
        end: The one behind the last; None is behind all.
    """

    said: str
    begin: str | None
    end: str | None

    def of(self, rows: Iterable[LocatedRow]) -> Iterator[LocatedRow]:
        """These of the rows; all are read, so that one that asks for too many is told.

        Raises:
            DataError: There are not so many, or none is between.
        """
        if self.begin is None and self.end is None:
            yield from rows
            return
        found = list(rows)
        begin, end = self._place(self.begin, len(found), or_else=0), self._place(self.end, len(found), len(found))
        if begin >= end:
            raise DataError(f"{self.said}: of {counted(len(found), 'row')} it takes none; begin before the end")
        yield from islice(found, begin, end)

    def _place(self, asked: str | None, num_rows: int, or_else: int) -> int:
        if asked is None:
            return or_else
        number = int(asked.removesuffix("%"))
        place = round(number / 100 * num_rows) if asked.endswith("%") else number
        if abs(place) > num_rows:
            raise DataError(
                f"{self.said}, but there {agreeing(num_rows, 'is', 'are')} {counted(num_rows, 'row')}; "
                f"use {num_rows} at most"
            )
        return place if number >= 0 else num_rows + place


def slices_of(data: DataConfig) -> dict[str, RowSlice]:
    """Which rows of `train_file`, `validation_file` and `test_file` are taken, where not all are."""
    if data.dataset is not None:
        return {}
    splits = {file: (key, getattr(data, key)) for file, key in SPLITS.items()}
    forms = {file: (key, split, ROWS_OF_FILES.fullmatch(split)) for file, (key, split) in splits.items() if split}
    return {
        file: RowSlice(f"data.{key} is {split!r}", form["begin"], form["end"])
        for file, (key, split, form) in forms.items()
        if form is not None
    }


class RowSource(NamedTuple):
    """A file, or what else a reader takes.

    Attributes:
        name: Of it; None where rows are split off others.
        part: Which of its rows count; None is all.
        key: The key that names it.
    """

    name: Any
    part: RowSlice | None
    key: str

    def read(self, data: DataConfig, options: ReadOptions) -> Iterator[LocatedRow]:
        """All rows that `name` stands for, whatever part of them counts.

        Raises:
            DataError: One cannot be read, when it is reached.
        """
        return located_rows(self.name, options) if data.reader is None else located_with(data.reader, self.name)

    def again(self, data: DataConfig) -> Iterable[LocatedRow]:
        """As `read`; none of a hub, which is far, and whose rows have all columns."""
        if data.reader is None and not needs_no_hub(self.name):
            return ()
        return self.read(data, ReadOptions(Told(), data.encoding))


def sources_of(data: DataConfig) -> list[RowSource]:
    """Of the training, validation and test rows, in this order."""
    parts = slices_of(data)
    named = {file: file if getattr(data, split) is None else split for file, split in SPLITS.items()}
    return [RowSource(getattr(data, file), parts.get(file), f"data.{named[file]}") for file in SPLITS]
