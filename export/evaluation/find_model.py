"""A model of any kind from whatever names it; nothing heavy is imported to look for it."""

from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import MANIFEST
from slimtune.export.registry.find_bundle import is_bundle_name, locate_bundle
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.checkpoints.find import RECORD, find_checkpoint
from slimtune.training.data.readers.reader import check_sources


def find_bundle_or_checkpoint(name: str, tracking_uri: str | None, *, trust: bool = False) -> Path:
    """The folder of a bundle or a checkpoint.

    Args:
        name: A checkpoint's or trial's folder, the id of a run, a bundle's folder, `models:/<name>@<alias>`, or
            the folder or name of what holds one bundle: an export's, a sweep's.
        tracking_uri: The MLflow store of runs and registered models; None is what MLFLOW_TRACKING_URI
            says, or `mlruns/mlflow.db` here.
        trust: Whether libraries that a bundle's files name may be loaded.

    Raises:
        ModelError: There is no such model.
    """
    if is_bundle_name(name):
        return locate_bundle(name, tracking_uri, trust=trust).folder
    return find_checkpoint(name, tracking_uri)


def check_row_files(name: str, model: Path) -> None:
    """Look for the files of labelled rows; a model whose own reader reads them knows alone what their name means.

    Args:
        name: Of the rows.
        model: The folder of a bundle or a checkpoint.

    Raises:
        DataError: A file is missing.
    """
    if _reader_of(model) is None:
        check_sources(name)


def experiment_of(model: Path) -> str | None:
    """The experiment of the tracker that a model comes from; None if its files do not say."""
    manifest = model / MANIFEST
    said = _said(manifest, "sweep") if manifest.is_file() else _said(model / RECORD, "config", "search", "name")
    return None if said is None else str(said)


def _reader_of(model: Path) -> Any:
    """Dotted path of the reader that a model was trained with."""
    about = next((path for path in (model / MANIFEST, model / RECORD) if path.is_file()), None)
    return None if about is None else _said(about, "config", "data", "reader")


def _said(file: Path, *keys: str) -> Any:
    """What stands under keys of a JSON file; None if nothing does."""
    try:
        found: Any = read_object(file)
        for key in keys:
            found = found[key]
    except BROKEN:
        # what is wrong with it is told when it is opened
        return None
    return found
