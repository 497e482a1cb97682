"""`hydra/sweeper=slimtune` in an app that knows nothing of slimtune's configs."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.study import load_study_trials

APP = """
import os, signal
import hydra
from hydra.core.hydra_config import HydraConfig
from slimtune.sweeper import current_trial

@hydra.main(version_base="1.3", config_path="conf", config_name="app")
def main(cfg):
    trial = current_trial()
    if trial is not None:
        assert HydraConfig.get().job.num == trial.number
    if cfg.x > 9:
        raise ValueError("too large")
    for step in range(1, 10):
        value = (cfg.x - 1) ** 2 + cfg.model.offset + 1 / step
        if trial is not None:
            trial.report(value, step)
    return value

main()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "app.yaml").write_text("defaults:\n  - model: ???\n  - _self_\nx: 0\n")
    (tmp_path / "conf" / "model" / "small.yaml").write_text("offset: 1\n")
    (tmp_path / "conf" / "model" / "large.yaml").write_text("offset: 0\n")
    return tmp_path


def sweep(app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    fixed = ["-m", "hydra/sweeper=slimtune", "hydra.sweep.dir=out", "hydra.sweeper.search.direction=minimize"]
    return subprocess.run(
        [sys.executable, "app.py", *fixed, *arguments], cwd=app, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("launcher", [[], ["hydra/launcher=joblib", "hydra.sweeper.search.num_workers=2"]])
def test_any_hydra_app_is_searched(app: Path, launcher: list[str]) -> None:
    """Groups compose anew for each trial, a mandatory group may be searched, and each trial has its own folder."""
    budget = "hydra.sweeper.search.n_trials=10"
    done = sweep(app, "x=interval(-5,5)", "model=small,large", budget, *launcher)
    assert done.returncode == 0, done.stderr
    results = OmegaConf.load(app / "out" / "optimization_results.yaml")
    trials = load_study_trials(f"sqlite:///{app / 'out' / 'study.db'}", "app").trials
    assert len(trials) == 10
    assert {trial.state.value for trial in trials} == {"complete", "pruned"}
    assert results.best_value == min(trial.objective for trial in trials if trial.state.value == "complete")
    saved = OmegaConf.load(app / "out" / "0" / ".hydra" / "config.yaml")
    assert saved.model.offset == {"small": 1, "large": 0}[trials[0].params["model"]]


def test_a_failing_trial_is_recorded_and_the_sweep_goes_on(app: Path) -> None:
    done = sweep(
        app,
        "x=1,99,0,98,2,97",
        "model=large",
        "hydra.sweeper.search.n_trials=6",
        "hydra.sweeper.search.sampler=random",
    )
    assert done.returncode == 0, done.stderr
    trials = load_study_trials(f"sqlite:///{app / 'out' / 'study.db'}", "app").trials
    assert len(trials) == 6
    assert {trial.kind for trial in trials if trial.params["x"] > 9} == {"bug"}
    assert {trial.kind for trial in trials if trial.params["x"] < 9} == {None}
    assert "Error executing job" not in done.stderr


def test_the_same_command_goes_on_and_the_budget_is_the_total(app: Path) -> None:
    for budget in (3, 5, 5):
        done = sweep(app, "x=interval(0,2)", "model=large", f"hydra.sweeper.search.n_trials={budget}")
        assert done.returncode == 0, done.stderr
        assert len(load_study_trials(f"sqlite:///{app / 'out' / 'study.db'}", "app").trials) == budget


def test_a_task_function_runs_alone_as_well(app: Path) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "model=small"], cwd=app, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
