"""Trials of another sweep, that a sweep begins with."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study.distributions import distribution_of
from slimtune.sweeper.study.record import TrialRecord, TrialState

# user attribute of a study: its earlier trials as plain values, as they were when it began
ATTR = "earlier_trials"
# what samplers learn from more is little, and every worker reads them
MAX_TRIALS = 500
# MySQL keeps 64 KB in an attribute
MAX_IN_ATTR = 100
OPTUNA_STATES = {
    "complete": OptunaState.COMPLETE,
    "pruned": OptunaState.PRUNED,
    "failed": OptunaState.FAIL,
}


class EarlierTrial(NamedTuple):
    """A trial of another sweep.

    Attributes:
        state: `complete`, `pruned` or `failed`.
        params: Its values by key.
        value: Of a complete trial the objective, of a pruned one the last one.
        at: Where the last value was reported.
        values: Of a complete trial all objectives.
        excess: How far it was beyond the constraints that it broke.
    """

    state: str
    params: Mapping[str, Scalar]
    value: float | None
    at: int
    values: Sequence[float] = ()
    excess: Mapping[str, float] = {}

    @classmethod
    def of(cls, trial: TrialRecord) -> "EarlierTrial":
        """A trial that has ended."""
        assert trial.finished
        at = max(trial.intermediate, default=0)
        return cls(trial.state.value, dict(trial.params), trial.objective, at, list(trial.values), dict(trial.excess))


def plain_of(trials: Sequence[TrialRecord]) -> list[list[Any]]:
    """What the study remembers of the trials that tell something, the newest ones."""
    ended = [trial for trial in trials if trial.finished and trial.counts]
    telling = [trial for trial in ended if _tells(trial)]
    return [list(EarlierTrial.of(trial)) for trial in telling[-MAX_TRIALS:]]


def attrs_of(plain: Sequence[list[Any]]) -> Iterator[tuple[str, list[list[Any]]]]:
    """The attributes of a study that remember them, the one that says so last."""
    for first in range(MAX_IN_ATTR, len(plain), MAX_IN_ATTR):
        yield f"{ATTR}:{first}", list(plain[first : first + MAX_IN_ATTR])
    yield ATTR, list(plain[:MAX_IN_ATTR])


def noted_in(attrs: Mapping[str, Any]) -> list[list[Any]]:
    """What the attributes of a study remember."""
    found = list(attrs.get(ATTR, ()))
    for first in itertools.count(MAX_IN_ATTR, MAX_IN_ATTR):
        part = attrs.get(f"{ATTR}:{first}")
        if part is None:
            return found
        found += part
    raise AssertionError


def _tells(trial: TrialRecord) -> bool:
    return trial.objective is not None or trial.state is TrialState.failed or bool(trial.excess)


def frozen_of(plain: Sequence[Sequence[Any]], space: SearchSpace) -> list[FrozenTrial]:
    """The trials as Optuna has them, as far as they are points of the space."""
    found = [_frozen(EarlierTrial(*values), space) for values in plain]
    trials = [trial for trial in found if trial is not None]
    for index, trial in enumerate(trials):
        # before all trials of the study
        trial.number = index - len(trials)
    return trials


def _frozen(trial: EarlierTrial, space: SearchSpace) -> FrozenTrial | None:
    params: dict[str, Scalar] = {}
    distributions = {}
    for name, key, dimension in space.steps(trial.params):
        distributions[name] = distribution_of(dimension)
        if key not in trial.params or not _holds(distributions[name], trial.params[key]):
            return None
        params[name] = trial.params[key]
    if len(params) != len(trial.params):
        return None
    state = OPTUNA_STATES[trial.state]
    return create_trial(
        state=state,
        values=(trial.values or [trial.value]) if state is OptunaState.COMPLETE else None,  # type: ignore[list-item]
        params=params,
        distributions=distributions,
        intermediate_values={trial.at: trial.value} if trial.value is not None and len(trial.values) < 2 else {},
        constraints=dict(trial.excess),
    )


def _holds(distribution: Any, value: Scalar) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except (TypeError, ValueError):
        return False
