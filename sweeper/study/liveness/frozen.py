"""Workers of this machine that are beyond Python's reach: suspended, or in native code that lets no thread run."""

import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple

from slimtune.sweeper.search_config import TrialLimits
from slimtune.sweeper.study.lease import LEASE_PREFIX, AttrStore, is_of_this_host, living
from slimtune.sweeper.study.liveness.watch import GRACE_SECONDS

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
# where no limit of a step is set: a lease is renewed every ten seconds, however long a step takes
FROZEN_SECONDS = 300.0
# on Windows every signal that ends a process ends it at once
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class _Seen(NamedTuple):
    renewed_at: float
    quiet_seconds: float


class FrozenWorkers:
    """Ends them, from a thread of its own, so that their trials are tried again; use it as a context.

    A worker that hangs within Python ends by itself (`WorkerWatch`); a frozen one has no thread that could.

    Args:
        study: Where the workers' leases stand.
        limits: Of its trials: a worker is left alone until it would have ended itself.
    """

    def __init__(self, study: AttrStore, limits: TrialLimits) -> None:
        self._study = study
        minutes = limits.step_minutes
        self._limit = FROZEN_SECONDS if minutes is None else 60 * minutes + GRACE_SECONDS
        self._seen: dict[str, _Seen] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="frozen workers", daemon=True)

    def __enter__(self) -> "FrozenWorkers":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._over.wait(LOOK_SECONDS):
            # of the time in which this process was suspended itself nothing counts, e.g. after Ctrl-Z
            elapsed, looked = min(time.monotonic() - looked, 2 * LOOK_SECONDS), time.monotonic()
            try:
                attrs = self._study.attrs()
            except Exception as error:  # noqa: BLE001  # of a storage that is down for a while no worker can be blamed
                log.debug("leases were not looked at (%s)", error)
                continue
            self._look(attrs, elapsed)

    def _look(self, attrs: Mapping[str, Any], elapsed: float) -> None:
        leases = {worker: attrs[LEASE_PREFIX + worker] for worker in living(attrs)}
        own = {
            worker: lease for worker, lease in leases.items() if is_of_this_host(lease) and lease["pid"] != os.getpid()
        }
        self._seen = {worker: self._seen_now(worker, lease["renewed_at"], elapsed) for worker, lease in own.items()}
        for worker, seen in self._seen.items():
            if seen.quiet_seconds > self._limit:
                _kill(own[worker]["pid"], seen.quiet_seconds)

    def _seen_now(self, worker: str, renewed_at: float, elapsed: float) -> _Seen:
        before = self._seen.get(worker)
        if before is None or before.renewed_at != renewed_at:
            return _Seen(renewed_at, 0.0)
        return _Seen(renewed_at, before.quiet_seconds + elapsed)


def _kill(pid: int, quiet_seconds: float) -> None:
    try:
        os.kill(pid, KILL)
        log.warning("process %d, a worker, has shown no life for %.0f s and was killed", pid, quiet_seconds)
    except ProcessLookupError:
        log.debug("process %d has ended", pid)
    except PermissionError:
        log.warning("process %d, a worker of another user, has shown no life for %.0f s", pid, quiet_seconds)
