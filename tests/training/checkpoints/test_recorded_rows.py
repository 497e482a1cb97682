"""Rows that a checkpoint names by relative paths are found from wherever a command is run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.errors import DataError

ConfigFor = Callable[..., TrialConfig]


@pytest.fixture
def config_for(config_of: Callable[..., dict[str, Any]]) -> ConfigFor:
    return lambda *more: parse_trial(config_of(*more)).section


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a project whose rows lie in it; the command is run elsewhere."""
    folder = tmp_path / "project" / "outputs" / "s" / "trials" / "0" / "checkpoint-3"
    (tmp_path / "here").mkdir()
    folder.mkdir(parents=True)
    (tmp_path / "project" / "rows.jsonl").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    return folder


@pytest.mark.parametrize("name", ["rows.jsonl", "./rows.jsonl"])
def test_rows_are_looked_for_above_the_checkpoint(name: str, checkpoint: Path, config_for: ConfigFor) -> None:
    found = found_rows(config_for(f"data.train_file={name}"), checkpoint).data
    assert found.train_file == str(checkpoint.parents[4] / "rows.jsonl")
    assert found.validation_file is None


def test_patterns_and_lists_are_looked_for(checkpoint: Path, config_for: ConfigFor) -> None:
    found = found_rows(config_for("data.train_file='*.jsonl'", "data.test_file=[rows.jsonl]"), checkpoint).data
    assert found.train_file == str(checkpoint.parents[4] / "*.jsonl")
    assert found.test_file == [str(checkpoint.parents[4] / "rows.jsonl")]


@pytest.mark.parametrize("name", ["/none/rows.jsonl", "hub:org/tones@train", "package:a/rows.jsonl", "mine.jsonl"])
def test_what_is_here_or_is_no_relative_path_is_left(name: str, checkpoint: Path, config_for: ConfigFor) -> None:
    Path("mine.jsonl").write_text("")
    config = config_for(f"data.train_file={name!r}")
    assert found_rows(config, checkpoint) == config


def test_a_lost_file_is_told_with_what_its_name_is_relative_to(checkpoint: Path, config_for: ConfigFor) -> None:
    said = (
        r"data.train_file of .*checkpoint-3 is 'gone.jsonl', which is relative to another folder, .* put the file there"
    )
    with pytest.raises(DataError, match=said):
        found_rows(config_for("data.train_file=gone.jsonl"), checkpoint)
