"""What becomes of a winner, where no whole sweep is needed to show it."""

from pathlib import Path

import pytest

from slimtune.export.config import parse_export
from slimtune.sweeper.campaigns.winner_stages import log_refused, register_stage
from slimtune.training.config.trial import parse_trial
from slimtune.training.tracking.journal import journals_in
from slimtune.training.tracking.line import TrackerAway
from slimtune.training.tracking.run import NullRun
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]


class KeptFiles(NullRun):
    """Notes the files that are logged."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def log_file(self, path: Path) -> None:
        assert path.parent.name == "export"
        self.files.append(path)


def test_a_refused_export_leaves_what_was_measured_on_the_sweeps_run(tmp_path: Path) -> None:
    run = KeptFiles()
    log_refused(run, tmp_path)
    assert [path.name for path in run.files] == ["verification.json", "variants.png"]


@pytest.mark.slow
def test_without_its_tracker_nothing_is_registered_and_nothing_begun(request_of: RequestOf) -> None:
    """It is left to `slimtune resume`, which the sweep says."""
    request = request_of("export=onnx", "tracking=mlflow", "tracking.uri=http://127.0.0.1:9")
    export = parse_export(request.tried["export"]).section
    tracked = parse_trial(request.tried).section.tracking
    with pytest.raises(TrackerAway, match="does not answer"):
        register_stage(request, tracked, export, exported={"bundle": "none", "chosen": "fp16"}, parent=NullRun())
    assert journals_in(request.folder) == []
