"""How much each parameter decides whether a trial is among the best, and how sure that is."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.study.distributions import distribution_of
from slimtune.sweeper.study.record import TrialRecord, TrialState

# with fewer, chance alone decides
MIN_TRIALS = 8
RESAMPLES = 20
# of the resamples, in the middle
INTERVAL_PERCENT = 80
# the best share of the trials that the others are compared with; PED-ANOVA's paper wants 5 trials or more among it
BEST_SHARE, BEST_TRIALS, MOST_SHARE = 0.1, 5, 0.5


class Importance(NamedTuple):
    """Share of what parameters decide together, in [0, 1].

    Attributes:
        key: Of the config.
        share: By all trials.
        low: Lower end of the interval over resamples of the trials.
        high: Upper end.
    """

    key: str
    share: float
    low: float
    high: float


def importances(
    trials: Sequence[TrialRecord], dimensions: Mapping[str, Dimension], goals: Goals, *, seed: int = 0
) -> list[Importance]:
    """PED-ANOVA by Optuna, over the trials and over resamples of them; the most important parameter first.

    A pruned trial counts with what it had when it was stopped: it is not among the best, which is all that is asked.
    NaN is worse than any number.

    Returns:
        Nothing where fewer than `MIN_TRIALS` have a value, or all of them have the same one.
    """
    # it tells of each study that is made
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = [trial for trial in trials if _losses(trial, goals) is not None and set(trial.params) & set(dimensions)]
    if len(known) < MIN_TRIALS or len({_losses(trial, goals) for trial in known}) < 2:
        return []
    frozen = [_frozen(trial, dimensions, goals) for trial in known]
    share = _shares(frozen, goals)
    generator = np.random.default_rng(seed)
    samples = [
        _shares([frozen[at] for at in generator.integers(len(frozen), size=len(frozen))], goals)
        for _ in range(RESAMPLES)
    ]
    tail = (100 - INTERVAL_PERCENT) / 2
    found = []
    for key, value in share.items():
        low, high = np.percentile([sample.get(key, 0.0) for sample in samples], [tail, 100 - tail])
        found.append(Importance(key, value, float(min(low, value)), float(max(high, value))))
    return sorted(found, key=lambda one: (-one.share, one.key))


def _losses(trial: TrialRecord, goals: Goals) -> tuple[float, ...] | None:
    if trial.state is TrialState.complete and len(trial.values) == len(goals.objectives):
        return _numbers(goals.losses(trial.values))
    is_pruned = trial.state is TrialState.pruned and not goals.several
    return _numbers(goals.losses([trial.objective])) if is_pruned and trial.objective is not None else None


def _numbers(losses: Sequence[float]) -> tuple[float, ...]:
    return tuple(math.inf if math.isnan(loss) else loss for loss in losses)


def _frozen(trial: TrialRecord, dimensions: Mapping[str, Dimension], goals: Goals) -> optuna.trial.FrozenTrial:
    params = {key: value for key, value in trial.params.items() if _is_in(value, dimensions.get(key))}
    distributions = {key: distribution_of(dimensions[key]) for key in params}
    return optuna.trial.create_trial(params=params, distributions=distributions, values=_losses(trial, goals))


def _is_in(value: Any, dimension: Dimension | None) -> bool:
    """An option of a group may have other values than another one has under the same key."""
    match dimension:
        case Choice(values):
            return value in values
        case FloatRange() | IntRange():
            return isinstance(value, int | float) and dimension.low <= value <= dimension.high
    return False


def _shares(frozen: Sequence[optuna.trial.FrozenTrial], goals: Goals) -> dict[str, float]:
    """Shares that add up to 1; all 0 where nothing is decided."""
    with warnings.catch_warnings():
        # of resamples with few different trials
        warnings.simplefilter("ignore")
        study = optuna.create_study(directions=["minimize"] * len(goals.objectives))
        study.add_trials(frozen)
        best = min(MOST_SHARE, max(BEST_SHARE, BEST_TRIALS / len(frozen)))
        evaluator = PedAnovaImportanceEvaluator(target_quantile=best)
        found = evaluator.evaluate(study, target=None)
    total = sum(found.values())
    return {key: value / total if total > 0 else 0.0 for key, value in found.items()}
