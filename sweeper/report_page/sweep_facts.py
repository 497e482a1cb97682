"""All that a page tells of a sweep, as it was read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting.places.sweep_words import sweep_words
from slimtune.sweeper.reporting.sweep_status import SweepState, status_of
from slimtune.sweeper.space.dimension import Dimension
from slimtune.sweeper.study.analysis.dimensions import load_dimensions
from slimtune.sweeper.study.analysis.finalists import Seeded, of_one_seed, seeded
from slimtune.sweeper.study.analysis.lead import Scored, doubt
from slimtune.sweeper.study.analysis.leaderboard import leaderboard_order
from slimtune.sweeper.study.analysis.outcome import winner_stage
from slimtune.sweeper.study.loaded import LoadedTrials, load_study_trials, objectives_of
from slimtune.sweeper.study.record import (
    IDENTITY,
    WINNER,
    TrialRecord,
    in_order,
    param_keys,
    pareto_set,
)
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.usual_places import DATA_REPORT_FILE

# of a data report: what is of another kind is left out of the page
DATA_KINDS: Mapping[str, Any] = {
    "splits": list,
    "classes": dict,
    "baselines": dict,
    "label_noise": list,
    "notes": list,
    **dict.fromkeys(("num_empty", "num_duplicates", "leaks_exact", "leaks_near"), int),
}
# of the identity: how many of the validation rows trials of the search are scored on, reruns being on all; and how many
# text is generated for
SAMPLE_KEY, GENERATED_KEY = "data.validation_rows", "task.eval_rows"


# the split that trials are compared on
VALIDATION = "validation"


class SweepFacts(NamedTuple):
    """A sweep at one moment, whatever its state.

    Attributes:
        name: The sweep's.
        words: The sweep as commands are told it.
        state: What becomes of it.
        trials: Those of the budget, by number.
        attempts: All, also those that another trial has taken the place of.
        reruns: Of the finalists.
        goals: What the search goes by.
        attrs: What was noted on the study.
        dimensions: What was searched, by key.
        budget: Trials that it is to have.
        reason: Why the search ended before its budget was gone.
        seconds_left: Of the search.
        data: The data report; None if there is none.
        config: Of the winner, or of the best trial, as YAML; None if there is none.
    """

    name: str
    words: str
    state: SweepState
    trials: Sequence[TrialRecord]
    attempts: Sequence[TrialRecord]
    reruns: Sequence[TrialRecord]
    goals: Goals
    attrs: Mapping[str, Any]
    dimensions: Mapping[str, Dimension]
    budget: int | None = None
    reason: str | None = None
    seconds_left: float | None = None
    data: Mapping[str, Any] | None = None
    config: str | None = None

    @property
    def maximize(self) -> bool:
        """Whether more of the first objective is better."""
        return self.goals.objectives[0].maximize

    @property
    def metric(self) -> str:
        """Name of the first objective."""
        return objectives_of(self.goals, self.attrs)[0].name

    @property
    def keys(self) -> list[str]:
        """What was searched, in the order in which trials took it."""
        return param_keys(self.trials)

    def ranked(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, the best first."""
        return in_order(self.trials, self.goals)

    def pareto(self) -> list[TrialRecord]:
        """Those that no other one is better than."""
        return pareto_set(self.trials, self.goals)

    def in_leaderboard_order(self) -> list[TrialRecord]:
        """All trials: the complete ones first, then by what they had at last."""
        return leaderboard_order(self.trials, self.goals)

    def winner(self) -> Mapping[str, Any] | None:
        """What the sweep has chosen: see `Winner.as_dict`."""
        return self.attrs.get(WINNER) or None

    def best(self) -> TrialRecord | None:
        """The trial that was chosen, or the best one so far."""
        chosen = (self.winner() or {}).get("trial")
        picked = [trial for trial in self.trials if trial.number == chosen]
        return next(iter([*picked, *self.ranked()]), None)

    def finalists(self) -> list[Seeded]:
        """Trials that were rerun, over their seeds, the best mean first."""
        return seeded(self.trials, self.reruns, maximize=self.maximize, sampled=self._setting(SAMPLE_KEY) is not None)

    def doubt(self, chosen: int | None = None) -> str | None:
        """Why the winner may not be the better one of the best two, in a sentence; None where that is clear.

        Args:
            chosen: The winner, where it is not noted yet.
        """
        if chosen is None:
            chosen = (self.winner() or {}).get("trial")
        found = self.finalists()
        if len(found) > 1:
            return doubt(found, chosen, Scored(self.metric, self._num_rows(of_reruns=True)))
        if chosen is None or self.goals.several:
            return None
        ranked = [of_one_seed(trial) for trial in self.ranked()]
        # a better one that was not chosen has no checkpoint any more
        at = next((place for place, one in enumerate(ranked) if one.number == chosen), 0)
        return doubt(ranked[at : at + 2], chosen, Scored(self.metric, self._num_rows(of_reruns=False)), rerun=found)

    def _num_rows(self, *, of_reruns: bool) -> int | None:
        """Validation rows that a score is of."""
        splits = (self.data or {}).get("splits") or []
        rows = [one.get("num_rows") for one in splits if isinstance(one, Mapping) and one.get("name") == VALIDATION]
        limits = [self._setting(GENERATED_KEY), None if of_reruns else self._setting(SAMPLE_KEY)]
        known = [one for one in (*rows, *limits) if isinstance(one, int)]
        return min(known) if rows and known else None

    def _setting(self, key: str) -> int | None:
        """A whole number of the sweep's config; None where it is null."""
        text = str((self.attrs.get(IDENTITY) or {}).get(key))
        return int(text) if text.isdecimal() else None

    def stage(self, name: str) -> Mapping[str, Any]:
        """What came of `test`, `export` or `registered` for the winner; empty before it is done."""
        return winner_stage(self.attrs, name)


def read_facts(storage: str, name: str, folder: Path) -> SweepFacts:
    """A sweep as its study and the files in its folder tell it; nothing is written.

    Args:
        storage: URL of the study.
        name: Of the study.
        folder: The sweep's; what is not there is left out of the page.

    Raises:
        StoreError: There is no such study.
    """
    return sweep_facts_of(load_study_trials(storage, name), storage, name, folder)


def sweep_facts_of(loaded: LoadedTrials, storage: str, name: str, folder: Path) -> SweepFacts:
    """The same of a study whose trials were read."""
    status = status_of(loaded, storage, name)
    facts = SweepFacts(
        name=name,
        words=sweep_words(name, folder, storage),
        state=status.state,
        trials=loaded.trials,
        attempts=loaded.attempts,
        reruns=status.reruns,
        goals=loaded.goals,
        attrs=loaded.attrs,
        dimensions=load_dimensions(storage, name),
        budget=status.budget,
        reason=status.reason,
        seconds_left=status.seconds_left,
        data=_data_report(folder / DATA_REPORT_FILE),
    )
    best = facts.best()
    return facts._replace(config=_text(folder / "trials" / str(best.number) / "config.yaml") if best else None)


def _data_report(path: Path) -> Mapping[str, Any] | None:
    try:
        found = read_object(path) if path.is_file() else None
    except BROKEN:
        # the page is of what can be read
        return None
    if found is None:
        return None
    return {name: value for name, value in found.items() if isinstance(value, DATA_KINDS.get(name, object))}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except OSError:
        return None
