"""A column that some rows of a file lack is null in them, and one that no row has is a wrong name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.absent.absent_columns import AbsentColumns
from slimtune.training.data.cells import value_of
from slimtune.training.data.readers.row import LocatedRow
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_examples, read_splits
from tests.conftest import write_jsonl

TEMPLATE = "data.text_template='{todo} ({who}): {said} => {command}'"
Written = Callable[..., TrialConfig]


def rows_with(*changed: dict[str, Any]) -> list[dict[str, Any]]:
    whole = [{"todo": "Do", "who": "owner", "said": f"lamp {n}", "command": f"lamp={n}"} for n in range(20)]
    return [*whole, *changed]


@pytest.fixture
def config(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> Written:
    def written(rows: list[dict[str, Any]]) -> TrialConfig:
        file = write_jsonl(tmp_path / "home.jsonl", rows)
        given = config_of(
            "task=generation", TEMPLATE, "data.target_column=command", f"data.train_file={file}", "task.metric=loss"
        )
        section: TrialConfig = parse_trial(given).section
        return section

    return written


def test_a_field_that_some_rows_lack_is_null_and_told(config: Written) -> None:
    splits = read_splits(config(rows_with({"todo": "Do", "said": "fan", "command": "fan=1"})))
    texts = {example.text: example.row for part in splits.named().values() for example in part}
    assert texts["Do (): fan => "]["who"] is None
    assert any("home.jsonl: rows that lack a column which others have" in note for note in splits.notes)
    assert any(note.endswith("read as null there: who 1") for note in splits.notes)


def test_rows_without_the_answer_are_left_out_as_those_with_null_are(config: Written) -> None:
    splits = read_splits(config(rows_with({"todo": "Do", "who": "guest", "said": "fan"})))
    assert splits.num_empty == 1
    assert splits.blank_columns == {"'command' (target_column)": 1}


def test_a_column_that_no_row_has_is_a_wrong_name(config: Written) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "who"} for row in rows_with()]
    with pytest.raises(DataError, match=r"row 1: no column 'who' .* \(19 more rows: row 2, row 3, row 4, \.\.\.\)"):
        read_splits(config(rows))


def test_a_row_of_another_kind_is_named(config: Written) -> None:
    """It has none of the columns of the others: nothing says that they are null there."""
    with pytest.raises(DataError, match=r"row 21: no column 'todo'"):
        read_splits(config(rows_with({"unrelated": 1})))


def test_a_column_under_a_wrong_name_in_some_rows_is_told(config: Written) -> None:
    wrong = {"todo": "Do", "who": "guest", "siad": "fan", "command": "fan=1"}
    with pytest.raises(DataError, match=r"row 21: no column 'said' .*; did you mean 'siad'\? \(1 more row: row 22\)"):
        read_splits(config(rows_with(wrong, {**wrong, "command": "fan=2"})))


def test_scores_take_rows_as_training_does(config: Written) -> None:
    """Also those that are given in Python."""
    given = rows_with({"todo": "Do", "said": "fan", "command": "fan=1"})
    scored = read_examples(given, config(rows_with()))
    assert scored.scored[-1].text == "Do (): fan => "
    assert scored.rows[-1]["who"] is None
    assert list(scored.notes) == ["rows that lack a column which others have, read as null there: who 1"]


def test_a_label_that_is_lacking_is_no_null(config_of: Callable[..., dict[str, Any]]) -> None:
    """The error says that there is none, and which columns there are."""
    section = parse_trial(config_of()).section
    with pytest.raises(DataError, match=r"row 2: no column 'label' \(data\.label_column\); the row has text"):
        read_examples([{"text": "a", "label": "plus"}, {"text": "b"}], section)


def test_files_are_looked_at_by_themselves_and_once_a_column() -> None:
    asked = [LocatedRow({"a": 1, "b": 1}, "x.jsonl, row 1"), LocatedRow({"a": 1}, "y.jsonl, row 1")]
    passes: list[int] = []

    def again() -> list[LocatedRow]:
        passes.append(1)
        return asked

    absent = AbsentColumns(again)
    for _ in range(2):
        with pytest.raises(DataError, match="no column 'b'"):
            absent.parsed(*asked[1], lambda row, where: value_of(row, "b", where, "key"))
    read = absent.parsed({"a": 1}, "x.jsonl, row 2", lambda row, where: value_of(row, "b", where, "key"))
    assert (read.row, read.found, passes) == ({"a": 1, "b": None}, None, [1])
    assert absent.seen_in(LocatedRow({"a": 2}, "x.jsonl, row 3")).row == {"a": 2, "b": None}
    assert absent.seen_in(asked[1]) == asked[1]
