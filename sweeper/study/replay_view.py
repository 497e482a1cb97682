"""A study as its pruners and samplers see it: as if no worker had ever died, and with something to learn from every
trial.
"""

import copy
import math
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.study.record import INDEX, KIND, REPLACED

# of the trials that a sampler sees, at most this share are failed ones: it takes the better tenth for good
MAX_FAILED_SHARE = 0.9
FAILED = "failed"


class ReplayView:
    """Lost trials are hidden, and a retry stands in the place that it had: what pruners and samplers decide depends on
    which trials there are and on their order.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:  # Optuna's own
        """Optuna's public method."""
        return _of_states(self._seen(self._replayed(deepcopy)), states)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:  # what samplers call
        return _of_states(self._seen(self._replayed(deepcopy, use_cache)), states)

    def _replayed(self, deepcopy: bool, use_cache: bool | None = None) -> list[FrozenTrial]:
        if use_cache is None:
            trials = self._study.get_trials(deepcopy=deepcopy)
        else:
            trials = self._study._get_trials(deepcopy=deepcopy, use_cache=use_cache)
        shown = [trial for trial in trials if trial.user_attrs.get(KIND) not in REPLACED]
        return sorted(shown, key=lambda trial: trial.user_attrs.get(INDEX, trial.number))

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """As those that look through this view should see them."""
        return trials


class SamplerReplayView(ReplayView):
    """The same for samplers that know constraints, to whom a failed trial is one that broke a constraint: Optuna
    forgets failed trials, and would suggest their like again.

    Args:
        study: The study.
        earlier: Trials of another sweep, which stand before its own.
    """

    def __init__(self, study: optuna.Study, earlier: Sequence[FrozenTrial] = ()) -> None:
        super().__init__(study)
        self._earlier = earlier

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [*self._earlier, *trials]
        failed = [trial for trial in every if trial.state is TrialState.FAIL]
        known = sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in every)
        # among failed trials alone the least bad one would be taken for good
        are_few = len(failed) <= MAX_FAILED_SHARE * (known + len(failed))
        return [_constrained(trial) if are_few else trial for trial in every]


def _constrained(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.FAIL:
        return trial
    trial = copy.deepcopy(trial)
    trial.state = TrialState.PRUNED
    trial.set_constraint(FAILED, 1.0)
    return trial


class ValuedView(SamplerReplayView):
    """The same for samplers that learn from values alone: a pruned trial has its last one, a failed one the worst."""

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [_valued(trial) for trial in (*self._earlier, *trials)]
        values = [trial.value for trial in every if trial.state is TrialState.COMPLETE and trial.value is not None]
        if not values:
            return every
        is_less_better = self._study.direction is optuna.study.StudyDirection.MINIMIZE
        worst = max(values) if is_less_better else min(values)
        return [_with_value(trial, worst) if trial.state is TrialState.FAIL else trial for trial in every]


def _valued(trial: FrozenTrial) -> FrozenTrial:
    """A pruned trial as a complete one; without a number it is a failed one."""
    if trial.state is not TrialState.PRUNED:
        return trial
    last = trial.intermediate_values.get(trial.last_step) if trial.last_step is not None else None
    if last is None or not math.isfinite(last):
        failed = copy.copy(trial)
        failed.state = TrialState.FAIL
        return failed
    return _with_value(trial, last)


def _with_value(trial: FrozenTrial, value: float) -> FrozenTrial:
    valued = copy.copy(trial)
    valued.state = TrialState.COMPLETE
    valued.values = [value]
    return valued


def _of_states(trials: list[FrozenTrial], states: Container[TrialState] | None) -> list[FrozenTrial]:
    return [trial for trial in trials if states is None or trial.state in states]
