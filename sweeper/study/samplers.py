"""Optuna's samplers from our config, seeded per trial."""

import hashlib
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from slimtune.sweeper import search_config
from slimtune.sweeper.study.replay_view import SamplerReplayView


def sampler_of(settings: search_config.SamplerConfig, *, seed: int, index: int) -> BaseSampler:
    """The sampler of one trial.

    Every worker makes its own, so the seed comes from the trial's place in the sweep: a shared seed would give all
    workers the same suggestions, and a resumed sweep others than an unbroken one.
    """
    derived = int.from_bytes(hashlib.sha256(f"{seed}/{index}".encode()).digest()[:4], "little")
    match settings:
        case search_config.RandomSearch():
            return RandomSampler(seed=derived)
        case search_config.TpeSearch(n_startup_trials=startup):
            return ReplayedSampler(TPESampler(seed=derived, n_startup_trials=startup))


class ReplayedSampler(BaseSampler):
    """Lets a sampler see the study as if no worker had ever died: a resumed sweep is that of an unbroken one."""

    def __init__(self, inner: BaseSampler) -> None:
        self._inner = inner

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler inside."""
        return self._inner.infer_relative_search_space(_view(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler inside."""
        return self._inner.sample_relative(_view(study), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler inside."""
        return self._inner.sample_independent(_view(study), trial, param_name, param_distribution)


def _view(study: Study) -> Study:
    return SamplerReplayView(study)  # type: ignore[return-value]
