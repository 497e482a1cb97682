from collections import Counter
from collections.abc import Callable
from typing import Any

from slimtune.training.config.trial import parse_trial
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.workbench.scored_rows import sampled_rows, scored_validation


def test_of_each_class_its_share_is_taken() -> None:
    """To a row, and the same rows for the same seed."""
    classes = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    rows = sampled_rows(100, 20, classes=classes, seed=1)
    assert Counter(classes[row] for row in rows) == {"a": 12, "b": 6, "c": 2}
    assert rows == sorted(set(rows)) == sampled_rows(100, 20, classes=classes, seed=1)
    assert rows != sampled_rows(100, 20, classes=classes, seed=2)


def test_without_classes_rows_are_drawn_and_few_are_all_taken() -> None:
    assert len(set(sampled_rows(100, 20))) == 20
    assert sampled_rows(5, 20) == [0, 1, 2, 3, 4]


def test_trials_are_scored_on_the_sample_alone(config_of: Callable[..., dict[str, Any]]) -> None:
    """Its rows are as they would be among all."""
    data = prepare_data(parse_trial(config_of("data.validation_rows=7")).section)
    scored = scored_validation(data)
    chosen, split = scored.examples["validation"], scored.splits["validation"]
    assert len(chosen) == len(split) == 7
    every = {one.text: row for row, one in enumerate(data.rows.validation)}
    for row, one in enumerate(chosen):
        assert split.encoded.row(row).tolist() == data.encoded["validation"].encoded.row(every[one.text]).tolist()


def test_all_rows_are_all_rows(config_of: Callable[..., dict[str, Any]]) -> None:
    assert scored_validation(prepare_data(parse_trial(config_of()).section)) == ({}, {})
