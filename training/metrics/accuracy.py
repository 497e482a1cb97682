"""Share of rows whose predicted label is the reference label."""

import math
from typing import Any

import evaluate
from sklearn.metrics import accuracy_score

from slimtune.training.metrics.module import info_of


class Accuracy(evaluate.Metric):  # type: ignore[misc]
    """Accuracy over integer labels; NaN on no rows. Oracle: `sklearn.metrics.accuracy_score`."""

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "int64", "label ids")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return {"accuracy": math.nan}
        return {"accuracy": float(accuracy_score(references, predictions))}
