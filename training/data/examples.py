"""Rows as a task sees them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.config.task import ClassificationConfig, CustomConfig, TaskConfig
from slimtune.training.data.prompt_template import fill
from slimtune.training.data.readers.reader import Row
from slimtune.training.data.readers.row import no_column
from slimtune.training.data.spans import Span, spans_of_tags, spans_of_values
from slimtune.training.errors import DataError

MESSAGES, WORDS = "messages", "words"


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
        return f"{self.text} {self.pair}".strip()

    def given(self, *, pairs: bool) -> str | tuple[str, str]:
        """What a classifier of single texts or of pairs is given; a second text may be empty."""
        return (self.text, self.pair) if pairs else self.text

    def content(self) -> list[Any]:
        """All but the row: what a fingerprint is taken of."""
        return list(self[:-1])


# gives None for a row without text
Parser = Callable[[Row, str], Example | None]


def parser_of(task: TaskConfig, data: DataConfig) -> Parser:
    """How the rows of a task are read."""
    parse: Callable[[Row, str, DataConfig], Example | None]
    match task.name:
        case "classification":
            multi_label = isinstance(task, ClassificationConfig) and task.multi_label
            parse = _many_labels if multi_label else _labelled
        case "language_modelling":
            parse = _document
        case "extraction":
            parse = _annotated
        case "similarity":
            parse = _pair
        case _ if isinstance(task, CustomConfig):
            from slimtune.training.tasks.registry import own_task_class

            parse = own_task_class(task.name).parse
        case _:
            parse = _answered

    def parsed(row: Row, where: str) -> Example | None:
        example = parse(row, where, data)
        if example is None:
            return None
        return example._replace(group=str(row.get(data.group_column or "", "")), row=row)

    return parsed


def value_of(row: Row, column: str, where: str, key: str) -> Any:
    """A value of the row.

    Raises:
        DataError: The row lacks the column.
    """
    if column not in row:
        raise no_column(column, row, key=key, where=where)
    return row[column]


def text_of(row: Row, column: str, where: str, key: str) -> str:
    """A value of the row as text; empty for null."""
    value = value_of(row, column, where, key)
    return "" if value is None else encodable(str(value).strip())


def encodable(text: str) -> str:
    """The text without lone surrogates, as broken JSON escapes make them: they are no text that can be encoded."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def needed(row: Row, column: str, where: str, key: str) -> str:
    """As `text_of`.

    Raises:
        DataError: It is empty.
    """
    text = text_of(row, column, where, key)
    if not text:
        raise DataError(f"{where}: column '{column}' is empty; fill it or remove the row")
    return text


class Labelled(NamedTuple):
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


def labelled_examples(rows: Iterable[Row], columns: Labelled) -> list[Example]:
    """Texts with their labels, from rows of whatever model.

    Raises:
        DataError: A row lacks a column or a value, or there are no rows.
    """
    examples = [_of_columns(row, columns, f"row {number}") for number, row in enumerate(rows, start=1)]
    if not examples:
        raise DataError("there are no rows to score")
    return examples


def _of_columns(row: Row, columns: Labelled, where: str) -> Example:
    text = needed(row, columns.text_column, where, "--text-column")
    second = columns.text_pair_column
    pair = text_of(row, second, where, "--text-pair-column") if second is not None else ""
    if not columns.multi_label:
        return Example(text, needed(row, columns.label_column, where, "--label-column"), pair, row=row)
    labels = _label_set(row, columns.label_column, where, "--label-column")
    return Example(text, ", ".join(labels), pair, labels, row=row)


def _labelled(row: Row, where: str, data: DataConfig) -> Example | None:
    text, pair = _texts(row, where, data)
    if not text:
        return None
    return Example(text, needed(row, data.label_column, where, "label_column"), pair)


def _many_labels(row: Row, where: str, data: DataConfig) -> Example | None:
    text, pair = _texts(row, where, data)
    labels = _label_set(row, data.label_column, where, "label_column")
    return Example(text, ", ".join(labels), pair, labels) if text else None


def _label_set(row: Row, column: str, where: str, key: str) -> tuple[str, ...]:
    value = value_of(row, column, where, key)
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, Iterable):
        raise DataError(f"{where}: column '{column}' is {value!r}; use a list of labels")
    return tuple(sorted({str(label).strip() for label in value}))


def _texts(row: Row, where: str, data: DataConfig) -> tuple[str, str]:
    text = text_of(row, data.text_column, where, "text_column")
    column = data.text_pair_column
    return text, text_of(row, column, where, "text_pair_column") if column else ""


def _answered(row: Row, where: str, data: DataConfig) -> Example | None:
    if data.text_template is not None:
        if not text_of(row, data.target_column, where, "target_column"):
            return None
        turn = fill(data.text_template, row, target_column=data.target_column, where=where)
        return Example(encodable(turn.prompt), encodable(turn.answer))
    if MESSAGES in row:
        return _chat(row[MESSAGES], where)
    text = text_of(row, data.text_column, where, "text_column")
    answer = text_of(row, data.target_column, where, "target_column")
    return Example(text, answer) if text and answer else None


def _chat(messages: Any, where: str) -> Example | None:
    try:
        turns = tuple((str(message["role"]), message["content"]) for message in messages)
    except (TypeError, KeyError):
        raise DataError(f"{where}: 'messages' must be a list of objects with 'role' and 'content'") from None
    if not all(isinstance(content, str) for _, content in turns):
        raise DataError(f"{where}: the 'content' of a message is no text; tool calls and images are not learned")
    turns = tuple((role, encodable(content)) for role, content in turns)
    if len(turns) < 2 or turns[-1][0] != "assistant":
        raise DataError(f"{where}: the last of 'messages' must be the assistant's answer, after at least one other")
    if not turns[-1][1].strip():
        return None
    text = "\n".join(f"{role}: {content}" for role, content in turns[:-1])
    return Example(text, turns[-1][1], messages=turns)


def _document(row: Row, where: str, data: DataConfig) -> Example | None:
    text = text_of(row, data.text_column, where, "text_column")
    return Example(text) if text else None


def _pair(row: Row, where: str, data: DataConfig) -> Example | None:
    if data.text_pair_column is None:
        raise DataError("data.text_pair_column is null; similarity needs the column of the second text")
    text, pair = _texts(row, where, data)
    label = needed(row, data.label_column, where, "label_column")
    try:
        float(label)
    except ValueError:
        raise DataError(f"{where}: column '{data.label_column}' is '{label}'; use a number, e.g. 1 or 0.8") from None
    return Example(text, label, pair) if text and pair else None


def _words(row: Row, data: DataConfig) -> list[str] | None:
    """The text as a list of words: in its own column, or in `words` where it has none."""
    value = row.get(data.text_column, row.get(WORDS))
    return [encodable(str(word)) for word in value] if isinstance(value, list | tuple) else None


def _annotated(row: Row, where: str, data: DataConfig) -> Example | None:
    words = _words(row, data)
    if words is not None:
        tags = value_of(row, data.label_column, where, "label_column")
        if not words:
            return None
        text, spans = spans_of_tags(words, tags, where=where)
        return Example(text, spans=spans)
    value = value_of(row, data.text_column, where, "text_column")
    text = "" if value is None else encodable(str(value))
    if not text.strip():
        return None
    values = value_of(row, data.label_column, where, "label_column")
    return Example(text, spans=spans_of_values(values, text, where=where))
