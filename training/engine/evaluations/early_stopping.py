"""Early stopping: which evaluation was the best, and whether waiting longer is worth it."""

import math
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class EarlyStopping:
    """Follows one validation metric.

    Attributes:
        patience: Evaluations without improvement after which to stop; None never stops.
        min_improvement: Smallest gain over the last improvement that counts.
        maximize: Whether more is better.
        best: Best score so far, or None before the first one; the checkpoint kept is that of this score.
        mark: The score that the next improvement is measured from.
        num_waited: Evaluations since the last improvement.
    """

    patience: int | None
    min_improvement: float
    maximize: bool
    best: float | None = None
    mark: float | None = None
    num_waited: int = 0

    def update(self, score: float) -> bool:
        """Take a score in; True if it is the best so far. NaN is never the best."""
        gain = self._gain(score, self.mark)
        improved = self.mark is None or gain > self.min_improvement
        if improved and not math.isnan(score):
            self.mark, self.num_waited = score, 0
        else:
            self.num_waited += 1
        is_best = not math.isnan(score) and (self.best is None or self._gain(score, self.best) > 0)
        if is_best:
            self.best = score
        return is_best

    @property
    def exhausted(self) -> bool:
        """Whether the trial has waited long enough."""
        return self.patience is not None and self.num_waited >= self.patience

    def _gain(self, score: float, other: float | None) -> float:
        if other is None:
            return 0.0
        return score - other if self.maximize else other - score
