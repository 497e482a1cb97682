"""Rows as a task sees them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.cells import encodable, needed, text_of, value_of
from slimtune.training.data.label_cells import number_of
from slimtune.training.data.readers.row import Row
from slimtune.training.data.spans import Span

__all__ = ["MESSAGES", "Example", "Reading", "encodable", "needed", "number_of", "text_of", "texts_of", "value_of"]

# the column of a chat
MESSAGES = "messages"


class Example(NamedTuple):
    """One row.

    Attributes:
        text: What the model is given: a text, a prompt, a document.
        label: Its label, or the text to be generated; empty where the task has none.
        pair: A second text.
        labels: Its labels, where it has any number of them.
        spans: Its spans, in order.
        messages: A chat as (role, content); the last is the answer.
        group: Rows of one group stay on one side of a split.
        row: As it was read.
    """

    text: str
    label: str = ""
    pair: str = ""
    labels: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    messages: tuple[tuple[str, str], ...] = ()
    group: str = ""
    row: Mapping[str, Any] = {}  # a NamedTuple's default, never written to

    @property
    def both(self) -> str:
        """The text, and the second one where there is one."""
        # not another copy of each text where there is one alone
        return f"{self.text} {self.pair}".strip() if self.pair else self.text.strip()

    def given(self, *, pairs: bool) -> str | tuple[str, str]:
        """What a classifier of single texts or of pairs is given; a second text may be empty."""
        return (self.text, self.pair) if pairs else self.text

    def content(self) -> list[Any]:
        """All but the row: what a fingerprint is taken of."""
        return list(self[:-1])


class Reading(NamedTuple):
    """How a task reads rows.

    Attributes:
        parse: A row as the task sees it, from the row, what an error calls it, and the config; None without text.
        stratify_by: A class for each example, whose distribution a split keeps; None where there is none.
        has_near_leaks: Whether a training row that is nearly a held-out row gives its answer away.
        has_labels: Whether `data.label_column` has names of classes.
    """

    parse: Callable[[Row, str, TrialConfig], Example | None]
    stratify_by: Callable[[Sequence[Example]], Sequence[str] | None]
    has_near_leaks: bool
    has_labels: bool = False


def texts_of(row: Row, where: str, data: DataConfig) -> tuple[str, str]:
    """The text, and the second one where rows have one; empty for null.

    Raises:
        DataError: The row lacks a column.
    """
    text = text_of(row, data.text_column, where, "text_column")
    column = data.text_pair_column
    return text, text_of(row, column, where, "text_pair_column") if column else ""
