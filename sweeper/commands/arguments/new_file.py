"""A file that a command is to write and that is not there yet."""

from pathlib import Path

from slimtune.training.errors import StoreError


def check_free(path: Path, *, force: bool) -> None:
    """Whether a file can be written to a path.

    Args:
        path: Of the file.
        force: Whether one that is there may be replaced.

    Raises:
        StoreError: One is there, or there is no folder for it.
    """
    if path.exists() and not force:
        raise StoreError(f"{path} is there already; name another file (--output), or replace it (--force)")
    if not path.absolute().parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.absolute().parent}; make it, or name another (--output)")
