"""A study as if no worker had ever died: lost trials are hidden, and a retry stands in the place that it had."""

import copy
from typing import Any

import optuna

from slimtune.sweeper.study.record import INDEX, KIND, REPLACED
from slimtune.training.trial import FailureKind


class ReplayView:
    """A view for Optuna's pruners and samplers, whose decisions depend on which trials there are and on their order."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(self, *args: Any, **kwargs: Any) -> list[optuna.trial.FrozenTrial]:
        """Optuna's public method."""
        return _replayed(self._study.get_trials(*args, **kwargs))

    def _get_trials(self, *args: Any, **kwargs: Any) -> list[optuna.trial.FrozenTrial]:
        # what samplers call
        return _replayed(self._study._get_trials(*args, **kwargs))


class SamplerReplayView(ReplayView):
    """The same for samplers, to whom a trial that did not fit into memory is one that broke a constraint: Optuna
    forgets failed trials, and would suggest their like again.
    """

    def get_trials(self, *args: Any, **kwargs: Any) -> list[optuna.trial.FrozenTrial]:
        """Optuna's public method."""
        states = kwargs.pop("states", None)
        return _of_states(_constrained(super().get_trials(*args, **kwargs)), states)

    def _get_trials(self, deepcopy: bool = True, states: Any = None, use_cache: bool = False) -> Any:  # Optuna's own
        return _of_states(_constrained(super()._get_trials(deepcopy=deepcopy, use_cache=use_cache)), states)


def _constrained(trials: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    shown = []
    for trial in trials:
        if trial.user_attrs.get(KIND) == FailureKind.out_of_memory.value:
            trial = copy.deepcopy(trial)
            trial.state = optuna.trial.TrialState.PRUNED
            trial.set_constraint("memory", 1.0)
        shown.append(trial)
    return shown


def _of_states(trials: list[optuna.trial.FrozenTrial], states: Any) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in trials if states is None or trial.state in states]


def _replayed(trials: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    shown = [trial for trial in trials if trial.user_attrs.get(KIND) not in REPLACED]
    return sorted(shown, key=lambda trial: trial.user_attrs.get(INDEX, trial.number))
