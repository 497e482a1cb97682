"""What becomes of a winner, where no whole sweep is needed to show it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns import winner_stages
from slimtune.sweeper.campaigns.winner_stages import log_verification
from slimtune.sweeper.finalist import Winner
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import WINNER
from slimtune.training.evaluation import test_score
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.prepared_data import ReadRows
from tests.sweeper.study.specs import make_spec


class KeptFiles(NullRun):
    """Notes the files that are logged."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def log_file(self, path: Path) -> None:
        assert path.parent.name == "export"
        self.files.append(path)


def test_a_stage_is_noted_with_the_checkpoint_that_it_was_done_of(tmp_path: Path) -> None:
    """So that nobody takes it for a later winner's."""
    study = Study(make_spec(tmp_path))
    study.set_attr(WINNER, Winner(1, {}, 0.5, tmp_path / "trials" / "1" / "checkpoint-4", None).as_dict())
    winner_stages.once(study, "test", "key", lambda: {"num_rows": 3})
    assert study.attrs()["test"]["checkpoint"] == "trials/1/checkpoint-4"


def test_a_refused_export_leaves_what_was_measured_on_the_sweeps_run(tmp_path: Path) -> None:
    run = KeptFiles()
    log_verification(run, tmp_path)
    assert [path.name for path in run.files] == ["verification.json", "variants.png"]


@pytest.mark.parametrize(
    ("before", "readings", "trials"),
    [
        ({}, None, [4]),
        ({"num_rows": 3}, 2, None),
        ({"num_rows": 3, "trials": [0]}, 2, [0, 4]),
        ({"num_rows": 3, "readings": 2}, 3, None),
        ({"num_rows": 3, "readings": 2, "trials": [4, 0]}, 3, [4, 0, 4]),
    ],
)
def test_readings_of_the_test_rows_are_counted(
    before: Mapping[str, Any],
    readings: int | None,
    trials: list[int] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With whose checkpoints they were, where that is known of all: rows that are read again are no fresh judge."""
    monkeypatch.setattr(winner_stages, "open_checkpoint", lambda _: None)
    monkeypatch.setattr(winner_stages, "read_test", lambda *_, **__: test_score.TestResult(3, {}, {}, None))
    found = winner_stages.test_stage(tmp_path, trial=4, seed=0, read=ReadRows(), before=before)
    assert (found.get("readings"), found.get("trials")) == (readings, trials)
