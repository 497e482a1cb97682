"""The base that a checkpoint's record names by a path which is relative to the folder where it was trained."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.models.place import CONFIG, folder_on_disk
from slimtune.training.package_path import PACKAGE_SCHEME


def found_base(base: ModelConfig, checkpoint: Path) -> ModelConfig:
    """A recorded base, wherever the command is run.

    Trials write below the folder of their project, so that a relative path which leads to no folder from here is looked
    for from each folder above the checkpoint, the nearest first. Whether it has the weights that were trained on is
    looked at when it is loaded.

    Args:
        base: As the record has it.
        checkpoint: The checkpoint's folder.

    Returns:
        The base with the path that was found; as it is given, if it is no relative path, or there is none.
    """
    name = _relative_name(base)
    if name is None or Path(name).is_dir():
        return base
    # results may lie behind a link: above both of its ends
    above = dict.fromkeys([*Path(os.path.abspath(checkpoint)).parents, *checkpoint.resolve().parents])
    found = next((folder / name for folder in above if (folder / name / CONFIG).is_file()), None)
    return base if found is None else replace(base, name_or_path=os.path.normpath(found))


@contextmanager
def lost_base_told(base: ModelConfig, checkpoint: Path) -> Iterator[None]:
    """What is raised of a base that is found nowhere says where its name was a path.

    Args:
        base: As `found_base` gives it.
        checkpoint: The checkpoint's folder.

    Raises:
        ModelError: The block raised one, and the base is a relative name that leads nowhere.
    """
    try:
        yield
    except ModelError as error:
        name = _relative_name(base)
        if name is None or _is_on_disk(base):
            raise
        on_hub = "" if name.startswith(".") or name.count("/") > 1 else f"; if a model of the hub is meant: {error}"
        raise ModelError(
            f"model.name_or_path of {checkpoint} is '{name}', and as a path it is relative to another folder, that "
            f"where it was trained: there is no {Path(name) / CONFIG} here, nor from any folder above the checkpoint; "
            f"run the command in the project's folder, or put the base there{on_hub}"
        ) from error


def _relative_name(base: ModelConfig) -> str | None:
    name = base.name_or_path
    if not name or name.startswith((PACKAGE_SCHEME, "~")) or Path(name).is_absolute():
        return None
    return name


def _is_on_disk(base: ModelConfig) -> bool:
    try:
        return folder_on_disk(base) is not None
    except ModelError:
        return False
