"""How well a similarity tells pairs that belong together from pairs that do not."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score


def pair_scores(predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
    """Average precision, and the best accuracy that one threshold on the similarity gives on these very rows.

    A pair belongs together where its similarity is at least `best_threshold`, which lies midway between two
    similarities; of thresholds that are as good the highest. NaN on no rows, on rows of one class only, where a
    reference is a grade between, or where a similarity is not finite.

    Oracle: `sklearn.metrics.average_precision_score`, and accuracy at every threshold by brute force.
    """
    similarities, positive = np.array(predictions, dtype=float), np.array(references, dtype=int)
    if set(references) != {0, 1} or not np.isfinite(similarities).all():
        return dict.fromkeys(("average_precision", "best_threshold_accuracy", "best_threshold"), math.nan)
    best = _best_threshold(similarities, positive)
    return {
        "average_precision": float(average_precision_score(positive, similarities)),
        "best_threshold_accuracy": best.accuracy,
        "best_threshold": best.threshold,
    }


class _Best(NamedTuple):
    threshold: float
    accuracy: float


def _best_threshold(similarities: npt.NDArray[np.float64], positive: npt.NDArray[np.int64]) -> _Best:
    order = np.argsort(-similarities)
    rows = len(order)
    # entry k: the k highest similarities are called positive
    hits = np.concatenate([[0], np.cumsum(positive[order])])
    false_alarms = np.arange(rows + 1) - hits
    right = hits + (rows - positive.sum()) - false_alarms
    bounds = np.concatenate([[np.inf], similarities[order], [-np.inf]])
    right[bounds[:-1] == bounds[1:]] = -1  # no threshold parts equal similarities
    best = int(np.argmax(right))
    return _Best(_between(float(bounds[best + 1]), float(bounds[best])), float(right[best] / rows))


def _between(low: float, high: float) -> float:
    """A finite threshold above `low` and not above `high`, one of which may be infinite."""
    if math.isinf(low):
        return high
    if math.isinf(high):
        return math.nextafter(low, math.inf)
    middle = low / 2 + high / 2
    return middle if middle > low else high
