"""How long somebody worked on a trial that has not ended."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.study.lease import is_alive, last_seen
from slimtune.sweeper.study.record import SPENT, WORKER, TrialRecord


def worked_seconds(trial: TrialRecord, attrs: Mapping[str, Any]) -> float | None:
    """What the attempt at a running trial took: until now, or until its worker's last sign of life; None before it.

    Args:
        trial: As the study knows it.
        attrs: What was noted on the study.
    """
    worker, seconds = trial.attrs.get(WORKER), trial.attempt_seconds
    if seconds is None or trial.started is None or is_alive(attrs, worker):
        return seconds
    if worker is None:
        # it died before it had a name
        return 0.0
    seen = last_seen(attrs, worker)
    if seen is None:
        return seconds
    # a report may be later than the lease's last renewal
    reported = float(trial.attrs.get(SPENT, 0.0)) - trial.seconds_before
    return min(seconds, max(0.0, reported, seen - trial.started.timestamp()))
