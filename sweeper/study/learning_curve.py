"""Whether a trial can still reach the best one, by the most that its curve may rise."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slimtune.sweeper.study.record import TrialRecord, TrialState


class Reach(NamedTuple):
    """How far a running trial may still come.

    Attributes:
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
    sign = 1.0 if maximize else -1.0
    complete = [other for other in others if other.state is TrialState.complete and other.objective is not None]
    curve = _best_so_far(trial.intermediate, sign)
    if not complete or len(curve) < 2 or not 0.0 < progress < 1.0:
        return None
    values, at = list(curve.values()), max(curve)
    evaluations_left = len(curve) * (1.0 - progress) / progress
    gains = [(after - before) * evaluations_left for before, after in itertools.pairwise(values[-3:])]
    for other in complete:
        theirs = _best_so_far(other.intermediate, sign)
        until = [value for step, value in theirs.items() if step <= at]
        if until:
            gains.append(max(theirs.values()) - until[-1])
    best = max(sign * other.objective for other in complete if other.objective is not None)
    return Reach(sign * (values[-1] + max(gains)), sign * best)


def _best_so_far(values: Mapping[int, float], sign: float) -> dict[int, float]:
    """The curve's running maximum, of `sign` times its values."""
    steps = sorted(values)
    return dict(zip(steps, itertools.accumulate((sign * values[step] for step in steps), max), strict=True))
