"""A study as its samplers see it: as if no worker had ever died, and with something to learn from every trial."""

import copy
import math
from collections.abc import Sequence

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from slimtune.sweeper.study.replay.order import ReplayOrder
from slimtune.sweeper.study.replay.standings import Standings, constrained
from slimtune.sweeper.study.replay.view import ReplayView

# of the trials that a sampler sees, at most this share are failed ones: it takes the better tenth for good
MAX_FAILED_SHARE = 0.9
# what TPE sees: it takes at most 25 trials for good, and each of the others costs as much as one of these
MAX_SEEN, MAX_BEST = 500, 100
# how Optuna keeps a constraint among a trial's system attributes
CONSTRAINTS = "constraints:"
LEARNT_FROM = (TrialState.COMPLETE, TrialState.PRUNED)


class Seen:
    """What the samplers of one study, each made for one trial, need not look at again.

    Args:
        direction: Of its only objective, or of the first one.
        earlier: Trials of another sweep, which stand before its own.
    """

    def __init__(self, direction: StudyDirection, earlier: Sequence[FrozenTrial] = ()) -> None:
        self.direction, self.earlier = direction, earlier
        self.order = ReplayOrder()
        self.standings = Standings(is_more_better=direction is StudyDirection.MAXIMIZE)

    def before(self, study: optuna.Study) -> "Seen":
        """What of it may be told of a study: nothing of a part of ours, as the brackets of Hyperband show it."""
        return self if type(study) is optuna.Study else Seen(self.direction, self.earlier)


class SamplerReplayView(ReplayView):
    """A study for samplers that know constraints, to whom a failed trial is one that broke a constraint: Optuna
    forgets failed trials, and would suggest their like again.

    Args:
        study: The study.
        seen: What was seen of it before.
    """

    def __init__(self, study: optuna.Study, seen: Seen | None = None) -> None:
        seen = seen or Seen(study.directions[0])
        super().__init__(study, seen.order)
        self._earlier, self._standings = seen.earlier, seen.standings

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [*self._earlier, *trials]
        return [constrained(trial) for trial in every] if _failed_are_few(every) else every


def _failed_are_few(trials: Sequence[FrozenTrial]) -> bool:
    """Among failed trials alone the least bad one would be taken for good."""
    failed = sum(trial.state is TrialState.FAIL for trial in trials)
    known = sum(trial.state in LEARNT_FROM for trial in trials)
    return failed <= MAX_FAILED_SHARE * (known + failed)


class BoundedView(SamplerReplayView):
    """The same for TPE, whose cost grows with all trials that it sees: the best ones, which are all that it takes for
    good, and of the others the newest ones. As long as there are few, that is all of them.
    """

    def _seen(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        every = [*self._earlier, *trials]
        are_few = _failed_are_few(every)
        states = (*LEARNT_FROM, TrialState.FAIL) if are_few else LEARNT_FROM
        known = [trial for trial in every if trial.state in states]
        shown = every if len(known) <= MAX_SEEN or len(self._study.directions) > 1 else self._chosen(known)
        return [constrained(trial) for trial in shown] if are_few else shown

    def _chosen(self, known: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        best = {id(one) for one in self._standings.best(MAX_BEST, known)}
        rest = [one for one in known if id(one) not in best][MAX_BEST - MAX_SEEN :]
        shown = best | {id(one) for one in rest}
        return [one for one in known if id(one) in shown]

    def one_a_kind(self) -> "BoundedView":
        """The first trial with each set of parameters; which ones go together is all that groups are found by."""
        kinds: dict[frozenset[str], FrozenTrial] = {}
        for trial in self.get_trials(deepcopy=False, states=LEARNT_FROM):
            kinds.setdefault(frozenset(trial.distributions), trial)
        view = BoundedView(self._study)
        view._shown = list(kinds.values())
        return view


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
            max(ones) if direction is StudyDirection.MINIMIZE else min(ones)
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
