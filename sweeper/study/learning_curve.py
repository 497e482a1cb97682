"""Whether a trial can still reach the best one, by the most that its curve may rise."""

import bisect
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


class Curve(NamedTuple):
    """The best that a trial had after so many examples, in their order; `sign` times its values."""

    steps: list[int]
    best: list[float]

    @classmethod
    def of(cls, values: Mapping[int, float], sign: float) -> "Curve":
        """Of what it reported."""
        steps = sorted(values)
        return cls(steps, list(itertools.accumulate((sign * values[step] for step in steps), max)))


def reach_of(
    trial: TrialRecord,
    others: Sequence[TrialRecord],
    *,
    progress: float,
    maximize: bool,
    known: dict[int, Curve] | None = None,
) -> Reach | None:
    """The most that a running trial may reach, beside the best of the complete ones; None if that is not known yet.

    Learning curves flatten, so a trial gains per evaluation at most what it gained in one of the last two (in one
    alone it may gain nothing by chance); and it gains at most as much more as any complete trial did from the same
    number of examples on, if that is more.

    Args:
        trial: With its evaluations so far, at least two.
        others: The sweep's other trials.
        progress: Share of the trial's examples that it has seen.
        maximize: Whether more is better.
        known: Curves of complete trials by their number, which are added to.
    """
    known = {} if known is None else known
    sign = 1.0 if maximize else -1.0
    complete = [other for other in others if other.state is TrialState.complete and other.objective is not None]
    steps, values = Curve.of(trial.intermediate, sign)
    if not complete or len(steps) < 2 or not 0.0 < progress < 1.0:
        return None
    evaluations_left = len(steps) * (1.0 - progress) / progress
    gains = [(after - before) * evaluations_left for before, after in itertools.pairwise(values[-3:])]
    for other in complete:
        theirs = known.get(other.number) or known.setdefault(other.number, Curve.of(other.intermediate, sign))
        until = bisect.bisect_right(theirs.steps, steps[-1])
        if until:
            gains.append(theirs.best[-1] - theirs.best[until - 1])
    best = max(sign * other.objective for other in complete if other.objective is not None)
    return Reach(sign * (values[-1] + max(gains)), sign * best)
