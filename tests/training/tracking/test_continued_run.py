"""A run that a later attempt of a trial goes on with."""

from dataclasses import replace
from pathlib import Path

from slimtune.training.tracking.outbox_run import open_run
from tests.conftest import make_lineage
from tests.training.tracking.fake_store import FakeStore
from tests.training.tracking.test_outbox_run import line_of


def test_a_run_that_another_trial_goes_on_with_has_that_ones_name_and_number(tmp_path: Path) -> None:
    """A trial that is tried again has a number of its own: by it the run is looked for."""
    store = FakeStore()
    first = replace(make_lineage(tmp_path / "3"), name="t03 r8", tags={"trial": "3"})
    run_id = open_run(line_of(store), first).run_id
    again = replace(
        make_lineage(tmp_path / "5"), name="t05 r8", tags={"trial": "5"}, run_id=run_id, earlier=[first.folder]
    )
    assert open_run(line_of(store), again).run_id == run_id
    tags = store.runs["id0"]["tags"]
    assert (tags["mlflow.runName"], tags["trial"]) == ("t05 r8", "5")
    open_run(line_of(store), replace(first, name="t03", run_id=run_id))
    assert tags["mlflow.runName"] == "t05 r8", "its own attempt leaves the name that a person gave"


def test_a_run_began_with_its_trial_however_late_it_is_opened(tmp_path: Path) -> None:
    """Reporters hold back while steps are timed."""
    store = FakeStore()
    open_run(line_of(store), make_lineage(tmp_path / "3"), began_ms=5)
    assert store.runs["id0"]["began_ms"] == 5
