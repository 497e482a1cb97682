import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.kept import kept_rows
from slimtune.training.data_report import kept_report
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.kept_report import kept_report_of
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data


@pytest.fixture
def config(keeping_config: TrialConfig) -> TrialConfig:
    return keeping_config


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[PreparedData]:
    """Data of which a report was made."""
    found: list[PreparedData] = []
    monkeypatch.setattr(kept_report, "data_report_of", lambda data: (found.append(data), data_report_of(data))[1])
    return found


def test_the_report_is_made_once_and_comes_back_as_it_was(config: TrialConfig, made: list[PreparedData]) -> None:
    first = kept_report_of(prepare_data(config))
    assert kept_report_of(prepare_data(config)) == first == data_report_of(made[0])
    assert len(made) == 1


def test_another_length_or_metric_has_a_report_of_its_own(config: TrialConfig, made: list[PreparedData]) -> None:
    kept_report_of(prepare_data(config))
    kept_report_of(prepare_data(config._replace(data=replace(config.data, max_length=4))))
    kept_report_of(prepare_data(config._replace(task=replace(config.task, metrics=["accuracy"]))))
    assert len(made) == 3


def test_of_few_rows_nothing_is_kept(config: TrialConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "LEAST_ROWS", 10_000)
    kept_report_of(prepare_data(config))
    assert not (tmp_path / "cache" / "reports").exists()


def test_what_is_left_out_is_told(config: TrialConfig) -> None:
    """Rows that are nearly the same are not looked for, and nothing is learned from them."""
    data = prepare_data(config._replace(data=replace(config.data, near_duplicates=False, baselines=False)))
    report = data_report_of(data)
    assert (report.baselines, report.label_noise, data.rows.near_leaks) == ({}, [], [])
    assert ["data." in note for note in report.notes[-2:]] == [True, True]


@pytest.mark.parametrize(
    "change",
    [lambda row: {**row, "source": "web"}, lambda row: {**row, "label": f"{row['label']} "}],
    ids=["a column more", "another spelling"],
)
def test_what_notes_look_at_makes_another_report(
    config: TrialConfig, made: list[PreparedData], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Though nothing of what is trained on has changed."""
    kept_report_of(prepare_data(config))
    file = Path(str(config.data.train_file))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("".join(json.dumps(change(row)) + "\n" for row in rows), encoding="utf-8")
    kept_report_of(prepare_data(config))
    assert len(made) == 2
