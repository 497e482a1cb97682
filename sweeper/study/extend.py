"""Values of a trial: those of the space, then those of a function of the user's own."""

from collections.abc import Callable, Mapping

import optuna

from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study.distributions import rounded_ends

Extend = Callable[[optuna.Trial], object]


def suggest(trial: optuna.Trial, space: SearchSpace, extend: Extend | None = None) -> dict[str, Scalar]:
    """Take the trial's values, by config key.

    Args:
        trial: Of any study.
        space: What is searched.
        extend: Adds more, and may look at those that the trial has.
    """
    params: dict[str, Scalar] = {}
    names = set()
    for name, key, dimension in space.steps(params):
        names.add(name)
        match dimension:
            case FloatRange(low, high, log_scale, step):
                with rounded_ends():
                    params[key] = trial.suggest_float(name, low, high, log=log_scale, step=step)
            case IntRange(low, high, log_scale, step):
                params[key] = trial.suggest_int(name, low, high, log=log_scale, step=step)
            case Choice(values):
                params[key] = trial.suggest_categorical(name, values)
    if extend is not None:
        extend(trial)
        params |= {name: value for name, value in trial.params.items() if name not in names}
    return params


def params_of_one(space: SearchSpace, extend: Extend) -> Mapping[str, Scalar]:
    """What the function adds to one point, drawn at random."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    names = {step.name for step in space.every_step()}
    suggest(trial, space, extend)
    return {name: value for name, value in trial.params.items() if name not in names}
