"""The folders and the store that a sweep in this folder would write to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.sweeper.doctor.unseen import seen_or_not
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import UserError
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.tracking.uri import sqlite_path, tracking_uri, without_password
from slimtune.training.writable_folder import check_writable

GB = 1e9
SCARCE_GB = 2.0


def places(outputs: Path, tracker: str | None) -> Iterator[Finding]:
    """Whether results can be written, and what a tracker's address leads to.

    Args:
        outputs: Folder of the sweeps.
        tracker: MLflow store; None is the default one.
    """
    yield _outputs(outputs)
    yield from seen_or_not("tracker", lambda: [_tracker(tracker)])
    yield from seen_or_not("hub", lambda: [_hub()])


def _outputs(folder: Path) -> Finding:
    absolute = folder.absolute()
    try:
        check_writable(absolute, "the folder of results")
    except UserError as error:
        return Finding(name="outputs", told=str(absolute), grade=Grade.bad, repair=str(error))
    there = next(path for path in (absolute, *absolute.parents) if path.exists())
    free = shutil.disk_usage(there).free / GB
    if free >= SCARCE_GB:
        return Finding(name="outputs", told=f"{absolute}, {free:.1f} GB free")
    repair = "a sweep of small models takes a GB or two; free some, or set hydra.sweep.dir to another disk"
    return Finding(name="outputs", told=f"{absolute}, {free:.1f} GB free", grade=Grade.bad, repair=repair)


def _tracker(tracker: str | None) -> Finding:
    from slimtune.training.tracking.mlflow_runs import check_tracker

    path = sqlite_path(tracking_uri(tracker))
    told = without_password(tracking_uri(tracker)) if path is None else str(path)
    try:
        check_tracker(mlflow_at(tracker), "slimtune-doctor")
        if path is not None and not path.is_file():
            check_writable(path.parent, "the folder of the MLflow store")
            told += ", made by the first sweep"
    except UserError as error:
        return Finding(name="tracker", told=told, grade=Grade.bad, repair=str(error))
    return Finding(name="tracker", told=told)


def _hub() -> Finding:
    why = why_unreachable()
    if why is None:
        return Finding(name="hub", told="can be reached: models and data sets are downloaded when a config names them")
    repair = "name models and data by folders and files, or by package: names; what was downloaded before is found"
    return Finding(name="hub", told=why, grade=Grade.absent, repair=repair)
