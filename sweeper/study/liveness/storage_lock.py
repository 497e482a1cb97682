"""One process at a time, where a storage does not see to it."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path

from filelock import FileLock

from slimtune.sweeper.storage_url import resolved
from slimtune.training.tracking.uri import sqlite_path

# a process that is stopped in between, e.g. suspended, is not waited for endlessly
MAX_SECONDS = 60.0


def alone(storage: object) -> AbstractContextManager[object]:
    """While a trial is taken or given up.

    SQLite locks no row that is read: two processes would take the same waiting trial, or both enqueue a lost one again.
    """
    # one in memory has no second process
    path = sqlite_path(resolved(storage)) if isinstance(storage, str) else None
    return _lock(path) if path is not None and path.is_file() else nullcontext()


@cache
def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(f".{path.name}.lock"), timeout=MAX_SECONDS)
