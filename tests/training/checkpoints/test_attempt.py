"""A trial that was interrupted is gone on with by one process at a time."""

import json
import os
from pathlib import Path

import pytest
import yaml

from slimtune.training.checkpoints.attempt import ATTEMPT, CONFIG, Stop, attempted, left_attempts, note_attempt

VALUES = {"fit": {"seed": 1}}


def begun(folder: Path, run_id: str = "run", *, at: int = 0) -> Path:
    """An attempt whose process was killed."""
    folder.mkdir()
    (folder / CONFIG).write_text(yaml.safe_dump(VALUES))
    note_attempt(folder, run_id)
    os.utime(folder / ATTEMPT, (at, at))
    return folder


def found(folder: Path) -> list[str]:
    with left_attempts(VALUES, folder) as left:
        return [attempt.folder.name for attempt in left]


def test_who_starts_third_does_not_go_on_with_what_the_second_goes_on_with(tmp_path: Path) -> None:
    """They would write one run; when the second is killed too, both are gone on with, its own first."""
    begun(tmp_path / "a", at=1)
    with left_attempts(VALUES, tmp_path / "b") as left, attempted(tmp_path / "b", Stop()):
        assert [attempt.folder.name for attempt in left] == ["a"]
        # two that start in the same moment do not both take it either
        assert found(tmp_path / "c") == []
        (tmp_path / "b" / CONFIG).write_text(yaml.safe_dump(VALUES))
        note_attempt(tmp_path / "b", "run")
        assert found(tmp_path / "c") == []
    assert found(tmp_path / "c") == ["b", "a"]


def test_who_goes_on_takes_as_many_cores(tmp_path: Path) -> None:
    """An attempt of an earlier version did not note them."""
    note_attempt(begun(tmp_path / "a", at=1), "run", cores=2)
    (begun(tmp_path / "b") / ATTEMPT).write_text(json.dumps({"run_id": "run"}))
    with left_attempts(VALUES, tmp_path / "c") as left:
        assert {attempt.folder.name: attempt.cores for attempt in left} == {"a": 2, "b": None}


def test_another_trial_may_end_while_it_is_looked_at(tmp_path: Path) -> None:
    begun(tmp_path / "a")
    # as between a listing and the look at what was listed
    (begun(tmp_path / "b") / ATTEMPT).unlink()
    (tmp_path / "b" / ATTEMPT).symlink_to(tmp_path / "gone")
    assert found(tmp_path / "c") == ["a"]


def test_the_folder_itself_is_gone_on_with(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    with left_attempts(VALUES, folder) as left, attempted(folder, Stop()):
        assert [attempt.run_id for attempt in left] == ["run"]
        assert found(folder) == []


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"other": 1}), "null"])
def test_an_attempt_that_cannot_be_read_is_told_and_stops_no_other(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As after the power was gone."""
    (begun(tmp_path / "a") / ATTEMPT).write_text(text)
    begun(tmp_path / "b")
    assert found(tmp_path / "c") == ["b"]
    assert caplog.text.count("cannot be read") == 1
