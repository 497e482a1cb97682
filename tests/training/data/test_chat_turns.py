"""Chats are read alike for training and for predicting, also with contents in parts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from slimtune.export.bundle.chat import turns_of
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.chat_turns import beside_messages, turns_in
from slimtune.training.data.prompted_rows import prompted
from slimtune.training.errors import DataError


def text(part: str) -> dict[str, Any]:
    return {"type": "text", "text": part}


def asked(content: Any, **others: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content, **others}, {"role": "assistant", "content": [text("yes")]}]


@pytest.mark.parametrize("parts", [[text("a "), text("b")], np.array([text("a "), text("b")], dtype=object)])
def test_parts_of_texts_are_one_text(parts: Any) -> None:
    """As a list, and as a column of lists holds them."""
    assert turns_in(asked(parts), "row 1") == (("user", "a b"), ("assistant", "yes"))


def test_training_and_predicting_read_a_chat_in_parts_alike(config_of: Callable[..., dict[str, Any]]) -> None:
    data = parse_trial(config_of("task=generation")).section.data
    example = prompted({"messages": asked([text("a "), text("b")])}, "row 1", data)
    assert example is not None
    assert example.messages == (("user", "a b"), ("assistant", "yes"))
    assert turns_of(asked([text("a "), text("b")]), "row 1") == [{"role": "user", "content": "a b"}]


@pytest.mark.parametrize("nothing", [None, float("nan"), ""])
def test_a_table_has_null_messages_where_json_has_none(nothing: Any, config_of: Callable[..., dict[str, Any]]) -> None:
    """Such a row is read by its columns; one that has none is left out, as any without text."""
    data = parse_trial(config_of("task=generation", "data.text_column=ask", "data.target_column=say")).section.data
    plain = {"ask": "a", "say": "b"}
    found = prompted({**plain, "messages": nothing}, "row 1", data)
    assert found == prompted(plain, "row 1", data)
    assert found is not None
    assert prompted({"messages": nothing, "ask": "a"}, "row 1", data) is None


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (asked([text("a"), {"type": "image", "url": "x"}]), "part 2 of its 'content' is of the type 'image', and only"),
        (asked([text("a"), {"type": "text"}]), "part 2 of its 'content' has no 'text'"),
        (asked(["a"]), "part 1 of its 'content' is 'a', and only text is read"),
        (asked(None), "has the 'content' null; write its text there"),
        (asked(None, tool_calls=[{"id": "x"}]), "has 'tool_calls', and only its text is read; write that into"),
        (asked("a", tool_calls=[{"id": "x"}]), "has 'tool_calls', and only its text is read"),
        (asked("a", function_call={"name": "x"}), "has 'function_call', and only its text is read"),
        (asked("a", reasoning_content="since"), "has 'reasoning_content', and only its text is read"),
        (asked("a", thinking="since"), "has 'thinking', and only its text is read"),
        (asked(None, refusal="no"), "has 'refusal', and only its text is read"),
        ([{"role": "user", "tool_calls": [{"id": "x"}]}], "has 'tool_calls'"),
        (asked(3), "has a 'content' of type int; use a text"),
    ],
)
def test_what_is_no_text_is_named(messages: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^row 7: message 1 of 'messages':? {message}"):
        turns_in(messages, "row 7")


@pytest.mark.parametrize("key", ["weight", "train", "training", "loss"])
def test_an_answer_that_is_not_to_be_learned_is_named(key: str, config_of: Callable[..., dict[str, Any]]) -> None:
    """As one that counts in part; a turn before the last one is not learned anyway, whatever stands there."""
    data = parse_trial(config_of("task=generation")).section.data
    question = {"role": "user", "content": "a"}
    answers = [{"role": "assistant", "content": "b", key: value} for value in (0, False, "0", 0.5, 1, True, 1.0, None)]
    for answer in answers[:4]:
        with pytest.raises(DataError, match=f"row 7: message 2 of 'messages' has '{key}' .*; end the chat with"):
            prompted({"messages": [question, answer]}, "row 7", data)
        assert turns_of([question, answer], "row 7") == [question], "asked with, it is left out"
    for answer in answers[4:]:
        assert prompted({"messages": [question, answers[0], question, answer]}, "row 7", data) is not None


def test_a_chat_that_is_named_as_the_text_is_told(config_of: Callable[..., dict[str, Any]]) -> None:
    data = parse_trial(config_of("task=generation", "data.text_column=conversations")).section.data
    row = {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "target": "b"}
    with pytest.raises(
        DataError, match=r"'conversations' seems to hold a chat.*; call the column 'messages', its keys"
    ):
        prompted(row, "row 7", data)


def test_a_prompt_and_an_answer_that_are_chats_are_put_into_one(config_of: Callable[..., dict[str, Any]]) -> None:
    """As TRL writes them; each alone is none: a prompt has no answer."""
    data = parse_trial(
        config_of("task=generation", "data.text_column=prompt", "data.target_column=completion")
    ).section.data
    row = {
        "prompt": [{"role": "user", "content": "a"}],
        "completion": [{"role": "assistant", "content": "b"}],
    }
    with pytest.raises(DataError, match=r"'prompt', 'completion' seem to hold parts of chats.* into one list in the"):
        prompted(row, "row 7", data)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"chat_template_kwargs": {"enable_thinking": False}}, ["chat_template_kwargs"]),
        ({"chat_template_kwargs": {"enable_thinking": None}}, []),
        ({"system": "Be brief.", "history": []}, ["system"]),
        ({"system": "", "history": [["a", "b"]]}, ["history"]),
        ({"tools": "[]", "documents": None, "system": None}, []),
    ],
)
def test_what_other_tools_give_a_template_beside_the_messages_is_told(row: dict[str, Any], told: list[str]) -> None:
    assert beside_messages(row) == told


@pytest.mark.parametrize("beside", [{"tool_calls": None}, {"tool_calls": []}, {"function_call": {"name": None}}])
def test_what_says_nothing_beside_a_text_is_nothing(beside: dict[str, Any]) -> None:
    """As a table has it, where another row has calls."""
    assert turns_in(asked("a", name="Ann", **beside), "row 1")[0] == ("user", "a")


@pytest.mark.parametrize("messages", [[{"role": "user"}], ["a"], "a", None, [3]])
def test_what_is_no_chat_is_told(messages: Any) -> None:
    with pytest.raises(DataError, match="must be a list of objects with 'role' and 'content'"):
        turns_in(messages, "row 7")
