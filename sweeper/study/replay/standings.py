"""Which trials TPE takes for good."""

import copy
import heapq
import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

FAILED = "failed"
Place = tuple[float, ...]


class Standings:
    """Where TPE has the trials of one study; at those that have ended it looks once.

    Args:
        is_more_better: Whether a greater value is the better one.
    """

    def __init__(self, *, is_more_better: bool) -> None:
        self._sign = -1.0 if is_more_better else 1.0
        self._places: dict[int, Place] = {}

    def best(self, count: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """So many of the best ones of trials that have ended, the best first."""
        return heapq.nsmallest(count, trials, key=self._place)

    def _place(self, trial: FrozenTrial) -> Place:
        known = self._places.get(trial.number)
        if known is None:
            known = self._places[trial.number] = _place(constrained(trial), self._sign)
        return known


def constrained(trial: FrozenTrial) -> FrozenTrial:
    """A failed trial as one that broke a constraint; others as they are."""
    if trial.state is not TrialState.FAIL:
        return trial
    trial = copy.copy(trial)
    trial.state = TrialState.PRUNED
    trial.system_attrs = dict(trial.system_attrs)
    trial.set_constraint(FAILED, 1.0)
    return trial


def _place(trial: FrozenTrial, sign: float) -> Place:
    """The best first: complete ones by value, pruned ones by how far they came, those that broke a constraint."""
    broken = sum(value for value in trial.constraints.values() if value > 0) if trial.system_attrs else 0.0
    if broken > 0:
        return (2.0, broken)
    if trial.state is TrialState.COMPLETE:
        return (0.0, sign * (trial.value or 0.0))
    if trial.last_step is None:
        return (1.0, 1.0, 0.0)
    value = trial.intermediate_values[trial.last_step]
    return (1.0, -float(trial.last_step), math.inf if math.isnan(value) else sign * value)
