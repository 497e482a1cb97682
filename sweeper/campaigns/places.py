"""Where a sweep or a trial writes: whether it may, and whether there is room."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.config import ExportConfig, OnnxExport
from slimtune.sweeper.campaigns.recorded_command import FILE, check_own_folder
from slimtune.sweeper.storage_url import file_of, resolved
from slimtune.training.checkpoints.kinds import is_checkpoint
from slimtune.training.checkpoints.training_state import STATE_PREFIX, is_state
from slimtune.training.config.tracking import TrackerName, TrackingMode
from slimtune.training.config.trial import TrialConfig
from slimtune.training.errors import StoreError
from slimtune.training.methods import method_of
from slimtune.training.tracking.uri import sqlite_path, tracking_uri, warn_of_other_registry
from slimtune.training.usual_places import home_path
from slimtune.training.writable_folder import check_writable, what_is_there

# bytes of a weight in fp32; an adapter's share of a model, generously
FLOAT_BYTES, ADAPTER_SHARE = 4, 0.05
# AdamW's two moments beside the weights, in the state that a killed trial resumes from
STATE_COPIES = 3


class Places(NamedTuple):
    """Where results go.

    Attributes:
        folder: Of the sweep or the trial.
        num_checkpoints: How many trials will keep one.
        storage: Of the study; None if there is none.
        experiment: In the tracker, unless `tracking.experiment` names another.
    """

    folder: Path
    num_checkpoints: int
    storage: str | None = None
    experiment: str = ""


def place_checks(places: Places, config: TrialConfig) -> Iterator[Callable[[], object]]:
    """Each raises a StoreError, which says where nothing can be written."""
    yield partial(check_writable, places.folder, "the folder of results")
    yield partial(check_own_trials, places.folder)
    if places.storage is not None:
        yield partial(check_own_folder, places.folder, places.experiment)
        # a trial of its own has none, and need not wait for Optuna
        from slimtune.sweeper.study.storages.foreign_study import check_own_study
        from slimtune.sweeper.study.storages.loading import check_url

        yield partial(check_url, places.storage)
        yield partial(check_own_study, places.storage, places.experiment)
        file = file_of(resolved(places.storage))
        if file is not None and file.parent.absolute() != places.folder.absolute():
            yield partial(check_writable, file.parent, "the folder of search.storage")
    yield partial(check_writable, home_path(config.data.cache_dir), "data.cache_dir")
    if config.tracking.wandb:
        yield _check_wandb
    uri = tracking_uri(config.tracking.uri)
    if config.tracking.name is TrackerName.none:
        return
    if (database := sqlite_path(uri)) is not None:
        yield partial(check_writable, database.parent, "the folder of tracking.uri")
    yield partial(_check_tracker, places, config)


def _check_wandb() -> None:
    from slimtune.training.tracking.beside.wandb_run import check_credentials

    check_credentials()


def _check_tracker(places: Places, config: TrialConfig) -> None:
    """A tracker that is away stands in the way of nothing but a beginning that would send to it."""
    from slimtune.training.tracking.line import TrackerAway
    from slimtune.training.tracking.mlflow_runs import check_store_file, check_tracker

    uri = tracking_uri(config.tracking.uri)
    warn_of_other_registry(uri)
    if config.tracking.mode is TrackingMode.offline:
        check_store_file(uri)
        return
    try:
        check_tracker(config.tracking, places.experiment)
    except TrackerAway as error:
        is_under_way = (places.folder / FILE).is_file()
        if sqlite_path(uri) is not None:
            raise
        if not is_under_way:
            raise TrackerAway(
                f"{error}; start it, or add tracking.mode=offline: then all waits on disk until slimtune sync"
            ) from error


def check_own_trials(folder: Path) -> None:
    """Whether what lies where trials write, and is called as what they write, is theirs.

    Raises:
        StoreError: It is not, and would be replaced.
    """
    for inside in ("", "trials/*/", "reruns/*/"):
        for kind, is_own in (("checkpoint-", is_checkpoint), (STATE_PREFIX, is_state)):
            named = [path for path in folder.glob(f"{inside}{kind}*") if path.name.removeprefix(kind).isdigit()]
            if foreign := sorted(path for path in named if not is_own(path)):
                raise StoreError(
                    f"the folder of results is {folder}, and {foreign[0]} in it was not written by slimtune, but could "
                    "be replaced; take another folder (hydra.run.dir, hydra.sweep.dir), or move it away"
                )


def check_room(places: Places, needed: float) -> None:
    """Whether the disk has room for what will be written.

    Raises:
        StoreError: It has not.
    """
    folder = places.folder.absolute()
    there = what_is_there(folder)
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StoreError(
            f"{there} has {free / 1e9:.1f} GB free, and {places.num_checkpoints} checkpoints and an export of this "
            f"model need about {needed / 1e9:.1f} GB; make room, take another folder (hydra.sweep.dir), or fewer trials"
        )


def needed_bytes(model: Any, config: TrialConfig, export: ExportConfig | None, num_checkpoints: int) -> float:
    """What trials and an export will write, about."""
    whole = FLOAT_BYTES * sum(parameter.numel() for parameter in model.parameters())
    checkpoint = whole * (ADAPTER_SHARE if method_of(config.method).shares_base else 1.0)
    # fp32, each variant, and the bundle, which is a copy of one of them
    exported = whole * (2 + len(export.variants)) if isinstance(export, OnnxExport) else 0.0
    return float(checkpoint * (num_checkpoints + STATE_COPIES) + exported)
