"""CMA-ES that is told anew of all trials for each suggestion.

Optuna's own pickles its state into the study and unpickles it from there, so that whoever can write to a storage runs
code in every worker; and it takes a trial that failed for one that never was.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.unit_interval import share_of, value_at_share
from slimtune.sweeper.study.replay.order import is_broken

if TYPE_CHECKING:
    from cmaes import CMA

# draws of a point that lies in the space before it is cut off at its edge, for each dimension
DRAWS_PER_DIMENSION = 10


class Axis(NamedTuple):
    """A dimension of numbers, by the name of its parameter."""

    name: str
    dimension: FloatRange | IntRange


class EvolutionSampler(BaseSampler):
    """Every so many trials that ended are a generation, in the order of their ends: also those that another sampler or
    a person suggested.

    Args:
        space: What is searched; only dimensions of numbers that all trials have are evolved.
        population_size: Trials a generation; None is CMA-ES's own rule.
        sigma: Spread of the first generation, as a share of each dimension.
        seed: Of this suggestion.
    """

    def __init__(self, space: SearchSpace, *, population_size: int | None, sigma: float, seed: int) -> None:
        self._axes = list(_axes(space))
        self._population_size, self._sigma, self._seed = population_size, sigma, seed
        self._random = RandomSampler(seed=seed)
        self._optimizer: CMA | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing of its own: the space is known."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A draw from the distribution that all generations so far have led to."""
        if not self._axes:
            return {}
        if self._optimizer is None:
            self._optimizer = self._evolved(study)
        drawn = self._optimizer.ask()
        return {
            axis.name: value_at_share(axis.dimension, float(at)) for axis, at in zip(self._axes, drawn, strict=True)
        }

    def _evolved(self, study: Study) -> "CMA":
        optimizer = self._new()
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        told = [trial for trial in _by_end(study) if all(axis.name in trial.params for axis in self._axes)]
        losses = _losses(told, sign)
        size = optimizer.population_size
        for first in range(0, len(told) - size + 1, size):
            generation = told[first : first + size]
            optimizer.tell([(self._place(trial.params), losses[trial.number]) for trial in generation])
        optimizer.reseed_rng(self._seed)
        return optimizer

    def _new(self) -> "CMA":
        from cmaes import CMA

        count = len(self._axes)
        # of generations of two or three, one trial is learned from, which two of its three bounds divide by zero for
        with np.errstate(divide="ignore"):
            return CMA(
                mean=np.full(count, 0.5),
                sigma=self._sigma,
                bounds=np.array([[0.0, 1.0]] * count),
                n_max_resampling=DRAWS_PER_DIMENSION * count,
                seed=self._seed,
                population_size=self._population_size,
            )

    def _place(self, params: Mapping[str, Scalar]) -> Any:
        return np.array([share_of(axis.dimension, float(params[axis.name] or 0.0)) for axis in self._axes])

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)


def _losses(trials: Sequence[FrozenTrial], sign: float) -> dict[int, float]:
    """By trial; what breaks a constraint is as bad as the worst."""
    losses = {trial.number: sign * (trial.value or 0.0) for trial in trials}
    worst = max(losses.values(), default=0.0)
    broken = {trial.number for trial in trials if is_broken(trial)}
    return {number: worst if number in broken else loss for number, loss in losses.items()}


def _axes(space: SearchSpace) -> Iterator[Axis]:
    for key, dimension in space.common.items():
        if not isinstance(dimension, Choice) and dimension.low < dimension.high:
            yield Axis(key, dimension)


def _by_end(study: Study) -> Sequence[FrozenTrial]:
    """Trials with a value in the order of their ends, in which every worker sees them; earlier ones first."""
    ended = study._get_trials(deepcopy=False, states=(TrialState.COMPLETE,), use_cache=False)
    return sorted(ended, key=lambda trial: (trial.number >= 0, trial.datetime_complete, trial.number))
