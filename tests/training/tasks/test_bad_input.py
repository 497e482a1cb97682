"""Rows that do not fit, for every task: one message, or a trial that still makes sense."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data_report.build import data_report_of
from slimtune.training.errors import DataError
from slimtune.training.trial import Completed
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import CASES, Case

ConfigFor = Callable[..., TrialConfig]
BY_NAME = {case.name: case for case in CASES}


def test_a_file_without_rows_is_named(case: Case, config_for: ConfigFor, tmp_path: Path) -> None:
    config = config_for(case)
    (tmp_path / "rows.jsonl").write_text("\n\n")
    with pytest.raises(DataError, match=r"rows\.jsonl"):
        prepare_data(config)


def test_broken_json_is_named_with_its_line(case: Case, config_for: ConfigFor, tmp_path: Path) -> None:
    config = config_for(case)
    path = tmp_path / "rows.jsonl"
    path.write_text(path.read_text() + '{"text": \n')
    with pytest.raises(DataError, match=rf"rows\.jsonl, line {len(case.rows) + 1}: not JSON"):
        prepare_data(config)


def test_rows_that_are_all_too_long_are_told_and_still_learned(
    case: Case, values_of: Callable[..., dict[str, Any]], config_for: ConfigFor, tmp_path: Path
) -> None:
    """Something of every row is left to learn from."""
    short = "data.max_length=4"
    if "encoder-decoder" in case.name:
        # source and answer have the length each
        case = case._replace(rows=[{**row, "text": 3 * row["text"]} for row in case.rows])
    report = data_report_of(prepare_data(config_for(case, short)))
    if case.name not in ("language_modelling", "extraction"):
        # blocks and windows are not cut
        assert report.cut_share == 1.0
        assert any("100.0 % of the training rows are cut" in note for note in report.notes)
    outcome = run_trial(FakeTrial(values_of(case, short), tmp_path / "trial"))
    assert isinstance(outcome, Completed), outcome
    assert math.isfinite(outcome.scores["validation/loss"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("classification", {"label": "same"}, "the training rows have one label only"),
        ("multi_label", {"label": ["same"]}, "the training rows have one label only"),
        ("pairs", {"label": "same"}, "the training rows have one label only"),
        ("extraction", {"label": []}, "no row has a span"),
        ("similarity", {"label": 1}, "the same label"),
    ],
)
def test_rows_of_one_class_are_refused(name: str, change: dict[str, Any], message: str, config_for: ConfigFor) -> None:
    case = BY_NAME[name]
    rows = [row | change for row in case.rows]
    with pytest.raises(DataError, match=message):
        prepare_data(config_for(case._replace(rows=rows)))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("classification", {"label": None}, "row 3: column 'label' is empty"),
        ("multi_label", {"label": {"red": 1}}, "row 3: column 'label' is {'red': 1}, which is no list"),
        ("extraction", {"label": [{"start": 1, "end": 99, "label": "x"}]}, "row 3: span 1 to 99"),
        ("extraction", {"label": [{"from": 1}]}, "row 3: span 1 has no 'start' and no"),
        ("similarity", {"label": 4.5}, r"label 4\.5, but task\.loss takes labels from 0 to 1"),
        ("similarity", {"label": "often"}, "row 3: column 'label' is 'often'; use a number"),
        ("similarity", {"label": "nan"}, "row 3: column 'label' is 'nan', which is no finite number"),
        ("a task of one's own", {"label": "often"}, "row 3: column 'label' is 'often'; use a number"),
    ],
)
def test_a_label_that_cannot_be_is_named(
    name: str, change: dict[str, Any], message: str, config_for: ConfigFor
) -> None:
    case = BY_NAME[name]
    rows = [*case.rows[:2], case.rows[2] | change, *case.rows[3:]]
    with pytest.raises(DataError, match=message):
        prepare_data(config_for(case._replace(rows=rows)))


@pytest.mark.parametrize("name", ["generation", "generation, encoder-decoder"])
def test_a_field_that_no_column_fills_is_named_with_the_nearest(name: str, config_for: ConfigFor) -> None:
    template = "data.text_template='Ask: {imput} Answer: {target}'"
    with pytest.raises(DataError, match=r"no column 'imput' \(data.text_template\).*; did you mean 'input'\?"):
        prepare_data(config_for(BY_NAME[name], template))


def test_a_label_that_only_held_out_rows_have_is_named(config_for: ConfigFor, tmp_path: Path) -> None:
    case = BY_NAME["classification"]
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text(json.dumps({"text": "somewhere else", "label": "Mars"}) + "\n")
    with pytest.raises(DataError, match="the validation rows have the label 'Mars', which no training row has"):
        prepare_data(config_for(case, f"data.validation_file={held_out}"))
