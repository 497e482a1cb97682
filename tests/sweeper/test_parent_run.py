"""What a killed worker left open in the tracker."""

from pathlib import Path

import pytest

from sweeper.parent_run import Parent
from sweeper.study import Lease, Study
from sweeper.study.record import RESULT, RUN_ID
from tests.conftest import make_lineage
from tests.sweeper.test_study import make_spec
from tests.training.test_tracking import config_at
from training.tracking import Tracker, client_of
from training.trial import FailureKind


@pytest.mark.slow
def test_runs_of_trials_that_have_ended_are_closed(tmp_path: Path) -> None:
    """With the state and the scores that the study knows; a run whose trial goes on is left alone."""
    tracker = Tracker(config_at(tmp_path), "e")
    parent = tracker.start(make_lineage(tmp_path))
    study = Study(make_spec(tmp_path))
    ids = []
    with Lease(study) as lease:
        for end in ("complete", "failed", None):
            asked = study.ask(lease.worker)
            assert asked is not None
            run = tracker.start(make_lineage(tmp_path, parent_run_id=parent.run_id))
            ids.append(run.run_id or "")
            study.set_trial_attr(asked.number, RUN_ID, run.run_id)
            if end == "complete":
                study.set_trial_attr(asked.number, RESULT, {"objective": 0.5, "validation/accuracy": 0.5})
                study.complete(asked.number, 0.5)
            elif end == "failed":
                study.fail(asked.number, FailureKind.diverged)
        Parent(parent, "link", tracker).end_left_open(study)
    runs = [client_of(config_at(tmp_path).uri or "").get_run(run_id) for run_id in ids]
    assert [run.info.status for run in runs] == ["FINISHED", "FAILED", "RUNNING"]
    assert [run.data.tags["state"] for run in runs] == ["complete", "failed", "running"]
    assert runs[0].data.metrics == {"best/accuracy": 0.5}
