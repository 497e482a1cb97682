"""The finalists of a sweep over their seeds, as the studies of its trials and of its reruns have them."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from slimtune.sweeper.study.record import OF_TRIAL, PARTS, SEED, TrialRecord, TrialState

# of a trial's own run, whose seed is that of the config
OWN = -1


class Seeded(NamedTuple):
    """A finalist.

    Attributes:
        number: Its trial.
        scores: The trial's own first, then those of its reruns that completed; never empty.
        failed: Reruns that did not.
        parts: By seed, where they are kept, scores on parts of the validation rows: the same rows in all finalists.
    """

    number: int
    scores: Sequence[float]
    failed: int = 0
    parts: Mapping[int, Sequence[float]] = {}

    @property
    def mean(self) -> float:
        """Over its seeds."""
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """Standard deviation over its seeds; None for one."""
        return stdev(self.scores) if len(self.scores) > 1 else None


def seeded(
    trials: Sequence[TrialRecord], reruns: Sequence[TrialRecord], *, maximize: bool, sampled: bool = False
) -> list[Seeded]:
    """Trials that were rerun, the best mean first.

    Args:
        trials: Of the search.
        reruns: Of the best of them.
        maximize: Whether more is better.
        sampled: Whether trials were scored on some of the rows: the reruns, which are on all, do not compare with that.
    """
    own = {trial.number: trial for trial in trials if trial.objective is not None}
    numbers = dict.fromkeys(rerun.attrs.get(OF_TRIAL) for rerun in reruns)
    found = [_seeded(own[number], reruns, sampled=sampled) for number in numbers if number in own]
    return sorted(found, key=lambda one: (-one.mean if maximize else one.mean, one.number))


def of_one_seed(trial: TrialRecord) -> Seeded:
    """A trial that was not rerun."""
    return _seeded(trial, (), sampled=False)


def _seeded(trial: TrialRecord, reruns: Sequence[TrialRecord], *, sampled: bool) -> Seeded:
    again = [one for one in reruns if one.attrs.get(OF_TRIAL) == trial.number]
    complete = [one for one in again if one.state is TrialState.complete and one.objective is not None]
    counted = complete if sampled and complete else [trial, *complete]
    parts = {OWN if one is trial else one.attrs.get(SEED): one.attrs.get(PARTS) for one in counted}
    return Seeded(
        trial.number,
        [one.objective for one in counted if one.objective is not None],
        sum(one.state in (TrialState.failed, TrialState.pruned) for one in again),
        {seed: values for seed, values in parts.items() if values and seed is not None},
    )
