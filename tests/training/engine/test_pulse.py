"""A search that ends a trial between two of its steps."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.checkpoints.training_state import STATE_PREFIX
from slimtune.training.engine.saved_trial import Progress
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.trial import Completed, Failed, FailureKind
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, make_lineage
from tests.training.checkpoints.test_training_state import numbers

ConfigOf = Callable[..., dict[str, Any]]
# two micro-batches a step, and no state by the clock
SHORT = ("fit.save_minutes=null", "fit.precision=fp32", "fit.eval_every=0.5", "fit.epochs=2", "fit.micro_batch_size=4")


class WatchedTrial(FakeTrial):
    """Ends with this when it has been heard of so often."""

    def end_at(self, num_pulses: int, kind: FailureKind) -> "WatchedTrial":
        self.left, self.kind = num_pulses, kind
        return self

    def pulse(self) -> Failed | None:
        self.left -= 1
        return Failed(self.kind, "told to", "") if self.left < 0 else None


def states(folder: Path) -> list[Path]:
    return list(folder.glob(f"{STATE_PREFIX}*"))


@pytest.mark.parametrize("num_pulses", [0, 5])
def test_a_stopped_trial_keeps_its_state_and_ends_as_if_it_had_not_been_stopped(
    config_of: ConfigOf, tmp_path: Path, num_pulses: int
) -> None:
    values = config_of(*SHORT, "fit.batch_size=8")
    unbroken = FakeTrial(values, tmp_path / "unbroken")
    assert isinstance(run_trial(unbroken), Completed)
    stopped = WatchedTrial(values, tmp_path / "0").end_at(num_pulses, FailureKind.stopped)
    assert run_trial(stopped) == Failed(FailureKind.stopped, "told to", "")
    assert stopped.outcome == Failed(FailureKind.stopped, "told to", "")
    assert len(states(tmp_path / "0")) == 1
    again = FakeTrial(values, tmp_path / "1")
    again.lineage = replace(make_lineage(tmp_path / "1"), earlier=[tmp_path / "0"])
    assert isinstance(run_trial(again), Completed)
    assert numbers(again) == numbers(unbroken)


def test_a_trial_that_ran_too_long_has_failed_and_leaves_no_state(config_of: ConfigOf, tmp_path: Path) -> None:
    trial = WatchedTrial(config_of(*SHORT), tmp_path / "0").end_at(3, FailureKind.timeout)
    outcome = run_trial(trial)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.timeout
    assert states(tmp_path / "0") == []


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        (FailureKind.timeout, {"state": "failed", "failure": "timeout"}),
        (FailureKind.stopped, {"state": "interrupted"}),
        (None, {"state": "interrupted"}),
    ],
)
def test_the_run_of_a_trial_that_was_interrupted_says_what_the_search_says(
    config_of: ConfigOf, tmp_path: Path, kind: FailureKind | None, tags: dict[str, str]
) -> None:
    """One that took no step in time has failed; one whose worker was stopped is tried again."""
    from slimtune.training.tracking.mlflow_runs import run_tags

    class Interrupted(FakeTrial):
        was_interrupted = False

        def pulse(self) -> Failed | None:
            if not self.was_interrupted:
                self.was_interrupted = True
                raise KeyboardInterrupt
            return Failed(kind, "told to", "") if kind is not None else None

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    trial = Interrupted(config_of(*SHORT, "tracking=mlflow", f"tracking.uri={uri}"), tmp_path / "0")
    with pytest.raises(KeyboardInterrupt):
        run_trial(trial)
    assert trial.run_id is not None
    found = run_tags(uri, trial.run_id)
    assert {key: found.get(key) for key in ("state", "failure") if key in found} == tags


def test_the_seconds_of_a_run_are_those_of_all_attempts(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its state has them; a search knows too what a killed attempt took after its last one."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    values = config_of(*SHORT, "tracking=mlflow", f"tracking.uri={uri}")
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "seconds", 1000.0)
        assert isinstance(run_trial(WatchedTrial(values, tmp_path / "0").end_at(5, FailureKind.stopped)), Failed)
    for number, before in ((1, 0.0), (2, 5000.0)):
        earlier = tmp_path / f"{number} before"
        shutil.copytree(tmp_path / "0", earlier)
        again = FakeTrial(values, tmp_path / str(number))
        again.lineage = replace(make_lineage(tmp_path / str(number)), earlier=[earlier], seconds_before=before)
        assert isinstance(run_trial(again), Completed)
        assert again.run_id is not None
        found = client_of(uri).get_run(again.run_id).data.metrics
        assert found["fit/seconds"] >= max(before, 1000.0)
        assert 0 < found["fit/evaluation_seconds"] < 1000.0
