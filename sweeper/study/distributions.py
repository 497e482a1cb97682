"""Our dimensions as Optuna's distributions, and their values as a trial's."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import optuna
from optuna import Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace

# a function of the user's own that adds parameters to a trial, and may look at those that it has
Extend = Callable[[Trial], object]


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


def extended(trial: Trial, space: SearchSpace, extend: Extend) -> dict[str, Scalar]:
    """The same, with what a function of the user's own adds."""
    params = suggested(trial, space)
    names = {step.name for step in space.steps(params)}
    extend(trial)
    return params | {name: value for name, value in trial.params.items() if name not in names}


def added_to_one(space: SearchSpace, extend: Extend) -> Mapping[str, Scalar]:
    """What the function adds to one point, drawn at random."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    searched = {step.key for step in space.every_step()}
    return {name: value for name, value in extended(trial, space, extend).items() if name not in searched}
