"""Prompt and answer from a text with `{column}` fields."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.training.data.readers.row import no_column

FIELD = re.compile(r"\{(\w+)\}")


class Turn(NamedTuple):
    """What the model is given, and what it is to say."""

    prompt: str
    answer: str


def fill(template: str, row: Mapping[str, Any], *, target_column: str, where: str) -> Turn:
    r"""The prompt is all before the target's field, the answer is the target and what follows it.

    `\n` and `\t` are a new line and a tab: a command line does not pass them otherwise. Only `{column}` fields are
    filled in, so that other braces stay.

    Raises:
        DataError: The row lacks a column.
    """
    prompt, answer = halves(template, target_column)
    return Turn(filled(prompt, row, where), filled(answer, row, where))


def halves(template: str, target_column: str) -> Turn:
    """The template of the prompt, and that of the answer."""
    text = template.replace("\\n", "\n").replace("\\t", "\t")
    at = text.rindex(f"{{{target_column}}}")
    return Turn(text[:at], text[at:])


def filled(text: str, row: Mapping[str, Any], where: str) -> str:
    """A text whose fields are the row's values.

    Raises:
        DataError: The row lacks a column.
    """

    def value(match: re.Match[str]) -> str:
        column = match.group(1)
        if column not in row:
            raise no_column(column, row, key="data.text_template", where=where)
        return "" if row[column] is None else str(row[column])

    return FIELD.sub(value, text)
