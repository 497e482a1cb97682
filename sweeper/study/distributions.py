"""Our dimensions as Optuna's distributions."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """As Optuna's `suggest_float`, `suggest_int` and `suggest_categorical` would make it."""
    match dimension:
        case FloatRange(low, high, log_scale, step):
            return FloatDistribution(low, high, log=log_scale, step=step)
        case IntRange(low, high, log_scale, step):
            return IntDistribution(low, high, log=log_scale, step=step)
        case Choice(values):
            return CategoricalDistribution(values)
