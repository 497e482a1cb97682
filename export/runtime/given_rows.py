"""Rows that a model is asked about: where their texts stand, and what is no text."""

import logging
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import TrainedColumns
from slimtune.training.data.cells import ABSENT, cell_of, encodable, present_column, text_in, text_of, value_of
from slimtune.training.data.readers.reader import LocatedRow as LocatedRow
from slimtune.training.data.readers.reader import ReadOptions, Told, located_rows
from slimtune.training.errors import DataError, UserError

log = logging.getLogger(__name__)

USUAL_TEXT, USUAL_PAIR = "text", "text_pair"
# a text that is given as words, for extraction
WORDS = "words"


class AskedBy(NamedTuple):
    """What whoever asks calls the columns of texts, and can do about them.

    Attributes:
        text_key: Names the text's column.
        pair_key: Names the second text's.
        one_column: Lets all rows have their texts in one column.
        pair: A second text that is given by itself.
        longest: The longest answer in tokens.
        rows: Gives whole rows.
    """

    text_key: str
    pair_key: str
    one_column: str
    pair: str
    longest: str
    rows: str


BY_COMMAND = AskedBy(
    "--text-column",
    "--text-pair-column",
    "name one column with --text-column",
    pair="--text-pair",
    longest="--max-new-tokens",
    rows="--file",
)
IN_PYTHON = AskedBy(
    "TextColumns.text",
    "TextColumns.text_pair",
    "name one column by columns=TextColumns(text=...)",
    pair="text_pair",
    longest="max_new_tokens",
    rows="Predictor.rows",
)
# whoever sends a request has nothing but its columns
BY_REQUEST = AskedBy(
    "the text",
    "the second text",
    "send all rows with one of the two columns",
    pair="the second text",
    longest="the longest answer",
    rows="columns of a request",
)


class TextColumns(NamedTuple):
    """Where the rows have their texts.

    Attributes:
        text: The text's column; None is the one of training, or `text` if a row lacks that.
        text_pair: The second text's; None is the one of training, or `text_pair`.
        asked_by: Who names them.
    """

    text: str | None = None
    text_pair: str | None = None
    asked_by: AskedBy = BY_COMMAND


class MovedText(NamedTuple):
    """A column of training that a row lacks, and the one that is read in its place."""

    lacking: str
    instead: str
    repair: str


class GivenFile:
    """The rows of a source, as often as they are asked for; what a pipe gives is kept in a file for that.

    Attributes:
        name: As a reader takes it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        path = Path(name)
        self._kept = _kept(path) if path.exists() and not (path.is_file() or path.is_dir()) else None
        if self._kept is not None:
            weakref.finalize(self, self._kept.unlink, missing_ok=True)
        self._is_told = False

    def __iter__(self) -> Iterator[LocatedRow]:
        options = ReadOptions(Told(), named_by=None)
        if self._kept is None:
            yield from located_rows(self.name, options)
        else:
            try:
                for row, where in located_rows(str(self._kept), options):
                    yield LocatedRow(row, self._as_named(where))
            except UserError as error:
                raise DataError(self._as_named(str(error))) from error
        if not self._is_told:
            self._is_told = True
            for note in options.told.notes():
                log.warning("%s", self._as_named(note))

    def _as_named(self, told: str) -> str:
        """Of the pipe that the user has named, and not of the file that it is kept in."""
        return told if self._kept is None else told.replace(str(self._kept), self.name)


def _kept(pipe: Path) -> Path:
    """A file with what a pipe gives; whoever has it removes it."""
    suffix = "".join(pipe.suffixes) or ".jsonl"
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file, pipe.open("rb") as source:
        shutil.copyfileobj(source, file)
    return Path(file.name)


class TextReader:
    """Finds the texts of rows, as training reads them.

    Args:
        columns: Where the user says that they stand.
        trained: Where they stood in training.
    """

    def __init__(self, columns: TextColumns, trained: TrainedColumns) -> None:
        self._texts = text_names(columns.text, trained.text)
        self._pairs = pair_names(columns.text_pair, trained.text_pair)
        self._asked_by = columns.asked_by

    def text(self, asked: LocatedRow) -> str:
        """A row's text, empty for null.

        Raises:
            DataError: The row lacks the column, or what stands there is no text.
        """
        return _text(asked, self._texts, self._asked_by.text_key)

    def whole_text(self, asked: LocatedRow) -> str:
        """As `text`, with the blanks around it, for whoever counts characters; words are joined by blanks."""
        column, value = self._whole(asked)
        if isinstance(value, list | tuple):
            return " ".join(encodable(str(word)) for word in value)
        return text_in(value, column=column, where=asked.where, key=self._asked_by.text_key)

    def words(self, asked: LocatedRow) -> Sequence[Any]:
        """The words of a row that has a list of them.

        Raises:
            DataError: The row lacks the column.
        """
        _, value = self._whole(asked)
        return value if isinstance(value, list | tuple) else ()

    def _whole(self, asked: LocatedRow) -> tuple[str, Any]:
        names = self._texts if self._has(asked, self._texts) or WORDS not in asked.row else [WORDS]
        key = self._asked_by.text_key
        column = present_column(asked.row, names, asked.where, key)
        return column, value_of(asked.row, column, asked.where, key)

    def pair(self, asked: LocatedRow) -> str:
        """A row's second text, empty for null.

        Raises:
            DataError: The row lacks the column, or what stands there is no text.
        """
        return _text(asked, self._pairs, self._asked_by.pair_key)

    def has_pair(self, asked: LocatedRow) -> bool:
        """Whether a row has the column of a second text."""
        return self._has(asked, self._pairs)

    def moved(self, asked: LocatedRow) -> "MovedText | None":
        """Where a text of a row stands, if that is another column than in training."""
        for names in (self._texts, self._pairs):
            if names and (found := _present(asked, names)) != names[0]:
                return MovedText(names[0], found, self._asked_by.one_column)
        return None

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """A row of a text, or of two."""
        return {self._texts[0]: text} | ({self._pairs[0]: pair} if pair is not None else {})

    @staticmethod
    def _has(asked: LocatedRow, names: Sequence[str]) -> bool:
        return any(_has_column(asked, name) for name in names)


def text_names(given: str | None, trained: str | None) -> list[str]:
    """Columns that a text is looked for in, the first one first: the one that is named, or training's, then `text`."""
    return _names(given, trained, USUAL_TEXT)


def pair_names(given: str | None, trained: str | None) -> list[str]:
    """As `text_names`, of the second text, with `text_pair`."""
    return _names(given, trained, USUAL_PAIR)


def _names(given: str | None, trained: str | None, usual: str) -> list[str]:
    return [given] if given is not None else list(dict.fromkeys(name for name in (trained, usual) if name))


def _present(asked: LocatedRow, names: Sequence[str]) -> str:
    """The first of the columns that the row has; the first one is missed where it has none."""
    return next((name for name in names if _has_column(asked, name)), names[0])


def _has_column(asked: LocatedRow, name: str) -> bool:
    return cell_of(asked.row, name) is not ABSENT


def _text(asked: LocatedRow, names: Sequence[str], key: str) -> str:
    return text_of(asked.row, present_column(asked.row, names, asked.where, key), asked.where, key)


def free_names(ours: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """What our columns are called beside those of the rows, which keep their names.

    `prediction` is `model_prediction` where the rows have a `prediction`, and `model_prediction_2` where they have both
    of these.
    """
    names: dict[str, str] = {}
    for name in ours:
        number, free = 1, name
        while free in taken or free in names.values():
            free = f"model_{name}" if number == 1 else f"model_{name}_{number}"
            number += 1
        names[name] = free
    return names
