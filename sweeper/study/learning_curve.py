"""Whether a trial can still reach the best one, by the most that its curve may rise."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sweeper.study.record import TrialRecord, TrialState


class Reach(NamedTuple):
    """Attributes:
    most: What the trial may reach at best.
    best: What the best complete trial has reached.
    """

    most: float
    best: float

    def hopeless(self, *, maximize: bool) -> bool:
        """Whether even that is worse than the best."""
        return self.most < self.best if maximize else self.most > self.best


def reach_of(trial: TrialRecord, others: Sequence[TrialRecord], *, progress: float, maximize: bool) -> Reach | None:
    """The most that a running trial may reach, beside the best of the complete ones; None if that is not known yet.

    Learning curves flatten, so a trial gains per evaluation at most what it gained in one of the last two (in one
    alone it may gain nothing by chance); and it gains at most as much more as any complete trial did from the same
    number of examples on, if that is more.

    Args:
        trial: With its evaluations so far, at least two.
        others: The sweep's other trials.
        progress: Share of the trial's examples that it has seen.
        maximize: Whether more is better.
    """
    complete = [other for other in others if other.state is TrialState.complete and other.objective is not None]
    curve = _best_so_far(trial.intermediate, maximize=maximize)
    if not complete or len(curve) < 2 or not 0.0 < progress < 1.0:
        return None
    sign = 1.0 if maximize else -1.0
    values = list(curve.values())
    now, evaluations_left = values[-1], len(curve) * (1.0 - progress) / progress
    gains = [sign * (after - before) * evaluations_left for before, after in itertools.pairwise(values[-3:])]
    at = max(curve)
    for other in complete:
        theirs = _best_so_far({**other.intermediate}, maximize=maximize)
        until = [value for step, value in theirs.items() if step <= at]
        if until:
            gains.append(sign * (list(theirs.values())[-1] - until[-1]))
    best = max(complete, key=lambda other: sign * (other.objective or 0.0)).objective
    assert best is not None
    return Reach(now + sign * max(gains), best)


def _best_so_far(values: Mapping[int, float], *, maximize: bool) -> dict[int, float]:
    curve: dict[int, float] = {}
    best: float | None = None
    for step, value in sorted(values.items()):
        best = value if best is None else max(best, value) if maximize else min(best, value)
        curve[step] = best
    return curve
