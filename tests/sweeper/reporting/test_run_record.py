"""A number of a run has one meaning, whether it comes from the tracker or from a folder."""

import json
from pathlib import Path

from slimtune.sweeper.reporting.run_record import RunRecord, comparable_metrics, differences, read_run
from slimtune.training.checkpoints.kinds import RECORD
from slimtune.training.tracking.display import tracked_number

SCORES = {"objective": 0.7, "validation/loss": 0.5572289508581162, "train/loss": 0.5291876042330707}
# the last numbers of the same run, and those of its best evaluation
TRACKED = {"objective": 0.8, "validation/loss": 0.9, "train/loss": 0.04, "best/loss": 0.557229}


def folder_of(path: Path) -> RunRecord:
    (path / "checkpoint-324").mkdir(parents=True)
    (path / "checkpoint-324" / RECORD).write_text(json.dumps({"scores": SCORES, "config": {}}))
    return read_run(str(path), None)


def test_a_folders_numbers_are_those_of_its_best_evaluation(tmp_path: Path) -> None:
    assert folder_of(tmp_path / "0").metrics == {
        "best/loss": SCORES["validation/loss"],
        "best/train/loss": SCORES["train/loss"],
    }


def test_a_run_does_not_differ_from_its_own_folder(tmp_path: Path) -> None:
    """The tracker has six digits, and the last numbers beside the best ones."""
    tracked, folder = RunRecord("416c", {}, TRACKED, at_best=False), folder_of(tmp_path / "0")
    for pair in ((tracked, folder), (folder, tracked)):
        one, other = comparable_metrics(*pair)
        assert one.keys() == {"best/loss"}
        assert differences(one, other) == []
    assert tracked_number(SCORES["validation/loss"]) == TRACKED["best/loss"]


def test_two_of_a_kind_are_compared_in_all_that_they_have(tmp_path: Path) -> None:
    tracked = RunRecord("416c", {}, TRACKED, at_best=False)
    assert comparable_metrics(tracked, tracked) == (TRACKED, TRACKED)
    folders = [folder_of(tmp_path / name) for name in "01"]
    assert comparable_metrics(*folders) == (folders[0].metrics, folders[1].metrics)
