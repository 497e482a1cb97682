"""A study as its pruners and samplers see it: as if no worker had ever died, and with something to learn from every
trial.
"""

import bisect
import copy
import heapq
import math
import threading
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.study.record import INDEX, KIND, REPLACED

# of the trials that a sampler sees, at most this share are failed ones: it takes the better tenth for good
MAX_FAILED_SHARE = 0.9
FAILED = "failed"
# what TPE sees: it takes at most 25 trials for good, and each of the others costs as much as one of these
MAX_SEEN, MAX_BEST = 500, 100
# how Optuna keeps a constraint among a trial's system attributes
CONSTRAINTS = "constraints:"


class ReplayView:
    """Lost trials are hidden, and a retry stands in the place that it had: what pruners and samplers decide depends on
    which trials there are and on their order.
    """

    def __init__(self, study: optuna.Study, order: "ReplayOrder | None" = None) -> None:
        self._study, self._order = study, order or ReplayOrder()
        self._shown: list[FrozenTrial] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:  # Optuna's own
        """Optuna's public method."""
        trials = _of_states(self._every(), states)
        return copy.deepcopy(trials) if deepcopy else trials

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:  # what samplers call
        return self.get_trials(deepcopy, states)

    def _every(self) -> list[FrozenTrial]:
        """All trials, as they were when somebody first looked: a view is made for one decision."""
        if self._shown is None:
            self._shown = self._seen(self._order.of(self._study.get_trials(deepcopy=False)))
        return self._shown

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """As those that look through this view should see them."""
        return trials


class PrunerReplayView(ReplayView):
    """The same for pruners: what has ended and broken a constraint is nothing to be compared with."""

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return [trial for trial in trials if not (trial.state.is_finished() and _is_broken(trial))]


def _is_broken(trial: FrozenTrial) -> bool:
    return any(beyond > 0 for beyond in trial.constraints.values())


class SamplerReplayView(ReplayView):
    """The same for samplers that know constraints, to whom a failed trial is one that broke a constraint: Optuna
    forgets failed trials, and would suggest their like again.

    Args:
        study: The study.
        earlier: Trials of another sweep, which stand before its own.
    """

    def __init__(self, study: optuna.Study, earlier: Sequence[FrozenTrial] = ()) -> None:
        super().__init__(study)
        self._earlier = earlier

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [*self._earlier, *trials]
        failed = [trial for trial in every if trial.state is TrialState.FAIL]
        known = sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in every)
        # among failed trials alone the least bad one would be taken for good
        are_few = len(failed) <= MAX_FAILED_SHARE * (known + len(failed))
        return [_constrained(trial) if are_few else trial for trial in every]


def _constrained(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.FAIL:
        return trial
    trial = copy.copy(trial)
    trial.state = TrialState.PRUNED
    trial.system_attrs = dict(trial.system_attrs)
    trial.set_constraint(FAILED, 1.0)
    return trial


class BoundedView(SamplerReplayView):
    """The same for TPE, whose cost grows with all trials that it sees: the best ones, which are all that it takes for
    good, and of the others the newest ones. As long as there are few, that is all of them.
    """

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = super()._seen(trials)
        known = [trial for trial in every if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        if len(known) <= MAX_SEEN or len(self._study.directions) > 1:
            return every
        is_more_better = self._study.direction is optuna.study.StudyDirection.MAXIMIZE
        best = {id(one) for one in heapq.nsmallest(MAX_BEST, known, key=lambda one: _place(one, is_more_better))}
        rest = [one for one in known if id(one) not in best][MAX_BEST - MAX_SEEN :]
        shown = best | {id(one) for one in rest}
        return [one for one in every if id(one) in shown]

    def one_a_kind(self) -> "BoundedView":
        """The first trial with each set of parameters; which ones go together is all that groups are found by."""
        kinds: dict[frozenset[str], FrozenTrial] = {}
        for trial in self.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
            kinds.setdefault(frozenset(trial.distributions), trial)
        view = BoundedView(self._study)
        view._shown = list(kinds.values())
        return view


def _place(trial: FrozenTrial, is_more_better: bool) -> tuple[float, ...]:
    """Where TPE has it, the best first: complete ones by value, pruned ones by how far they came, failed ones."""
    sign = -1.0 if is_more_better else 1.0
    broken = sum(value for value in trial.constraints.values() if value > 0) if trial.system_attrs else 0.0
    if broken > 0:
        return (2.0, broken)
    if trial.state is TrialState.COMPLETE:
        return (0.0, sign * (trial.value or 0.0))
    if trial.last_step is None:
        return (1.0, 1.0, 0.0)
    value = trial.intermediate_values[trial.last_step]
    return (1.0, -float(trial.last_step), math.inf if math.isnan(value) else sign * value)


class ValuedView(SamplerReplayView):
    """The same for samplers that learn from values alone: a pruned trial has its last one, a failed one the worst.

    Where there are constraints, every trial has each of them, in one order: the Gaussian process asks for that.
    """

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [_valued(trial) for trial in (*self._earlier, *trials)]
        values = [trial.values for trial in every if trial.state is TrialState.COMPLETE and trial.values]
        if not values:
            return every
        worst = [
            max(ones) if direction is optuna.study.StudyDirection.MINIMIZE else min(ones)
            for direction, ones in zip(self._study.directions, zip(*values, strict=True), strict=True)
        ]
        valued = [_with_values(trial, worst) if trial.state is TrialState.FAIL else trial for trial in every]
        names = sorted({name for trial in valued for name in trial.constraints})
        return [_with_constraints(trial, names) for trial in valued] if names else valued


def _valued(trial: FrozenTrial) -> FrozenTrial:
    """A pruned trial as a complete one; without a number it is a failed one."""
    if trial.state is not TrialState.PRUNED:
        return trial
    last = trial.intermediate_values.get(trial.last_step) if trial.last_step is not None else None
    if last is None or not math.isfinite(last):
        failed = copy.copy(trial)
        failed.state = TrialState.FAIL
        return failed
    return _with_values(trial, [last])


def _with_values(trial: FrozenTrial, values: Sequence[float]) -> FrozenTrial:
    valued = copy.copy(trial)
    valued.state = TrialState.COMPLETE
    valued.values = list(values)
    return valued


def _with_constraints(trial: FrozenTrial, names: Sequence[str]) -> FrozenTrial:
    """One that nothing is known of counts as kept."""
    if trial.state is not TrialState.COMPLETE:
        return trial
    known = trial.constraints
    others = {key: value for key, value in trial.system_attrs.items() if not key.startswith(CONSTRAINTS)}
    whole = copy.copy(trial)
    whole.system_attrs = {**others, **{f"{CONSTRAINTS}{name}": known.get(name, 0.0) for name in names}}
    return whole


class ReplayOrder:
    """Trials as if no worker had died, in the order of their places. Where those that have ended stand is noted: every
    report of a long search would sort them anew.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._ended: list[FrozenTrial] = []
        self._turn = threading.Lock()

    def of(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """The trials of one study, which are never fewer than before."""
        with self._turn:
            return self._of(trials)

    def _of(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        fresh = [trial for trial in trials if trial.number not in self._known]
        running = [trial for trial in fresh if not trial.state.is_finished()]
        for trial in fresh:
            if trial.state.is_finished():
                self._known.add(trial.number)
                _insert(self._ended, trial)
        found = list(self._ended)
        for trial in running:
            _insert(found, trial)
        return found


def _insert(trials: list[FrozenTrial], trial: FrozenTrial) -> None:
    if trial.user_attrs.get(KIND) not in REPLACED:
        bisect.insort_right(trials, trial, key=_index)


def _index(trial: FrozenTrial) -> tuple[int, int]:
    return int(trial.user_attrs.get(INDEX, trial.number)), trial.number


def _of_states(trials: list[FrozenTrial], states: Container[TrialState] | None) -> list[FrozenTrial]:
    return [trial for trial in trials if states is None or trial.state in states]
