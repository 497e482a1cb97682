"""The budget of a search: how much of it is left, and whether a rule ends the search before it is gone."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.goals.pareto import Losses, is_beaten
from slimtune.sweeper.search_config import StopRules
from slimtune.sweeper.study.record import TrialRecord, TrialState, complete_of, ranked
from slimtune.training.listed_names import counted


class Budget(NamedTuple):
    """What a search may take; `shown` below are the trials that count.

    Attributes:
        n_trials: Trials in all.
        rules: When no further trial begins, though some are left.
        goals: What is better.
    """

    n_trials: int
    rules: StopRules
    goals: Goals

    def num_open(self, shown: Sequence[TrialRecord]) -> int:
        """Places that nobody has begun, and somebody may; a waiting retry is one."""
        left = self.n_trials - sum(trial.state is not TrialState.waiting for trial in shown)
        return 0 if left > 0 and self._reason(shown) is not None else left

    def num_unfinished(self, shown: Sequence[TrialRecord]) -> int:
        """Places that have no outcome yet, and will have one."""
        left = self._num_without_outcome(shown)
        if left <= 0 or self._reason(shown) is None:
            return left
        return sum(trial.state is TrialState.running for trial in shown)

    def stop_reason(self, shown: Sequence[TrialRecord]) -> str | None:
        """Why the search ends before its trials are gone; None if it does not."""
        return self._reason(shown) if self._num_without_outcome(shown) > 0 else None

    def _num_without_outcome(self, shown: Sequence[TrialRecord]) -> int:
        return self.n_trials - sum(trial.finished for trial in shown)

    def _reason(self, shown: Sequence[TrialRecord]) -> str | None:
        return stop_reason(shown, self.rules, self.goals)


def stop_reason(trials: Sequence[TrialRecord], rules: StopRules, goals: Goals) -> str | None:
    """Why no further trial begins; None if one may.

    Args:
        trials: Those of the budget.
        rules: What ends a search.
        goals: What is better.
    """
    if rules == StopRules():
        return None
    return (
        too_many_failures(trials, rules)
        or _is_reached(trials, rules, goals)
        or _nothing_better(trials, rules, goals)
        or _time_is_up(trials, rules)
    )


def _is_reached(trials: Sequence[TrialRecord], rules: StopRules, goals: Goals) -> str | None:
    if rules.target is None:
        return None
    first, targets = goals.objectives[0].name, rules.target
    for trial in _best_first(trials, goals):
        values = {one.name: value for one, value in zip(goals.objectives, trial.values, strict=False)}
        values.setdefault(first, trial.objective or 0.0)
        # a target is a loss to stay below
        ways = [one for one in goals.objectives if one.name in targets]
        if all(one.loss(values[one.name]) <= one.loss(targets[one.name]) for one in ways):
            return _told_target(trial, values, targets, is_named=goals.is_named)
    return None


def _best_first(trials: Sequence[TrialRecord], goals: Goals) -> list[TrialRecord]:
    return complete_of(trials) if goals.several else ranked(trials, maximize=goals.objectives[0].maximize)[:1]


def _told_target(
    trial: TrialRecord, values: Mapping[str, float], targets: Mapping[str, float], *, is_named: bool
) -> str:
    if not is_named and len(targets) == 1:
        ((name, wanted),) = targets.items()
        return f"trial {trial.number} has {values[name]:z.4g}, and search.target is {wanted:g}"
    found, wanted_ones = (
        " and ".join(f"{name} {numbers[name]:z.4g}" for name in targets) for numbers in (values, targets)
    )
    return f"trial {trial.number} has {found}, and search.target is {wanted_ones}"


def _nothing_better(trials: Sequence[TrialRecord], rules: StopRules, goals: Goals) -> str | None:
    if rules.max_trials_without_better is None:
        return None
    best = _newest_of_front(trials, goals) if goals.several else next(iter(_best_first(trials, goals)), None)
    if best is None:
        return None
    since = sum(_end(trial) > _end(best) for trial in trials if trial.finished)
    what = "the last one that came into the Pareto set" if goals.several else "the best one"
    told = f"{counted(since, 'trial has', 'trials have')} ended since {what}, trial {best.number}"
    is_enough = since >= rules.max_trials_without_better
    return f"{told} (search.max_trials_without_better is {rules.max_trials_without_better})" if is_enough else None


def _newest_of_front(trials: Sequence[TrialRecord], goals: Goals) -> TrialRecord | None:
    """The trial that changed the Pareto set last, in the order of their ends; an equal one changes nothing."""
    front: list[Losses] = []
    newest = None
    for trial in sorted(complete_of(trials), key=lambda one: (_end(one), one.number)):
        loss = goals.losses(trial.values)
        if loss not in front and not any(is_beaten(loss, other) for other in front):
            front = [other for other in front if not is_beaten(other, loss)] + [loss]
            newest = trial
    return newest


def _time_is_up(trials: Sequence[TrialRecord], rules: StopRules) -> str | None:
    if rules.max_minutes is None:
        return None
    minutes = busy_seconds(trials) / 60
    told = f"trials have run for {minutes:.1f} minutes (search.max_minutes is {rules.max_minutes:g})"
    return told if minutes >= rules.max_minutes else None


def too_many_failures(trials: Sequence[TrialRecord], rules: StopRules) -> str | None:
    """What is said when as many trials have failed as end a search; None if fewer have."""
    failed = failed_of(trials)
    if rules.max_failures is None or len(failed) < rules.max_failures:
        return None
    said = "; ".join(f"trial {trial.number} ({trial.kind}): {trial.attrs.get('message', '')}" for trial in failed)
    have = counted(len(failed), "trial has", "trials have")
    return f"{have} failed (search.max_failures is {rules.max_failures}): {said}"


def failed_of(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that failed."""
    return [trial for trial in trials if trial.state is TrialState.failed]


def busy_seconds(trials: Sequence[TrialRecord]) -> float:
    """How long trials have run, together: time in which none ran, as between two runs of a command, does not count."""
    spans = sorted((trial.started, _end(trial)) for trial in trials if trial.started is not None)
    if not spans:
        return 0.0
    total, (first, last) = 0.0, spans[0]
    for start, end in itertools.islice(spans, 1, None):
        if start > last:
            total, first = total + (last - first).total_seconds(), start
        last = max(last, end)
    return total + (last - first).total_seconds()


def _end(trial: TrialRecord) -> datetime:
    """When it ended, or how far it is."""
    return (trial.started or datetime.min) + timedelta(seconds=trial.attempt_seconds or 0.0)
