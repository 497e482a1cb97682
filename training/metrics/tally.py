"""What an evaluation has seen so far: sums and labels, divided only once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import evaluate

from training.metrics.accuracy import Accuracy
from training.metrics.f1 import F1


@dataclass(frozen=True, slots=True)
class Tally:
    """A mergeable state of classification metrics: any split of the rows gives the same numbers.

    Attributes:
        predictions: Label ids.
        references: Label ids, as many.
        loss_sum_nats: Sum of the rows' losses.
    """

    predictions: tuple[int, ...] = ()
    references: tuple[int, ...] = ()
    loss_sum_nats: float = 0.0

    @classmethod
    def empty(cls) -> "Tally":
        """The state of no rows."""
        return cls()

    @classmethod
    def of(cls, predictions: Sequence[int], references: Sequence[int], loss_sum_nats: float) -> "Tally":
        """The state of one batch."""
        return cls(tuple(predictions), tuple(references), loss_sum_nats)

    def merge(self, other: "Tally") -> "Tally":
        """The state of both sets of rows."""
        return Tally(
            self.predictions + other.predictions,
            self.references + other.references,
            self.loss_sum_nats + other.loss_sum_nats,
        )

    def compute(self) -> dict[str, float]:
        """`loss`, `accuracy` and the F1 averages; NaN on no rows."""
        rows = len(self.references)
        if rows == 0:
            return dict.fromkeys(("loss", "accuracy", "f1_macro", "f1_micro", "f1_weighted"), math.nan)
        scores = {"loss": self.loss_sum_nats / rows}
        for metric in _metrics():
            scores |= metric.compute(predictions=self.predictions, references=self.references)
        return scores


@cache
def _metrics() -> tuple[evaluate.Metric, ...]:
    # in memory: trials that run side by side would otherwise share one cache file
    return (Accuracy(keep_in_memory=True), F1(keep_in_memory=True))
