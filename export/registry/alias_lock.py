"""One process at a time moves the aliases of a registered model."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from slimtune.export.registry.mlflow_registry import claim, release
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import sqlite_path

# a move takes a moment: a lock of this age was left by a process that died
STALE_SECONDS = 60.0
WAIT_SECONDS, POLL_SECONDS = 120.0, 0.2
LOCK = "slimtune-lock-"
# who has the alias is read and looked at without the lock: so often anew, if it is another one once the lock is held
MOST_ROUNDS = 5


@contextmanager
def alias_lock(uri: str, name: str) -> Iterator[None]:
    """Held while who has an alias is read and the alias is moved: nothing is downloaded or uploaded within.

    For an SQLite store it is a file beside the database. For a server it is a registered model of a name of its own,
    which the server makes unique, and which its owner deletes afterwards; who has lost it to another leaves it alone.

    Raises:
        StoreError: Another process holds it for two minutes.
    """
    database = sqlite_path(uri)
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    if database is not None:
        with _file_lock(FileLock(database.parent / f".alias-{key}.lock"), name):
            yield
        return
    owner = uuid.uuid4().hex
    _claim(uri, f"{LOCK}{key}", name, owner)
    try:
        yield
    finally:
        release(uri, f"{LOCK}{key}", owner)


def changed_hands(name: str, alias: str) -> StoreError:
    """What is raised after `MOST_ROUNDS`."""
    return StoreError(f"the alias {alias} of {name} changed hands {MOST_ROUNDS} times meanwhile; try again later")


@contextmanager
def _file_lock(lock: FileLock, name: str) -> Iterator[None]:
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout as error:
        raise StoreError(
            f"another process moves an alias of '{name}' for {WAIT_SECONDS:.0f} seconds; try again when it has ended"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _claim(uri: str, lock: str, name: str, owner: str) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while (held := claim(uri, lock, owner)) is not None:
        if time.time() - held.since > STALE_SECONDS:
            # that of the one who died, and not of another who took it over meanwhile
            release(uri, lock, held.owner)
        elif time.monotonic() > ends:
            raise StoreError(
                f"another process moves an alias of '{name}' for {WAIT_SECONDS:.0f} seconds (registered model "
                f"{lock}); try again when it has ended"
            )
        else:
            time.sleep(POLL_SECONDS)
