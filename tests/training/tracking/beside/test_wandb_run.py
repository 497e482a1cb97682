"""A run of Weights & Biases, written to disk."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.training.errors import StoreError
from slimtune.training.tracking.beside.both_runs import opened_beside
from slimtune.training.tracking.beside.wandb_run import check_credentials
from slimtune.training.tracking.run import MetricPoint, NullRun
from tests.conftest import make_lineage
from tests.training.tracking.test_mlflow_runs import config_at

wandb = pytest.importorskip("wandb")
PATIENCE_SECONDS = 60


@pytest.mark.slow
def test_curves_config_and_finals_are_in_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By examples, in a project of the sweep's name; two trials at once have a run each."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    config = replace(config_at(tmp_path), wandb=True)
    runs = []
    for name in ("t00", "t01"):
        folder = tmp_path / name
        folder.mkdir()
        runs.append(opened_beside(NullRun, config, replace(make_lineage(folder), name=name)))
    for run in runs:
        run.log_params({"fit.epochs": 3})
        run.log_points([MetricPoint("validation/loss", 0.5, 100, 5000), MetricPoint("objective", 0.25, 100, 5000)])
        run.log_metrics({"best/accuracy": 0.25})
    for run in runs:
        run.end(state="complete")
    for name in ("t00", "t01"):
        (kept,) = (tmp_path / name).glob("wandb/offline-run-*/*.wandb")
        # another process writes it, and on a busy machine it may be some seconds behind
        ends = time.monotonic() + PATIENCE_SECONDS
        wanted = [text.encode() for text in (name, "fit.epochs", "validation/loss", "best/accuracy")]
        while not all(text in kept.read_bytes() for text in wanted) and time.monotonic() < ends:
            time.sleep(0.1)
        content = kept.read_bytes()
        assert [text for text in wanted if text not in content] == []


def test_without_a_key_it_is_told_before_the_first_trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreError, match="W&B has no key: run wandb login"):
        check_credentials()
    monkeypatch.setenv("WANDB_MODE", "offline")
    check_credentials()


def test_without_credentials_the_trial_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(**_: object) -> None:
        raise wandb.errors.UsageError("no API key configured")

    monkeypatch.setattr(wandb, "init", refused)
    run = opened_beside(NullRun, replace(config_at(tmp_path), wandb=True), make_lineage(tmp_path))
    run.log_points([MetricPoint("objective", 0.25, 100, 5000)])
    assert "W&B gets no more of this trial: no API key configured" in caplog.text
