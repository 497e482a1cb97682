"""The budget of a search: how much of it is left, and whether a rule ends the search before it is gone."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slimtune.sweeper.search_config import StopRules
from slimtune.sweeper.study.record import TrialRecord, TrialState, ranked


class Budget(NamedTuple):
    """What a search may take; `shown` below are the trials that count.

    Attributes:
        n_trials: Trials in all.
        rules: When no further trial begins, though some are left.
        maximize: Whether more of the objective is better.
    """

    n_trials: int
    rules: StopRules
    maximize: bool

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
        return stop_reason(shown, self.rules, maximize=self.maximize)


def stop_reason(trials: Sequence[TrialRecord], rules: StopRules, *, maximize: bool) -> str | None:
    """Why no further trial begins; None if one may.

    Args:
        trials: Those of the budget.
        rules: What ends a search.
        maximize: Whether more is better.
    """
    if rules == StopRules():
        return None
    best = next(iter(ranked(trials, maximize=maximize)), None)
    return (
        too_many_failures(trials, rules)
        or _is_reached(best, rules, maximize=maximize)
        or _nothing_better(best, trials, rules)
        or _time_is_up(trials, rules)
    )


def _is_reached(best: TrialRecord | None, rules: StopRules, *, maximize: bool) -> str | None:
    if best is None or best.objective is None or rules.target is None:
        return None
    is_reached = best.objective >= rules.target if maximize else best.objective <= rules.target
    told = f"trial {best.number} has {best.objective:.4g}, and search.target is {rules.target:g}"
    return told if is_reached else None


def _nothing_better(best: TrialRecord | None, trials: Sequence[TrialRecord], rules: StopRules) -> str | None:
    if best is None or rules.max_trials_without_better is None:
        return None
    since = sum(_end(trial) > _end(best) for trial in trials if trial.finished)
    told = f"{since} trials have ended since the best one, trial {best.number}"
    is_enough = since >= rules.max_trials_without_better
    return f"{told} (search.max_trials_without_better is {rules.max_trials_without_better})" if is_enough else None


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
    return f"{len(failed)} trials have failed (search.max_failures is {rules.max_failures}): {said}"


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
    return (trial.started or datetime.min) + timedelta(seconds=trial.seconds or 0.0)
