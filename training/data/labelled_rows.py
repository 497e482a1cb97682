"""Rows with one label, or with any number of them, as examples."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.data.cells import cell_of, is_missing, listed, python_value, text_of
from slimtune.training.data.examples import Example, texts_of
from slimtune.training.data.label_cells import label_name, label_of, labels_of
from slimtune.training.data.readers.row import Row
from slimtune.training.listed_names import counted

# of a class's name; longer ones are texts
LONGEST_NAME = 48
# of rows to a class, on average
LEAST_ROWS_A_CLASS = 2.5
# rows from which on labels of their own are no accident, and the share of such labels
LEAST_ROWS_OF_IDS, LEAST_IDS = 10, 0.9
# ways to write a label that are shown, characters of each, and rows that are named
SHOWN_WAYS, SHOWN_CHARACTERS, SHOWN_ROWS = 4, 40, 3


def labelled(row: Row, where: str, data: DataConfig, known: Sequence[str] | None = None) -> Example | None:
    """A text or a pair with its label; None without text. `known` are the names of the classes, where they are given.

    Raises:
        DataError: A column is missing, or the label is empty.
    """
    text, pair = texts_of(row, where, data)
    if not text:
        return None
    return Example(text, label_of(row, data.label_column, where, "label_column", known=known), pair)


def many_labelled(row: Row, where: str, data: DataConfig, known: Sequence[str] | None = None) -> Example | None:
    """A text or a pair with its labels, of which there may be none; None without text. `known` as in `labelled`.

    Raises:
        DataError: A column is missing, or holds no labels.
    """
    text, pair = texts_of(row, where, data)
    labels = labels_of(row, data.label_column, where, "label_column", known=known)
    return Example(text, ", ".join(labels), pair, labels) if text else None


class ColumnKeys(NamedTuple):
    """What whoever names the columns calls them."""

    text: str
    text_pair: str
    label: str


BY_OPTION = ColumnKeys("--text-column", "--text-pair-column", "--label-column")
BY_ARGUMENT = ColumnKeys("EvaluationColumns.text", "EvaluationColumns.text_pair", "EvaluationColumns.label")


class LabelledColumns(NamedTuple):
    """Where labelled rows have what.

    Attributes:
        text_column: The text.
        label_column: Its label, or with several a list of them or a text with commas.
        text_pair_column: A second text.
        multi_label: Whether a text has any number of labels.
        known: Names of the classes in their order, for lists of ones and zeros.
        keys: What an error calls the columns' names.
    """

    text_column: str
    label_column: str
    text_pair_column: str | None = None
    multi_label: bool = False
    known: Sequence[str] | None = None
    keys: ColumnKeys = BY_OPTION


def labelled_example(row: Row, columns: LabelledColumns, where: str) -> Example | None:
    """A text with its label, from a row of whatever model; None without text.

    Raises:
        DataError: The row lacks a column or a label.
    """
    text = text_of(row, columns.text_column, where, columns.keys.text)
    if not text:
        return None
    second = columns.text_pair_column
    pair = text_of(row, second, where, columns.keys.text_pair) if second is not None else ""
    at, known = (columns.label_column, where, columns.keys.label), columns.known
    if not columns.multi_label:
        return Example(text, label_of(row, *at, known=known), pair, row=row)
    labels = labels_of(row, *at, known=known)
    return Example(text, ", ".join(labels), pair, labels, row=row)


def are_ids(labels: Collection[str], num_rows: int) -> bool:
    """Whether (nearly) every row has a label of its own, as it has a number.

    Args:
        labels: The different ones.
        num_rows: Rows that have them.
    """
    return num_rows >= LEAST_ROWS_OF_IDS and len(labels) >= LEAST_IDS * num_rows


def label_columns(examples: Sequence[Example], taken: Collection[str | None]) -> list[str]:
    """Columns that could be labels: a few short values each, none of them a fraction; words before numbers.

    Args:
        examples: The rows.
        taken: Columns that are something else.
    """
    cells: dict[str, list[Any]] = defaultdict(list)
    for example in examples:
        for name, cell in example.row.items():
            if name not in taken and not is_missing(cell):
                cells[name].append(python_value(cell))
    found = [name for name, values in cells.items() if _could_be_labels(values)]
    return sorted(found, key=lambda name: not any(isinstance(value, str) for value in cells[name]))


def _could_be_labels(values: Sequence[Any]) -> bool:
    if not all(isinstance(value, str | bool | int) for value in values):
        return False
    names = {label_name(str(value), value) for value in values}
    is_short = all(len(name) <= LONGEST_NAME for name in names)
    return is_short and len(names) > 1 and len(names) * LEAST_ROWS_A_CLASS <= len(values)


class LabelBlanks:
    """Labels with blanks around them, read without these, in all rows that files have."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._ways: Counter[str] = Counter()
        self._rows: list[str] = []
        self._num_rows = 0

    def see(self, example: Example, row: Row, where: str) -> None:
        """Count those of a row."""
        value = cell_of(row, self._column)
        parts = listed(value)
        found = [value] if parts is None and not example.labels else parts or []
        blank = [part for part in found if isinstance(part, str) and part != part.strip()]
        self._ways.update(blank)
        self._num_rows += bool(blank)
        if blank and len(self._rows) < SHOWN_ROWS:
            self._rows.append(where)

    def notes(self) -> list[str]:
        """How many there are, how they were written, and the first rows."""
        if not self._ways:
            return []
        ordered = sorted(self._ways.items(), key=lambda one: (-one[1], one[0]))
        shown = [
            f"{shortened(written)!r} as '{shortened(label_name(written))}' ({count:,})"
            for written, count in ordered[:SHOWN_WAYS]
        ]
        more = f" and {len(ordered) - SHOWN_WAYS} more" if len(ordered) > SHOWN_WAYS else ""
        total = f"labels with blanks around them, read without these: {counted(self._ways.total(), 'time')}"
        return [f"{total}, {', '.join(shown)}{more}; in {self._told_rows()}"]

    def _told_rows(self) -> str:
        left = self._num_rows - len(self._rows)
        more = f" and {counted(left, 'more row', 'more rows')}" if left else ""
        return f"{'; '.join(self._rows)}{more}"


def shortened(label: str) -> str:
    """The label, or as much of it as a sentence has room for."""
    return label if len(label) <= SHOWN_CHARACTERS else f"{label[:SHOWN_CHARACTERS]}..."
