"""Rows as the task of a config reads them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.absent.absent_columns import AbsentColumns
from slimtune.training.data.examples import Example
from slimtune.training.data.readers.reader import LocatedRow, Row, located_rows, located_with
from slimtune.training.data.readers.row import located_in_python
from slimtune.training.data.readers.row_faults import RowFaults
from slimtune.training.data.splits import RowSplits, blank_columns, check_rows, load_splits
from slimtune.training.errors import DataError
from slimtune.training.tasks.registry import reading_of

FORM = "give the name of a file, or a list with a dict for each row, e.g. [{'text': ..., 'label': ...}]"


class GivenRows(NamedTuple):
    """Rows to be scored, and what the task sees in each.

    Attributes:
        rows: As they were read.
        examples: One for each row; None for one without text, or without an answer to compare with.
        places: What to call each row.
        notes: What a person should know of how they were read.
        blank: In how many of those that are left out a column is blank, by its name and the key that names it.
    """

    rows: list[Row]
    examples: list[Example | None]
    places: list[str]
    notes: Sequence[str] = ()
    blank: Mapping[str, int] = {}  # a NamedTuple's default, never written to

    @property
    def scored(self) -> list[Example]:
        """Those that have a text."""
        return [example for example in self.examples if example is not None]

    @property
    def left_out(self) -> list[str]:
        """What the others are called."""
        return [place for place, example in zip(self.places, self.examples, strict=True) if example is None]


def read_splits(config: TrialConfig, faults: RowFaults | None = None) -> RowSplits:
    """The rows of a config: read, deduplicated and split; `faults` takes those of rows, which are left out then.

    Raises:
        DataError: A column is missing, a label is empty, or a class is too small to be split.
        ConfigError: The class of a task of the user's own cannot be used.
    """
    return load_splits(config, reading_of(config.task), faults)


def check_rows_of(config: TrialConfig) -> None:
    """Whether each row of a config's files can be read; only its sections `data` and `task` are looked at.

    Raises:
        DataError: One cannot.
        ConfigError: The class of a task of the user's own cannot be used.
    """
    check_rows(config, reading_of(config.task))


def read_examples(source: Any, config: TrialConfig) -> GivenRows:
    """Rows of a file, or as they were read, as the config's task sees them.

    Raises:
        DataError: A column is missing, a label is empty, or no row has a text; the message names the row.
        ConfigError: The class of a task of the user's own cannot be used.
    """
    reading = reading_of(config.task)
    asked = located(source, reader=config.data.reader)
    given = given_rows(asked, lambda row, where: reading.parse(row, where, config), name=name_of(source))
    left_out = (row for row, example in zip(given.rows, given.examples, strict=True) if example is None)
    return given._replace(blank=Counter(name for row in left_out for name in blank_columns(row, config.data)))


def located(source: str | Iterable[Row], *, reader: str | None = None) -> list[LocatedRow]:
    """Rows with what an error calls each: by their file and their number in it, or by their number alone.

    Args:
        source: A name that a reader takes, or rows.
        reader: A person's own, for a name.

    Raises:
        DataError: A file cannot be read, or what is given is neither a name nor rows.
    """
    if not isinstance(source, str):
        return located_in_python(source, form=FORM)
    return list(located_rows(source) if reader is None else located_with(reader, source))


def given_rows(asked: Sequence[LocatedRow], parse: Callable[[Row, str], Example | None], *, name: str) -> GivenRows:
    """Rows as a task sees them.

    Args:
        asked: The rows.
        parse: A row as a task sees it, from the row and what an error calls it; None without text.
        name: Of them all.

    Raises:
        DataError: A row cannot be parsed, or none has a text.
    """
    absent = AbsentColumns(lambda: asked)
    read = [absent.parsed(one.row, one.where, parse) for one in asked]
    examples = [one.found for one in read]
    if all(example is None for example in examples):
        lacking = f"none of its {len(asked)} rows has a text" if asked else "there are no rows"
        raise DataError(f"{name}: {lacking}; there is nothing to score")
    kept = [one.found and one.found._replace(row=one.row) for one in read]
    return GivenRows([one.row for one in read], kept, [one.where for one in asked], absent.notes())


def name_of(source: str | Iterable[Row]) -> str:
    """What an error calls all rows of a source."""
    return source if isinstance(source, str) else "the data"
