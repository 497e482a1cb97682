"""What is looked at before the first trial."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.preparation import prepare
from slimtune.training.config.trial import parse_trial
from slimtune.training.data_report.build import write_report
from slimtune.training.errors import ConfigError
from tests.conftest import make_rows, write_jsonl

ConfigOf = Callable[..., dict[str, Any]]


def test_the_report_counts_what_reading_found(config_of: ConfigOf, tmp_path: Path) -> None:
    """Empty rows, duplicates and leaks of the files are in the report, and the report in the sweep's folder."""
    rows = make_rows(90)
    validation = write_jsonl(tmp_path / "validation.jsonl", rows[:12])
    train = write_jsonl(tmp_path / "train.jsonl", [*rows, rows[40], {"text": "  ", "label": "plus"}])
    given = [f"data.train_file={train}", f"data.validation_file={validation}", "data.test_share=0"]
    report = prepare(parse_trial(config_of(*given, "data.drop_leaks=false")).section).report
    assert (report.num_empty, report.num_duplicates, report.leaks_exact) == (1, 1, 12)
    assert {split.name: split.num_rows for split in report.splits} == {"train": 78, "validation": 12}
    assert report.baselines["bag_of_words"]["accuracy"] > report.baselines["majority"]["accuracy"]
    written = json.loads(write_report(report, tmp_path / "sweep").read_text())
    assert written["leaks_exact"] == 12


def test_rows_that_are_nearly_held_out_rows_are_left_out(config_of: ConfigOf, tmp_path: Path) -> None:
    words = [f"word{index}" for index in range(40)]
    near = {"text": " ".join([*words, "x"]), "label": "plus"}
    rows = make_rows(60)
    validation = write_jsonl(tmp_path / "validation.jsonl", [*rows[:9], {"text": " ".join(words), "label": "minus"}])
    train = write_jsonl(tmp_path / "train.jsonl", [*rows[9:], near])
    given = [f"data.train_file={train}", f"data.validation_file={validation}", "data.test_share=0"]
    for drop, kept in (("true", 51), ("false", 52)):
        report = prepare(parse_trial(config_of(*given, f"data.drop_leaks={drop}")).section).report
        assert report.leaks_near == 1
        assert report.splits[0].num_rows == kept
        assert report.leak_examples[0][0].startswith("word0 word1")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (["task.metrics=[accuracy,no.such.metric]"], ConfigError, "task.metrics has 'no.such.metric'"),
        (["++task.loss={_target_: no.such.Loss}"], ConfigError, "task.loss._target_ is 'no.such.Loss'"),
        (["data.reader=no.such.reader"], ConfigError, "data.reader is 'no.such.reader', but importing"),
        (["++task.class_weights={plus: 2, mnus: 1}"], ConfigError, "task.class_weights has 'mnus', which is no label"),
        (
            ["task=custom", "task.name=no.such.Task"],
            ConfigError,
            "task.name is 'no.such.Task', but importing no.such fails",
        ),
    ],
)
def test_parts_that_cannot_be_made_are_told_before_the_first_trial(
    config_of: ConfigOf, given: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        prepare(parse_trial(config_of(*given)).section)
