"""What a worker is watched for: its launching process, what it is asked, and how long its trials take."""

import _thread
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

from slimtune.sweeper.search_config import TrialLimits
from slimtune.sweeper.study.lease import EXPIRE_SECONDS, HANDED_BACK, LEASE_PREFIX, is_alive, is_of_this_host
from slimtune.sweeper.study.liveness.heartbeat import Heartbeat
from slimtune.sweeper.study.liveness.roster import StopRequest, stop_request_in
from slimtune.training.trial import Failed, FailureKind

log = logging.getLogger(__name__)

# what begins in the background, e.g. by `nohup ... &` in a script, does not hear SIGINT
# (Windows has no other signal that a process can send to itself)
INTERRUPT = getattr(signal, "SIGUSR1", signal.SIGINT)
TICK_SECONDS, LOOK_SECONDS = 0.5, 2.0
# a trial is told of its end between two steps; if it takes none for so long, it is interrupted
PATIENCE_SECONDS = 5.0
# what is interrupted may have much to write; or it is beyond Python, and its process ends
GRACE_SECONDS = 60.0
WRITE_SECONDS = 5.0


class Notes(Protocol):
    """Where leases of launching processes and wishes stand."""

    launcher: str | None

    def attrs(self) -> Mapping[str, Any]: ...


class WorkerWatch:
    """Looks from a thread of its own; use it as a context.

    Args:
        notes: The sweep's launching processes.
        launcher: The lease of the one that this worker does not outlive; None where the worker is in that process.
        limits: Of its trials.
        give_up: Called with the trials that the worker is interrupted in, or that its process ends with, each with why.

    Attributes:
        heartbeat: To be told of each trial and each step.
    """

    def __init__(
        self,
        notes: Notes,
        launcher: str | None,
        limits: TrialLimits,
        give_up: Callable[[Mapping[int, Failed]], object],
    ) -> None:
        self.heartbeat = Heartbeat()
        self._notes, self._limits, self._give_up = notes, limits, give_up
        self._orphaned = _Orphaned(launcher) if launcher is not None else None
        self._can_interrupt = threading.current_thread() is threading.main_thread()
        self._request: StopRequest | None = None
        self._endings: dict[int, Failed] = {}
        self._interrupted_at: float | None = None
        self._over = threading.Event()
        self._former: Any = signal.SIG_DFL
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> "WorkerWatch":
        # asked before this worker came
        self._hear()
        if self._can_interrupt:
            self._former = signal.signal(INTERRUPT, signal.default_int_handler)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._can_interrupt:
            signal.signal(INTERRUPT, self._former)

    @property
    def stopping(self) -> bool:
        """Whether no further trial is to begin."""
        return self._request is not None

    def pulse(self, number: int) -> Failed | None:
        """A trial has made a step; how it is to end now, if it is."""
        self.heartbeat.beat()
        known = self._endings.get(number)
        if known is not None:
            # it is interrupted for that; one that hangs is tried again from its state, which an ending would take away
            return None if known.kind is FailureKind.hung else known
        if self._request is not None:
            return Failed(FailureKind.stopped, f"stopped by {self._request.by}", "")
        return self._overdue(number, patience=0.0)

    def take_endings(self) -> Mapping[int, Failed]:
        """After `KeyboardInterrupt`: the worker's trials with how each ends; none if a person has interrupted it."""
        endings = self._endings
        for number in endings:
            self.heartbeat.ended(number)
        self._endings, self._interrupted_at = {}, None
        return endings

    def _look(self) -> None:
        looked = time.monotonic()
        while not self._over.wait(TICK_SECONDS):
            if self._orphaned is not None and self._orphaned.by_parent():
                self._leave()
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                self._hear()
            self._interrupt_if_due()

    def _hear(self) -> None:
        try:
            attrs = self._notes.attrs()
        except Exception as error:  # noqa: BLE001  # a storage that is down for a while ends no worker
            log.warning("the sweep's launching processes were not looked at (%s); it is tried again", error)
            return
        self._request = stop_request_in(attrs, self._notes.launcher)
        if self._orphaned is not None and self._orphaned.by_lease(attrs):
            self._leave()

    def _interrupt_if_due(self) -> None:
        if self._interrupted_at is not None:
            if time.monotonic() - self._interrupted_at > GRACE_SECONDS:
                self._end_process()
            return
        endings = self._due()
        if endings:
            # those beside it end with it
            others = Failed(FailureKind.stopped, "it was in a worker that was interrupted", "")
            self._endings = {number: endings.get(number, others) for number in self.heartbeat.trials()}
            self._interrupted_at = time.monotonic()
            for number, ending in endings.items():
                log.warning("trial %d: %s", number, ending.message)
            self._interrupt()

    def _interrupt(self) -> None:
        if not self._can_interrupt:
            # only a main thread hears signals
            self._end_process()
        if hasattr(signal, "pthread_kill"):
            # which also wakes a main thread that waits
            signal.pthread_kill(threading.main_thread().ident or 0, INTERRUPT)
        else:
            _thread.interrupt_main(INTERRUPT)

    def _due(self) -> Mapping[int, Failed]:
        """Trials that do not end by themselves."""
        numbers, limit = self.heartbeat.trials(), self._limits.step_minutes
        if self._request is not None and self._request.now:
            return {number: Failed(FailureKind.stopped, f"stopped by {self._request.by}", "") for number in numbers}
        if limit is not None and self.heartbeat.quiet_seconds() > 60 * limit:
            story = f"it made no step for {limit:g} minutes (search.step_timeout_minutes)"
            return {number: Failed(FailureKind.hung, story, "") for number in numbers}
        found = {number: self._overdue(number, patience=PATIENCE_SECONDS) for number in numbers}
        return {number: ending for number, ending in found.items() if ending is not None}

    def _overdue(self, number: int, *, patience: float) -> Failed | None:
        limit = self._limits.trial_minutes
        if limit is None or self.heartbeat.seconds(number) <= 60 * limit + patience:
            return None
        story = f"it ran for {limit:g} minutes (search.trial_timeout_minutes)"
        return Failed(FailureKind.timeout, story, "")

    def _leave(self) -> None:
        """The launching process has ended, which is no fault of the trials."""
        story = "the launching process has ended"
        self._endings = {number: Failed(FailureKind.stopped, story, "") for number in self.heartbeat.trials()}
        self._end_process(f"{story}; " * (not self._endings) + "this worker ends")

    def _end_process(self, why: str = "its process could not be interrupted and ends") -> None:
        """What does not hear an interrupt holds its process: both end, and the lease with them."""
        # the storage may be what it waits for
        writing = threading.Thread(target=self._give_up, args=(self._endings,), daemon=True)
        writing.start()
        writing.join(WRITE_SECONDS)
        said = "; ".join(_told_once(self._endings))
        sys.stderr.write(f"slimtune: {said}{'; ' if said else ''}{why}\n")
        sys.stderr.flush()
        os._exit(1)


def _told_once(endings: Mapping[int, Failed]) -> list[str]:
    """Each reason with the trials that it ends."""
    ended: dict[str, list[str]] = {}
    for number, ending in endings.items():
        ended.setdefault(ending.message, []).append(str(number))
    return [f"trial{'s' * (len(those) > 1)} {', '.join(those)}: {message}" for message, those in ended.items()]


class _Orphaned:
    """Whether the launching process has died: a trial would otherwise run unseen beside a resumed sweep.

    A parent that has changed says so at once. A launcher of a cluster starts workers from a daemon of its own, perhaps
    on another machine: there the launching process' lease says it. It is taken as dead when it was not renewed for long
    by this machine's clock.
    """

    def __init__(self, launcher: str) -> None:
        self._launcher, self._parent = launcher, os.getppid()
        self._renewed: Any = None
        self._seen = time.monotonic()

    def by_parent(self) -> bool:
        return os.getppid() != self._parent

    def by_lease(self, attrs: Mapping[str, Any]) -> bool:
        lease = attrs.get(LEASE_PREFIX + self._launcher)
        if lease is None or is_alive(attrs, self._launcher):
            self._seen = time.monotonic()
            return False
        if lease["renewed_at"] != self._renewed:
            # clocks of machines differ: renewed is alive
            self._renewed, self._seen = lease["renewed_at"], time.monotonic()
        is_known = is_of_this_host(lease) or lease["renewed_at"] == HANDED_BACK
        return is_known or time.monotonic() - self._seen > EXPIRE_SECONDS
