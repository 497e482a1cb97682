"""Hydra's launchers as a search uses them: what they need, and which of their defaults would not do."""

import os
import shutil
from typing import Any

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf, open_dict

BASIC, JOBLIB, RAY, SLURM, PROCESSES = (
    "BasicLauncher",
    "JoblibLauncher",
    "RayLauncher",
    "SlurmLauncher",
    "LocalLauncher",
)
ALL_CORES = -1
# what `training.extras` knows, by the option of `hydra/launcher` that needs it
PACKAGES = {
    "joblib": "hydra_joblib_launcher",
    "local": "hydra_joblib_launcher",
    "ray": "hydra_ray_launcher",
    "ray_aws": "hydra_ray_launcher",
    "ray_cluster": "hydra_ray_launcher",
    "ray_gpu": "hydra_ray_launcher",
    "slurm": "hydra_submitit_launcher",
    "slurm_gpu": "hydra_submitit_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "submitit_slurm": "hydra_submitit_launcher",
}
# said where no commands of Slurm are
NO_SLURM = (
    "hydra/launcher={option} submits jobs by sbatch, which is not on this machine; start the sweep where Slurm's "
    "commands are, or take hydra/launcher={local}"
)


def launcher_class(config: DictConfig) -> str:
    """The class of the configured launcher, without its package."""
    return str(config.hydra.launcher._target_).rpartition(".")[2]


def is_serial(config: DictConfig) -> bool:
    """Whether the launcher runs one job after the other."""
    return launcher_class(config) == BASIC


def die_alone(launcher: Launcher) -> bool:
    """Whether other workers go on when one dies."""
    return type(launcher).__name__ in (RAY, SLURM, PROCESSES)


def _on_this_machine(config: DictConfig) -> str:
    """Our preset, where the app composes our config; else the plugin's own."""
    sources = config.hydra.runtime.get("config_sources") or ()
    return "local" if any("slimtune.conf" in str(one.get("path")) for one in sources) else "joblib"


def launcher_problems(config: DictConfig, *, num_workers: int) -> list[str]:
    """What stands in the way of launching, as far as it can be seen from here."""
    if is_serial(config) and num_workers > 1:
        return [
            f"search.num_workers is {num_workers}, but hydra/launcher=basic runs one job after the other; "
            f"add hydra/launcher={_on_this_machine(config)}"
        ]
    if launcher_class(config) == SLURM and shutil.which("sbatch") is None:
        return [NO_SLURM.format(local=_on_this_machine(config), option=config.hydra.runtime.choices["hydra/launcher"])]
    return []


def fitting(config: DictConfig, *, num_workers: int) -> DictConfig:
    """The config with a launcher that starts all workers, and that starts at all."""
    kind, launcher = launcher_class(config), config.hydra.launcher
    changed: dict[str, Any] = {}
    if kind == JOBLIB and launcher.n_jobs == ALL_CORES:
        # as many as there are cores, and the other workers one after the other
        changed["n_jobs"] = num_workers
    if kind == RAY:
        # it reports to its makers otherwise
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # others are begun in the place of those that die, and Ray would begin them a second time
        changed["ray.remote.max_retries"] = launcher.ray.remote.get("max_retries", 0)
        if launcher.ray.init.get("address") or os.environ.get("RAY_ADDRESS"):
            # the plugin sets one where none is said, which Ray refuses for a cluster that runs
            changed["ray.init.object_store_memory"] = launcher.ray.init.get("object_store_memory")
    if not changed:
        return config
    copy = config.copy()
    with open_dict(copy):
        for key, value in changed.items():
            OmegaConf.update(copy, f"hydra.launcher.{key}", value)
    return copy
