"""The pages of a sweep's own run, kept up while it searches: its description and the curve of the best so far."""

import logging
import threading
import time
from collections.abc import Sequence
from functools import cached_property

from slimtune.sweeper.goals.goals import UNNAMED, Goals
from slimtune.sweeper.reporting.description import Described, description
from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.sweeper.reporting.refreshed import Rhythm
from slimtune.sweeper.study import Study, TrialRecord, TrialState
from slimtune.training.tracking.environment import machine_line
from slimtune.training.tracking.run import MetricPoint

log = logging.getLogger(__name__)

NOTE = "mlflow.note.content"
BEST = "best_so_far"
# a tracker that takes longer to say that it has no such run is not asked for the next one
PATIENCE_SECONDS = 2.0
RHYTHM = Rhythm(every_trials=1, least_seconds=10.0, look_seconds=10.0, share=0.02)


class ParentPages:
    """Writes them as things stand. Every method may be called from several threads.

    Args:
        parent: The sweep's run; without one nothing is written.
        study: What is told of.
        words: The sweep as commands are told it.
        metric: What the score of trials is.
        goals: What is made best.
    """

    def __init__(self, parent: ParentRun, study: Study, *, words: str, metric: str, goals: Goals) -> None:
        self._parent, self._study = parent, study
        self._words, self._metric, self._goals = words, metric, goals
        self._num_points = 0
        # the tracker's ids of runs that it did not have yet when they were noted
        self._ids: dict[str | None, str | None] = {}
        # whether the tracker does not answer, in this write
        self._is_hung = False
        self._turn = threading.Lock()

    @cached_property
    def _machine(self) -> str:
        """It stays the same while a process runs."""
        return machine_line()

    def write(self) -> None:
        """Write what is known now; where that fails, a sweep goes on without it, and says so."""
        if self._parent.run.run_id is None:
            return
        try:
            self._write()
        except Exception as error:  # noqa: BLE001  # a description of the trials must not end them
            log.warning("the sweep's description was not written (%s: %s)", type(error).__name__, error)

    def _id_of(self, run_id: str | None) -> str | None:
        """It is looked up once, and until the tracker has the run."""
        if run_id in self._ids or self._is_hung:
            return self._ids.get(run_id, run_id)
        began = time.monotonic()
        found = self._parent.id_of(run_id)
        if found != run_id:
            self._ids[run_id] = found
        # the others would be waited for as long
        self._is_hung = found == run_id and time.monotonic() - began > PATIENCE_SECONDS
        return found

    def _write(self) -> None:
        with self._turn:
            self._is_hung = False
            trials = self._study.shown()
            content = Described(
                words=self._words,
                metric=self._metric,
                experiment_id=None if self._parent.tracker is None else self._parent.tracker.experiment_id,
                goals=self._goals,
                trials=trials,
                attrs=self._study.attrs(),
                machine=self._machine,
                id_of=self._id_of,
            )
            points = curve_of_best(trials, self._goals)
            self._parent.run.set_tags({NOTE: description(content)})
            self._parent.run.log_points(points[self._num_points :])
            self._num_points = len(points)


def curve_of_best(trials: Sequence[TrialRecord], goals: Goals) -> list[MetricPoint]:
    """After each trial that has ended the best complete one until then, of each objective; steps count trials."""
    ended = sorted((trial for trial in trials if trial.finished), key=_ended_at)
    points: list[MetricPoint] = []
    for place, objective in enumerate(goals.objectives):
        key = BEST if objective.name == UNNAMED or not goals.several else f"{BEST}/{objective.name}"
        best: float | None = None
        for step, trial in enumerate(ended, start=1):
            if trial.state is TrialState.complete and trial.is_feasible and place < len(trial.values):
                value = trial.values[place]
                best = value if best is None else (max if objective.maximize else min)(best, value)
            if best is not None:
                points.append(MetricPoint(key, best, step, int(1000 * _ended_at(trial))))
    return sorted(points, key=lambda point: point.step)


def _ended_at(trial: TrialRecord) -> float:
    """Seconds since the epoch; of a trial that never began, 0."""
    return 0.0 if trial.started is None else trial.started.timestamp() + (trial.attempt_seconds or 0.0)
