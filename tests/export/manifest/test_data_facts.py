import json
from pathlib import Path

import pytest

from slimtune.export.manifest.data_facts import known_of_data, reported_above

REPORT = {
    "leaks_exact": 2,
    "leaks_near": 1,
    "leaks_removed": True,
    "leaks_shared": False,
    "leaks_known": True,
    "baselines": {"majority": {"accuracy": 0.4}},
    "best_score": 0.9,
}
KNOWN = {
    "baselines": {"majority": {"accuracy": 0.4}},
    "best_score": 0.9,
    "leaks": {"exact": 2, "near": 1, "removed": True},
}


@pytest.mark.parametrize("place", ["checkpoint-8", "trials/0/checkpoint-8", "reruns/trials/0/checkpoint-8"])
def test_a_checkpoint_is_known_by_the_report_that_its_training_left(place: str, tmp_path: Path) -> None:
    (tmp_path / "data_report.json").write_text(json.dumps(REPORT))
    assert reported_above(tmp_path / place) == KNOWN


def test_a_report_of_an_earlier_version_is_read_too() -> None:
    earlier = {name: value for name, value in REPORT.items() if name != "best_score"}
    assert known_of_data(earlier) == {**KNOWN, "best_score": None}


@pytest.mark.parametrize("shared", [False, True])
def test_near_leaks_that_no_setting_leaves_out_are_known(*, shared: bool) -> None:
    kept = {**REPORT, "leaks_removed": False, "leaks_shared": shared}
    assert known_of_data(kept)["leaks"]["shared"] is shared


def test_near_leaks_that_nobody_looked_for_are_not_none() -> None:
    assert known_of_data({**REPORT, "leaks_near": 0, "leaks_known": False})["leaks"]["near"] is None


def test_nothing_is_known_without_a_report_or_by_a_broken_one(tmp_path: Path) -> None:
    assert reported_above(tmp_path / "checkpoint-8") == {}
    (tmp_path / "data_report.json").write_text("{")
    assert reported_above(tmp_path / "checkpoint-8") == {}
