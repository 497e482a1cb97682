"""Points of a sequence that fills the space evenly (quasi-Monte Carlo)."""

import warnings
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.unit_interval import value_at_share


class QuasiRandomSampler(BaseSampler):
    """The sequence's point at a trial's place in the sweep, so that workers need not agree on anything; what is asked
    for beyond it is drawn at random.

    Args:
        space: What is searched; each dimension of any branch is one of the sequence.
        sequence: `sobol` or `halton`.
        seed: Of the scrambling; None is the plain sequence.
        index: The trial's place.
    """

    def __init__(self, space: SearchSpace, *, sequence: str, seed: int | None, index: int) -> None:
        self._steps = space.every_step()
        self._sequence, self._seed, self._index = sequence, seed, index
        self._random = RandomSampler(seed=int(np.random.SeedSequence([seed or 0, index]).generate_state(1)[0]))
        self._is_asked = False

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing of its own: the space is known."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The whole point, once."""
        if self._is_asked or not self._steps:
            return {}
        self._is_asked = True
        shares = self._point()
        return {
            step.name: value_at_share(step.dimension, float(at)) for step, at in zip(self._steps, shares, strict=True)
        }

    def _point(self) -> Any:
        # it takes a while to import, and most searches have another sampler
        from scipy.stats import qmc

        kind = qmc.Sobol if self._sequence == "sobol" else qmc.Halton
        engine = kind(len(self._steps), scramble=self._seed is not None, rng=np.random.default_rng(self._seed))
        if self._index:
            engine.fast_forward(self._index)
        with warnings.catch_warnings():
            # one point at a time has no balance of its own; that of the sequence stays
            warnings.filterwarnings("ignore", "The balance properties of Sobol", UserWarning)
            return engine.random(1)[0]

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)


class EvenStart(BaseSampler):
    """Lets a sampler that models the space begin with points that fill it evenly: of five random ones, all may have
    one option of a choice, or lie on one side of the best.

    Args:
        inner: The sampler; where it knows too little it suggests nothing.
        start: The sequence's point at the trial's place.
    """

    def __init__(self, inner: BaseSampler, start: QuasiRandomSampler) -> None:
        self._inner, self._start = inner, start

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler inside."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the sampler inside suggests, or the whole point."""
        return self._inner.sample_relative(study, trial, search_space) or self._start.sample_relative(study, trial, {})

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler inside."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)
