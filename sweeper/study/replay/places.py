"""The places of a budget: a trial has one, together with all that try it again after its worker died."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.sweeper.study.record import EARLIER, LOST, REPEATED, RETRY_OF, SURPLUS, TrialRecord


def first_attempt(number: int, attrs: Mapping[str, Any]) -> int:
    """The number under which a trial was begun first; places are in the order of these."""
    numbers: Sequence[int] = attrs.get(EARLIER, ())
    return numbers[-1] if numbers else number


def has_place(trial: TrialRecord) -> bool:
    """Whether it uses up one of the budget, or did and somebody has to try it again."""
    return trial.counts or trial.kind == LOST


def places_before(first: int, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The last attempt at each place before that of a trial, in the order of the places.

    A place stays where it is while nobody tries its trial again yet, and when somebody does under a later number:
    whoever asks just then takes no other place than he would have otherwise.

    Args:
        first: The trial's first attempt.
        trials: All others, by number.
    """
    attempts = [trial for trial in trials if trial.kind != SURPLUS]
    last = {place: trial for trial in attempts if (place := first_attempt(trial.number, trial.attrs)) < first}
    return [last[place] for place in sorted(last) if has_place(last[place])]


def twins_of(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Attempts at what an earlier trial tries again already.

    Two processes may find the same trial lost: most storages let one of them end it, and the other one see that nobody
    has enqueued it yet.
    """
    known: set[int] = set()
    twins = []
    for trial in trials:
        retried = trial.attrs.get(RETRY_OF)
        if retried in known:
            twins.append(trial)
        elif retried is not None:
            known.add(retried)
    return twins


def num_repeated_before(first: int, trials: Sequence[TrialRecord]) -> int:
    """How many trials before a first attempt were given up because another had their point."""
    return sum(trial.kind == REPEATED and trial.number < first for trial in trials)
