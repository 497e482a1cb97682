"""The page of a sweep that runs: written again every few trials, and hardly ever where that is dear."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from slimtune.sweeper.report_page.page import page
from slimtune.sweeper.report_page.sweep_facts import read_facts
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.sweeper.study.study_reading import StudyReading
from slimtune.training.atomic_files import written_aside
from slimtune.training.tracking.run import TrackedRun

log = logging.getLogger(__name__)

FILE = "report.html"
# trials that end between two pages
EVERY_TRIALS = 5
# writing pages may take at most this share of the time
WRITING_SHARE = 0.01
MIN_SECONDS, LOOK_SECONDS = 60.0, 5.0


class PagePlace(NamedTuple):
    """Where a sweep's page is written.

    Attributes:
        storage: URL of the study.
        name: Of the study.
        folder: The sweep's.
        run: In the tracker, whose artifact the page is too.
    """

    storage: str
    name: str
    folder: Path
    run: TrackedRun

    def write(self, state: SweepState | None = None) -> None:
        """Write the page as things stand; where that fails, a sweep goes on without it, and says so.

        Args:
            state: What becomes of the sweep, where the process that writes it knows; None reads it from the study.
        """
        try:
            facts = read_facts(self.storage, self.name, self.folder)
            text = page(facts if state is None else facts._replace(state=state))
            with written_aside(self.folder / FILE) as aside:
                aside.write_text(text, encoding="utf-8")
            self.run.log_file(self.folder / FILE)
        except Exception as error:  # noqa: BLE001  # a picture of the trials must not end them
            kind = type(error).__name__
            log.warning(
                "the sweep's page was not written (%s: %s); slimtune report %s writes it", kind, error, self.name
            )


class RefreshedPage:
    """Writes the page while trials run; use it as a context. What stands at the end is written by whoever goes on.

    Args:
        study: Tells how many trials have ended.
        write: Writes the page.
    """

    def __init__(self, study: StudyReading, write: Callable[[], None]) -> None:
        self._study, self._write = study, write
        self._begun_with = self._num_ended()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="page", daemon=True)

    def __enter__(self) -> "RefreshedPage":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        written, pause = self._begun_with, MIN_SECONDS
        while not self._stop.wait(pause):
            pause = LOOK_SECONDS
            try:
                ended = self._num_ended()
            except Exception as error:  # noqa: BLE001  # a storage raises whatever its driver raises; it is asked again
                log.warning("the sweep's page waits (%s: %s)", type(error).__name__, error)
                continue
            if ended >= written + EVERY_TRIALS:
                started = time.monotonic()
                self._write()
                written, pause = ended, pause_after(time.monotonic() - started)

    def _num_ended(self) -> int:
        return sum(trial.finished for trial in self._study.shown())


def pause_after(seconds: float) -> float:
    """How long no page is written after one that took so long."""
    return max(MIN_SECONDS, seconds / WRITING_SHARE)
