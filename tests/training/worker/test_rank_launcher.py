"""A trial on several devices: two processes with a share of the cores each."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.engine import GivenTrials
from slimtune.training.trial import Completed, Failed, FailureKind, Pruned, Report, Verdict
from slimtune.training.worker.run import run_trial, run_trials
from tests.conftest import FakeTrial, run_afresh
from tests.training.conftest import rank_of

ConfigOf = Callable[..., dict[str, Any]]


@pytest.mark.usefixtures("forked_ranks")
@pytest.mark.parametrize(
    "more",
    [
        # the last batch of an epoch has one row: a rank without rows waits for the other
        ("fit.batch_size=83", "fit.epochs=2", "fit.max_grad_norm=0.1"),
        (
            "method=full",
            "method.dropout=0",
            "fit.batch_size=7",
            "fit.micro_batch_size=2",
            "fit.learning_rate=1e-3",
            "fit.weight_decay=0.1",
        ),
    ],
    ids=" ".join,
)
def test_two_processes_report_what_one_reports(more: tuple[str, ...], config_of: ConfigOf, tmp_path: Path) -> None:
    """Same batches, same losses, same scores; every rank trains on rows of its own."""
    reports = []
    for devices in (1, 2):
        trial = FakeTrial(config_of("fit.precision=fp32", f"fit.devices={devices}", *more), tmp_path / str(devices))
        outcome = run_afresh(trial)
        assert isinstance(outcome, Completed), outcome
        assert outcome.checkpoint.is_dir()
        reports.append(trial.reports)
    assert reports[0].keys() == reports[1].keys()
    for milestone, metrics in reports[0].items():
        for name in ("train/loss", "validation/loss"):
            assert reports[1][milestone][name] == pytest.approx(metrics[name], rel=1e-4), (milestone, name)


class DeadlyTrial(FakeTrial):
    """Kills a rank at the first report."""

    def report(self, examples_seen: int, report: Report) -> Verdict:
        rank_of("rank 1").kill()
        return super().report(examples_seen, report)


def ranks_left() -> list[str]:
    return [process.name for process in multiprocessing.active_children() if process.name.startswith("rank ")]


@pytest.mark.usefixtures("forked_ranks")
def test_a_rank_that_dies_ends_the_trial_as_lost(config_of: ConfigOf, tmp_path: Path) -> None:
    """And not as a hang; the next trial goes on, and what stops a trial reaches all its ranks."""
    deadly = DeadlyTrial(config_of("fit.devices=2", "fit.epochs=50", "fit.patience=null"), tmp_path / "0")
    pruned = FakeTrial(config_of("fit.devices=2", "fit.epochs=50"), tmp_path / "1", stop_at=84)
    run_trials(GivenTrials([deadly, pruned]))
    assert isinstance(deadly.outcome, Failed)
    assert deadly.outcome.kind is FailureKind.lost
    assert "rank 1 ended with exit code -9 before the trial did" in deadly.outcome.message
    assert pruned.outcome == Pruned(84, "told to")
    assert ranks_left() == []


@pytest.mark.usefixtures("forked_ranks")
def test_a_trial_that_diverges_says_so_from_its_ranks(config_of: ConfigOf, tmp_path: Path) -> None:
    config = config_of("fit.devices=2", "method=full", "fit.learning_rate=1e30", "fit.max_grad_norm=null")
    outcome = run_afresh(FakeTrial(config, tmp_path / "0"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.diverged
    assert ranks_left() == []


@pytest.mark.usefixtures("forked_ranks")
def test_what_a_rank_fails_of_is_the_trials_kind(config_of: ConfigOf, tmp_path: Path) -> None:
    """And not lost, which would be tried again."""
    config = config_of(
        "fit.devices=2", "fit.max_memory_mb=100", "tracking=mlflow", f"tracking.uri=sqlite:///{tmp_path}/m.db"
    )
    outcome = run_afresh(FakeTrial(config, tmp_path / "0"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.out_of_memory, outcome
    assert ranks_left() == []


def test_a_loss_over_the_whole_batch_is_not_taken_apart(config_of: ConfigOf, tmp_path: Path) -> None:
    from slimtune.training.errors import ConfigError
    from slimtune.training.hardware.resources import resolve
    from slimtune.training.workbench.preflight import check_trial
    from slimtune.training.workbench.workbench import workbench_for

    config = parse_trial(config_of("fit.devices=2")).section
    bench = workbench_for(config, resolve(config.fit))

    class Coupled:
        couples_rows = True

    with pytest.raises(ConfigError, match=r"fit.devices is 2, and the loss compares all rows of a batch \(8\)"):
        check_trial(config, bench._replace(task=Coupled()), resolve(config.fit))
    alone = parse_trial(config_of("fit.micro_batch_size=2")).section
    with pytest.raises(ConfigError, match=r"fit.micro_batch_size is 2, and .*; use auto"):
        check_trial(alone, bench._replace(task=Coupled()), resolve(config.fit))


def test_devices_share_no_passes(config_of: ConfigOf) -> None:
    problems = parse_trial(config_of("fit.devices=2", "fit.slots=4")).problems
    assert "a trial on several devices shares no passes" in problems[0]


def test_one_trial_is_run_so_too(config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By `slimtune train`, and where a finalist is run again; the leader's log is the worker's."""
    caplog.set_level("INFO")
    trial = FakeTrial(config_of("fit.devices=2", "fit.epochs=1"), tmp_path / "0")
    assert isinstance(run_trial(trial), Completed)
    assert trial.reports
    assert [message for message in caplog.messages if message.startswith("worker: ") and "0.0% training" not in message]
