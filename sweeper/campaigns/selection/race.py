"""Reruns as a race: seed by seed, until it is clear which finalist wins or the seeds are used up."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.sweeper.study.record import OF_TRIAL, PARTS, SEED
from slimtune.sweeper.study.wilcoxon_pruner import Pairs, is_worse

# a finalist leaves the race where chance alone would have it so far behind as seldom as this
WORSE_ON_ROWS, CATCHES_UP = 0.1, 0.05


class Racer(NamedTuple):
    """A finalist with what its fresh seeds gave so far.

    Attributes:
        number: Its trial.
        first: Its score in the search; None if that was on other rows.
        scores: Those of its reruns that completed, by seed.
        parts: Of those that have them, their scores on parts of the validation rows, the same rows in all, by seed.
        num_failed: Reruns that did not complete.
    """

    number: int
    first: float | None
    scores: Mapping[int, float]
    parts: Mapping[int, Sequence[float]]
    num_failed: int

    @property
    def runs(self) -> list[float]:
        """The scores that the winner is chosen by."""
        return [*([] if self.first is None else [self.first]), *self.scores.values()]

    @property
    def mean(self) -> float:
        """Of these."""
        return float(np.mean(self.runs))


def racers_of(finalists: Sequence[TrialRecord], reruns: Sequence[TrialRecord], *, sampled: bool = False) -> list[Racer]:
    """The finalists with their reruns so far.

    Args:
        finalists: The best trials.
        reruns: Of all of them.
        sampled: Whether trials of the search were scored on some of the rows.
    """
    of_each = [[other for other in reruns if other.attrs.get(OF_TRIAL) == one.number] for one in finalists]
    return [_racer(one, own, sampled=sampled) for one, own in zip(finalists, of_each, strict=True)]


def _racer(finalist: TrialRecord, reruns: Sequence[TrialRecord], *, sampled: bool) -> Racer:
    complete = [one for one in reruns if one.state is TrialState.complete and one.objective is not None]
    return Racer(
        finalist.number,
        None if sampled else finalist.objective,
        {one.attrs[SEED]: one.objective for one in complete if one.objective is not None},
        {one.attrs[SEED]: parts for one in complete if (parts := one.attrs.get(PARTS))},
        sum(one.state is TrialState.failed for one in reruns),
    )


def left_behind(racers: Sequence[Racer], *, maximize: bool, num_seeds: int) -> Mapping[int, str]:
    """Who will hardly have the best mean over seeds any more, and why; of other rows and seeds that says nothing.

    Args:
        racers: All finalists.
        maximize: Whether more is better.
        num_seeds: How many fresh seeds each may have.
    """
    sign = 1.0 if maximize else -1.0
    # the winner is one of those with most runs
    fewest = min(racer.num_failed for racer in racers)
    whole = [racer for racer in racers if racer.num_failed == fewest]
    if not all(racer.runs for racer in whole):
        return {}
    leader = max(whole, key=lambda racer: (sign * racer.mean, -racer.number))
    out = {racer.number: "a rerun of it failed" for racer in racers if racer.num_failed > fewest}
    for racer in whole:
        if racer is leader or not racer.scores:
            continue
        if _is_worse_on_rows(racer, leader, sign):
            out[racer.number] = f"behind trial {leader.number} with each seed and over the same validation rows"
        elif not _may_catch_up(racer, leader, racers, sign=sign, num_seeds=num_seeds):
            out[racer.number] = (
                f"the seeds that are left would hardly give it a better mean here than trial {leader.number} has"
            )
    return out


def _is_worse_on_rows(racer: Racer, leader: Racer, sign: float) -> bool:
    """Behind with each seed, and over the seeds on more of the rows than chance has it."""
    if any(sign * racer.scores[seed] >= sign * leader.scores[seed] for seed in racer.scores.keys() & leader.scores):
        return False
    # in one order, in which sums are rounded
    shared = sorted(racer.parts.keys() & leader.parts)
    if not shared:
        return False
    own, theirs = (np.mean([one.parts[seed] for seed in shared], axis=0) for one in (racer, leader))
    return len(own) == len(theirs) and is_worse(Pairs(own, theirs), sign=sign, p_threshold=WORSE_ON_ROWS)


def _may_catch_up(racer: Racer, leader: Racer, racers: Sequence[Racer], *, sign: float, num_seeds: int) -> bool:
    """Whether seeds that are equal on average may turn the order of the means, by the spread of all finalists."""
    left = num_seeds - len(racer.scores) - racer.num_failed
    if left <= 0:
        return True
    runs = [one.runs for one in racers if one.runs]
    freedom = sum(len(scores) - 1 for scores in runs)
    if freedom == 0:
        return True
    spread = math.sqrt(sum(float(np.var(scores)) * len(scores) for scores in runs) / freedom)
    behind = sign * (leader.mean - racer.mean) * len(racer.runs) / left
    if spread == 0.0:
        return behind == 0.0
    from scipy.stats import t

    return bool(t.sf(behind / (spread * math.sqrt(2 / left)), freedom) >= CATCHES_UP)
