"""The pruners of a study from our config, with rungs in training examples."""

import copy
import math
from collections.abc import Container, Sequence

import optuna
from optuna.pruners import BasePruner, PercentilePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper import pruner_config
from slimtune.sweeper.pruner_config import PrunerConfig
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.study.replay.order import ReplayOrder, is_broken
from slimtune.sweeper.study.replay.view import ReplayView
from slimtune.sweeper.study.wilcoxon_pruner import RankTestPruner

HALF = 50.0


def pruner_of(settings: PrunerConfig, rungs: Rungs) -> BasePruner:
    """The pruner of a study. `none` is Optuna's NopPruner: its None would mean the median pruner."""
    match settings:
        case pruner_config.NoPruning():
            return optuna.pruners.NopPruner()
        case pruner_config.Hyperband(min_examples=least, max_examples=most, reduction_factor=factor):
            # not wrapped: samplers ask for its type, and it gives out brackets by trial number anyway
            return optuna.pruners.HyperbandPruner(
                min_resource=least or rungs.eval_every,
                max_resource=most or max(rungs.longest, rungs.eval_every),
                reduction_factor=factor,
            )
    return ReplayedPruner(_inner(settings, rungs))


def _inner(settings: PrunerConfig, rungs: Rungs) -> BasePruner:
    match settings:
        case pruner_config.SuccessiveHalving(min_examples=least, reduction_factor=factor):
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=least or rungs.eval_every, reduction_factor=factor
            )
        case pruner_config.MedianStopping(n_startup_trials=startup, n_warmup_examples=warmup):
            return ReachedPruner(PercentilePruner(HALF, startup, warmup))
        case pruner_config.PercentileStopping(keep_percent=keep, n_startup_trials=startup, n_warmup_examples=warmup):
            return ReachedPruner(PercentilePruner(keep, startup, warmup))
        case pruner_config.RankTest(p_threshold=threshold, n_startup_steps=startup):
            return RankTestPruner(threshold, startup)
        case pruner_config.Patience(evaluations=evaluations, min_delta=min_delta, pruner=pruner):
            return SeveralPruners([NoGainPruner(evaluations, min_delta), _inner(pruner, rungs)], need_all=True)
        case pruner_config.Combination(rule=rule, pruners=pruners):
            parts = [_inner(pruner, rungs) for pruner in pruners.values()]
            return SeveralPruners(parts, need_all=rule == "all")
    raise AssertionError(f"{settings} stands alone")


class ReplayedPruner(BasePruner):
    """Hides trials whose worker died, which run again under another number and would count twice on their rungs, and
    those that have ended and broken a constraint, which are nothing to be compared with.
    """

    def __init__(self, inner: BasePruner) -> None:
        self._inner, self._order = inner, ReplayOrder(hides=is_broken)

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """As the pruner inside decides over the other trials."""
        return self._inner.prune(ReplayView(study, self._order), trial)  # type: ignore[arg-type]


class SeveralPruners(BasePruner):
    """Stops what one of several pruners would stop, or all of them. Each is asked every time: they take notes."""

    def __init__(self, pruners: Sequence[BasePruner], *, need_all: bool) -> None:
        self._pruners, self._need_all = pruners, need_all

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """As they say together."""
        said = [pruner.prune(study, trial) for pruner in self._pruners]
        return all(said) if self._need_all else any(said)


class NoGainPruner(BasePruner):
    """Stops what has not got better for a number of evaluations.

    Optuna's stops only what has got worse: a plateau, which is what most curves end in, goes on for ever.
    """

    def __init__(self, evaluations: int, min_delta: float) -> None:
        self._evaluations, self._min_delta = evaluations, min_delta

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether none of the last evaluations is better than the best one before them."""
        sign = 1.0 if study.direction is StudyDirection.MAXIMIZE else -1.0
        curve = [sign * trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        before, last = curve[: -self._evaluations], curve[-self._evaluations :]
        known = [value for value in before if not math.isnan(value)]
        return bool(known) and not any(value > max(known) + self._min_delta for value in last)


class ReachedPruner(BasePruner):
    """Shows the pruner inside all trials that have come as far, whatever became of them.

    Optuna's compare with complete trials: of trials that run side by side none would be stopped, and later ones would
    be compared with survivors alone.
    """

    def __init__(self, inner: BasePruner) -> None:
        self._inner = inner

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """As the pruner inside decides over them."""
        return self._inner.prune(_Reached(study, trial), trial)  # type: ignore[arg-type]


class _Reached:
    """A study whose other trials are complete as soon as they have come as far as one trial."""

    def __init__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._study, self._trial = study, trial
        self.direction = study.direction

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Optuna's public method."""
        others = [one for one in self._study.get_trials(deepcopy=deepcopy) if one.number != self._trial.number]
        reached = [_completed(one) for one in others if self._trial.last_step in one.intermediate_values]
        return [one for one in reached if states is None or one.state in states]


def _completed(trial: FrozenTrial) -> FrozenTrial:
    completed = copy.copy(trial)
    completed.state = TrialState.COMPLETE
    return completed
