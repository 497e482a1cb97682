"""A storage that a training loop does not wait for."""

import copy
import threading
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import Study, StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.study.storages.write import Write
from slimtune.sweeper.study.storages.writer import Writer

# how old the trials of other processes may be where they are remembered
LOOK_SECONDS = 1.0
Trials = dict[int, FrozenTrial]


class WriteBehind(BaseStorage):
    """Keeps the trials that this process has begun in memory, writes to them from a thread, and remembers all others
    as they were read last.

    What ends a trial is written when all before it is. Within one process everything is seen at once and in order,
    whoever looks, so that decisions are the same as if each write was waited for.

    Args:
        inner: The storage.
    """

    def __init__(self, inner: BaseStorage) -> None:
        self.inner = inner
        self._writer = Writer(inner, self._taken)
        self._lock, self._read_turn = threading.RLock(), threading.Lock()
        self._own: Trials = {}
        self._ended_elsewhere: set[int] = set()
        self._known: dict[int, Trials] = {}
        self._read_at: dict[int, float] = {}
        self._kinds: dict[tuple[int, str], BaseDistribution] = {}
        self._study_of: dict[int, int] = {}
        self._directions: dict[int, list[StudyDirection]] = {}
        self._reading = threading.local()

    # what this process has begun

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        trial_id = self.inner.create_new_trial(study_id, template_trial)
        if template_trial is None:
            self._begin(study_id, self.inner.get_trial(trial_id))
        return trial_id

    def _begin(self, study_id: int, trial: FrozenTrial) -> None:
        with self._lock:
            self._study_of[trial._trial_id] = study_id
            self._keep(copy.copy(trial))

    def _keep(self, trial: FrozenTrial) -> None:
        self._own[trial._trial_id] = trial
        known = self._known.setdefault(self._study_of[trial._trial_id], {})
        known[trial.number] = trial

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        if trial_id in self._own:
            self._writer.flush()
        is_changed = self.inner.set_trial_state_values(trial_id, state, values)
        if state is TrialState.RUNNING and is_changed:
            trial = self.inner.get_trial(trial_id)
            self._begin(self._study_with(trial_id), trial)
        elif trial_id in self._own:
            self._end(trial_id, state, values)
        return is_changed

    def _study_with(self, trial_id: int) -> int:
        with self._lock:
            for study_id, known in self._known.items():
                if any(trial._trial_id == trial_id for trial in known.values()):
                    return study_id
        raise KeyError(trial_id)

    def _end(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        with self._lock:
            trial = copy.copy(self._own[trial_id])
            trial.state, trial.values, trial.datetime_complete = state, values, datetime.now()
            self._keep(trial)

    def _taken(self, trial_id: int) -> None:
        with self._lock:
            self._ended_elsewhere.add(trial_id)

    # what is noted on a trial

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        def changed(trial: FrozenTrial) -> None:
            value = distribution.to_external_repr(param_value_internal)
            trial.params = {**trial.params, param_name: value}
            trial.distributions = {**trial.distributions, param_name: distribution}

        if trial_id in self._own:
            self._check_kind(trial_id, param_name, distribution)
        self._note(Write("set_trial_param", trial_id, (param_name, param_value_internal, distribution)), changed)

    def _check_kind(self, trial_id: int, name: str, distribution: BaseDistribution) -> None:
        """A parameter has one kind of values in a study."""
        study_id = self._study_of[trial_id]
        with self._lock:
            if (study_id, name) not in self._kinds:
                others = (one.distributions.get(name) for one in self._known[study_id].values())
                self._kinds[study_id, name] = next((one for one in others if one is not None), distribution)
            check_distribution_compatibility(self._kinds[study_id, name], distribution)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        def changed(trial: FrozenTrial) -> None:
            trial.intermediate_values = {**trial.intermediate_values, step: intermediate_value}

        self._note(Write("set_trial_intermediate_value", trial_id, (step, intermediate_value)), changed)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        def changed(trial: FrozenTrial) -> None:
            trial.user_attrs = {**trial.user_attrs, key: value}

        self._note(Write("set_trial_user_attr", trial_id, (key, value)), changed)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        def changed(trial: FrozenTrial) -> None:
            trial.system_attrs = {**trial.system_attrs, key: value}

        self._note(Write("set_trial_system_attr", trial_id, (key, value)), changed)

    def _note(self, write: Write, changed: Any) -> None:
        with self._lock:
            own = self._own.get(write.trial_id)
            if own is not None:
                if write.trial_id in self._ended_elsewhere or own.state.is_finished():
                    raise UpdateFinishedTrialError(f"Trial#{own.number} has already finished and can not be updated.")
                trial = copy.copy(own)
                changed(trial)
                self._keep(trial)
                self._writer.add(write)
                return
        write.apply(self.inner)

    def flush(self) -> None:
        """Until all that was noted is written."""
        self._writer.flush()

    # what is read

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Within, trials are as they are remembered: nothing is read."""
        before = getattr(self._reading, "is_off", False)
        self._reading.is_off = True
        try:
            yield
        finally:
            self._reading.is_off = before

    def look_soon(self, study_id: int) -> None:
        """Have the other processes' trials read again, if that is long ago."""
        if time.monotonic() - self._read_at.get(study_id, 0.0) < LOOK_SECONDS:
            return
        self._read_at[study_id] = time.monotonic()
        self._writer.look_later(lambda: self._read(study_id))

    def _read(self, study_id: int) -> None:
        with self._read_turn:
            found = self.inner.get_all_trials(study_id, deepcopy=False)
            self._remember(study_id, found)

    def _remember(self, study_id: int, found: Sequence[FrozenTrial]) -> None:
        with self._lock:
            known, num_read = {trial.number: trial for trial in found}, len(found)
            for trial in list(self._own.values()):
                if self._study_of[trial._trial_id] == study_id:
                    self._merge(known, trial)
            # a storage tells them in order
            self._known[study_id] = known if len(known) == num_read else dict(sorted(known.items()))
            self._read_at[study_id] = time.monotonic()

    def _merge(self, known: Trials, own: FrozenTrial) -> None:
        """A trial that this process has begun is as it is here, until the storage has its end."""
        read = known.get(own.number)
        if read is None or not read.state.is_finished():
            known[own.number] = own
        elif own.state.is_finished():
            del self._own[own._trial_id]
        else:
            self._ended_elsewhere.add(own._trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if not (getattr(self._reading, "is_off", False) and study_id in self._read_at):
            self._read(study_id)
        with self._lock:
            trials = list(self._known[study_id].values())
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial(self, trial_id: int) -> FrozenTrial:
        with self._lock:
            own = self._own.get(trial_id)
        return own if own is not None else self.inner.get_trial(trial_id)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        with self._lock:
            known = self._known.get(study_id, {}).get(trial_number)
        if known is not None:
            return known._trial_id
        return self.inner.get_trial_id_from_study_id_trial_number(study_id, trial_number)

    # studies, as they are

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        return self.inner.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self.inner.delete_study(study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self.inner.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self.inner.set_study_system_attr(study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self.inner.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self.inner.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        # they never change, and every report asks for them
        if study_id not in self._directions:
            self._directions[study_id] = self.inner.get_study_directions(study_id)
        return self._directions[study_id]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self.inner.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self.inner.get_study_system_attrs(study_id)

    def get_all_studies(self) -> list[FrozenStudy]:
        return self.inner.get_all_studies()


@contextmanager
def remembering(study: Study) -> Iterator[None]:
    """Nothing is read within: what other processes have done meanwhile is seen a second later."""
    storage = study._storage
    if not isinstance(storage, WriteBehind):
        yield
        return
    storage.look_soon(study._study_id)
    with storage.remembering():
        yield


def flush(study: Study) -> None:
    """Until all that was noted on a study is written."""
    if isinstance(study._storage, WriteBehind):
        study._storage.flush()
