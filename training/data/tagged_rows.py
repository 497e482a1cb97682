"""A row of spans: a text with places in it, or words with a tag each."""

from typing import Any

from slimtune.training.config.data import DataConfig
from slimtune.training.data.cells import ABSENT, cell_of, listed, structure, text_in, value_of
from slimtune.training.data.examples import Example
from slimtune.training.data.readers.row import Row
from slimtune.training.data.spans import is_tag, spans_of_tags, spans_of_values

# the column of a text that is given as words
WORDS = "words"


def tagged_example(row: Row, where: str, data: DataConfig) -> Example | None:
    """A text with spans, or a list of words with a tag each; None of a row without text.

    Args:
        row: As it was read.
        where: Names it in an error.
        data: With the names of its columns.

    Raises:
        DataError: Text, spans or tags are none.
    """
    value = _text_or_words(row, where, data)
    labels = _spans_or_tags(value_of(row, data.label_column, where, "label_column"))
    words = _words(value, labels)
    if words is not None:
        words = [text_in(word, column=data.text_column, where=where, key="text_column") for word in words]
        if not words:
            return None
        text, spans = spans_of_tags(words, labels, where=where)
        return Example(text, spans=spans)
    text = text_in(value, column=data.text_column, where=where, key="text_column")
    if not text.strip():
        return None
    return Example(text, spans=spans_of_values(labels, text, where=where))


def _text_or_words(row: Row, where: str, data: DataConfig) -> Any:
    """In its own column, or in `words` where the row has none."""
    value = cell_of(row, data.text_column)
    if value is ABSENT:
        value = cell_of(row, WORDS)
    return value_of(row, data.text_column, where, "text_column") if value is ABSENT else value


def _spans_or_tags(value: Any) -> Any:
    """A list, also one that is written as text, or tags with blanks between; else what stands there."""
    if not isinstance(value, str):
        return value
    found = structure(value)
    if found is None and (parts := value.split()) and all(map(is_tag, parts)):
        return parts
    return value if found is None else found


def _words(value: Any, labels: Any) -> list[Any] | None:
    """The words of a list; a text is one where its labels are tags: it writes a list, or has blanks between."""
    is_tags = isinstance(labels, list) and bool(labels) and all(isinstance(tag, str) for tag in labels)
    if not is_tags:
        return None if isinstance(value, str) else listed(value)
    words = listed(value)
    return value.split() if words is None and isinstance(value, str) else words
