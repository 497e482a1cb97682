"""The shared record of a sweep: ask, report, tell, and what became of every trial."""

import copy
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any, NamedTuple

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection

from slimtune.sweeper.goals.difference import begun_otherwise, goals_difference
from slimtune.sweeper.goals.goals import ATTR, goals_of
from slimtune.sweeper.sampler_config import RandomSearch, TpeSearch
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.space.search_space import num_points_of, point_id
from slimtune.sweeper.study import earlier, record
from slimtune.sweeper.study.ask_cost import AskCost
from slimtune.sweeper.study.distinct import DistinctSampler, PointId
from slimtune.sweeper.study.distributions import Extend, extended, suggested
from slimtune.sweeper.study.learning_curve import BestSoFar
from slimtune.sweeper.study.lease import is_alive
from slimtune.sweeper.study.liveness.storage_lock import alone
from slimtune.sweeper.study.pruners import pruner_of
from slimtune.sweeper.study.record import TrialRecord, record_of
from slimtune.sweeper.study.replay.arrivals import Arrivals
from slimtune.sweeper.study.replay.places import first_attempt, has_place, num_repeated_before, places_before
from slimtune.sweeper.study.replay.sampler_views import Seen
from slimtune.sweeper.study.samplers import sampler_of
from slimtune.sweeper.study.spec import StudySpec
from slimtune.sweeper.study.storages.foreign_study import refuse_foreign
from slimtune.sweeper.study.storages.loading import UNUSABLE, unusable
from slimtune.sweeper.study.storages.opening import open_storage
from slimtune.sweeper.study.storages.write_behind import flush, remembering
from slimtune.sweeper.study.study_endings import StudyEndings
from slimtune.training.errors import StoreError
from slimtune.training.trial import FailureKind, Verdict

log = logging.getLogger(__name__)

# another worker that lives takes its values for at most this long: a Gaussian process on a busy machine takes seconds
SUGGEST_SECONDS, POLL_SECONDS = 30.0, 0.05
# a study draws nothing: each trial has a sampler of its own
UNUSED = optuna.samplers.RandomSampler()


class AskedTrial(NamedTuple):
    """A trial to run.

    Attributes:
        number: Optuna's number.
        params: Suggested values by config key.
        attrs: What an earlier attempt left, or what was enqueued with it.
    """

    number: int
    params: dict[str, Scalar]
    attrs: Mapping[str, Any]


class Study(StudyEndings):
    """One study, opened by one process. Every method may be called from several threads.

    Raises:
        StoreError: The storage cannot be opened.
    """

    def __init__(self, spec: StudySpec, extend: Extend | None = None) -> None:
        self._extend = extend
        optuna.logging.disable_default_handler()
        optuna.logging.enable_propagation()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        ways = [StudyDirection.MAXIMIZE if one.maximize else StudyDirection.MINIMIZE for one in spec.goals.objectives]
        try:
            study = optuna.create_study(
                study_name=spec.name,
                storage=open_storage(spec.storage),
                load_if_exists=True,
                directions=ways,
                sampler=UNUSED,
                pruner=pruner_of(spec.pruner, spec.rungs),
            )
        except UNUSABLE as error:
            raise StoreError(unusable(spec.storage, error)) from error
        refuse_foreign(study)
        if study.directions != ways:
            begun = [way is StudyDirection.MAXIMIZE for way in study.directions]
            known = study.user_attrs.get(ATTR) or goals_of(begun).described()
            differ = goals_difference(known, spec.goals.described())
            raise StoreError(begun_otherwise(spec.name, str(differ)))
        super().__init__(spec, study)
        self._maximize = spec.goals.objectives[0].maximize
        self._cost = AskCost(spec.sampler.name)
        self._points: dict[int, PointId] = {}
        self._best, self._arrivals = BestSoFar(maximize=self._maximize), Arrivals()
        self._turn = threading.Lock()

    def ask(self, worker: str) -> AskedTrial | None:
        """The next trial of the budget, lost ones first; None when the budget is used up or handed out."""
        trials = self.free_lost()
        if self._num_open(trials) <= 0:
            return None
        began = time.monotonic()
        with alone(self.spec.storage), remembering(self._study):
            # which one it is decides what is drawn, and two workers never have the same
            trial = self._study.ask()
            # whoever enqueues a trial says what it is
            is_surplus = self.spec.enqueued_only and not trial.user_attrs
            trial.set_user_attr(record.WORKER, worker)
        others = self._others(trial.number, num_read=len(trials))
        first = first_attempt(trial.number, trial.user_attrs)
        num_before = len(places_before(first, others))
        lower = [other for other in others if other.number < trial.number]
        is_surplus = is_surplus or _is_tried(trial.user_attrs.get(record.RETRY_OF), lower)
        if is_surplus or (num_before >= self.spec.n_trials and not self.spec.enqueued_only):
            # two workers saw the same last place or the same lost trial
            self._fail(trial.number, record.SURPLUS)
            return self.ask(worker)
        if record.INDEX not in trial.user_attrs:
            # after a point that two workers took, the next one is drawn anew; who tries a trial again draws as it did,
            # whatever others gave up meanwhile
            trial.set_user_attr(record.INDEX, num_before + num_repeated_before(first, others))
        sampler = self._sampler(others, index=int(trial.user_attrs[record.INDEX]))
        trial = optuna.Trial(_drawing_from(sampler, self._study), trial._trial_id)
        # whoever finds the trial when this process has died knows whose it is, and what it takes
        flush(self._study)
        with remembering(self._study):
            params = self._suggested(trial)
        if params is None:
            return self.ask(worker)
        if self._is_repeated(params, first, others):
            # two workers took the same point
            self._fail(trial.number, record.REPEATED)
            return self.ask(worker)
        self._trials[trial.number] = trial
        self._cost.took(time.monotonic() - began, others)
        return AskedTrial(trial.number, params, trial.user_attrs)

    def _others(self, number: int, *, num_read: int) -> list[TrialRecord]:
        """All trials but a new one; if those that were read last are all, they are not read again."""
        with remembering(self._study) if number <= num_read else nullcontext():
            trials = self.trials()
        return [other for other in trials if other.number != number]

    def _sampler(self, others: Sequence[TrialRecord], *, index: int) -> BaseSampler:
        """For a trial beside these others; the index decides what is drawn."""
        spec = self.spec
        sampler = sampler_of(spec.sampler, spec.space, seed=spec.seed, index=index, seen=self._seen)
        is_endless = all(num_points_of(part) is None for part in spec.space.parts())
        if is_endless and isinstance(spec.sampler, RandomSearch | TpeSearch):
            # these draw no real number twice; others meet the corners of a space again
            return sampler
        taken = {self._point_of(other) for other in others if has_place(other)}
        return DistinctSampler(sampler, spec.space, taken, seed=index)

    @cached_property
    def _seen(self) -> Seen:
        """By samplers, trials of another sweep among it; no worker is there before these are noted."""
        trials = earlier.frozen_of(earlier.noted_in(self.attrs()), self.spec.space)
        return Seen(self._study.directions[0], trials)

    def _suggested(self, trial: optuna.Trial) -> dict[str, Scalar] | None:
        """Its values; None if the user's own function fails, which ends the trial."""
        if self._extend is None:
            return suggested(trial, self.spec.space)
        try:
            return extended(trial, self.spec.space, self._extend)
        except Exception as error:  # noqa: BLE001  # the code of somebody else
            trial.set_user_attr(record.MESSAGE, f"{type(error).__name__}: {error}")
            log.warning("trial %d: custom_search_space failed (%s: %s)", trial.number, type(error).__name__, error)
            self._fail(trial.number, FailureKind.bad_config.value)
            return None

    def _is_repeated(self, params: Mapping[str, Scalar], first: int, others: Sequence[TrialRecord]) -> bool:
        """Whether a trial in an earlier place has the same point; one that is just being suggested is waited for."""
        before = places_before(first, others)
        deadline = time.monotonic() + SUGGEST_SECONDS
        while params and not self._is_settled(before) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            before = places_before(first, self.trials())
        point = point_id(params)
        return bool(params) and any(self._point_of(trial) == point for trial in before)

    def _point_of(self, trial: TrialRecord) -> PointId:
        """The id of its point, also if it is to take it again; of a trial that has ended it is made once."""
        known = self._points.get(trial.number)
        if known is None:
            known = point_id(trial.params or trial.attrs.get(record.POINT, {}))
            if trial.finished:
                self._points[trial.number] = known
        return known

    def _is_settled(self, trials: Sequence[TrialRecord]) -> bool:
        running = [trial for trial in trials if trial.state is record.TrialState.running]
        taking = [trial.attrs.get(record.WORKER) for trial in running if not self.spec.space.is_whole(trial.params)]
        return not any(worker is None or is_alive(self.attrs(), worker) for worker in taking)

    def report(self, number: int, examples_seen: int, objective: float, progress: float) -> Verdict:
        """Note an evaluation and ask the pruner."""
        trial = self._trials[number]
        # of several objectives none decides alone
        can_prune = self.spec.goals.can_prune
        with remembering(self._study):
            try:
                if can_prune:
                    trial.report(objective, examples_seen)
                trial.set_user_attr(record.PROGRESS, progress)
                is_pruned = can_prune and trial.should_prune()
            except UpdateFinishedTrialError:
                return Verdict(stop=True, reason="another worker has taken the trial over")
            if not can_prune:
                return Verdict(stop=False)
            if is_pruned:
                return Verdict(stop=True, reason=f"{self.spec.pruner.name} at {examples_seen} examples")
            return self._reach_verdict(number, examples_seen, progress)

    def _reach_verdict(self, number: int, examples_seen: int, progress: float) -> Verdict:
        if not self.spec.stop_hopeless:
            return Verdict(stop=False)
        own = record_of(self._study._storage.get_trial(self._trials[number]._trial_id))
        if len(own.intermediate) < 2:
            return Verdict(stop=False)
        with self._turn:
            for trial in self._arrivals.of(self._study.get_trials(deepcopy=False)).ended:
                self._best.add(self._record_of(trial))
            reach = self._best.reach_of(own, progress=progress)
        if reach is None or not reach.hopeless(maximize=self._maximize):
            return Verdict(stop=False)
        reason = (
            f"at {examples_seen} examples it can reach {reach.most:z.4g} at most, and the best is {reach.best:z.4g}"
        )
        return Verdict(stop=True, reason=reason)

    def enqueue(self, attrs: Mapping[str, Any], params: Mapping[str, Scalar] | None = None) -> None:
        """Add a trial that is known beforehand; the sampler suggests what `params` leaves out."""
        self._study.enqueue_trial(self.spec.space.named(params or {}), user_attrs=dict(attrs))

    def start_from(self, params: Mapping[str, Scalar]) -> None:
        """Let the first trial of a new study take these values."""
        if params and not self._study.get_trials(deepcopy=False):
            self.enqueue({record.POINT: dict(params)}, params)

    def enqueue_new(self, points: Sequence[Mapping[str, Scalar]]) -> int:
        """Let these points be tried next, but for those that ever were enqueued.

        Returns:
            For how many of them the budget has no place.
        """
        trials = [trial for trial in self.trials() if trial.kind != record.SURPLUS]
        known = {point_id(point) for trial in trials if (point := trial.attrs.get(record.POINT)) is not None}
        room = self._num_open(trials) - self.num_waiting()
        wanted = {point_id(point): point for point in points if point and point_id(point) not in known}
        for point in list(wanted.values())[: max(0, room)]:
            self.enqueue({record.POINT: dict(point)}, point)
        return len(wanted) - min(len(wanted), max(0, room))

    def learn_from(self, trials: Sequence[TrialRecord]) -> int:
        """Let the sampler of a new study see the trials of another one before its own.

        Returns:
            How many of them are points of its space.
        """
        plain = earlier.plain_of(trials)
        for key, part in earlier.attrs_of(plain):
            self.set_attr(key, part)
        return len(earlier.frozen_of(plain, self.spec.space))

    def set_attr(self, key: str, value: Any) -> None:
        """Note something on the study."""
        self._study.set_user_attr(key, value)


def _is_tried(lost: int | None, trials: Sequence[TrialRecord]) -> bool:
    """Whether one of these tries a lost trial again."""
    return lost is not None and any(trial.attrs.get(record.RETRY_OF) == lost for trial in trials)


def _drawing_from(sampler: BaseSampler, study: optuna.Study) -> optuna.Study:
    """The same study for one trial: another thread may ask for the next one meanwhile."""
    own = copy.copy(study)
    own.sampler = sampler
    return own
