"""Our dimensions as Optuna's distributions."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange


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
