"""Whether a trial can still reach the best one, by the most that its curve may rise."""

import bisect
import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

from slimtune.sweeper.study.record import TrialRecord, TrialState

# numbers of examples at which gains are remembered
MAX_STEPS = 256


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


class BestSoFar:
    """The complete trials that a running one is compared with; each is added once.

    Args:
        maximize: Whether more is better.
    """

    def __init__(self, *, maximize: bool) -> None:
        self._sign = 1.0 if maximize else -1.0
        self._curves: list[Curve] = []
        self._best = -math.inf
        self._gains: dict[int, tuple[int, float]] = {}

    def add(self, trial: TrialRecord) -> None:
        """Count a trial in, if it is complete and keeps the constraints."""
        if trial.state is TrialState.complete and trial.is_feasible and trial.objective is not None:
            self._curves.append(Curve.of(trial.intermediate, self._sign))
            self._best = max(self._best, self._sign * trial.objective)

    def reach_of(self, trial: TrialRecord, *, progress: float) -> Reach | None:
        """The most that a running trial may reach, beside the best of the complete ones; None if that is not known yet.

        Learning curves flatten, so a trial gains per evaluation at most what it gained in one of the last two (in one
        alone it may gain nothing by chance); and it gains at most as much more as any complete trial did from the same
        number of examples on, if that is more.

        Args:
            trial: With its evaluations so far, at least two.
            progress: Share of the trial's examples that it has seen.
        """
        steps, values = Curve.of(trial.intermediate, self._sign)
        if not self._curves or len(steps) < 2 or not 0.0 < progress < 1.0:
            return None
        evaluations_left = len(steps) * (1.0 - progress) / progress
        gains = [(after - before) * evaluations_left for before, after in itertools.pairwise(values[-3:])]
        most = max([*gains, self._gain_after(steps[-1])])
        return Reach(self._sign * (values[-1] + most), self._sign * self._best)

    def _gain_after(self, step: int) -> float:
        """The most that one of them gained from so many examples on; -inf if none had reported by then."""
        num_known, gain = self._gains.pop(step, (0, -math.inf))
        for curve in itertools.islice(self._curves, num_known, None):
            until = bisect.bisect_right(curve.steps, step)
            if until:
                gain = max(gain, curve.best[-1] - curve.best[until - 1])
        self._gains[step] = len(self._curves), gain
        if len(self._gains) > MAX_STEPS:
            # what nobody has asked for for longest
            del self._gains[next(iter(self._gains))]
        return gain
