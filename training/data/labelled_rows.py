"""Rows with one label, or with any number of them, as examples."""

from collections.abc import Iterable
from typing import NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.data.examples import Example, needed, text_of, texts_of, value_of
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError


def labelled(row: Row, where: str, data: DataConfig) -> Example | None:
    """A text or a pair with its label; None without text.

    Raises:
        DataError: A column is missing, or the label is empty.
    """
    text, pair = texts_of(row, where, data)
    if not text:
        return None
    return Example(text, needed(row, data.label_column, where, "label_column"), pair)


def many_labelled(row: Row, where: str, data: DataConfig) -> Example | None:
    """A text or a pair with its labels, of which there may be none; None without text.

    Raises:
        DataError: A column is missing, or holds no labels.
    """
    text, pair = texts_of(row, where, data)
    labels = _label_set(row, data.label_column, where, "label_column")
    return Example(text, ", ".join(labels), pair, labels) if text else None


class LabelledColumns(NamedTuple):
    """Where labelled rows have what.

    Attributes:
        text_column: The text.
        label_column: Its label, or with several a list of them or a text with commas.
        text_pair_column: A second text.
        multi_label: Whether a text has any number of labels.
    """

    text_column: str
    label_column: str
    text_pair_column: str | None = None
    multi_label: bool = False


def labelled_example(row: Row, columns: LabelledColumns, where: str) -> Example | None:
    """A text with its label, from a row of whatever model; None without text.

    Raises:
        DataError: The row lacks a column or a label.
    """
    text = text_of(row, columns.text_column, where, "--text-column")
    if not text:
        return None
    second = columns.text_pair_column
    pair = text_of(row, second, where, "--text-pair-column") if second is not None else ""
    if not columns.multi_label:
        return Example(text, needed(row, columns.label_column, where, "--label-column"), pair, row=row)
    labels = _label_set(row, columns.label_column, where, "--label-column")
    return Example(text, ", ".join(labels), pair, labels, row=row)


def _label_set(row: Row, column: str, where: str, key: str) -> tuple[str, ...]:
    value = value_of(row, column, where, key)
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, Iterable):
        raise DataError(f"{where}: column '{column}' is {value!r}; use a list of labels")
    return tuple(sorted({str(label).strip() for label in value}))
