from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.chat_turns import Turn
from slimtune.training.data.examples import Example
from slimtune.training.data_report.text_notes import row_notes
from slimtune.training.data_report.unread_columns import split_notes
from tests.composed import plain_config

Compose = Callable[..., dict[str, Any]]


def rows_of(column: str, cells: Sequence[Any]) -> list[Example]:
    return [Example("a", row={"text": "a", column: cell}) for cell in cells]


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("weight", [1, 0.5, "2", None], "column 'weight' is not read (rows with another value than 1 there: 2): each"),
        ("sample_weight", [0, 1], "column 'sample_weight' is not read (rows with"),
        (
            "completion_mask",
            [[0, 1], None],
            "column 'completion_mask' is not read (rows with it: 1): the answer is",
        ),
        (
            "answer",
            ["accept", "reject", "ignore", "Reject", None],
            "column 'answer' is not read (rows with 'ignore' or 'reject' there: 3): all rows are used",
        ),
        ("was_cancelled", [True, False], "column 'was_cancelled' is not read (rows with 'true' there: 1)"),
    ],
)
def test_a_column_that_others_act_by_is_told(column: str, cells: list[Any], said: str, config_of: Compose) -> None:
    config = parse_trial(config_of()).section
    note, names = row_notes(rows_of(column, cells), config)
    assert note.startswith(said)
    assert names == f"columns that nothing is read from: '{column}'"


@pytest.mark.parametrize(("column", "cells"), [("price", [1, 2]), ("weight", [1, 2])])
def test_metrics_of_the_users_own_see_every_column(column: str, cells: list[Any], config_of: Compose) -> None:
    own = parse_trial(config_of("task.metrics=[accuracy,my.module.cost]")).section
    said = f"columns that slimtune reads nothing from (metrics of your own that take rows see every column): '{column}'"
    assert row_notes(rows_of(column, cells), own)[-1] == said
    hub = parse_trial(config_of("task.metrics=[accuracy,'hub:sari']")).section
    assert row_notes(rows_of(column, cells), hub)[-1] == f"columns that nothing is read from: '{column}'"


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("weight", [1, 1.0, "1", None, ""]),
        ("weight", ["heavy", "light"]),
        ("completion_mask", [None]),
        ("other", [0.5]),
        ("answer", ["accept", "accept"]),
        ("answer", ["reject", "in Paris"]),
    ],
)
def test_what_says_nothing_is_named_alone(column: str, cells: list[Any], config_of: Compose) -> None:
    told = row_notes(rows_of(column, cells), parse_trial(config_of()).section)
    assert told == [f"columns that nothing is read from: '{column}'"]


def test_a_column_that_is_read_is_not_told(config_of: Compose) -> None:
    config = parse_trial(config_of("data.label_column=weight", "data.group_column=split")).section
    assert row_notes(rows_of("weight", [1, 2]), config) == []
    assert split_notes(rows_of("split", ["train", "test"]), config) == []


def generated(config_of: Compose, *more: str) -> TrialConfig:
    return parse_trial(config_of("task=generation", "data.text_column=prompt", *more)).section


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("label", [True, False, None], "column 'label' is not read (rows with false or 0 there: 1): all answers are"),
        ("desirable", ["1", "0"], "column 'desirable' is not read (rows with false or 0 there: 1)"),
        ("rejected", ["No.", "Never."], "column 'rejected' is not read (rows with it: 2): answers are learned one by"),
    ],
)
def test_what_trainers_by_preference_act_by_is_told(
    column: str, cells: list[Any], said: str, config_of: Compose
) -> None:
    rows = [Example("a", "b", row={"prompt": "a", "target": "b", column: cell}) for cell in cells]
    assert row_notes(rows, generated(config_of))[0].startswith(said)


@pytest.mark.parametrize("cells", [["yes", "no"], ["1", "2", "0"], [True, True]])
def test_a_column_of_other_words_is_no_preference(cells: list[Any], config_of: Compose) -> None:
    rows = [Example("a", "b", row={"prompt": "a", "target": "b", "label": cell}) for cell in cells]
    assert row_notes(rows, generated(config_of)) == ["columns that nothing is read from: 'label'"]


def test_columns_that_a_path_a_template_or_a_chat_reads_are_not_named(config_of: Compose) -> None:
    row = {"question": "a", "answers": {"text": ["b"]}, "id": 3, "title": "c"}
    columns = (
        "'data.text_template=\"{title} {question} {answers.text.0}\"'",
        "data.target_column=answers.text.0",
        "data.text_column=text",
    )
    config = generated(config_of, *(one.strip("'") for one in columns))
    assert row_notes([Example("a", "b", row=row)], config) == ["columns that nothing is read from: 'id'"]
    chat = [
        Example("a", "b", row={"messages": [], "source": "x"}, messages=(Turn("user", "a"), Turn("assistant", "b")))
    ]
    assert row_notes(chat, generated(config_of)) == ["columns that nothing is read from: 'source'"]


def test_ids_beside_class_labels_and_the_columns_of_text_files_are_ours(config_of: Compose) -> None:
    config = parse_trial(config_of()).section
    assert row_notes([Example("a", row={"text": "a", "label": "b", "label_id": 0})], config) == []
    assert row_notes([Example("a", row={"text": "a", "file": "b.txt"})], config) == []


def test_of_many_columns_the_first_are_named(config_of: Compose) -> None:
    row = {"text": "a"} | {f"c{number:02}": 1 for number in range(20)}
    (note,) = row_notes([Example("a", row=row)], parse_trial(config_of()).section)
    assert note.endswith("'c11' and 8 more")


def test_rows_that_name_their_split_are_split_anew(config_of: Compose) -> None:
    """Unless files are given for both; other values name no split."""
    rows = rows_of("split", ["train", "Test", None])
    (note,) = split_notes(rows, parse_trial(config_of()).section)
    assert note.startswith("column 'split' (Test, train) is not read: rows are split anew; write those of each split")
    given = ("data.validation_file=v.jsonl", "data.test_file=t.jsonl")
    assert split_notes(rows, parse_trial(config_of(*given)).section) == []
    assert split_notes(rows_of("split", ["train", "a"]), parse_trial(config_of()).section) == []


@pytest.mark.parametrize(("column", "count"), [("said", 1), ("text", 0)])
def test_a_text_column_beside_a_template_is_told_as_not_read(column: str, count: int, config_of: Compose) -> None:
    """Unless it is the usual one, which nobody has named."""
    given = config_of(
        "task=generation",
        "task.metric=loss",
        f"data.text_column={column}",
        "data.target_column=call",
        "data.text_template='{todo}: {said} => {call}'",
    )
    rows = [Example("a", row={"todo": "Do", "said": "a", "call": "b", "text": "c"})]
    notes = row_notes(rows, parse_trial(given).section)
    assert sum(note.startswith(f"data.text_column={column} is not read: data.text") for note in notes) == count
    assert "columns that nothing is read from: 'text'" in notes


def test_the_rows_that_ship_name_theirs_without_a_note() -> None:
    given = plain_config(["task=generation", "task.metric=loss", "data=requests", "model=tiny_llama", "method=full"])
    rows = [Example("a", row={"input": "a", "output": "b"})]
    assert row_notes(rows, parse_trial(given).section) == []
