"""Turns that a model's template leaves out are told."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.data_report.turn_notes import turn_notes
from slimtune.training.tasks.causal_generation import Causal

CHAT = (("system", "Be kind."), ("user", "first"), ("assistant", "one"), ("user", "second"), ("assistant", "two"))


def notes(write: Callable[[list[dict[str, str]]], str], *chats: Any, kind: type = Causal) -> list[str]:
    def applied(turns: list[dict[str, str]], **_: object) -> str:
        return write(turns)

    tokenizer = SimpleNamespace(apply_chat_template=applied)
    examples = [Example("", label=chat[-1][1] if chat else "two", messages=chat) for chat in chats]
    return turn_notes(examples, object.__new__(kind), tokenizer)


def every(turns: list[dict[str, str]]) -> str:
    return "".join(f"[{one['role']}]\n{one['content'].strip()}\n" for one in turns)


def test_a_template_that_writes_all_turns_has_no_note() -> None:
    """Blanks are its own."""
    assert notes(every, CHAT, (("user", " a  b "), ("assistant", "c"))) == []


def test_turns_before_the_last_question_that_are_lost_are_told() -> None:
    def last(turns: list[dict[str, str]]) -> str:
        return every([one for one in turns if one["role"] == "user"][-1:])

    (note,) = notes(last, CHAT, CHAT[3:])
    assert "leaves out turns, or changes them: 1 of 2 (1 of system, 1 of user, 1 of assistant)" in note
    assert "chat_template.jinja" in note


def test_a_template_without_system_turns_is_told() -> None:
    (note,) = notes(lambda turns: every([one for one in turns if one["role"] != "system"]), CHAT, CHAT)
    assert "2 of 2 (2 of system)" in note


def test_rows_without_chats_and_other_tasks_have_no_note() -> None:
    assert notes(every, ()) == []
    assert notes(lambda _: "", CHAT, kind=object) == []


def test_a_template_that_writes_the_day_is_told_where_there_are_chats() -> None:
    def applied(turns: list[dict[str, str]], **_: object) -> str:
        return every(turns)

    tokenizer = SimpleNamespace(apply_chat_template=applied, chat_template="{{ strftime_now('%d %b %Y') }}...")
    chat, plain = Example("", label="two", messages=CHAT), Example("", label="two")
    (note,) = turn_notes([chat], object.__new__(Causal), tokenizer)
    assert "prompts of another day differ" in note
    assert turn_notes([plain], object.__new__(Causal), tokenizer) == []
