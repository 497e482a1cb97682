"""Our dimensions as Optuna's distributions, and their values as a trial's."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from optuna import Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace


@contextmanager
def rounded_ends() -> Iterator[None]:
    """Optuna warns where the end of a range is no multiple of its step, be it in the last digit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The distribution is specified by", UserWarning)
        yield


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """As Optuna's `suggest_float`, `suggest_int` and `suggest_categorical` would make it."""
    match dimension:
        case FloatRange(low, high, log_scale, step):
            with rounded_ends():
                return FloatDistribution(low, high, log=log_scale, step=step)
        case IntRange(low, high, log_scale, step):
            return IntDistribution(low, high, log=log_scale, step=step)
        case Choice(values):
            return CategoricalDistribution(values)


def suggested(trial: Trial, space: SearchSpace) -> dict[str, Scalar]:
    """A value for all that a trial chooses, by key."""
    params: dict[str, Scalar] = {}
    for name, key, dimension in space.steps(params):
        match dimension:
            case FloatRange(low, high, log_scale, step):
                with rounded_ends():
                    params[key] = trial.suggest_float(name, low, high, log=log_scale, step=step)
            case IntRange(low, high, log_scale, step):
                params[key] = trial.suggest_int(name, low, high, log=log_scale, step=step)
            case Choice(values):
                params[key] = trial.suggest_categorical(name, values)
    return params
