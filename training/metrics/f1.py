"""F1 score, averaged over classes in three ways."""

import math
from collections.abc import Sequence

import numpy as np


def f1(predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
    """F1 as macro, micro and weighted average over the labels that occur. Oracle: `sklearn.metrics.f1_score`.

    A class without predictions and without references does not count; a division by zero counts as 0.
    """
    num_rows = len(references)
    if num_rows == 0:
        return dict.fromkeys(("f1_macro", "f1_micro", "f1_weighted"), math.nan)
    # counts and not scikit-learn's f1_score, whose checks take milliseconds: an interval asks a thousand times
    labels, codes = np.unique(np.concatenate([references, predictions]), return_inverse=True)
    expected, predicted = codes[:num_rows], codes[num_rows:]
    hits_C, support_C, predicted_C = (
        np.bincount(part, minlength=len(labels)) for part in (expected[expected == predicted], expected, predicted)
    )
    f1_C = 2.0 * hits_C / (support_C + predicted_C)
    return {
        "f1_macro": float(f1_C.mean()),
        # with one label a row, as many false positives as false negatives
        "f1_micro": int(hits_C.sum()) / num_rows,
        "f1_weighted": float(np.average(f1_C, weights=support_C)),
    }
