"""Prompt and answer from a text with `{column}` fields."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.training.config.template import FIELD
from slimtune.training.data.cells import text_in, value_of
from slimtune.training.data.readers.row import TEMPLATE_KEY
from slimtune.training.errors import DataError

__all__ = ["FIELD", "PromptAndAnswer", "fill", "filled", "halves"]

# a brace that stays, a field, or other braces
TOKEN = re.compile(rf"\\[{{}}]|{FIELD.pattern}|\{{([^{{}}\n]*)\}}")


class PromptAndAnswer(NamedTuple):
    """What the model is given, and what it is to say."""

    prompt: str
    answer: str


def fill(template: str, row: Mapping[str, Any], *, target_column: str, where: str) -> PromptAndAnswer:
    r"""The prompt is all before the target's field, the answer is the target and what follows it.

    `\n` and `\t` are a new line and a tab: a command line does not pass them otherwise. Only `{column}` fields are
    filled in, so that other braces stay; `\{` and `\}` are braces wherever they stand.

    Raises:
        DataError: The row lacks a column, or has a list or an object there.
    """
    prompt, answer = halves(template, target_column)
    return PromptAndAnswer(filled(prompt, row, where), filled(answer, row, where))


def halves(template: str, target_column: str) -> PromptAndAnswer:
    """The template of the prompt, and that of the answer."""
    text = template.replace("\\n", "\n").replace("\\t", "\t")
    at = [match.start() for match in FIELD.finditer(text) if match[1] == target_column.strip()][-1]
    return PromptAndAnswer(text[:at], text[at:])


def filled(text: str, row: Mapping[str, Any], where: str, *, key: str = TEMPLATE_KEY) -> str:
    """A text whose fields are the row's values; a missing one is empty.

    Args:
        text: With the fields.
        row: As it was read.
        where: What an error calls the row.
        key: What names the template.

    Raises:
        DataError: The row lacks a column, has a list or an object there, or a column's name cannot be a field.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return _literal(match, row, where)
        found = value_of(row, match[1], where, key)
        return text_in(found, column=match[1], where=where, key=key)

    return TOKEN.sub(value, text)


def _literal(match: re.Match[str], row: Mapping[str, Any], where: str) -> str:
    if match[0].startswith("\\"):
        return match[0][1]
    if match[2] in row:
        raise DataError(f"{where}: the name of column '{match[2]}' cannot stand in data.text_template; rename it")
    return match[0]
