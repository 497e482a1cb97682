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
# how Optuna keeps a constraint among a trial's system attributes
CONSTRAINTS = "constraints:"


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


class PrunerReplayView(ReplayView):
    """The same for pruners: what has ended and broken a constraint is nothing to be compared with."""

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return [trial for trial in trials if not (trial.state.is_finished() and _is_broken(trial))]


def _is_broken(trial: FrozenTrial) -> bool:
    return any(beyond > 0 for beyond in trial.constraints.values())


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
    """The same for samplers that learn from values alone: a pruned trial has its last one, a failed one the worst.

    Where there are constraints, every trial has each of them, in one order: the Gaussian process asks for that.
    """

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [_valued(trial) for trial in (*self._earlier, *trials)]
        values = [trial.values for trial in every if trial.state is TrialState.COMPLETE and trial.values]
        if not values:
            return every
        worst = [
            max(ones) if direction is optuna.study.StudyDirection.MINIMIZE else min(ones)
            for direction, ones in zip(self._study.directions, zip(*values, strict=True), strict=True)
        ]
        valued = [_with_values(trial, worst) if trial.state is TrialState.FAIL else trial for trial in every]
        names = sorted({name for trial in valued for name in trial.constraints})
        return [_with_constraints(trial, names) for trial in valued] if names else valued


def _valued(trial: FrozenTrial) -> FrozenTrial:
    """A pruned trial as a complete one; without a number it is a failed one."""
    if trial.state is not TrialState.PRUNED:
        return trial
    last = trial.intermediate_values.get(trial.last_step) if trial.last_step is not None else None
    if last is None or not math.isfinite(last):
        failed = copy.copy(trial)
        failed.state = TrialState.FAIL
        return failed
    return _with_values(trial, [last])


def _with_values(trial: FrozenTrial, values: Sequence[float]) -> FrozenTrial:
    valued = copy.copy(trial)
    valued.state = TrialState.COMPLETE
    valued.values = list(values)
    return valued


def _with_constraints(trial: FrozenTrial, names: Sequence[str]) -> FrozenTrial:
    """One that nothing is known of counts as kept."""
    if trial.state is not TrialState.COMPLETE:
        return trial
    known = trial.constraints
    others = {key: value for key, value in trial.system_attrs.items() if not key.startswith(CONSTRAINTS)}
    whole = copy.copy(trial)
    whole.system_attrs = {**others, **{f"{CONSTRAINTS}{name}": known.get(name, 0.0) for name in names}}
    return whole


def _of_states(trials: list[FrozenTrial], states: Container[TrialState] | None) -> list[FrozenTrial]:
    return [trial for trial in trials if states is None or trial.state in states]
