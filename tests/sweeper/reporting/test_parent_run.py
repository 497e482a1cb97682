"""What a killed worker left open in the tracker."""

from pathlib import Path

import pytest

from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.record import RESULT, RUN_ID
from slimtune.training.tracking.mlflow_runs import Tracker, client_of
from slimtune.training.trial import FailureKind
from tests.conftest import make_lineage
from tests.sweeper.study.specs import make_spec
from tests.training.tracking.test_mlflow_runs import config_at


@pytest.fixture
def tracked(tmp_path: Path) -> ParentRun:
    tracker = Tracker(config_at(tmp_path), "e")
    return ParentRun(tracker.start(make_lineage(tmp_path)), "link", tracker)


def begin(tracked: ParentRun, folder: Path) -> str:
    """The run of a trial that is under way."""
    assert tracked.tracker is not None
    run = tracked.tracker.start(make_lineage(folder, parent_run_id=tracked.run.run_id))
    return run.run_id or ""


@pytest.mark.slow
def test_runs_of_trials_that_have_ended_are_closed(tracked: ParentRun, tmp_path: Path) -> None:
    """With the state and the scores that the study knows; a run whose trial goes on is left alone."""
    study = Study(make_spec(tmp_path))
    ids = []
    with Lease(study) as lease:
        for end in ("complete", "failed", None):
            asked = study.ask(lease.worker)
            assert asked is not None
            ids.append(begin(tracked, tmp_path))
            study.set_trial_attr(asked.number, RUN_ID, ids[-1])
            if end == "complete":
                study.set_trial_attr(asked.number, RESULT, {"objective": 0.5, "validation/accuracy": 0.5})
                study.complete(asked.number, 0.5)
            elif end == "failed":
                study.fail(asked.number, FailureKind.diverged)
        tracked.end_left_open(study, kind="trial")
    runs = [client_of(config_at(tmp_path).uri or "").get_run(run_id) for run_id in ids]
    assert [run.info.status for run in runs] == ["FINISHED", "FAILED", "RUNNING"]
    assert [run.data.tags["state"] for run in runs] == ["complete", "failed", "running"]
    assert runs[0].data.metrics == {"best/accuracy": 0.5}


@pytest.mark.slow
def test_a_run_that_no_trial_knows_is_deleted_when_all_have_ended(tracked: ParentRun, tmp_path: Path) -> None:
    """A worker that died between opening a run and noting it leaves one; the trial that is tried again has another."""
    study = Study(make_spec(tmp_path, n_trials=2))
    unknown = begin(tracked, tmp_path)
    stages = []
    client = client_of(config_at(tmp_path).uri or "")
    with Lease(study) as lease:
        for _ in range(2):
            asked = study.ask(lease.worker)
            assert asked is not None
            study.complete(asked.number, 0.5)
            tracked.end_left_open(study, kind="rerun")
            tracked.end_left_open(study, kind="trial")
            stages.append(client.get_run(unknown).info.lifecycle_stage)
    assert stages == ["active", "deleted"]
