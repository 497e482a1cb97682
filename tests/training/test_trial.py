from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.trial import Completed, Report, describe
from slimtune.training.worker.run import run_trial


def test_a_report_stays_as_it_was_handed_out() -> None:
    """Who holds one is not told of later values, and what a caller makes of it is the caller's own."""
    report = Report(objective=0.5, progress=1.0, scores={"validation/loss": 0.1}, train={"train/loss": 0.2})
    report.as_metrics()["objective"] = 0.0
    assert report.as_metrics() == {"objective": 0.5, "validation/loss": 0.1, "train/loss": 0.2}
    with pytest.raises(FrozenInstanceError):
        report.objective = 0.1  # type: ignore[misc]


def test_record_outcome_and_report_are_apart(fake_trial: Any) -> None:
    """Of the best evaluation all three say the same; none of them is another's dict."""
    from slimtune.training.checkpoints.checkpoint import open_checkpoint

    trial = fake_trial("fit.max_steps=4")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    reported = [{key: value for key, value in one.items() if key != "fit/progress"} for one in trial.reports.values()]
    assert dict(outcome.scores) in reported
    assert open_checkpoint(Path(outcome.checkpoint)).record.scores == dict(outcome.scores)


def test_objectives_with_names_are_told_by_them() -> None:
    assert describe(Completed({"objective": 0.25, "loss": 1.0}, Path())) == "completed, objective 0.25"
    assert describe(Completed({"accuracy": 0.25, "size": 3}, Path())) == "completed, accuracy 0.25, size 3"
