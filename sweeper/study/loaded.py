"""A study as others read it, who do not run trials."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import optuna
from optuna.study import StudyDirection

from slimtune.sweeper.goals.goals import ATTR, UNNAMED, Goals, Objective, goals_of, read_goals
from slimtune.sweeper.study.analysis.attempts import as_shown
from slimtune.sweeper.study.analysis.leaderboard import leaderboard_order
from slimtune.sweeper.study.lease import LEASE_PREFIX, is_alive
from slimtune.sweeper.study.liveness.roster import STOP, SUFFIX, Roster
from slimtune.sweeper.study.liveness.worked import worked_seconds
from slimtune.sweeper.study.record import (
    ASKED,
    BEFORE,
    BUDGET,
    COSTS,
    DOING,
    EARLIER,
    IDENTITY,
    INTERRUPTED,
    MARKED,
    PLACE,
    POINT,
    PROGRESS,
    RESULT,
    SETTINGS,
    SPENT,
    WINNER,
    WORKED,
    WORKER,
    TrialRecord,
    TrialState,
    in_order,
    pareto_set,
    record_of,
)
from slimtune.sweeper.study.storages.loading import load_study, reading, study_names
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import without_password

# of the notes on a trial, on a study and in a lease those that are read without a look at their kind
TRIAL_KINDS: Mapping[str, Any] = {
    **dict.fromkeys((RESULT, COSTS, POINT), dict),
    **dict.fromkeys((PROGRESS, SPENT, BEFORE, ASKED, WORKED), int | float),
    EARLIER: list,
}
STUDY_KINDS: Mapping[str, Any] = {
    **dict.fromkeys((IDENTITY, PLACE, SETTINGS, WINNER, "test", "export", "registered"), dict | None),
    BUDGET: int | None,
    DOING: str | None,
    STOP: list | None,
    MARKED: list | None,
}
LEASE_KINDS: Mapping[str, Any] = {
    "renewed_at": int | float,
    # before it was noted there was none
    "seen_at": int | float | None,
    "host": str,
    "pid": int,
    "born": int | float,
}


class LoadedTrials(NamedTuple):
    """The trials of a study, what is better, and what was noted on it.

    Attributes:
        attempts: All, also those that others have taken the place of.
        goals: What is made best.
        attrs: Of the study.
    """

    attempts: list[TrialRecord]
    goals: Goals
    attrs: Mapping[str, Any]

    @property
    def trials(self) -> list[TrialRecord]:
        """Those of the budget, as tables show them."""
        return as_shown(self.attempts)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is made best, by name."""
        return objectives_of(self.goals, self.attrs)

    @property
    def winner(self) -> int | None:
        """Number of the trial that the sweep has chosen; None before it has."""
        found: int | None = (self.attrs.get(WINNER) or {}).get("trial")
        return found

    def ranked(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, the best first; of several objectives the Pareto set."""
        return in_order(self.trials, self.goals)

    def in_leaderboard_order(self) -> list[TrialRecord]:
        """All of `trials`: the complete ones first, then by what they had at last."""
        return leaderboard_order(self.trials, self.goals)

    def pareto(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, and that no other is better than in all objectives."""
        return pareto_set(self.trials, self.goals)


def objectives_of(goals: Goals, attrs: Mapping[str, Any]) -> tuple[Objective, ...]:
    """What a study makes best; one that has no name by the metric of the sweep's task, if a sweep noted one."""
    return goals.called(str((attrs.get(IDENTITY) or {}).get("task.metric", UNNAMED))).objectives


def load_study_trials(storage: str, name: str) -> LoadedTrials:
    """The trials of a study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        ways = [direction is StudyDirection.MAXIMIZE for direction in study.directions]
        attrs = _study_attrs(study)
        goals = read_goals(attrs[ATTR]) if ATTR in attrs else goals_of(ways)
        return LoadedTrials([_with_liveness(one, attrs) for one in _records(study)], goals, attrs)


def load_all_trials(storage: str, name: str) -> list[TrialRecord]:
    """Also those that others have taken the place of.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        return _records(study)


def load_roster(storage: str, name: str) -> Roster | None:
    """The launching processes of a sweep; None if none has ever come.

    Raises:
        StoreError: The storage cannot be read.
    """
    wanted = f"{name}{SUFFIX}"
    if wanted not in study_names(storage):
        return None
    study = load_study(storage, wanted)
    with reading(storage):
        _study_attrs(study)
        # it reads by itself later
        Roster(study).living()
    return Roster(study)


def _records(study: optuna.Study) -> list[TrialRecord]:
    trials = study.get_trials(deepcopy=False)
    for trial in trials:
        _check_kinds(trial.user_attrs, TRIAL_KINDS, f"of trial {trial.number}")
        _check_steps(trial)
    return [record_of(trial) for trial in trials]


def _with_liveness(trial: TrialRecord, attrs: Mapping[str, Any]) -> TrialRecord:
    worker = trial.attrs.get(WORKER)
    if trial.state is not TrialState.running or worker is None or is_alive(attrs, worker):
        return trial
    worked = worked_seconds(trial, attrs)
    seconds = trial.seconds if worked is None else trial.seconds_before + worked
    return trial._replace(attrs={**trial.attrs, INTERRUPTED: True}, seconds=seconds)


def _study_attrs(study: optuna.Study) -> Mapping[str, Any]:
    """What was noted on a study.

    Raises:
        ValueError: A note is of another kind than it should be.
    """
    attrs: Mapping[str, Any] = study.user_attrs
    _check_kinds(attrs, STUDY_KINDS, "of the study")
    for key, lease in attrs.items():
        if key.startswith(LEASE_PREFIX):
            _check_kinds(attrs, {key: dict}, "of the study")
            _check_kinds({**dict.fromkeys(LEASE_KINDS), **lease}, LEASE_KINDS, f"in '{key}'")
    return attrs


def _check_kinds(values: Mapping[str, Any], kinds: Mapping[str, Any], of_what: str) -> None:
    for key, kind in kinds.items():
        if key in values and not isinstance(values[key], kind):
            raise ValueError(f"'{key}' {of_what} is {values[key]!r:.60}, which is no value that a sweep notes there")


def _check_steps(trial: optuna.trial.FrozenTrial) -> None:
    for step, value in trial.intermediate_values.items():
        if not isinstance(step, int | float) or not math.isfinite(step):
            raise ValueError(
                f"trial {trial.number} reported {value!r:.60} at the step {step!r:.60}, which "
                "is no number that a sweep notes there"
            )


def load_study_attrs(storage: str, name: str) -> Mapping[str, Any]:
    """What was noted on a study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        return _study_attrs(study)


def sweep_names(storage: str) -> list[str]:
    """The sweeps of a storage; studies of their reruns and of their launching processes are named after them.

    Raises:
        StoreError: It cannot be read.
    """
    return [name for name in study_names(storage) if "/" not in name]


def study_name_in(storage: str, wanted: str) -> str:
    """The name of the sweep's study in the storage of a folder: as wanted, or the one that is there.

    Raises:
        StoreError: The storage cannot be read, or has no study.
    """
    names = sweep_names(storage)
    found = [name for name in names if name == wanted] or names
    if not found:
        raise StoreError(
            f"there is no study in {without_password(storage)}; move its folder away and run the sweep anew"
        )
    return found[0]
