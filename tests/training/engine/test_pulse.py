"""A search that ends a trial between two of its steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.checkpoints.training_state import STATE_PREFIX
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
