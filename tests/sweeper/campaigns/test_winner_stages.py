"""What becomes of a winner, where no whole sweep is needed to show it."""

from pathlib import Path

from slimtune.sweeper.campaigns.winner_stages import log_verification
from slimtune.training.tracking.run import NullRun


class KeptFiles(NullRun):
    """Notes the files that are logged."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def log_file(self, path: Path) -> None:
        assert path.parent.name == "export"
        self.files.append(path)


def test_a_refused_export_leaves_what_was_measured_on_the_sweeps_run(tmp_path: Path) -> None:
    run = KeptFiles()
    log_verification(run, tmp_path)
    assert [path.name for path in run.files] == ["verification.json", "variants.png"]
