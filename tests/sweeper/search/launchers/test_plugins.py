"""Hydra's launchers as a search uses them."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

import slimtune.conf
from slimtune.sweeper.search.launchers import plugins
from slimtune.sweeper.search.launchers.plugins import PACKAGES, fitting, launcher_problems
from slimtune.training.extras import EXTRAS

PRESETS = sorted(path.stem for path in Path(str(slimtune.conf.__file__)).parent.glob("hydra/launcher/*.yaml"))


def composed(launcher: str, *more: str) -> DictConfig:
    overrides = [f"hydra/launcher={launcher}", "data.train_file=rows.jsonl", "search.num_workers=3", *more]
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        return compose("config", overrides=overrides, return_hydra_config=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_composes_into_a_launcher_and_shadows_none(preset: str) -> None:
    config = composed(preset)
    assert config.hydra.launcher._target_.startswith("hydra_plugins.")
    OmegaConf.to_container(config.hydra.launcher, resolve=True)
    assert f"{preset}.yaml" not in ConfigStore.instance().repo["hydra"]["launcher"]


def test_presets_are_what_they_say() -> None:
    """A GPU a worker, and jobs that are queued again at their end."""
    assert composed("local").hydra.launcher.n_jobs == 3
    assert composed("slurm").hydra.launcher.gpus_per_node is None
    assert composed("slurm_gpu").hydra.launcher.gpus_per_node == 1
    assert composed("slurm_gpu").hydra.launcher.max_num_timeout > 0
    assert "num_gpus" not in composed("ray_cluster").hydra.launcher.ray.remote
    assert composed("ray_gpu").hydra.launcher.ray.remote.num_gpus == 1
    assert composed("ray_gpu").hydra.launcher.ray.init.address == "auto"


def test_the_extra_of_every_option_is_known() -> None:
    installed = {Path(name).stem for name in ConfigStore.instance().repo["hydra"]["launcher"]}
    assert set(PACKAGES) == ({*PRESETS, *installed} - {"basic"})


def test_joblib_starts_all_workers_also_on_a_machine_with_fewer_cores() -> None:
    """Its own default is one for each core: the others would begin when these have ended."""
    assert fitting(composed("joblib"), num_workers=3).hydra.launcher.n_jobs == 3
    assert fitting(composed("joblib", "hydra.launcher.n_jobs=2"), num_workers=3).hydra.launcher.n_jobs == 2


def test_ray_joins_a_cluster_that_runs_and_reports_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin sets a size that Ray refuses there; and Ray does not begin a worker again that we begin again."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "")
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    alone = fitting(composed("ray"), num_workers=3).hydra.launcher.ray
    assert "object_store_memory" not in alone.init
    assert alone.remote.max_retries == 0
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    joined = fitting(composed("ray", "hydra.launcher.ray.init.address=auto"), num_workers=3).hydra.launcher.ray
    assert joined.init.object_store_memory is None
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert "object_store_memory" in fitting(composed("ray"), num_workers=3).hydra.launcher.ray.init


def test_a_machine_without_slurm_is_told_by_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins.shutil, "which", lambda _: None)
    config = composed("slurm")
    (problem,) = launcher_problems(config, num_workers=3)
    assert problem.startswith("hydra/launcher=slurm submits jobs by sbatch, which is not on this machine")


@pytest.mark.parametrize("launcher", ["local", "joblib", "slurm", "ray_gpu"])
def test_a_launcher_that_is_not_installed_is_told_with_its_extra(
    launcher: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where its plugin's configs are not known to Hydra."""
    from slimtune.sweeper.cli import main

    package = PACKAGES[launcher]
    known: dict[str, Any] = ConfigStore.instance().repo["hydra"]["launcher"]
    for name in [name for name in known if PACKAGES.get(Path(name).stem) == package]:
        monkeypatch.delitem(known, name)
    monkeypatch.setitem(sys.modules, f"hydra_plugins.{package}", None)
    assert main(["sweep", "data=file", "data.train_file=rows.jsonl", f"hydra/launcher={launcher}"]) == 2
    assert f"which is not installed; pip install 'slimtune[{EXTRAS[package]}]'" in capsys.readouterr().err
