"""Who is alive: each worker renews a lease in the study; a lease that runs out frees its trials."""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import psutil

RENEW_SECONDS = 10.0
EXPIRE_SECONDS = 60.0
LEASE_PREFIX = "lease:"
HANDED_BACK = 0.0
# start times of processes follow corrections of the clock
BORN_TOLERANCE_SECONDS = 2.0

log = logging.getLogger(__name__)


class AttrStore(Protocol):
    """Where leases are kept."""

    def set_attr(self, key: str, value: Any) -> None: ...

    def attrs(self) -> Mapping[str, Any]: ...


class Lease:
    """Renews itself from a thread while the process lives; use it as a context.

    Args:
        store: Where leases are kept.
        launcher: The launching process, which counts its workers by it.

    Attributes:
        worker: Whose it is: a name that no other process has.
    """

    def __init__(self, store: AttrStore, *, launcher: str | None = None) -> None:
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._store, self._launcher = store, launcher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._write(renewed_at=time.time())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        try:
            self._write(renewed_at=HANDED_BACK)
        except Exception as error:
            if kind is None:
                raise
            # what ended the worker is to be told, e.g. Ctrl-C in the middle of a write, which keeps SQLite locked
            log.warning("the lease was not handed back (%s); it ends with this process", error)

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(1.0):
            if time.monotonic() - renewed >= RENEW_SECONDS:
                renewed = time.monotonic()
                try:
                    self._write(renewed_at=time.time())
                except Exception as error:  # noqa: BLE001  # a storage that is down for a while must not end the lease
                    log.warning("the lease was not renewed (%s); it is tried again", error)

    def _write(self, *, renewed_at: float) -> None:
        # when it was handed back, too
        own = {
            "seen_at": time.time(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "renewed_at": renewed_at,
        }
        self._store.set_attr(LEASE_PREFIX + self.worker, own | {"launcher": self._launcher})


def is_alive(attrs: Mapping[str, Any], worker: str | None) -> bool:
    """Whether a worker still holds its lease; a dead process of this machine loses it at once."""
    lease = attrs.get(f"{LEASE_PREFIX}{worker}")
    if lease is None or lease["renewed_at"] == HANDED_BACK:
        return False
    if not is_of_this_host(lease):
        return bool(time.time() - lease["renewed_at"] <= EXPIRE_SECONDS)
    # of this machine the process says more than the clock, which stands still in a suspended laptop
    born = _born(lease["pid"])
    return born is not None and abs(born - lease["born"]) < BORN_TOLERANCE_SECONDS


def is_of_this_host(lease: Mapping[str, Any]) -> bool:
    """Whether it is that of a process on this machine."""
    return bool(lease["host"] == socket.gethostname())


def living(attrs: Mapping[str, Any]) -> list[str]:
    """All that hold a lease."""
    names = [key.removeprefix(LEASE_PREFIX) for key in attrs if key.startswith(LEASE_PREFIX)]
    return [name for name in names if is_alive(attrs, name)]


def num_living(attrs: Mapping[str, Any], launcher: str) -> int:
    """How many workers of a launching process hold a lease."""
    return sum(attrs[f"{LEASE_PREFIX}{worker}"].get("launcher") == launcher for worker in living(attrs))


def has_had_workers(attrs: Mapping[str, Any], launcher: str) -> bool:
    """Whether any worker of a launching process has ever noted a lease, whatever became of it.

    Args:
        attrs: Of the study that the workers have trials of.
        launcher: The launching process, by its own lease.
    """
    process = launcher.rpartition("-")[0]
    return any(key.startswith(LEASE_PREFIX) and lease.get("launcher") == process for key, lease in attrs.items())


def num_died(attrs: Mapping[str, Any], launcher: str) -> int:
    """How many workers of a launching process have died, and did not end by themselves."""
    own = [key for key, lease in attrs.items() if key.startswith(LEASE_PREFIX) and lease.get("launcher") == launcher]
    workers = [key.removeprefix(LEASE_PREFIX) for key in own]
    return sum(not is_alive(attrs, worker) and not was_handed_back(attrs, worker) for worker in workers)


def was_handed_back(attrs: Mapping[str, Any], worker: str | None) -> bool:
    """Whether the worker ended by itself, e.g. by Ctrl-C, and did not die."""
    lease = attrs.get(f"{LEASE_PREFIX}{worker}")
    return lease is not None and lease["renewed_at"] == HANDED_BACK


def last_seen(attrs: Mapping[str, Any], worker: str | None) -> float | None:
    """When a worker last renewed its lease or handed it back, in seconds since 1970; None where nobody noted it."""
    lease = attrs.get(f"{LEASE_PREFIX}{worker}", {})
    return lease.get("seen_at") or lease.get("renewed_at") or None


def _born(pid: int) -> float | None:
    """When the process with this number started: numbers are used again; None of one that has ended."""
    try:
        process = psutil.Process(pid)
        # it may have nobody who waits for it, e.g. where a container's first process does not
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None
