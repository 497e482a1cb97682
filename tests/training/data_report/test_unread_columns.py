from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.data.examples import Example
from slimtune.training.data_report.text_notes import row_notes
from slimtune.training.data_report.unread_columns import split_notes

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
    (note,) = row_notes(rows_of(column, cells), config)
    assert note.startswith(said)


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
def test_what_says_nothing_is_not(column: str, cells: list[Any], config_of: Compose) -> None:
    assert row_notes(rows_of(column, cells), parse_trial(config_of()).section) == []


def test_a_column_that_is_read_is_not_told(config_of: Compose) -> None:
    config = parse_trial(config_of("data.label_column=weight", "data.group_column=split")).section
    assert row_notes(rows_of("weight", [1, 2]), config) == []
    assert split_notes(rows_of("split", ["train", "test"]), config.data) == []


def test_rows_that_name_their_split_are_split_anew(config_of: Compose) -> None:
    """Unless files are given for both; other values name no split."""
    rows = rows_of("split", ["train", "Test", None])
    (note,) = split_notes(rows, parse_trial(config_of()).section.data)
    assert note.startswith("column 'split' (Test, train) is not read: rows are split anew; write those of each split")
    given = ("data.validation_file=v.jsonl", "data.test_file=t.jsonl")
    assert split_notes(rows, parse_trial(config_of(*given)).section.data) == []
    assert split_notes(rows_of("split", ["train", "a"]), parse_trial(config_of()).section.data) == []
