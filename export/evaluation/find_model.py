"""A model of any kind from whatever names it; nothing heavy is imported to look for it."""

import json
from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import MANIFEST
from slimtune.export.registry.find_bundle import locate_bundle
from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.training.checkpoints.find import RECORD, find_checkpoint
from slimtune.training.data.readers.reader import check_sources


def find_bundle_or_checkpoint(name: str, tracking_uri: str | None, *, trust: bool = False) -> Path:
    """The folder of a bundle or a checkpoint.

    Args:
        name: A checkpoint's or trial's folder, the id of a run, a bundle's folder, or `models:/<name>@<alias>`.
        tracking_uri: The MLflow store of runs and registered models; None is `mlruns/mlflow.db` here.
        trust: Whether libraries that a bundle's files name may be loaded.

    Raises:
        ModelError: There is no such model.
    """
    if name.startswith(MODELS_URI) or (Path(name).expanduser() / MANIFEST).is_file():
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


def _reader_of(model: Path) -> Any:
    """Dotted path of the reader that a model was trained with."""
    about = next((path for path in (model / MANIFEST, model / RECORD) if path.is_file()), None)
    try:
        return json.loads(about.read_text(encoding="utf-8"))["config"]["data"]["reader"] if about else None
    except (ValueError, LookupError, TypeError):
        # what is wrong with it is told when it is opened
        return None
