"""Share of rows whose predicted label is the reference label."""

import math
from collections.abc import Sequence


def accuracy(predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
    """Accuracy over integer labels; NaN on no rows. Oracle: `sklearn.metrics.accuracy_score`."""
    if len(references) == 0:
        return {"accuracy": math.nan}
    matches = sum(prediction == reference for prediction, reference in zip(predictions, references, strict=True))
    return {"accuracy": matches / len(references)}
