"""Ctrl-C while workers are at work: the first lets their trials save what they have, a second ends at once."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # it brings Optuna
    from slimtune.sweeper.study.liveness.roster import Roster

log = logging.getLogger(__name__)

SAID = "stopping: trials save what they have; Ctrl-C again ends at once"
# a storage that is down is not waited for
NOTE_SECONDS = 5.0


class Interruption:
    """Hears Ctrl-C in the launching process.

    Args:
        roster: Where its workers look for what is wanted of them.
    """

    def __init__(self, roster: "Roster") -> None:
        self._roster = roster
        self._noting: threading.Thread | None = None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Have the workers stop.

        Raises:
            KeyboardInterrupt: They were asked before.
        """
        if self._noting is not None:
            signal.default_int_handler(number, frame)
        # what is interrupted may hold a lock of the storage or of the terminal, which this handler would wait for
        self._noting = threading.Thread(target=self._note, name="interruption", daemon=True)
        self._noting.start()

    def settle(self) -> None:
        """Wait until the wish is noted."""
        if self._noting is not None:
            self._noting.join(NOTE_SECONDS)

    def _note(self) -> None:
        if sys.stderr is not None:
            sys.stderr.write(f"\nslimtune: {SAID}\n")
            sys.stderr.flush()
        try:
            self._roster.ask_own_to_stop()
        except Exception as error:  # noqa: BLE001  # a storage that is down: a second Ctrl-C does without it
            log.warning("workers could not be asked to stop (%s); Ctrl-C again ends at once", error)


@contextmanager
def gently_interrupted(roster: "Roster") -> Iterator[None]:
    """Within it a first Ctrl-C is a wish that `roster` knows; where the process ignores Ctrl-C it goes on to."""
    before = _handler()
    if before is not signal.default_int_handler:
        yield
        return
    interruption = Interruption(roster)
    signal.signal(signal.SIGINT, interruption.hear)
    try:
        yield
        interruption.settle()
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def left_to_launcher() -> Iterator[None]:
    """A terminal interrupts workers too: within it the launching process alone hears that, and asks them to stop."""
    before = _handler()
    if before is None:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _handler() -> Any:
    """What hears Ctrl-C; None where that cannot be changed, since signals are the main thread's."""
    return signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
