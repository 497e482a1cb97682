"""Slices of files: which rows they take, and what is told of those that take none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.examples import Example, Reading
from slimtune.training.data.readers.row import LocatedRow
from slimtune.training.data.slices.row_slice import RowSlice
from slimtune.training.data.splits import RowSplits, load_splits
from slimtune.training.errors import DataError
from slimtune.training.tasks.classification import Classification

ROWS = [LocatedRow({"text": str(number)}, f"row {number}") for number in range(10)]


def taken(begin: str | None, end: str | None) -> list[int]:
    return [int(row.row["text"]) for row in RowSlice("data.train_split is '...'", begin, end).of(ROWS)]


@pytest.mark.parametrize(
    ("begin", "end", "rows"),
    [
        (None, None, range(10)),
        (None, "4", range(4)),
        ("4", None, range(4, 10)),
        ("-3", None, range(7, 10)),
        (None, "-3", range(7)),
        ("10%", "50%", range(1, 5)),
        ("-20%", None, range(8, 10)),
        ("0", "100%", range(10)),
    ],
)
def test_a_slice_takes_the_rows_that_datasets_takes(begin: str | None, end: str | None, rows: range) -> None:
    assert taken(begin, end) == list(rows)


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (None, "11", "but there are 10 rows; use 10 at most"),
        ("-11", None, "but there are 10 rows"),
        ("5", "5", "of 10 rows it takes none"),
        ("6", "4", "of 10 rows it takes none"),
        (None, "1%", "of 10 rows it takes none"),
    ],
)
def test_a_slice_beyond_the_rows_or_of_none_is_told(begin: str | None, end: str | None, told: str) -> None:
    with pytest.raises(DataError, match=told):
        taken(begin, end)


def loaded(config_of: Callable[..., dict[str, Any]], *given: str) -> RowSplits:
    parsed = parse_trial(config_of(*given))
    assert parsed.problems == []
    config: TrialConfig = parsed.section
    parse: Callable[..., Example | None] = Classification.parse
    return load_splits(config, Reading(parse, lambda _: None, has_near_leaks=False))


def texts(examples: Any) -> list[str]:
    return [one.text for one in examples]


def test_training_validation_and_test_rows_are_slices_of_one_file(
    tmp_path: Path, config_of: Callable[..., dict[str, Any]]
) -> None:
    """And a slice of a file of its own; rows that stand in two of them are held out, and train nothing."""
    file = tmp_path / "rows.csv"
    file.write_text("text,label\n" + "".join(f"text {number},{number % 2}\n" for number in range(10)))
    one = f"data.train_file={file}"
    slices = ("data.train_split='train[:6]'", "data.eval_split='train[5:8]'", "data.test_split='train[80%:]'")
    rows = loaded(config_of, "data=file", one, *slices)
    assert texts(rows.train) == [f"text {number}" for number in range(5)]
    assert texts(rows.validation) == ["text 5", "text 6", "text 7"]
    assert texts(rows.test) == ["text 8", "text 9"]
    held_out = tmp_path / "held_out.csv"
    held_out.write_text("text,label\nthis,0\nthat,1\n")
    own = (f"data.validation_file={held_out}", "data.eval_split='validation[1:]'", "data.test_share=0")
    assert texts(loaded(config_of, "data=file", one, *own).validation) == ["that"]
