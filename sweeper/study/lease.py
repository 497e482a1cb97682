"""Who is alive: each worker renews a lease in the study; a lease that runs out frees its trials."""

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
PREFIX = "lease:"


class AttrStore(Protocol):
    """Where leases are kept."""

    def set_attr(self, key: str, value: Any) -> None: ...

    def attrs(self) -> Mapping[str, Any]: ...


class Lease:
    """Renews itself from a thread while the process lives; use it as a context.

    A worker whose launching process died ends at once: its trial would otherwise run unseen beside a resumed sweep.
    """

    def __init__(self, store: AttrStore) -> None:
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._store = store
        self._stop = threading.Event()
        self._parent = os.getppid()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._write(renewed_at=time.time())
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._write(renewed_at=0.0)

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(1.0):
            if os.getppid() != self._parent:
                os._exit(1)
            if time.monotonic() - renewed >= RENEW_SECONDS:
                self._write(renewed_at=time.time())
                renewed = time.monotonic()

    def _write(self, *, renewed_at: float) -> None:
        own = {"host": socket.gethostname(), "pid": os.getpid(), "born": _born(os.getpid()), "renewed_at": renewed_at}
        self._store.set_attr(PREFIX + self.worker, own)


def is_alive(attrs: Mapping[str, Any], worker: str | None) -> bool:
    """Whether a worker still holds its lease; a dead process of this machine loses it at once."""
    lease = attrs.get(f"{PREFIX}{worker}")
    if lease is None or time.time() - lease["renewed_at"] > EXPIRE_SECONDS:
        return False
    return bool(lease["host"] != socket.gethostname() or _born(lease["pid"]) == lease["born"])


def _born(pid: int) -> float | None:
    """When the process with this number started: numbers are used again."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
