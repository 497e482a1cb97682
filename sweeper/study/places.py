"""A study as if no worker had ever died: lost trials are hidden, and a retry stands in the place that it had."""

from typing import Any

import optuna

from sweeper.study.record import INDEX, KIND, LOST, SURPLUS


class InPlaces:
    """A view for Optuna's pruners and samplers, whose decisions depend on which trials there are and on their order."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(self, *args: Any, **kwargs: Any) -> list[optuna.trial.FrozenTrial]:
        """Optuna's public method."""
        return _in_places(self._study.get_trials(*args, **kwargs))

    def _get_trials(self, *args: Any, **kwargs: Any) -> list[optuna.trial.FrozenTrial]:
        # what samplers call
        return _in_places(self._study._get_trials(*args, **kwargs))


def _in_places(trials: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    shown = [trial for trial in trials if trial.user_attrs.get(KIND) not in (LOST, SURPLUS)]
    return sorted(shown, key=lambda trial: trial.user_attrs.get(INDEX, trial.number))
