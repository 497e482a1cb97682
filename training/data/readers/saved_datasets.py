"""Folders that `datasets` wrote with `save_to_disk`."""

import json
from pathlib import Path
from typing import Any

from slimtune.training.errors import DataError

# of one split, and of several beside each other
STATE, SPLITS = "state.json", "dataset_dict.json"


def saved_files(folder: Path) -> list[Path] | None:
    """The Arrow files of a saved split, in the order of its rows; None for another folder.

    Raises:
        DataError: Several splits are saved there, or a file is gone.
    """
    if (folder / SPLITS).is_file():
        names = [str(name) for name in _read(folder / SPLITS, "splits")]
        named = ", ".join(f"{folder / name}" for name in names)
        raise DataError(f"{folder}: several splits are saved here; name one of {named}")
    if not (folder / STATE).is_file() or not any(folder.glob("*.arrow")):
        return None
    files = [folder / str(_name(entry)) for entry in _read(folder / STATE, "_data_files")]
    for path in files:
        if not path.is_file():
            raise DataError(f"{folder}: {STATE} names {path.name}, which is not there; save the split again")
    return files


def _name(entry: Any) -> Any:
    return entry["filename"] if isinstance(entry, dict) and "filename" in entry else entry


def _read(path: Path, key: str) -> list[Any]:
    try:
        found = json.loads(path.read_bytes())[key]
    except (ValueError, KeyError, TypeError, OSError):
        found = None
    if not isinstance(found, list):
        raise DataError(f"{path}: not as `datasets` writes it; save the data again")
    return found
