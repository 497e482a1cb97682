"""What is written again while trials run: every few of them that end, and hardly ever where that is dear."""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from slimtune.sweeper.study.study_reading import StudyReading

log = logging.getLogger(__name__)


class Rhythm(NamedTuple):
    """How often.

    Attributes:
        every_trials: Trials that end between two writings.
        least_seconds: Between two of them.
        look_seconds: Between two looks at how many have ended.
        share: Of the time that writing may take at most.
    """

    every_trials: int
    least_seconds: float
    look_seconds: float
    share: float

    def pause_after(self, seconds: float) -> float:
        """How long nothing is written after a writing that took so long."""
        return max(self.least_seconds, seconds / self.share)


class Refreshed:
    """Writes while trials run; use it as a context. What stands at the end is written by whoever goes on.

    Args:
        study: Tells how many trials have ended.
        write: Writes, and raises nothing.
        rhythm: How often.
        what: Is written, in words.
    """

    def __init__(self, study: StudyReading, write: Callable[[], None], rhythm: Rhythm, *, what: str) -> None:
        self._study, self._write, self._rhythm, self._what = study, write, rhythm, what
        self._begun_with = self._num_ended()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=what, daemon=True)

    def __enter__(self) -> "Refreshed":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        written, pause = self._begun_with, self._rhythm.least_seconds
        while not self._stop.wait(pause):
            pause = self._rhythm.look_seconds
            try:
                ended = self._num_ended()
            except Exception as error:  # noqa: BLE001  # a storage raises whatever its driver raises; it is asked again
                log.warning("%s waits (%s: %s)", self._what, type(error).__name__, error)
                continue
            if ended >= written + self._rhythm.every_trials:
                started = time.monotonic()
                self._write()
                written, pause = ended, self._rhythm.pause_after(time.monotonic() - started)

    def _num_ended(self) -> int:
        return sum(trial.finished for trial in self._study.shown())
