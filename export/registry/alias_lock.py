"""One process at a time moves the aliases of a registered model."""

import hashlib
import logging
import math
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from filelock import FileLock, Timeout

from slimtune.export.registry.mlflow_registry import names_from, put_name, remove_name
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import sqlite_path

log = logging.getLogger(__name__)

# a lock that stays for so long was left by a process that died; who holds it begins no move in the last two thirds
STALE_SECONDS = 180.0
WAIT_SECONDS, POLL_SECONDS = 300.0, 0.2
LOCK = "slimtune-lock-"
# who has the alias is read and looked at without the lock: so often anew, if it is another one once the lock is held
MOST_ROUNDS = 5


class AliasLock(NamedTuple):
    """A lock that is held.

    Attributes:
        name: Of the registered model.
        ends: Until when a move may be begun, on this process's own clock.
    """

    name: str
    ends: float

    def check(self) -> None:
        """To be called before a move.

        Raises:
            StoreError: It has been held for so long that others will soon take it for left behind.
        """
        if time.monotonic() > self.ends:
            raise StoreError(f"the tracker was too slow to move an alias of '{self.name}' safely; nothing was moved")


@contextmanager
def alias_lock(uri: str, name: str) -> Iterator[AliasLock]:
    """Held while who has an alias is read and the alias is moved: nothing is downloaded or uploaded within.

    For an SQLite store it is a file beside the database. A server has no locks: there each process puts up a registered
    model of a name that nobody else has, then looks at all of them, and holds the lock if its own is the only one. Of
    two that do so at once, the one that puts up its name last sees the other's; so never both hold it, and who sees
    another takes its own name down and tries again.

    A process that died leaves its name: who has seen it for `STALE_SECONDS`, on its own clock, removes it, and that
    name alone, before it tries as all do.

    Raises:
        StoreError: Another process holds it for minutes.
    """
    database = sqlite_path(uri)
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    if database is not None:
        with _file_lock(FileLock(database.parent / f".alias-{key}.lock"), name):
            yield AliasLock(name, math.inf)
        return
    own, begins = _claimed(uri, f"{LOCK}{key}-", name)
    try:
        yield AliasLock(name, begins + STALE_SECONDS / 3)
    finally:
        _take_down(uri, own)


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


def _claimed(uri: str, lock: str, name: str) -> tuple[str, float]:
    """The name that holds the lock, and when it was put up."""
    ends = time.monotonic() + WAIT_SECONDS
    # since when names of others have been seen
    seen: dict[str, float] = {}
    while True:
        others = names_from(uri, lock)
        if not others:
            begins, own = time.monotonic(), f"{lock}{uuid.uuid4().hex}"
            if _is_alone(uri, lock, own):
                return own, begins
        now = time.monotonic()
        seen = {other: seen.get(other, now) for other in others}
        for other, since in seen.items():
            if now - since > STALE_SECONDS:
                remove_name(uri, other)
        if now > ends:
            raise StoreError(
                f"another process moves an alias of '{name}' for {WAIT_SECONDS:.0f} seconds (registered model "
                f"{', '.join(others) or lock}); try again when it has ended"
            )
        # not in step with others
        time.sleep(POLL_SECONDS * random.uniform(0.5, 2.0))


def _is_alone(uri: str, lock: str, own: str) -> bool:
    """Put a name up, and leave it there if it is the only one."""
    is_alone = False
    try:
        put_name(uri, own)
        is_alone = names_from(uri, lock) == [own]
    finally:
        # also if the answer was lost
        if not is_alone:
            _take_down(uri, own)
    return is_alone


def _take_down(uri: str, own: str) -> None:
    try:
        remove_name(uri, own)
    except StoreError as error:
        log.warning("the registered model %s was left behind, and others wait for it for minutes (%s)", own, error)
