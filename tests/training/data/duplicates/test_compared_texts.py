from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.data.duplicates import compared_texts as compared_texts_module
from slimtune.training.data.duplicates.compared_texts import compared_texts, prompt_fields
from slimtune.training.data.examples import Example
from tests.cases.reading import GENERATION, ConfigOf, trial_of

NAMES = [f"word{at} thing{at}" for at in range(30)]


def example(text: str, **cells: Any) -> Example:
    return Example(text, "answer", row=cells)


def chat(*turns: str, system: str | None = "Be kind and brief.") -> Example:
    roles = ("user", "assistant") * len(turns)
    head = [] if system is None else [("system", system)]
    messages = (*head, *zip(roles, turns, strict=False), ("assistant", "answer"))
    return Example("never looked at", "answer", messages=messages)


def texts_of(*examples: Example, fields: tuple[str, ...] = ()) -> list[str]:
    return compared_texts([examples], fields)[0]


def test_what_a_template_writes_is_left_out() -> None:
    """In its middle too; a row is compared by its fields alone, in their order."""
    rows = [example(f"Given {name}:\nQ: why {name}?\nA: ", about=name, question=f"why {name}") for name in NAMES[:2]]
    assert texts_of(*rows, fields=("about", "question")) == [f"{name} why {name}" for name in NAMES[:2]]


def test_a_field_that_is_the_same_in_all_rows_is_left_out() -> None:
    """As the instruction of a data set of one instruction."""
    rows = [example("", instruction="Translate this.", input=name) for name in NAMES[:3]]
    assert texts_of(*rows, fields=("instruction", "input")) == NAMES[:3]


def test_the_system_prompt_of_all_chats_is_left_out() -> None:
    """Also where some have none; that of some of them says which they are."""
    assert texts_of(*map(chat, NAMES[:2]), chat(NAMES[2], system=None)) == NAMES[:3]
    assert texts_of(chat("one"), chat("two", system="Be rude.")) == ["Be kind and brief. one", "Be rude. two"]


def test_examples_that_begin_every_chat_are_left_out() -> None:
    assert texts_of(*(chat("2 + 2?", "4", name) for name in NAMES[:2])) == NAMES[:2]


@pytest.mark.parametrize("shape", ["[INST]{} please? [/INST]", "Q: {}\nA:", "Say what this is: {}"])
def test_words_that_all_of_many_rows_begin_and_end_with_are_left_out(shape: str) -> None:
    """In a text of one's own and in the turns of a chat; of few rows that says nothing."""
    written = [shape.format(name) for name in NAMES]
    for rows in (list(map(example, written)), list(map(chat, written))):
        assert [text.strip() for text in texts_of(*rows)] == [name.strip() for name in NAMES]
    assert texts_of(*map(example, written[:9])) == written[:9]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_that_stand_in_all_of_many_rows_are_left_out(end: str) -> None:
    """In the middle of a text as in a template of one's own; a line of some of the rows says which they are."""
    shape = end.join(("# Task", "{}", "", "  Answer with one word.", "# Why", "because of {}"))
    written = [shape.format(name, name) for name in NAMES]
    assert [text.split("\n") for text in texts_of(*map(example, written))] == [
        [name, "", f"because of {name}"] for name in NAMES
    ]
    written[7] = written[7].replace("one word", "two words")
    assert all("Answer with" in text for text in texts_of(*map(example, written)))
    assert texts_of(*map(example, written[:9])) == written[:9]


def test_no_word_is_cut() -> None:
    names = [f"start{at}end" for at in range(30)]
    assert texts_of(*map(example, names)) == names


def test_parts_are_stripped_of_what_all_of_them_share() -> None:
    """What only the held-out rows begin with tells them apart."""
    train, held_out = list(map(example, NAMES)), [example(f"Q: {name}") for name in NAMES[:5]]
    assert compared_texts([train, held_out]) == [NAMES, [f"Q: {name}" for name in NAMES[:5]]]


def test_rows_that_are_all_the_same_stay_equal() -> None:
    assert len(set(texts_of(*[example("one text")] * 30))) == 1
    assert texts_of() == []


def test_fields_are_those_of_the_prompt(config_of: ConfigOf) -> None:
    config = trial_of(config_of, Path("rows.jsonl"), *GENERATION)
    template = r"{input}, { input }, \{no\}: {more.title}: {output}"
    assert prompt_fields(config) == ()
    data = replace(config.data, text_template=template)
    assert prompt_fields(config._replace(data=data)) == ("input", "more.title")


@given(st.lists(st.text("ab .\n"), min_size=1, max_size=40), st.text("ab .", max_size=4), st.text("ab .", max_size=4))
def test_rows_of_one_text_are_compared_as_those_of_several_parts(texts: list[str], start: str, end: str) -> None:
    written = [f"{start}{text}{end}".strip() for text in texts]
    pieces = [[compared_texts_module.Piece(compared_texts_module.TEXT, text)] for text in written]
    assert list(compared_texts_module._of_single(written)) == list(compared_texts_module._of_pieces(pieces))
