import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_examples, read_splits
from tests.conftest import make_rows, write_jsonl


@pytest.fixture
def config(config_of: Callable[..., dict[str, Any]]) -> TrialConfig:
    config: TrialConfig = parse_trial(config_of()).section
    return config


def with_data(config: TrialConfig, **changes: Any) -> TrialConfig:
    return config._replace(data=replace(config.data, **changes))


def test_shares_and_class_distribution_are_kept(config: TrialConfig) -> None:
    """15 % each by default, of the whole file, with as many rows of each class as that allows."""
    splits = read_splits(config)
    assert [len(part) for part in splits.named().values()] == [84, 18, 18]
    assert Counter(row.label for row in splits.validation) == {"plus": 6, "minus": 6, "zero": 6}
    assert Counter(row.label for row in splits.test) == {"plus": 6, "minus": 6, "zero": 6}


def test_no_text_is_on_two_sides(config: TrialConfig, tmp_path: Path) -> None:
    """Rows that differ in case or spacing only are one row."""
    rows = make_rows(60)
    doubled = rows + [{"text": row["text"].upper() + "  ", "label": row["label"]} for row in rows]
    splits = read_splits(with_data(config, train_file=str(write_jsonl(tmp_path / "double.jsonl", doubled))))
    texts = [row.text.casefold().strip() for part in splits.named().values() for row in part]
    assert len(texts) == len(set(texts)) == 60
    assert splits.num_duplicates == 60


def test_the_split_depends_on_its_seed_alone(config: TrialConfig) -> None:
    assert read_splits(config) == read_splits(config)
    assert read_splits(config).test != read_splits(with_data(config, seed=1)).test


def test_held_out_files_keep_their_rows_and_clean_the_training_rows(config: TrialConfig, tmp_path: Path) -> None:
    rows = make_rows(60)
    validation = write_jsonl(tmp_path / "validation.jsonl", rows[:10])
    train = write_jsonl(tmp_path / "train.jsonl", rows)
    splits = read_splits(with_data(config, train_file=str(train), validation_file=str(validation), test_share=0.0))
    assert [len(part) for part in splits.named().values()] == [50, 10, 0]


def test_a_row_that_does_not_fit_is_named_by_its_own_file(config: TrialConfig, tmp_path: Path) -> None:
    """Of a list or a folder, for training and for scores."""
    files = [
        str(write_jsonl(tmp_path / "a.jsonl", make_rows(60))),
        str(write_jsonl(tmp_path / "b.jsonl", [*make_rows(70)[60:], {"text": "x"}])),
    ]
    message = f"^{re.escape(files[1])}, row 11: no column 'label'"
    for name in (files, str(tmp_path)):
        with pytest.raises(DataError, match=message):
            read_splits(with_data(config, train_file=name))
    with pytest.raises(DataError, match=message):
        read_examples(str(tmp_path), config)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "x"}, r"row 61: no column 'label' \(data.label_column\); the row has text"),
        ({"text": "x", "label": " "}, "row 61: column 'label' is empty"),
        ({"text": "x", "label": "lonely"}, "class 'lonely' has 1 row"),
    ],
)
def test_rows_that_do_not_fit_are_named(config: TrialConfig, tmp_path: Path, row: dict[str, str], message: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [*make_rows(60), row])
    with pytest.raises(DataError, match=message):
        read_splits(with_data(config, train_file=str(path)))


def test_classes_of_one_row_are_told_together_with_those_that_look_like_them(
    config: TrialConfig, tmp_path: Path
) -> None:
    rows = [
        *make_rows(30),
        *({"text": f"x {at}", "label": label} for at, label in enumerate(["Plus", "odd", "minus ."])),
    ]
    said = (
        r"the classes 'Plus' \(looks like 'plus'\), 'odd', 'minus \.' have 1 row each; .* write those that are one in"
    )
    with pytest.raises(DataError, match=said):
        read_splits(with_data(config, train_file=str(write_jsonl(tmp_path / "single.jsonl", rows))))
