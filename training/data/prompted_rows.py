"""Rows with a prompt and an answer as examples: two columns, a template, or a chat."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.training.config.data import DataConfig
from slimtune.training.data.cells import ABSENT, cell_of, encodable, is_missing, listed, python_value, text_of
from slimtune.training.data.chat_turns import CHAT_RULE, check_learned, turns_in
from slimtune.training.data.examples import MESSAGES, Example
from slimtune.training.data.prompt_template import fill
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError
from slimtune.training.listed_names import with_commas


def prompted(row: Row, where: str, data: DataConfig) -> Example | None:
    """A prompt and its answer; None if either is empty.

    Raises:
        DataError: A column is missing, or a chat is none.
    """
    if data.text_template is not None:
        if not text_of(row, data.target_column, where, "target_column"):
            return None
        turn = fill(data.text_template, row, target_column=data.target_column, where=where)
        return Example(encodable(turn.prompt), encodable(turn.answer))
    if has_chat(row, data.text_column, data.target_column):
        return _chat(row[MESSAGES], where)
    cell = cell_of(row, data.text_column)
    if cell is ABSENT or isinstance(python_value(cell), list | tuple):
        _check_no_other_chat(row, where)
    text = text_of(row, data.text_column, where, "text_column")
    answer = text_of(row, data.target_column, where, "target_column")
    return Example(text, answer) if text and answer else None


def has_chat(row: Mapping[str, Any], *columns: str) -> bool:
    """Whether a row is read as a chat, and not by its columns: a table has null there for rows that are none."""
    return MESSAGES in row and (not is_missing(row[MESSAGES]) or any(cell_of(row, one) is ABSENT for one in columns))


def _chat(messages: Any, where: str) -> Example | None:
    if is_missing(messages):
        return None
    turns = turns_in(messages, where)
    if len(turns) < 2 or turns[-1][0] != "assistant":
        last = f"; its role is '{turns[-1][0]}'" if turns and turns[-1][0] != "assistant" else ""
        rule = "the last of 'messages' must be the assistant's answer, after at least one other"
        raise DataError(f"{where}: {rule}{last}")
    check_learned(messages, where)
    if not turns[-1][1].strip():
        return None
    return Example(as_plain_text(turns[:-1]), turns[-1][1], messages=turns)


def _check_no_other_chat(row: Row, where: str) -> None:
    """A chat under another name, as ShareGPT's `conversations`.

    Raises:
        DataError: It is one; the message says what to rename.
    """
    found = {column: first for column, cell in row.items() if (first := _first_turn(cell)) is not None}
    if not found:
        return
    turned = any("from" in first for first in found.values())
    keys = ", its keys 'role' and 'content', and its roles user and assistant" if turned else ""
    named = with_commas([f"'{column}'" for column in found])
    if len(found) == 1:
        told, repair = f"column {named} seems to hold a chat", f"call the column '{MESSAGES}'{keys}"
    else:
        # a prompt and an answer as lists, or two answers of which one is liked better
        told = f"the columns {named} seem to hold parts of chats"
        repair = (
            f"write the turns that lead to the answer, and the answer, into one list in the column '{MESSAGES}'{keys}"
        )
    raise DataError(f"{where}: {told}, and chats are read from '{MESSAGES}', {CHAT_RULE}; {repair}")


def _first_turn(cell: Any) -> Mapping[str, Any] | None:
    """What a list of messages begins with; None of another cell."""
    first = next(iter(listed(cell) or ()), None)
    is_turn = isinstance(first, Mapping) and {*first} & {"role", "from"} and {*first} & {"content", "value"}
    return first if is_turn and isinstance(first, Mapping) else None


def as_plain_text(turns: Sequence[tuple[str, str]]) -> str:
    """A chat without a template: a line for each turn."""
    return "\n".join(f"{role}: {content}" for role, content in turns)
