"""Complete trials that ended before their training's end, and by what: nobody pruned them."""

from collections import Counter
from collections.abc import Sequence

from slimtune.sweeper.study.record import TrialRecord


def ended_early(trials: Sequence[TrialRecord]) -> Counter[str]:
    """How many ended so, by the key that ended them, such as `fit.patience`."""
    return Counter(trial.ended_by for trial in trials if trial.ended_by)


def told_endings(trials: Sequence[TrialRecord]) -> str:
    """In words: `5 ended by fit.patience`; nothing where none did."""
    return ", ".join(f"{count} ended by {key}" for key, count in ended_early(trials).items())


def told_state(state: str, trials: Sequence[TrialRecord]) -> str:
    """How many trials are in a state, and how many of them ended early: `6 complete (5 ended by fit.patience)`."""
    early = told_endings(trials)
    return f"{len(trials)} {state}{f' ({early})' if early else ''}"
