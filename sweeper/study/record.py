"""A trial as the study remembers it, in our own terms."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple, Protocol

import optuna

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.goals.pareto import Losses, pareto_front, preferred
from slimtune.sweeper.space.search_space import plain_key

OPTUNA_STATE = optuna.trial.TrialState

# user attributes of a trial; Optuna has no fields for these
KIND, INDEX, RUN_ID, WORKER = "kind", "index", "run_id", "worker"
RETRIES, RETRY_OF, PROGRESS, RESULT, POINT = "retries", "retry_of", "progress", "result", "point"
# numbers of the attempts before, the last one first
EARLIER = "earlier"

# of a rerun: the trial that it is of, and its seed
OF_TRIAL, SEED = "of_trial", "seed"
# of a complete trial that was asked for them: the objective on parts of the validation rows, at the best evaluation
PARTS = "parts"

# user attributes of a study; the winner is a `Winner` as plain values
IDENTITY, PARENT_RUN, WINNER = "identity", "parent_run_id", "winner"
# where its runs lie, a `RunsPlace` as plain values
PLACE = "tracker"
# which stage after the choice of a winner is being done
DOING = "doing"
# numbers of the trials whose runs in the tracker are tagged as finalists
MARKED = "marked"
# the rest of the config, by key, which no score depends on
SETTINGS = "settings"
# of the study: where the sweep lies on the machine that leads it
FOLDER = "folder"
# how many trials it is to have, and how many it had when all that comes after them was done
BUDGET, ENDED = "n_trials", "ended"
# which sampler `auto` is, and for how many trials it was chosen
SAMPLER = "sampler"
# why the search ended before its budget was gone
STOPPED = "stopped"

# failures that do not use up the budget: another trial takes their place
LOST, SURPLUS, REPEATED = "lost", "surplus", "repeated"
REPLACED = (LOST, SURPLUS, REPEATED)
# why its worker is to have died, if that is known
CAUSE = "cause"
# why a trial failed, in words
MESSAGE = "message"
# what a trial costs that is known before it is trained, and what its attempts took together until the last report
COSTS, SPENT = "costs", "seconds"
# seconds: what its earlier attempts took, how long this one took its values and looked at its model, and how long
# somebody worked on it after that, where it ended later
BEFORE, ASKED, WORKED = "seconds_before", "seconds_asked", "seconds_worked"
# the key by which a complete trial stopped before its end
ENDED_BY = "ended_by"
# what stands where others have a kind of failure
INFEASIBLE = "infeasible"
# of a trial that stands as running, and whose worker is gone: whoever reads the study finds that, and nobody notes it
INTERRUPTED = "interrupted"


class Sampled(Protocol):
    """What has sampled values."""

    @property
    def params(self) -> Mapping[str, Any]: ...


def param_keys(trials: Iterable[Sampled]) -> list[str]:
    """Keys that any of them has a value of, in the order in which they come."""
    return list(dict.fromkeys(key for trial in trials for key in trial.params))


def stage_result(attrs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What came of a stage after the search, `test`, `export` or `registered`; empty before it is done."""
    return (attrs.get(name) or {}).get("result") or {}


class TrialState(Enum):
    """Where a trial stands."""

    waiting = "waiting"
    running = "running"
    complete = "complete"
    pruned = "pruned"
    failed = "failed"


STATES = {
    OPTUNA_STATE.WAITING: TrialState.waiting,
    OPTUNA_STATE.RUNNING: TrialState.running,
    OPTUNA_STATE.COMPLETE: TrialState.complete,
    OPTUNA_STATE.PRUNED: TrialState.pruned,
    OPTUNA_STATE.FAIL: TrialState.failed,
}


class TrialRecord(NamedTuple):
    """A trial as it stands.

    Attributes:
        number: Optuna's number.
        state: Where it stands.
        kind: Why it failed, else None.
        objective: Value at the best evaluation of a complete trial; the last one of any other; None before the first.
        params: Sampled values by config key.
        run_id: Its run in the tracker.
        started: When this attempt at it began, with its values taken.
        seconds: From then until its end, or until now, and what its earlier attempts took: without the time in which
            nobody worked on it.
        progress: Share of its training done at the last report.
        intermediate: Objective by training examples.
        attrs: All user attributes.
        values: The objectives of a complete trial.
        excess: How far it is beyond the constraints that it breaks.
        seconds_before: What its earlier attempts took of the seconds.
    """

    number: int
    state: TrialState
    kind: str | None
    objective: float | None
    params: Mapping[str, Any]
    run_id: str | None
    started: datetime | None
    seconds: float | None
    progress: float
    intermediate: Mapping[int, float]
    attrs: Mapping[str, Any]
    values: Sequence[float] = ()
    excess: Mapping[str, float] = {}
    seconds_before: float = 0.0

    @property
    def attempt_seconds(self) -> float | None:
        """What this attempt took: from `started` on."""
        return None if self.started is None or self.seconds is None else self.seconds - self.seconds_before

    @property
    def finished(self) -> bool:
        """Whether it has ended in any way."""
        return self.state in (TrialState.complete, TrialState.pruned, TrialState.failed)

    @property
    def is_feasible(self) -> bool:
        """Whether it breaks no constraint, as far as is known."""
        return not self.excess

    @property
    def standing(self) -> str:
        """Its state in a word; why it failed, that it broke a constraint, or that nobody works on it any more."""
        if self.kind is None and self.attrs.get(INTERRUPTED):
            return INTERRUPTED
        return self.kind or (INFEASIBLE if self.excess else self.state.value)

    @property
    def ended_by(self) -> str:
        """What ended a complete one before its training's end, such as `fit.patience`; else nothing."""
        return str(self.attrs.get(ENDED_BY) or "")

    @property
    def trained_share(self) -> str:
        """The share of its training that was done at its last evaluation; a dash before the first one."""
        return f"{self.progress:.0%}" if self.progress else "-"

    @property
    def trained(self) -> str:
        """The same, and what ended a complete one before its end."""
        return f"{self.trained_share}, {self.ended_by}" if self.ended_by else self.trained_share

    @property
    def measured(self) -> Mapping[str, float]:
        """Every number that it has by its name."""
        result = self.attrs.get(RESULT, {})
        scores = {name.removeprefix("validation/"): one for name, one in result.items() if name != "checkpoint"}
        return {**self.attrs.get(COSTS, {}), **scores}

    @property
    def counts(self) -> bool:
        """Whether it uses up one of the budget; a trial that another has taken the place of does not: a lost one, a
        surplus one, one whose point another worker had begun.
        """
        return self.kind not in REPLACED


def record_of(trial: optuna.trial.FrozenTrial) -> TrialRecord:
    """Optuna's trial in our terms."""
    attrs = trial.user_attrs
    failed = trial.state is OPTUNA_STATE.FAIL
    last = trial.intermediate_values[trial.last_step] if trial.last_step is not None else None
    started, before = _started(trial), float(attrs.get(BEFORE, 0.0))
    return TrialRecord(
        number=trial.number,
        state=STATES[trial.state],
        kind=attrs.get(KIND, "bug") if failed else None,
        objective=trial.values[0] if trial.state is OPTUNA_STATE.COMPLETE and trial.values else last,
        params={plain_key(name): value for name, value in trial.params.items()},
        run_id=attrs.get(RUN_ID),
        started=started,
        seconds=_seconds(trial, started, before),
        progress=float(attrs.get(PROGRESS, 0.0)),
        intermediate=trial.intermediate_values,
        attrs=attrs,
        values=trial.values or (),
        excess={name: beyond for name, beyond in trial.constraints.items() if beyond > 0},
        seconds_before=before,
    )


def ranked(trials: Sequence[TrialRecord], *, maximize: bool) -> list[TrialRecord]:
    """Complete trials that keep the constraints, the best first; ties go by trial number."""
    complete = complete_of(trials)
    sign = -1 if maximize else 1
    return sorted(complete, key=lambda trial: (sign * (trial.objective or 0.0), trial.number))


def complete_of(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Complete trials that keep the constraints."""
    return [trial for trial in trials if trial.state is TrialState.complete and trial.is_feasible]


def in_order(trials: Sequence[TrialRecord], goals: Goals) -> list[TrialRecord]:
    """The same by several objectives: the Pareto set first, each part in the order of `search.pick`."""
    if not goals.several:
        return ranked(trials, maximize=goals.objectives[0].maximize)
    complete = sorted(complete_of(trials), key=lambda trial: trial.number)
    return [complete[place] for place in preferred(losses_of(complete, goals), goals)]


def pareto_set(trials: Sequence[TrialRecord], goals: Goals) -> list[TrialRecord]:
    """Complete trials that keep the constraints, and that no other one is better than; by trial number."""
    complete = sorted(complete_of(trials), key=lambda trial: trial.number)
    front = set(pareto_front(losses_of(complete, goals)))
    return [trial for place, trial in enumerate(complete) if place in front]


def losses_of(trials: Sequence[TrialRecord], goals: Goals) -> list[Losses]:
    """Their values, turned so that less is better."""
    return [goals.losses(trial.values) for trial in trials]


def _started(trial: optuna.trial.FrozenTrial) -> datetime | None:
    if trial.datetime_start is None:
        return None
    return trial.datetime_start + timedelta(seconds=trial.user_attrs.get(ASKED, 0.0))


def _seconds(trial: optuna.trial.FrozenTrial, started: datetime | None, before: float) -> float | None:
    if started is None:
        return before or None
    until = trial.datetime_complete or datetime.now()
    worked: float = trial.user_attrs.get(WORKED, max(0.0, (until - started).total_seconds()))
    return before + worked
