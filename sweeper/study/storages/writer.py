"""A thread that writes what is noted on trials, in order."""

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage

from slimtune.sweeper.study.storages.write import Write, write_together

log = logging.getLogger(__name__)

# a storage that is away for a moment: seconds before each further attempt
WAITS = (0.1, 0.3, 1.0, 3.0, 10.0)
# a thread without work ends
IDLE_SECONDS = 1.0
# how long a process that ends waits
EXIT_SECONDS = 10.0


class Writer:
    """Takes writes at once and makes them later.

    Args:
        storage: Where to.
        ended: Told of a trial that somebody else has ended.
    """

    def __init__(self, storage: BaseStorage, ended: Callable[[int], None]) -> None:
        self._storage, self._ended = storage, ended
        self._changed = threading.Condition()
        self._waiting: list[Write] = []
        self._look: Callable[[], None] | None = None
        self._is_busy = False
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        # of a trial that goes on elsewhere, e.g. after Ctrl-C
        atexit.register(_finish, weakref.ref(self))

    def add(self, write: Write) -> None:
        """Have it written.

        Raises:
            Exception: What the storage raised before, for good.
        """
        with self._changed:
            self._raise()
            self._waiting.append(write)
            self._wake()

    def look_later(self, look: Callable[[], None]) -> None:
        """Have something read when what waits is written."""
        with self._changed:
            self._look = look
            self._wake()

    def flush(self, timeout: float | None = None) -> None:
        """Until all is written, or so many seconds.

        Raises:
            Exception: What the storage raised.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or not (self._waiting or self._is_busy), timeout)
            self._raise()

    def _raise(self) -> None:
        # for good: what comes after would stand there without what came before
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="study", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._waiting or self._look, timeout=IDLE_SECONDS):
                    self._thread = None
                    return
                writes, self._waiting = self._waiting, []
                look, self._look = self._look, None
                self._is_busy = bool(writes)
            self._do(writes, look)

    def _do(self, writes: list[Write], look: Callable[[], None] | None) -> None:
        failure = self._write(writes) if writes else None
        with self._changed:
            self._is_busy = False
            self._failure = failure or self._failure
            self._changed.notify_all()
        if look is not None:
            # whatever it is, the next one that is waited for raises it
            with suppress(Exception):
                look()

    def _write(self, writes: list[Write]) -> Exception | None:
        for wait in (*WAITS, None):
            try:
                self._write_once(writes)
                return None
            except Exception as error:  # noqa: BLE001  # a storage raises whatever its driver raises
                if wait is None:
                    return error
                log.warning("the study was not written (%s); it is tried again", error)
                time.sleep(wait)
        raise AssertionError

    def _write_once(self, writes: list[Write]) -> None:
        try:
            write_together(self._storage, writes)
        except UpdateFinishedTrialError:
            for write in writes:
                self._write_alone(write)

    def _write_alone(self, write: Write) -> None:
        try:
            write.apply(self._storage)
        except UpdateFinishedTrialError:
            self._ended(write.trial_id)


def _finish(reference: "weakref.ref[Writer]") -> None:
    writer = reference()
    if writer is None:
        return
    try:
        writer.flush(EXIT_SECONDS)
    except Exception as error:  # noqa: BLE001  # a process that ends has nobody to tell
        log.warning("the study was not written (%s)", error)
