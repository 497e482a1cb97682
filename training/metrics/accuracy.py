"""Share of rows whose predicted label is the reference label."""

import math
from typing import Any

import datasets
import evaluate
from sklearn.metrics import accuracy_score


class Accuracy(evaluate.Metric):  # type: ignore[misc]
    """Accuracy over integer labels; NaN on no rows. Oracle: `sklearn.metrics.accuracy_score`."""

    def _info(self) -> evaluate.MetricInfo:
        features = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation="",
            inputs_description="predictions, references: label ids",
            features=datasets.Features(features),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return {"accuracy": math.nan}
        return {"accuracy": float(accuracy_score(references, predictions))}
