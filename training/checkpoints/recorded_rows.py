"""The files of rows that a checkpoint's or a bundle's config names by paths relative to the folder of the training."""

import glob
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from slimtune.training.config.data import SPLITS
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.readers.reader import is_local
from slimtune.training.errors import DataError
from slimtune.training.package_path import PACKAGE_SCHEME


def found_rows(config: TrialConfig, folder: Path) -> TrialConfig:
    """A recorded config whose files of rows are found, wherever the command is run.

    As a recorded base, what is not there from here is looked for from each folder above, the nearest first. Whether
    the rows are those of the training is for the caller to look at.

    Args:
        config: As the record has it.
        folder: Of the checkpoint, or of the bundle.

    Raises:
        DataError: A relative path leads to no file from here, nor from any folder above.
    """
    data = config.data
    if data.reader is not None:
        # a reader of the user's own takes names of its own
        return config
    found = {key: _found(getattr(data, key), key, folder) for key in SPLITS}
    return config._replace(data=replace(data, **found))


def _found(name: Any, key: str, folder: Path) -> Any:
    if not isinstance(name, str):
        return [_found(one, key, folder) for one in name] if isinstance(name, list) else name
    if not _is_relative(name) or _is_there(name):
        return name
    # results may lie behind a link: above both of its ends
    above = dict.fromkeys([*Path(os.path.abspath(folder)).parents, *folder.resolve().parents])
    for parent in above:
        if _is_there(str(parent / name)):
            return os.path.normpath(parent / name)
    raise DataError(
        f"data.{key} of {folder} is '{name}', which is relative to another folder, that where it was trained: it is "
        "not here, nor below any folder above; run the command in the project's folder, or put the file there"
    )


def _is_relative(name: str) -> bool:
    return is_local(name) and not name.startswith((PACKAGE_SCHEME, "~")) and not Path(name).is_absolute()


def _is_there(name: str) -> bool:
    return Path(name).exists() or (glob.has_magic(name) and next(glob.iglob(name, recursive=True), None) is not None)
