"""A sweep is found by the id of its run, whichever of its two ids is given."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from slimtune.sweeper.campaigns.find_sweep import FoundSweep
from slimtune.sweeper.commands.arguments import export_source
from slimtune.sweeper.commands.arguments.export_source import ExportRequest
from slimtune.training.tracking import mlflow_runs

IDS = {"queued-k": "made", "queued-other": "another"}


@pytest.mark.parametrize("noted", ["queued-k", "made"])
@pytest.mark.parametrize(
    ("given", "is_own"), [("queued-k", True), ("made", True), ("queued-other", False), ("another", False)]
)
def test_a_run_that_was_noted_before_the_tracker_had_it_has_two_ids(
    monkeypatch: pytest.MonkeyPatch, noted: str, given: str, is_own: bool
) -> None:
    """A run of another sweep of that name is not taken for it."""
    sweep = FoundSweep("s", Path("checkpoint"), noted)
    monkeypatch.setattr(export_source, "find_sweep", lambda name, **_: sweep if name == "s" else None)
    monkeypatch.setattr(
        mlflow_runs, "run_tags", lambda uri, run_id: {"kind": "sweep", "state": "complete", "sweep": "s"}
    )
    monkeypatch.setattr(mlflow_runs, "run_in", lambda uri, run_id: SimpleNamespace(run_id=IDS[run_id]))
    request = ExportRequest(given, None, "http://host", None, (), {})
    assert export_source._sweep(request) == (sweep if is_own else None)
