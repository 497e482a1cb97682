from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import open_bundle
from slimtune.training.checkpoints.checkpoint import RECORD
from slimtune.training.checkpoints.find import checkpoint_in, find_checkpoint
from slimtune.training.checkpoints.kinds import repair_of
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ModelError
from slimtune.training.tracking.mlflow_runs import Tracker
from slimtune.training.tracking.uri import sqlite_url
from tests.conftest import make_lineage


def test_the_last_checkpoint_of_a_trial_is_taken(tmp_path: Path) -> None:
    """By number: 16 comes after 8."""
    for name in ("checkpoint-8", "checkpoint-16"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text("{}")
    assert checkpoint_in(tmp_path) == tmp_path / "checkpoint-16"
    assert checkpoint_in(tmp_path / "checkpoint-8") == tmp_path / "checkpoint-8"


def test_a_folder_without_a_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no checkpoint"):
        checkpoint_in(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["adapter_config.json", "config.json"],
            r"it is an adapter of peft; .*slimtune export --run '.*' .*task.labels",
        ),
        (["config.json"], r"it is a model of transformers; .*slimtune export --run '.*' --out exported task=class"),
    ],
)
def test_another_kind_of_model_is_told_with_what_to_do(files: list[str], message: str, tmp_path: Path) -> None:
    """By whoever reads checkpoints, and by whoever reads bundles."""
    folder = tmp_path / "it's"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("{}")
    for read in (checkpoint_in, open_bundle):
        with pytest.raises(ModelError, match=message):
            read(folder)


def test_a_checkpoint_in_the_place_of_a_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("{}")
    assert "it is a checkpoint of slimtune; make a bundle of it" in str(repair_of(tmp_path))


def a_trial(folder: Path, *, rate: float = 0.1, kept: bool = True) -> Path:
    """As a trial leaves it: its config, and mostly a checkpoint."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"fit:\n  learning_rate: {rate}\n")
    if kept:
        (folder / "checkpoint-8").mkdir()
        (folder / "checkpoint-8" / RECORD).write_text("{}")
    return folder


def test_a_sweep_without_a_bundle_names_a_trial_that_has_a_checkpoint(tmp_path: Path) -> None:
    a_trial(tmp_path / "trials/0", kept=False)
    told = str(repair_of(tmp_path))
    assert told.endswith(f"slimtune export --run {tmp_path} --out exported")
    a_trial(tmp_path / "trials/4")
    told = str(repair_of(tmp_path))
    assert told.endswith(f"; or give one of its trials to evaluate, e.g. {tmp_path}/trials/4")


def test_the_folder_of_a_trial_without_a_checkpoint_says_what_is_known(tmp_path: Path) -> None:
    """It is a trial's folder, so that nobody is told to give one."""
    trials = tmp_path / "trials"
    of_other = a_trial(trials / "0", rate=0.2)
    pruned = a_trial(trials / "1", kept=False)
    with pytest.raises(ModelError, match="its trial is under way, or ended before its first evaluation"):
        checkpoint_in(pruned)
    a_trial(trials / "2")
    with pytest.raises(ModelError, match=r"trials/2, another attempt at a trial of the same config, holds one"):
        checkpoint_in(pruned)
    (pruned / "resume-8").mkdir()
    (pruned / "resume-8" / "state.json").write_text("{}")
    with pytest.raises(ModelError, match="goes on by the command that began it"):
        checkpoint_in(pruned)
    assert checkpoint_in(of_other) == of_other / "checkpoint-8"


@pytest.mark.parametrize(
    ("kind", "name", "folder"), [("trial", "t04 1e-3", "trials/4"), ("rerun", "t04 seed 1", "reruns/t04 seed 1")]
)
def test_the_run_of_a_trial_leads_to_its_folder(
    kind: str, name: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the tracker has no checkpoint of it; a sweep of the same name with another config is not the run's."""
    monkeypatch.chdir(tmp_path)
    uri = sqlite_url(tmp_path / "runs.db")
    lineage = replace(make_lineage(tmp_path), kind=kind, name=name, tags={"sweep": "tone", "trial": "4"})
    run = Tracker(mlflow_at(uri), "e").start(lineage)
    run.log_params({"fit.learning_rate": 0.1})
    place = a_trial(Path("outputs", "tone", folder))
    assert find_checkpoint(str(run.run_id), uri) == place / "checkpoint-8"
    (place / "config.yaml").write_text("fit:\n  learning_rate: 0.2\n")
    with pytest.raises(ModelError, match="nor a run with a checkpoint"):
        find_checkpoint(str(run.run_id), uri)
