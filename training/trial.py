"""The two protocols between a search and training, and the ways that a trial ends."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class FailureKind(Enum):
    """Why a trial failed."""

    diverged = "diverged"
    out_of_memory = "out-of-memory"
    bad_config = "bad-config"
    bad_data = "bad-data"
    bug = "bug"
    lost = "lost"
    timeout = "timeout"
    hung = "hung"
    stopped = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One evaluation of a trial, as the search hears of it.

    Attributes:
        objective: The score that the search goes by.
        progress: Share of the trial's training that is done, in [0, 1].
        scores: All scores of the validation rows, by `validation/metric`.
        train: Loss and speed of training since the evaluation before, by `train/metric`.
        overfits_since: Training examples since which the trial overfits, in the report that sees it first.
        parts: The objective on each part of the validation rows, where the trial asks for parts.
    """

    objective: float
    progress: float
    scores: Mapping[str, float] = field(default_factory=dict)
    train: Mapping[str, float] = field(default_factory=dict)
    overfits_since: int | None = None
    parts: Sequence[float] = ()

    def as_metrics(self) -> dict[str, float]:
        """By the tracker's keys, the objective first; a dict of the caller's own."""
        return {"objective": self.objective, **self.scores, **self.train}


class Verdict(NamedTuple):
    """The search's answer to a report; `reason` is given exactly when `stop` is."""

    stop: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The trial ran to its end or stopped early by itself.

    Attributes:
        scores: `objective` and `split/metric` at the best evaluation.
        checkpoint: Folder of the best checkpoint.
        ended_by: The key by which it stopped early, `fit.patience`; None where it ran to its end.
    """

    scores: Mapping[str, float]
    checkpoint: Path
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """The search stopped the trial after `at` training examples."""

    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The trial ended by an error; `message` is one line, `traceback` whole."""

    kind: FailureKind
    message: str
    traceback: str


Outcome = Completed | Pruned | Failed


def describe(outcome: Outcome) -> str:
    """One line for people."""
    match outcome:
        case Completed(scores, _, ended_by):
            # of an app with named objectives, all of them
            told = {"objective": scores["objective"]} if "objective" in scores else scores
            how = "completed" if ended_by is None else f"completed (ended by {ended_by})"
            return ", ".join([how, *(f"{name} {score:z.4g}" for name, score in told.items())])
        case Pruned(at, why):
            return f"pruned after {at} examples ({why})" if at else f"pruned ({why})"
        case Failed(kind, message, _):
            return f"failed ({kind.value}): {message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a trial belongs in the tracker.

    Attributes:
        experiment: Name of the sweep, which the tracker groups runs by.
        kind: `trial`, or `rerun` for a finalist trained again with another seed.
        name: Name of the run.
        parent_run_id: Run of the sweep; None for a trial of its own.
        run_id: A run to resume, when a lost trial is tried again.
        sampled: The values that the search chose, by config key.
        log_scaled: Keys of those that it samples evenly in their logarithm.
        folder: Where the trial writes its config and checkpoints.
        tags: More tags for the run; `trial` names the trial of the search, also on the run of a rerun.
        earlier: Folders of attempts whose worker died, the last one first.
        costs: What is known of its model before it is trained, by name; metrics of its run.
        seconds_before: What those attempts took.
    """

    experiment: str
    kind: str
    name: str
    parent_run_id: str | None
    run_id: str | None
    sampled: Mapping[str, Any]
    folder: Path
    tags: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[Path] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    log_scaled: Collection[str] = ()
    seconds_before: float = 0.0


class Trial(Protocol):
    """One point of the search space, from its config to its outcome.

    A search that compares trials part by part of the validation rows gives its trials a `num_parts`. One that looks
    after its trials, or may be stopped, gives them a `pulse()`, called between two steps, that says how the trial is to
    end now: a `Failed`, or None. A stopped one is told once its state is saved, and is tried again from there.

    One that shows a person how it goes has a `resumed(examples_seen, num_reports)`, called where it goes on from a
    state, before the reports until there are made again.
    """

    @property
    def number(self) -> int: ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The composed config as plain values."""

    @property
    def lineage(self) -> Lineage: ...

    def began(self, run_id: str | None) -> None:
        """Tell under which run the trial is tracked."""

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Hand over an evaluation; `examples_seen` is a multiple of the evaluation cadence."""

    def finish(self, outcome: Outcome) -> None:
        """End the trial; called exactly once."""


def tell_resumed(trial: Trial, examples_seen: int, num_reports: int) -> None:
    """Tell a trial where it goes on, if it has a `resumed`.

    Args:
        trial: That goes on from a state.
        examples_seen: Until there.
        num_reports: That were made until there, and are made again after this.
    """
    resumed: Callable[[int, int], None] | None = getattr(trial, "resumed", None)
    if resumed is not None:
        resumed(examples_seen, num_reports)


class TrialSource(Protocol):
    """Where a worker gets its trials."""

    @property
    def num_workers(self) -> int:
        """Workers that share this machine's cores, this one among them."""

    def next(self) -> Trial | None:
        """The next trial, or None when the budget is gone."""
