"""Trials that are tried again: what is known of them from before, and the numbers that they had."""

from collections.abc import Iterable, Mapping, Sequence

from slimtune.sweeper.study.record import EARLIER, POINT, REPEATED, SURPLUS, TrialRecord
from slimtune.training.listed_names import agreeing

# more are counted, and not named
MOST_NAMED = 6
# a rerun is shown by its name, which stays
NAME = "name"


def as_shown(attempts: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The trials of a budget as tables show them.

    One that waits, or has only just begun, has the values that it will have, and the last score of its earlier
    attempts. That is for people alone: rankings and samplers go by what a trial has itself.

    Args:
        attempts: All trials of the study, also those that others have taken the place of.
    """
    by_number = {trial.number: trial for trial in attempts}
    return [_with_known(trial, by_number) for trial in attempts if trial.counts]


def _with_known(trial: TrialRecord, by_number: Mapping[int, TrialRecord]) -> TrialRecord:
    if trial.finished:
        return trial
    params = {**trial.attrs.get(POINT, {}), **trial.params}
    if trial.objective is not None:
        return trial._replace(params=params)
    before = (by_number[number].objective for number in earlier_of(trial) if number in by_number)
    return trial._replace(params=params, objective=next((one for one in before if one is not None), None))


def earlier_of(trial: TrialRecord) -> list[int]:
    """The numbers of its earlier attempts, the last one first."""
    return list(trial.attrs.get(EARLIER, []))


def number_notes(shown: Iterable[TrialRecord], attempts: Iterable[TrialRecord]) -> list[str]:
    """Why numbers are not in a table: a line for trials that have other ones now, one for those given up.

    Args:
        shown: In the table.
        attempts: Those that the table could have shown, also those that others have taken the place of.
    """
    again = [trial for trial in shown if earlier_of(trial) and NAME not in trial.attrs]
    again.sort(key=lambda trial: trial.number)
    given_up = [str(trial.attrs.get(NAME, trial.number)) for trial in attempts if trial.kind in (SURPLUS, REPEATED)]
    notes = []
    if again:
        was = (f"{trial.number} was {_listed([str(one) for one in earlier_of(trial)])}" for trial in again)
        named = ", ".join(was) if len(again) <= MOST_NAMED else f"{len(again)} of these trials had earlier numbers"
        notes.append(f"{named}: tried again after {agreeing(len(again), 'its', 'their')} worker died or was stopped")
    if given_up:
        named = ", ".join(given_up) if len(given_up) <= MOST_NAMED else f"{len(given_up)} further numbers"
        notes.append(f"{named}: given up before training, since another trial had the same values or place")
    return notes


def _listed(numbers: Sequence[str]) -> str:
    return numbers[0] if len(numbers) == 1 else f"{', '.join(numbers[:-1])} and {numbers[-1]}"
