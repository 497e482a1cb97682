"""Stops what is worse than the best trial on most parts of the validation rows (Wilcoxon's signed-rank test)."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

# user attribute of a trial: the objective on each part of the validation rows, by number of examples
PARTS_PREFIX = "parts:"


class Pairs(NamedTuple):
    """What two trials have in common.

    Attributes:
        own: Values of one trial.
        rival: Of the other one, in the same order.
    """

    own: Sequence[float]
    rival: Sequence[float]


class RankTestPruner(BasePruner):
    """Compares a trial with the best complete one, or before there is one with the one that leads.

    Trials that report parts are compared by these after as many examples; others by the values of the steps that both
    have reported, which are folds, rows or seeds then.

    Args:
        p_threshold: A trial is stopped where the test's p-value is below.
        n_startup_steps: Reports before a trial can be stopped.
    """

    def __init__(self, p_threshold: float, n_startup_steps: int) -> None:
        self._p_threshold, self._n_startup_steps = p_threshold, n_startup_steps

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is worse."""
        if len(trial.intermediate_values) < self._n_startup_steps:
            return False
        sign = 1.0 if study.direction is StudyDirection.MAXIMIZE else -1.0
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        found = {other.number: pairs for other in others if (pairs := pairs_of(trial, other)) is not None}
        rivals = [other for other in others if other.number in found]
        if not rivals:
            return False
        best = max(rivals, key=lambda other: _standing(other, found[other.number], sign))
        return is_worse(found[best.number], sign=sign, p_threshold=self._p_threshold)


def pairs_of(trial: FrozenTrial, other: FrozenTrial) -> Pairs | None:
    """What a trial is compared by with another one; None if that has not come as far."""
    key = f"{PARTS_PREFIX}{trial.last_step}"
    if key in trial.user_attrs:
        return Pairs(trial.user_attrs[key], other.user_attrs[key]) if key in other.user_attrs else None
    own, theirs = trial.intermediate_values, other.intermediate_values
    if not own.keys() <= theirs.keys():
        return None
    return Pairs(list(own.values()), [theirs[step] for step in own])


def is_worse(pairs: Pairs, *, sign: float, p_threshold: float) -> bool:
    """Whether the values are below those of the rival, more than chance alone would have them.

    Args:
        pairs: Of equal lengths; pairs with a value that is no number do not count.
        sign: 1 where more is better, else -1.
        p_threshold: In (0, 1).
    """
    gaps = sign * (np.asarray(pairs.own, dtype=float) - np.asarray(pairs.rival, dtype=float))
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < 2 or gaps.mean() >= 0:
        return False
    # it takes a while to import, and most searches have another pruner
    from scipy.stats import wilcoxon

    with warnings.catch_warnings():
        # few pairs, or many that are equal: the p-value is approximate
        warnings.simplefilter("ignore")
        return bool(wilcoxon(gaps, alternative="less", zero_method="zsplit").pvalue < p_threshold)


def _standing(trial: FrozenTrial, pairs: Pairs, sign: float) -> tuple[bool, float]:
    """Complete trials by their objective; before there are any, the others by what is compared."""
    is_complete = trial.state is TrialState.COMPLETE and trial.value is not None
    value = trial.value if is_complete and trial.value is not None else float(np.nanmean(pairs.rival))
    return is_complete, sign * value
