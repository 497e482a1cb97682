"""How a sweep stands: who works on it, what is running, what is left."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from slimtune.export.registry.model_uri import version_uri
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting.live_table import seconds_left
from slimtune.sweeper.reporting.places.noted import noted_place
from slimtune.sweeper.study import TrialRecord, TrialState, load_study_trials
from slimtune.sweeper.study.analysis.attempts import earlier_of
from slimtune.sweeper.study.analysis.early_endings import ended_early
from slimtune.sweeper.study.analysis.outcome import SweepOutcome, outcome_of, registered_before
from slimtune.sweeper.study.analysis.stage import SweepStage, stage_of
from slimtune.sweeper.study.lease import has_had_workers, is_alive, living
from slimtune.sweeper.study.liveness.roster import Roster, StopRequest, stop_request_in
from slimtune.sweeper.study.loaded import LoadedTrials, load_roster
from slimtune.sweeper.study.record import BUDGET, ENDED, INTERRUPTED, SETTINGS, STOPPED, WINNER, WORKER
from slimtune.sweeper.study.storages.loading import study_names
from slimtune.training.tracking.places.place import store_elsewhere


class SweepState(Enum):
    """What becomes of a sweep.

    Attributes:
        running: Trials are run.
        finishing: All trials have ended; what comes after them is done.
        stopping: Somebody wants it to stop, and it has not yet.
        stopped: It did.
        interrupted: Nobody works on it, and it is not done.
        ended: It is done.
    """

    running = "running"
    finishing = "finishing"
    stopping = "stopping"
    stopped = "stopped"
    interrupted = "interrupted"
    ended = "ended"


class RunningTrial(NamedTuple):
    """A trial that a worker has.

    Attributes:
        trial: As the study knows it.
        worker: Who has it.
        is_alive: Whether that one lives.
    """

    trial: TrialRecord
    worker: str | None
    is_alive: bool


class SweepStatus(NamedTuple):
    """How a sweep stands.

    Attributes:
        name: The sweep's.
        state: What becomes of it.
        budget: Trials that it is to have; None if nobody has noted it.
        trials: Those of the budget.
        best: The best complete one.
        running: Those that workers have.
        reruns: Of the finalists; none before there are any.
        launchers: Launching processes that live, the one that leads first.
        workers: Workers that live.
        request: Who wants it to stop.
        reason: Why the search ended before its budget was gone.
        outcome: What it came to; None before a winner is chosen.
        stage: What is done, or comes next, after the last trial; None before that, and where all is done.
        goals: What it goes by, by name.
        pareto: Of several objectives, the trials that no other one is better than.
        elsewhere: The store of its runs and versions, where commands given here would look into another one.
        starting: Launching processes that live, and none of whose workers has begun yet.
        num_workers: How many workers the one that leads launches at once; None where that is not noted.
        before: Name, version and alias of what an earlier end of the sweep registered; empty where there is none.
    """

    name: str
    state: SweepState
    budget: int | None
    trials: Sequence[TrialRecord]
    best: TrialRecord | None
    running: Sequence[RunningTrial]
    reruns: Sequence[TrialRecord]
    launchers: Sequence[str]
    workers: Sequence[str]
    request: StopRequest | None
    reason: str | None
    outcome: SweepOutcome | None = None
    stage: SweepStage | None = None
    goals: Goals = Goals()
    pareto: Sequence[TrialRecord] = ()
    elsewhere: str | None = None
    starting: Sequence[str] = ()
    num_workers: int | None = None
    before: Mapping[str, Any] = {}  # a NamedTuple's default, never written to

    @property
    def is_starting(self) -> bool:
        """Whether trials or reruns are to be run, and the workers for them have not begun yet: there were none so far.

        Those of an earlier launch are none of a process that lives.
        """
        is_due = self.state is SweepState.running or self.stage is SweepStage.reruns
        return is_due and not self.workers and bool(self.launchers) and len(self.starting) == len(self.launchers)

    @property
    def counts(self) -> dict[str, int]:
        """Trials by state; failed ones by their kinds too, and those whose worker is gone apart from running ones."""
        return {kind: len(trials) for kind, trials in self.by_kind.items()}

    @property
    def by_kind(self) -> dict[str, list[TrialRecord]]:
        """The same with the trials themselves."""
        found: dict[str, list[TrialRecord]] = {}
        for trial in self.trials:
            found.setdefault(f"failed ({trial.kind})" if trial.kind else _unfailed(trial), []).append(trial)
        return found

    @property
    def begun_before(self) -> list[TrialRecord]:
        """Trials and reruns that wait to be gone on with: their worker died, or was stopped."""
        known = [*self.trials, *self.reruns]
        return [trial for trial in known if trial.state is TrialState.waiting and earlier_of(trial)]

    @property
    def num_left(self) -> int | None:
        """Trials without an outcome."""
        ended = sum(trial.finished for trial in self.trials)
        return None if self.budget is None else max(0, self.budget - ended)

    @property
    def seconds_left(self) -> float | None:
        """What the search will take if the trials that are left are like those that ended; None where it is over."""
        is_on = self.state is SweepState.running and bool(self.num_left)
        return seconds_left(self.trials, self.budget or 0) if is_on else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "state": self.state.value,
            "stage": self.stage.value if self.stage is not None else None,
            "objectives": [
                {"name": one.name, "direction": "maximize" if one.maximize else "minimize"}
                for one in self.goals.objectives
            ],
            "n_trials": self.budget,
            "trials": self.counts,
            "ended_by": dict(ended_early(self.trials)),
            "left": self.num_left,
            "seconds_left": self.seconds_left,
            "best": self._scored(self.best) if self.best is not None else None,
            "pareto": [self._scored(trial) for trial in self.pareto] if self.goals.several else None,
            "running": [
                {**_plain(one.trial), "progress": one.trial.progress, "worker": one.worker, "alive": one.is_alive}
                for one in self.running
            ],
            "waiting": [{**_plain(trial), "progress": trial.progress} for trial in self.begun_before],
            "reruns": dict(Counter(trial.state.value for trial in self.reruns)),
            "launchers": list(self.launchers),
            "workers": list(self.workers),
            "workers_starting": self.is_starting,
            "stop": self.request._asdict() if self.request is not None else None,
            "stopped_early": self.reason,
            "winner": self.outcome.as_dict() if self.outcome is not None else None,
            "registered_before": version_uri(self.before["name"], self.before["version"]) if self.before else None,
            "elsewhere": self.elsewhere,
        }

    def _scored(self, trial: TrialRecord) -> dict[str, Any]:
        """With every number that the sweep goes by."""
        values = {name: trial.measured[name] for name in self.goals.names if name in trial.measured}
        return {**_plain(trial), "values": values}


def sweep_status(storage: str, name: str) -> SweepStatus:
    """How a sweep stands now; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    return status_of(load_study_trials(storage, name), storage, name)


def status_of(loaded: LoadedTrials, storage: str, name: str) -> SweepStatus:
    """The same of a study whose trials were read; reruns and launching processes have studies of their own.

    Raises:
        StoreError: These cannot be read.
    """
    attrs = loaded.attrs
    roster = load_roster(storage, name)
    reruns, rerun_attrs = _reruns(storage, name)
    launchers = roster.living() if roster is not None else []
    status = SweepStatus(
        name=name,
        state=SweepState.interrupted,
        budget=attrs.get(BUDGET),
        trials=loaded.trials,
        best=next(iter(loaded.ranked()), None),
        running=[*_running(loaded.trials, attrs), *_running(reruns, rerun_attrs)],
        reruns=reruns,
        launchers=launchers,
        workers=[*living(attrs), *living(rerun_attrs)],
        request=_request(roster, launchers) if roster is not None else None,
        reason=attrs.get(STOPPED),
        outcome=outcome_of(attrs),
        goals=loaded.goals._replace(objectives=loaded.objectives),
        pareto=loaded.pareto() if loaded.goals.several else (),
        elsewhere=store_elsewhere(noted_place(attrs)),
        starting=[one for one in launchers if not (has_had_workers(attrs, one) or has_had_workers(rerun_attrs, one))],
        num_workers=_num_workers(attrs),
        before=registered_before(attrs),
    )
    status = status._replace(state=_state(status, attrs))
    return status._replace(stage=_stage(status, attrs))


def _request(roster: Roster, launchers: Sequence[str]) -> StopRequest | None:
    """What is asked of the sweep, or of each of its launching processes by a Ctrl-C of its own."""
    attrs = roster.attrs()
    asked = [stop_request_in(attrs, one) for one in launchers]
    return asked[0] if asked and all(asked) else roster.stop_request()


def _num_workers(attrs: Mapping[str, Any]) -> int | None:
    noted = str((attrs.get(SETTINGS) or {}).get("search.num_workers", ""))
    return int(noted) if noted.isdecimal() else None


def _unfailed(trial: TrialRecord) -> str:
    return INTERRUPTED if trial.attrs.get(INTERRUPTED) else trial.state.value


def _state(status: SweepStatus, attrs: Mapping[str, Any]) -> SweepState:
    if status.launchers or status.workers:
        if status.request is not None:
            return SweepState.stopping
        return SweepState.finishing if _is_over(status) else SweepState.running
    if _is_done(status, attrs):
        return SweepState.ended
    return SweepState.stopped if status.request is not None else SweepState.interrupted


def _is_over(status: SweepStatus) -> bool:
    """Whether no further trial comes."""
    return status.num_left == 0 or status.reason is not None


def _stage(status: SweepStatus, attrs: Mapping[str, Any]) -> SweepStage | None:
    is_between = _is_over(status) and status.state is not SweepState.ended
    return stage_of(attrs, status.reruns) if is_between else None


def _is_done(status: SweepStatus, attrs: Mapping[str, Any]) -> bool:
    if status.budget is None:
        # before budgets were noted
        return attrs.get(WINNER) is not None
    return bool(attrs.get(ENDED) == status.budget)


def _running(trials: Sequence[TrialRecord], attrs: Mapping[str, Any]) -> list[RunningTrial]:
    running = [trial for trial in trials if trial.state is TrialState.running]
    workers = [trial.attrs.get(WORKER) for trial in running]
    return [
        RunningTrial(trial, worker, is_alive(attrs, worker)) for trial, worker in zip(running, workers, strict=True)
    ]


def _reruns(storage: str, name: str) -> tuple[Sequence[TrialRecord], Mapping[str, Any]]:
    reruns = f"{name}/reruns"
    if reruns not in study_names(storage):
        # there are none yet
        return [], {}
    loaded = load_study_trials(storage, reruns)
    return loaded.trials, loaded.attrs


def _plain(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "name": trial.attrs.get("name", str(trial.number)),
        "objective": trial.objective,
        "params": dict(trial.params),
        "seconds": trial.seconds,
        "earlier": earlier_of(trial),
    }


def age(at: float) -> float:
    """Seconds since then."""
    return max(0.0, time.time() - at)
