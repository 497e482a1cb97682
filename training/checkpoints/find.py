"""A checkpoint, found by whatever names it: its folder, one around it, or the id of a run in the tracker."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from slimtune.training.broken_files import BROKEN
from slimtune.training.checkpoints.continued import continued_in
from slimtune.training.checkpoints.kinds import CONFIG, STATE_FACTS, STATE_PREFIX, TRIALS, near_sweep, repair_of
from slimtune.training.checkpoints.kinds import RECORD as RECORD
from slimtune.training.errors import ModelError
from slimtune.training.tracking.display import by_dotted_key, display
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.usual_places import OUTPUTS, home_path, last_checkpoint

# as MLflow makes them; what is of another form is answered before MLflow is imported
# of the tracker; a run that it did not have yet is noted by its key
RUN_ID = re.compile("(queued-)?[0-9a-f]{32}")
# in a sweep's folder, beside its trials; and the tag that has a run's name
RERUNS, RUN_NAME = "reruns", "mlflow.runName"


def find_checkpoint(name: str, uri: str | None) -> Path:
    """The folder of a checkpoint: given itself, by a folder that holds one, or by the id of a run.

    A run that holds none is looked for by its sweep and its number where sweeps lie.

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

        found = download_run_folder(store, name, "checkpoint") or _folder_of_run(store, name)
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
    if (found := last_checkpoint(folder)) is not None:
        return found
    repair = why_none(folder) or repair_of(folder) or "give a trial's folder or its checkpoint-* folder"
    raise ModelError(f"{folder} holds no checkpoint; {repair}")


def why_none(folder: Path) -> str | None:
    """Why the folder of a trial holds no checkpoint, as far as its files tell; None of other folders."""
    if not (folder / CONFIG).is_file():
        return None
    if (place := continued_in(folder)) is not None:
        return f"its trial was interrupted and went on in {place}; give that folder"
    if any(folder.glob(f"{STATE_PREFIX}*/{STATE_FACTS}")):
        return "its trial is under way, or was interrupted and goes on by the command that began it"
    if (place := _attempt_beside(folder)) is not None:
        return f"{place}, another attempt at a trial of the same config, holds one; give that folder"
    return (
        "its trial is under way, or ended before its first evaluation, or its checkpoint was removed; give another "
        "trial's folder"
    )


def _attempt_beside(folder: Path) -> Path | None:
    """Another folder of the sweep with a checkpoint of the same config, as attempts at one trial have it."""
    if folder.parent.name != TRIALS:
        return None
    config = (folder / CONFIG).read_bytes()
    others = [path.parent for path in sorted(folder.parent.glob(f"*/{CONFIG}")) if path.read_bytes() == config]
    return next((place for place in others if last_checkpoint(place) is not None), None)


def _folder_of_run(store: str, run_id: str) -> Path | None:
    """The folder that the trial of a run has written, where sweeps lie; None unless its config is the run's."""
    from slimtune.training.tracking.mlflow_runs import run_data

    if (run := run_data(store, run_id)) is None or "sweep" not in run.tags:
        return None
    kind, sweep = run.tags.get("kind"), OUTPUTS / run.tags["sweep"]
    # a rerun's folder has the name of its run
    places = {"trial": Path(TRIALS, run.tags.get("trial", "")), "rerun": Path(RERUNS, run.tags.get(RUN_NAME, ""))}
    folder = sweep / places[kind] if kind in places else sweep
    return folder if _is_of(folder / CONFIG, run.params) else None


def _is_of(config: Path, params: Mapping[str, str]) -> bool:
    """Whether a file's config is that of a run, whose long values are cut."""
    try:
        values = by_dotted_key(yaml.safe_load(config.read_text(encoding="utf-8")))
    except (*BROKEN, yaml.YAMLError):
        return False
    known = {key: display(value) for key, value in values.items() if key in params}
    return bool(known) and all(value.startswith(params[key]) for key, value in known.items())
