"""What the trials of a study were drawn from."""

from collections.abc import Iterable

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.space.search_space import plain_key
from slimtune.sweeper.study.storages.loading import load_study, reading


def load_dimensions(storage: str, name: str) -> dict[str, Dimension]:
    """By key, all that any trial could take; a range that was changed on the way is as wide as both together.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        return dimensions_of(study.get_trials(deepcopy=False))


def dimensions_of(trials: Iterable[optuna.trial.FrozenTrial]) -> dict[str, Dimension]:
    """The same of trials that were read."""
    found: dict[str, Dimension] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            key = plain_key(name)
            dimension = _dimension_of(distribution)
            if dimension is not None:
                found[key] = _both(found[key], dimension) if key in found else dimension
    return found


def _dimension_of(distribution: BaseDistribution) -> Dimension | None:
    match distribution:
        case FloatDistribution():
            return FloatRange(distribution.low, distribution.high, distribution.log, distribution.step)
        case IntDistribution():
            return IntRange(distribution.low, distribution.high, distribution.log, distribution.step)
        case CategoricalDistribution():
            return Choice(tuple(distribution.choices))
    return None


def _both(one: Dimension, other: Dimension) -> Dimension:
    if one == other:
        return one
    if isinstance(one, Choice) and isinstance(other, Choice):
        return Choice((*one.values, *(value for value in other.values if value not in one.values)))
    if isinstance(one, IntRange) and isinstance(other, IntRange):
        step = one.step if one.step == other.step else 1
        return IntRange(min(one.low, other.low), max(one.high, other.high), one.log and other.log, step)
    if isinstance(one, FloatRange | IntRange) and isinstance(other, FloatRange | IntRange):
        return FloatRange(min(one.low, other.low), max(one.high, other.high), one.log and other.log)
    return one
