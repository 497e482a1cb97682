"""A study as those see it that decide by its trials."""

import copy
from collections.abc import Container
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.study.replay.order import ReplayOrder


class ReplayView:
    """Lost trials are hidden, and a retry stands in the place that it had: what pruners and samplers decide depends on
    which trials there are and on their order.

    Args:
        study: The study.
        order: Of its trials, as it was noted when somebody looked before.
    """

    def __init__(self, study: optuna.Study, order: ReplayOrder | None = None) -> None:
        self._study, self._order = study, order or ReplayOrder()
        self._shown: list[FrozenTrial] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:  # Optuna's own
        """Optuna's public method."""
        trials = _of_states(self._every(), states)
        return copy.deepcopy(trials) if deepcopy else trials

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:  # what samplers call
        return self.get_trials(deepcopy, states)

    def _every(self) -> list[FrozenTrial]:
        """All trials, as they were when somebody first looked: a view is made for one decision."""
        if self._shown is None:
            self._shown = self._seen(self._order.of(self._study.get_trials(deepcopy=False)))
        return self._shown

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """As those that look through this view should see them."""
        return trials


def _of_states(trials: list[FrozenTrial], states: Container[TrialState] | None) -> list[FrozenTrial]:
    return list(trials) if states is None else [trial for trial in trials if trial.state in states]
