"""F1 score, averaged over classes in three ways."""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support


def f1(predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
    """F1 as macro, micro and weighted average over the labels that occur. Oracle: `sklearn.metrics.f1_score`.

    A class without predictions and without references does not count; a division by zero counts as 0.
    """
    if len(references) == 0:
        return dict.fromkeys(("f1_macro", "f1_micro", "f1_weighted"), math.nan)
    # three calls of `f1_score` would check their arguments three times, a thousand times for an interval
    _, _, f1_C, support_C = precision_recall_fscore_support(references, predictions, zero_division=0)
    return {
        "f1_macro": float(f1_C.mean()),
        # with one label a row, as many false positives as false negatives
        "f1_micro": float(accuracy_score(references, predictions)),
        "f1_weighted": float(np.average(f1_C, weights=support_C)),
    }
