"""A checkpoint, found by whatever names it: its folder, one around it, or the id of a run in the tracker."""

from pathlib import Path
from shlex import quote

from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import sqlite_path, tracking_uri

# the file that makes a folder a checkpoint; named here, since whoever looks for one need not import torch
RECORD = "slimtune.json"
# files that say what else a folder is, and what makes a model of slimtune of it
ELSE = {
    "adapter_config.json": "an adapter of peft",
    "config.json": "a model of transformers",
}


def find_checkpoint(name: str, uri: str | None) -> Path:
    """The folder of a checkpoint: given itself, by a folder that holds one, or by the id of a run.

    Raises:
        ModelError: There is none.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return checkpoint_in(folder)
    store = tracking_uri(uri)
    found = None
    # a look-up shall not make an empty store
    path = sqlite_path(store)
    if path is None or path.is_file():
        from slimtune.training.tracking.mlflow_runs import download_run_folder

        found = download_run_folder(store, name, "checkpoint")
    if found is None:
        raise ModelError(
            f"{name}: neither a folder nor a run with a checkpoint; trials keep theirs under "
            "outputs/<sweep>/trials/<number>, and tracking.checkpoints=all uploads all of them"
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


def repair_of(folder: Path) -> str | None:
    """What to do with a folder of another kind of model; None if it is none."""
    if (folder / RECORD).is_file() or any(folder.glob(f"checkpoint-*/{RECORD}")):
        command = f"slimtune export --run {quote(str(folder))} --out exported"
        return f"it is a checkpoint of slimtune; make a bundle of it: {command}"
    kind = next((kind for name, kind in ELSE.items() if (folder / name).is_file()), None)
    if kind is None:
        return None
    labels = "'task.labels=[...]' " if kind == ELSE["adapter_config.json"] else ""
    return (
        f"it is {kind}; make a bundle of it and give exported/bundle: slimtune export --run {quote(str(folder))} --out "
        f"exported task=classification {labels}data.train_file=rows.jsonl"
    )
