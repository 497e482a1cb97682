"""Whether a folder that results go to can be made and written to."""

import os
from pathlib import Path

from slimtune.training.errors import StoreError


def what_is_there(folder: Path) -> Path:
    """The folder, or the innermost of those around it that there is; of an absolute path."""
    # what may not be looked at is not seen, and the folder before it says so
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))


def check_writable(folder: Path, said: str) -> None:
    """Whether a folder can be made and written to; nothing is.

    Args:
        folder: Where something will be written.
        said: What the user knows it by.

    Raises:
        StoreError: It cannot.
    """
    folder = folder.absolute()
    there = what_is_there(folder)
    if not there.is_dir():
        raise StoreError(f"{said} is {folder}, but {there} is a file; take another folder, or move the file away")
    if not os.access(there, os.W_OK | os.X_OK):
        raise StoreError(f"{said} is {folder}, and nothing can be written to {there}; take another, or allow it")
