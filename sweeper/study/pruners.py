"""Optuna's pruners from our config, with rungs in training examples."""

import optuna
from optuna.pruners import BasePruner

from slimtune.sweeper import search_config
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.study.replay_view import ReplayView


def pruner_of(settings: search_config.PrunerConfig, rungs: Rungs) -> BasePruner:
    """The pruner of a study. `none` is Optuna's NopPruner: its None would mean the median pruner."""
    match settings:
        case search_config.NoPruning():
            return optuna.pruners.NopPruner()
        case search_config.SuccessiveHalving(min_examples=least, reduction_factor=factor):
            inner: BasePruner = optuna.pruners.SuccessiveHalvingPruner(
                min_resource=least or rungs.eval_every, reduction_factor=factor
            )
        case search_config.Hyperband(min_examples=least, max_examples=most, reduction_factor=factor):
            # not wrapped: samplers ask for its type, and it gives out brackets by trial number anyway
            return optuna.pruners.HyperbandPruner(
                min_resource=least or rungs.eval_every,
                max_resource=most or max(rungs.longest, rungs.eval_every),
                reduction_factor=factor,
            )
        case search_config.MedianStopping(n_startup_trials=startup, n_warmup_examples=warmup):
            inner = optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup)
    return ReplayedPruner(inner)


class ReplayedPruner(BasePruner):
    """Hides trials whose worker died, which run again under another number and would count twice on their rungs."""

    def __init__(self, inner: BasePruner) -> None:
        self._inner = inner

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """As the pruner inside decides over the other trials."""
        return self._inner.prune(ReplayView(study), trial)  # type: ignore[arg-type]
