"""A study as others read it, who do not run trials."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import optuna
from optuna.study import StudyDirection

from slimtune.sweeper.goals.goals import ATTR, Goals, goals_of, read_goals
from slimtune.sweeper.study.liveness.roster import SUFFIX, Roster
from slimtune.sweeper.study.record import TrialRecord, in_order, pareto_set, record_of
from slimtune.sweeper.study.storages.loading import load_study, reading, study_names
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import without_password


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
        """Those of the budget."""
        return [trial for trial in self.attempts if trial.counts]

    def ranked(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, the best first; of several objectives the Pareto set."""
        return in_order(self.trials, self.goals)

    def pareto(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, and that no other is better than in all objectives."""
        return pareto_set(self.trials, self.goals)


def load_study_trials(storage: str, name: str) -> LoadedTrials:
    """The trials of a study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        ways = [direction is StudyDirection.MAXIMIZE for direction in study.directions]
        attrs: Mapping[str, Any] = study.user_attrs
        goals = read_goals(attrs[ATTR]) if ATTR in attrs else goals_of(ways)
        return LoadedTrials(_records(study), goals, attrs)


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
    return Roster(load_study(storage, wanted)) if wanted in study_names(storage) else None


def _records(study: optuna.Study) -> list[TrialRecord]:
    return [record_of(trial) for trial in study.get_trials(deepcopy=False)]


def load_study_attrs(storage: str, name: str) -> Mapping[str, Any]:
    """What was noted on a study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    study = load_study(storage, name)
    with reading(storage):
        attrs: Mapping[str, Any] = study.user_attrs
        return attrs


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
