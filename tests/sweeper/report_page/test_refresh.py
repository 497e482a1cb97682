"""The page of a sweep that runs."""

import logging
from pathlib import Path

import optuna
import pytest

from slimtune.sweeper.report_page.refresh import PagePlace
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.sweeper.search_config import study_url
from slimtune.training.tracking.run import NullRun


class KeepingRun(NullRun):
    """Keeps the files that are logged."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def log_file(self, path: Path) -> None:
        self.texts[path.name] = path.read_text(encoding="utf-8")


def test_the_page_is_a_file_and_an_artifact(tmp_path: Path) -> None:
    """The same in both places, with the state that its writer knows."""
    optuna.create_study(storage=study_url(tmp_path), study_name="tone")
    run = KeepingRun()
    PagePlace(study_url(tmp_path), "tone", tmp_path, run).write(SweepState.stopped)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run.texts == {"report.html": text}
    assert "<p>stopped; 0 trials have ended" in text


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A sweep goes on without it."""
    with caplog.at_level(logging.WARNING):
        PagePlace(study_url(tmp_path), "tone", tmp_path, NullRun()).write()
    assert "the sweep's page was not written" in caplog.text
    assert not (tmp_path / "report.html").exists()
