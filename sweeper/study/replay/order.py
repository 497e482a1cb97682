"""Trials as if no worker had ever died, in the order of their places."""

import bisect
import threading
from collections.abc import Callable, Sequence

from optuna.trial import FrozenTrial

from slimtune.sweeper.study.record import INDEX, KIND, REPLACED
from slimtune.sweeper.study.replay.arrivals import Arrivals


def is_broken(trial: FrozenTrial) -> bool:
    """Whether it broke a constraint."""
    return any(beyond > 0 for beyond in trial.constraints.values())


class ReplayOrder:
    """Lost trials are hidden, and a retry stands in the place that it had. Where those that have ended stand is noted:
    every report of a long search would sort them anew.

    Args:
        hides: What else is hidden of the trials that have ended.
    """

    def __init__(self, hides: Callable[[FrozenTrial], bool] | None = None) -> None:
        self._hides = hides
        self._arrivals = Arrivals()
        self._ended: list[FrozenTrial] = []
        self._turn = threading.Lock()

    def of(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """The trials of one study, which are never fewer than before."""
        with self._turn:
            arrived = self._arrivals.of(trials)
            for trial in arrived.ended:
                if self._hides is None or not self._hides(trial):
                    _insert(self._ended, trial)
            found = list(self._ended)
        for trial in arrived.others:
            _insert(found, trial)
        return found


def _insert(trials: list[FrozenTrial], trial: FrozenTrial) -> None:
    if trial.user_attrs.get(KIND) not in REPLACED:
        bisect.insort_right(trials, trial, key=_index)


def _index(trial: FrozenTrial) -> tuple[int, int]:
    return int(trial.user_attrs.get(INDEX, trial.number)), trial.number
