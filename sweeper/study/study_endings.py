"""How the trials of a study end: told, stopped, failed, or lost with their worker."""

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState as OptunaState

from slimtune.sweeper.study import record
from slimtune.sweeper.study.lease import EXPIRE_SECONDS, is_alive, living, was_handed_back
from slimtune.sweeper.study.liveness.storage_lock import alone
from slimtune.sweeper.study.liveness.worked import worked_seconds
from slimtune.sweeper.study.record import TrialRecord
from slimtune.sweeper.study.replay.places import twins_of
from slimtune.sweeper.study.spec import StudySpec
from slimtune.sweeper.study.storages.write_behind import flush
from slimtune.sweeper.study.study_reading import StudyReading
from slimtune.training.trial import FailureKind

log = logging.getLogger(__name__)


class StudyEndings(StudyReading):
    """A study whose trials one process ends: its own, and those of workers that died."""

    def __init__(self, spec: StudySpec, study: optuna.Study) -> None:
        super().__init__(spec, study)
        self._trials: dict[int, optuna.Trial] = {}

    def set_trial_attr(self, number: int, key: str, value: Any, *, later: bool = False) -> None:
        """Note something on a trial that this process asked for; it outlives the process unless that may come later."""
        try:
            self._trials[number].set_user_attr(key, value)
            if not later:
                flush(self._study)
        except UpdateFinishedTrialError:
            log.warning("trial %d: another worker has taken it over", number)

    def begin(self, number: int) -> None:
        """Note that the training of a trial begins now: what it took until then, to suggest its values, is no time of
        its own.
        """
        asked_at = self._trials[number].datetime_start
        if asked_at is not None:
            self.set_trial_attr(number, record.ASKED, (datetime.now() - asked_at).total_seconds(), later=True)

    def complete(self, number: int, *objectives: float, excess: Mapping[str, float] | None = None) -> None:
        """End a trial with its values, and how far it is beyond the bounds of each constraint; one that is no number
        makes it a failure.
        """
        if any(math.isnan(value) for value in (*objectives, *(excess or {}).values())):
            self._fail(number, FailureKind.diverged.value)
        elif self._note_excess(number, excess):
            self._tell(number, OptunaState.COMPLETE, objectives)

    def prune(self, number: int, excess: Mapping[str, float] | None = None) -> None:
        """End a trial that the pruner stopped, or that is known to break a constraint."""
        if self._note_excess(number, excess):
            self._tell(number, OptunaState.PRUNED, None)

    def _note_excess(self, number: int, excess: Mapping[str, float] | None) -> bool:
        """What the sampler learns of constraints; False if somebody else ended the trial first."""
        try:
            for name, beyond in (excess or {}).items():
                self._trials[number].set_constraint(name, beyond)
        except UpdateFinishedTrialError as error:
            log.warning("trial %d was ended before: %s", number, error)
            return False
        return True

    def _tell(self, number: int, state: OptunaState, values: Sequence[float] | None) -> bool:
        """End a trial; False if somebody else ended it first."""
        try:
            # on SQLite two endings at once would both be taken: by its own worker, and by one that takes it back
            with alone(self.spec.storage):
                self._study.tell(number, values, state=state)
        except (UpdateFinishedTrialError, ValueError) as error:
            log.warning("trial %d was ended before: %s", number, error)
            return False
        return True

    def fail(self, number: int, kind: FailureKind) -> None:
        """End a trial that failed."""
        self._fail(number, kind.value)

    def _fail(self, number: int, kind: str, *, worked: float | None = None) -> bool:
        """Mark as failed, perhaps after nobody worked on it for a while; False if somebody else ended it first."""
        storage = self._study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        try:
            storage.set_trial_user_attr(trial_id, record.KIND, kind)
            if worked is not None:
                storage.set_trial_user_attr(trial_id, record.WORKED, worked)
        except UpdateFinishedTrialError:
            return False
        return self._tell(number, OptunaState.FAIL, None)

    def free_lost(self) -> list[TrialRecord]:
        """Fail the running trials of dead workers and enqueue each again, with its values and its run.

        Returns:
            All trials, by number, after that.
        """
        attrs, trials = self.attrs(), self.trials()
        lost = [trial for trial in trials if trial.state is record.TrialState.running and _is_lost(trial, attrs)]
        for trial in lost:
            self._take_back(trial.number, died=not was_handed_back(attrs, trial.attrs.get(record.WORKER)))
        dropped = _never_enqueued(trials)
        if dropped:
            with alone(self.spec.storage):
                for trial in _never_enqueued(self.trials()):
                    self._enqueue_again(trial, died=True)
        twins = [twin for twin in twins_of(trials) if twin.state is record.TrialState.waiting]
        if twins:
            with alone(self.spec.storage):
                for twin in twins:
                    self._drop(twin.number)
        # reading them takes as long as all else here
        return self.trials() if lost or dropped or twins else trials

    def _drop(self, number: int) -> None:
        """End a trial that nobody has begun."""
        storage = self._study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        try:
            storage.set_trial_user_attr(trial_id, record.KIND, record.SURPLUS)
            storage.set_trial_state_values(trial_id, OptunaState.FAIL)
        except UpdateFinishedTrialError:
            log.debug("trial %d was dropped by another process", number)

    def lose(self, number: int, cause: FailureKind | None = None) -> None:
        """End a trial that a process of its own has not survived; it is tried again, as often as those of dead
        workers.
        """
        if cause is not None:
            self.set_trial_attr(number, record.CAUSE, cause.value)
        self._take_back(number, died=True)

    def put_back(self, number: int) -> None:
        """End a trial that was stopped; it is tried again, however often it was before."""
        self._take_back(number, died=False)

    def put_back_all(self, worker: str) -> None:
        """The same of all trials that a worker has."""
        for trial in self.trials():
            if trial.state is record.TrialState.running and trial.attrs.get(record.WORKER) == worker:
                self.put_back(trial.number)

    def _take_back(self, number: int, *, died: bool) -> None:
        """Of those that find it lost, one enqueues it again; nobody one that was begun beside another attempt."""
        with alone(self.spec.storage):
            trials = self.trials()
            twins = {twin.number for twin in twins_of(trials)}
            for trial in trials:
                if trial.number == number and trial.state is record.TrialState.running:
                    if number in twins:
                        self._fail(number, record.SURPLUS)
                    else:
                        self._retry(trial, died=died)

    def _retry(self, trial: TrialRecord, *, died: bool) -> None:
        retries, worked = int(trial.attrs.get(record.RETRIES, 0)), worked_seconds(trial, self.attrs())
        if died and retries >= self.spec.max_retries:
            # it has taken its worker down each time: a failure of its own now, and a place of the budget
            self._fail(trial.number, trial.attrs.get(record.CAUSE, "worker-died"), worked=worked)
            log.warning("trial %d: its worker died %d times; it is not tried again", trial.number, retries + 1)
            return
        if self._fail(trial.number, record.LOST, worked=worked):
            self._enqueue_again(trial._replace(seconds=trial.seconds_before + (worked or 0.0)), died=died)

    def _enqueue_again(self, trial: TrialRecord, *, died: bool) -> None:
        retries = int(trial.attrs.get(record.RETRIES, 0))
        own = (record.KIND, record.WORKER, record.CAUSE, record.SPENT, record.ASKED, record.WORKED)
        kept = {key: value for key, value in trial.attrs.items() if key not in own}
        kept |= {record.RETRIES: retries + died, record.RETRY_OF: trial.number}
        kept[record.BEFORE] = trial.seconds or 0.0
        kept[record.EARLIER] = [trial.number, *trial.attrs.get(record.EARLIER, [])]
        # a worker may die while it takes its values: taken anew they are the same ones; the missing ones alone would
        # meet a generator that has drawn nothing yet
        point = dict(trial.params) if self.spec.space.is_whole(trial.params) else trial.attrs.get(record.POINT, {})
        if point:
            # while it waits it has no values, and nobody else is to take them
            kept[record.POINT] = point
        self._study.enqueue_trial(self.spec.space.named(point), user_attrs=kept)
        was = "died" if died else "was stopped"
        log.warning("trial %d: its worker %s; it is tried again under another number", trial.number, was)


def _never_enqueued(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Lost ones that are not tried again: whoever found them died before it could see to it."""
    lost = [trial for trial in trials if trial.kind == record.LOST]
    if not lost:
        return []
    tried_again = {trial.attrs.get(record.RETRY_OF) for trial in trials}
    return [trial for trial in lost if trial.number not in tried_again]


def _is_lost(trial: TrialRecord, attrs: Mapping[str, Any]) -> bool:
    worker = trial.attrs.get(record.WORKER)
    if worker is None:
        # between ask and the worker's name; or the worker died just there
        if not living(attrs):
            return True
        return trial.started is None or (datetime.now() - trial.started).total_seconds() > EXPIRE_SECONDS
    return not is_alive(attrs, worker)
