"""F1 score, averaged over classes in three ways."""

import math
from typing import Any

import evaluate
from sklearn.metrics import f1_score

from training.metrics.module import info_of


class F1(evaluate.Metric):  # type: ignore[misc]
    """F1 as macro, micro and weighted average over the labels that occur. Oracle: `sklearn.metrics.f1_score`.

    A class without predictions and without references does not count; a division by zero counts as 0.
    """

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "int64", "label ids")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return dict.fromkeys(("f1_macro", "f1_micro", "f1_weighted"), math.nan)
        return {
            f"f1_{average}": float(f1_score(references, predictions, average=average, zero_division=0))
            for average in ("macro", "micro", "weighted")
        }
