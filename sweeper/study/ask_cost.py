"""Whether a suggestion takes longer than the trial that it is for."""

import logging
import statistics
from collections.abc import Sequence

from slimtune.sweeper.study.record import TrialRecord

log = logging.getLogger(__name__)

# below, nobody waits for it
MIN_SECONDS = 0.5
# nothing else would help
QUICK = ("tpe", "random", "grid", "qmc")


class AskCost:
    """Warns once, when a second suggestion has taken longer than half of the trials did; a first one may have waited
    for an import.

    Args:
        sampler: Its name.
    """

    def __init__(self, sampler: str) -> None:
        self._sampler, self._num_long = sampler, 0

    def took(self, seconds: float, trials: Sequence[TrialRecord]) -> None:
        """A suggestion has taken so long, after these trials."""
        if seconds < MIN_SECONDS or self._sampler in QUICK:
            return
        known = [trial.seconds for trial in trials if trial.finished and trial.counts and trial.seconds is not None]
        if not known or seconds <= statistics.median(known):
            return
        self._num_long += 1
        if self._num_long != 2:
            return
        log.warning(
            "search/sampler=%s took %.1f s to suggest a trial, and a trial takes %.1f s; search/sampler=tpe is quicker",
            self._sampler,
            seconds,
            statistics.median(known),
        )
