"""The samplers of a study from our config, seeded per trial."""

import hashlib
import warnings
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from slimtune.sweeper.sampler_config import (
    CmaEsSearch,
    DrawnSampler,
    GaussianProcessSearch,
    GeneticSearch,
    GridSearch,
    QuasiRandomSearch,
    RandomSearch,
    TpeSearch,
)
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study.evolution import EvolutionSampler
from slimtune.sweeper.study.quasi_random import EvenStart, QuasiRandomSampler
from slimtune.sweeper.study.replay.sampler_views import BoundedView, SamplerReplayView, Seen, ValuedView


def sampler_of(
    settings: DrawnSampler,
    space: SearchSpace,
    *,
    seed: int,
    index: int,
    seen: Seen | None = None,
) -> BaseSampler:
    """The sampler of one trial.

    Every worker makes its own, so the seed comes from the trial's place in the sweep: a shared seed would give all
    workers the same suggestions, and a resumed sweep others than an unbroken one. None of them remembers anything from
    one trial to the next that does not stand in the study.

    Args:
        settings: Which sampler, with its options.
        space: What is searched.
        seed: Of the sweep.
        index: The trial's place in the sweep.
        seen: What the samplers of this study have seen before; with trials of another sweep, to learn from as from its
            own.
    """
    derived = int.from_bytes(hashlib.sha256(f"{seed}/{index}".encode()).digest()[:4], "little")
    match settings:
        case RandomSearch() | GridSearch():
            # the points of a grid are those of its space, each of which is drawn once
            return RandomSampler(seed=derived)
        case QuasiRandomSearch(sequence=sequence, scramble=scramble):
            return QuasiRandomSampler(space, sequence=sequence, seed=seed if scramble else None, index=index)
        case TpeSearch():
            return ReplayedSampler(_tpe(settings, seed=derived), BoundedView, seen, is_grouped=settings.group)
        case GaussianProcessSearch(n_startup_trials=startup):
            process = GPSampler(seed=derived, n_startup_trials=startup, warn_independent_sampling=False)
            start = QuasiRandomSampler(space, sequence="sobol", seed=seed, index=index)
            return ReplayedSampler(EvenStart(process, start), ValuedView, seen, draws=1)
        case CmaEsSearch(population_size=size, sigma=sigma):
            own = EvolutionSampler(space, population_size=size, sigma=sigma, seed=derived)
            return ReplayedSampler(own, ValuedView, seen)
        case GeneticSearch():
            return ReplayedSampler(_genetic(settings, seed=derived), ValuedView, seen)


def _tpe(settings: TpeSearch, *, seed: int) -> BaseSampler:
    return _made(
        TPESampler,
        seed=seed,
        n_startup_trials=settings.n_startup_trials,
        n_ei_candidates=settings.n_ei_candidates,
        multivariate=settings.multivariate,
        group=settings.group,
    )


def _genetic(settings: GeneticSearch, *, seed: int) -> BaseSampler:
    return _made(
        NSGAIISampler if settings.name == "nsga2" else NSGAIIISampler,
        seed=seed,
        population_size=settings.population_size,
        mutation_prob=settings.mutation_probability,
        crossover_prob=settings.crossover_probability,
        swapping_prob=settings.swapping_probability,
    )


def _made(kind: type[BaseSampler], **options: Any) -> BaseSampler:
    with warnings.catch_warnings():
        # NSGA-III, and TPE's groups: they have been called so for years
        warnings.simplefilter("ignore", ExperimentalWarning)
        return kind(**options)


class ReplayedSampler(BaseSampler):
    """Lets a sampler see the study as if no worker had ever died: a resumed sweep is that of an unbroken one.

    Args:
        inner: The sampler.
        view: What it sees the study through.
        seen: What was seen of the study before.
        draws: How often it may be asked for one trial, if that takes long; what is drawn after that is drawn at random.
        is_grouped: Whether it looks for parameters that go together.
    """

    def __init__(
        self,
        inner: BaseSampler,
        view: type[SamplerReplayView],
        seen: Seen | None = None,
        *,
        draws: int | None = None,
        is_grouped: bool = False,
    ) -> None:
        self._inner, self._view, self._before, self._draws = inner, view, seen, draws
        self._is_grouped = is_grouped
        self._made: SamplerReplayView | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler inside."""
        seen: Any = self._seen(study)
        return self._inner.infer_relative_search_space(seen.one_a_kind() if self._is_grouped else seen, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler inside."""
        if self._draws is not None:
            if self._draws == 0:
                return {}
            self._draws -= 1
        return self._inner.sample_relative(self._seen(study), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler inside."""
        return self._inner.sample_independent(self._seen(study), trial, param_name, param_distribution)

    def _seen(self, study: Study) -> Study:
        # one sampler suggests one trial: what it learns from is looked up once
        if self._made is None:
            self._made = self._view(study, self._before and self._before.before(study))
        return self._made  # type: ignore[return-value]
