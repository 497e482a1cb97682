"""A checkpoint, found by whatever names it: its folder, one around it, or the id of a run in the tracker."""

import re
from pathlib import Path

from slimtune.training.checkpoints.kinds import RECORD as RECORD
from slimtune.training.checkpoints.kinds import near_sweep, repair_of
from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.usual_places import OUTPUTS, home_path

# as MLflow makes them; what is of another form is answered before MLflow is imported
# of the tracker; a run that it did not have yet is noted by its key
RUN_ID = re.compile("(queued-)?[0-9a-f]{32}")


def find_checkpoint(name: str, uri: str | None) -> Path:
    """The folder of a checkpoint: given itself, by a folder that holds one, or by the id of a run.

    Raises:
        ModelError: There is none.
    """
    folder = home_path(name)
    if folder.is_dir():
        return checkpoint_in(folder)
    store = tracking_uri(uri)
    found = None
    # a look-up shall not make an empty store
    path = sqlite_path(store)
    if RUN_ID.fullmatch(name) and (path is None or path.is_file()):
        from slimtune.training.tracking.mlflow_runs import download_run_folder

        found = download_run_folder(store, name, "checkpoint")
    if found is None:
        what = "a file, and no folder" if folder.is_file() else "neither a folder"
        sweep = OUTPUTS / name
        repair = f"; {sweep} is there: {repair_of(sweep)}" if sweep.is_dir() else near_sweep(folder)
        raise ModelError(
            f"{name}: {what} nor a run with a checkpoint; trials keep theirs under "
            f"outputs/<sweep>/trials/<number>, and tracking.checkpoints=all uploads all of them{repair}"
        )
    return checkpoint_in(found)


def checkpoint_in(folder: Path) -> Path:
    """The folder itself, or the last checkpoint of a trial's folder.

    Raises:
        ModelError: It holds none.
    """
    if (folder / RECORD).is_file():
        return folder
    inside = sorted(folder.glob(f"checkpoint-*/{RECORD}"), key=lambda path: int(path.parent.name.split("-")[1]))
    if not inside:
        repair = repair_of(folder) or "give a trial's folder or its checkpoint-* folder"
        raise ModelError(f"{folder} holds no checkpoint; {repair}")
    return inside[-1].parent
