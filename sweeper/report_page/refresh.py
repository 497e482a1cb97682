"""The page of a sweep that runs, as a file and as an artifact."""

import logging
from pathlib import Path
from typing import NamedTuple

from slimtune.sweeper.report_page.sweep_facts import SweepFacts, read_facts
from slimtune.sweeper.reporting.places.sweep_words import sweep_words
from slimtune.sweeper.reporting.refreshed import Rhythm
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.training.atomic_files import write_text
from slimtune.training.tracking.run import TrackedRun
from slimtune.training.usual_places import PAGE_FILE

log = logging.getLogger(__name__)

RHYTHM = Rhythm(every_trials=5, least_seconds=60.0, look_seconds=5.0, share=0.01)


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

    def facts(self) -> SweepFacts:
        """What it tells, as things stand."""
        return read_facts(self.storage, self.name, self.folder)

    def write(self, state: SweepState | None = None) -> None:
        """Write the page as things stand; where that fails, a sweep goes on without it, and says so.

        Args:
            state: What becomes of the sweep, where the process that writes it knows; None reads it from the study.
        """
        try:
            # plotly and scikit-learn take a second, which a short search does without
            from slimtune.sweeper.report_page.page import page

            facts = self.facts()
            text = page(facts if state is None else facts._replace(state=state))
            write_text(self.folder / PAGE_FILE, text)
            self.run.log_file(self.folder / PAGE_FILE)
        except Exception as error:  # noqa: BLE001  # a picture of the trials must not end them
            kind = type(error).__name__
            words = sweep_words(self.name, self.folder, self.storage)
            log.warning("the sweep's page was not written (%s: %s); slimtune report %s writes it", kind, error, words)
